"""What is known of a window without any model: the explanations that a cluster must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dnabert.corpus.frames import codon_frames_read

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

#: Features that are shares or ratios; the others (`phase`, `strand`, `genome`, `CODONS`) are classes.
CONTINUOUS = ("gc", "cpg_ratio", "low_complexity", "n_share", "soft_masked")
#: Features of coding windows alone, ``""`` elsewhere.
CODONS = ("codon_frame", "codon_position")
_CHUNK = 8_192


def cheap_features(windows: ClusteredWindows, *, phase_modulus: int = 7) -> dict[str, np.ndarray]:
    """Composition, place and reading of each window, as far as they are known and differ between windows.

    Parameters
    ----------
    windows : n windows.
    phase_modulus : the encoder's word length k; ``phase`` is start mod k.

    Returns
    -------
    Name to values: float32 (n,) ``gc`` (share of G and C among A, C, G, T), ``cpg_ratio`` (see `cpg_ratio`; 0 for
    none), ``low_complexity``, ``n_share``, ``soft_masked`` (shares of bases); int (n,) ``phase``; str (n,) ``strand``
    (on which the window was read), ``genome``, ``codon_frame`` (of the window as it was read, see
    `dnabert.corpus.frames`; ``""`` without one) and ``codon_position`` (the same without the gene's strand, which
    vectors that are the mean of both strands do not know). What is the same for all windows that it concerns is left
    out.
    """
    parts = [
        _measure(windows.sequences(np.arange(begin, min(begin + _CHUNK, len(windows)))))
        for begin in range(0, len(windows), _CHUNK)
    ]
    features = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
    features["low_complexity"] = windows.low_complexity
    features = {name: features[name] for name in CONTINUOUS if name in features}
    if "start" in windows.table:
        features["phase"] = windows.table["start"].to_numpy() % phase_modulus
    for name in ("strand", "genome"):
        if name in windows.table:
            features[name] = windows.table[name].to_numpy().astype(str)
    frames = codon_frames_read(windows.table)
    if frames is not None:
        features |= {
            "codon_frame": frames.astype(str),
            "codon_position": np.array([frame[1:] for frame in frames], str),
        }
    return {name: values for name, values in features.items() if len(np.unique(values[concerned(name, values)])) > 1}


def concerned(name: str, values: np.ndarray) -> np.ndarray:
    """Windows that a feature says something of, bool (n,): of one of `CODONS` the coding ones, else all."""
    return np.asarray(values != "") if name in CODONS else np.ones(len(values), bool)


def cpg_ratio(bases: np.ndarray) -> np.ndarray:
    """CpG observed over expected, count of CG times known bases over counts of C and of G (Gardiner-Garden and Frommer
    1987).

    Parameters
    ----------
    bases : uint8 ASCII (n, L), either case.

    Returns
    -------
    float64 (n,); NaN where a sequence has no C or no G.

    Examples
    --------
    >>> cpg_ratio(np.frombuffer(b"ACGTACGT", dtype=np.uint8)[None]).tolist()
    [4.0]
    """
    upper = np.atleast_2d(bases) & 0xDF  # ASCII letters in upper case
    c, g = upper == ord("C"), upper == ord("G")
    expected = c.sum(axis=1) * g.sum(axis=1)
    known = (c | g | (upper == ord("A")) | (upper == ord("T"))).sum(axis=1)
    found = (c[:, :-1] & g[:, 1:]).sum(axis=1) * known
    return np.where(expected > 0, found / np.maximum(expected, 1), np.nan)


def _measure(bases: np.ndarray) -> dict[str, np.ndarray]:
    upper = bases & 0xDF
    strong = ((upper == ord("C")) | (upper == ord("G"))).mean(axis=1)
    weak = ((upper == ord("A")) | (upper == ord("T"))).mean(axis=1)
    known = strong + weak
    return {
        "gc": (strong / np.where(known > 0, known, 1.0)).astype(np.float32),
        "cpg_ratio": np.nan_to_num(cpg_ratio(bases)).astype(np.float32),
        "n_share": (1.0 - known).round(6).astype(np.float32),
        "soft_masked": (bases >= ord("a")).mean(axis=1, dtype=np.float32),
    }
