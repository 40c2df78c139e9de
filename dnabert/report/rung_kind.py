"""What kind of encoder a rung of the ladder is: counts, another's model, random weights, or a run of pretraining."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]

#: Kinds of encoder that are no run of pretraining with this package, the dearest last.
_UNTRAINED = ("kmer", "lsa", "abundance", "random", "untrained", "bert", "dna", "python")


def parts_of_rung(rung: Record) -> list[str]:
    """The encoders whose vectors a rung has side by side, of most rungs one; as recorded, since a folder's name may
    hold a ``+``."""
    return list(rung.get("parts") or [str(rung.get("encoder", ""))])


def encoder_kind(rung: Record) -> str:
    """What stands before the colon of a rung's encoder: ``kmer``, ``bert``, …; of a run its whole name; of several the
    dearest's.

    A codebook is of the kind of its model.

    Examples
    --------
    >>> encoder_kind({"encoder": "lsa:8"})
    'lsa'
    >>> encoder_kind({"encoder": "lsa:8+runs/mine", "parts": ["lsa:8", "runs/mine"]})
    'runs/mine'
    >>> encoder_kind({"encoder": "codebook:random:runs/mine"})
    'random'
    """
    kinds = [part.removeprefix("codebook:").split(":")[0] for part in parts_of_rung(rung)]
    return max(kinds, key=lambda kind: _UNTRAINED.index(kind) if kind in _UNTRAINED else len(_UNTRAINED))


def is_trained(rung: Record) -> bool:
    """Whether a rung was pretrained and read real sequence: a part of it is a run, not ``bert``, ``dna:…``,
    ``python:…``, ``kmer:…``, ``lsa:…``, ``abundance:…``, ``random:…`` or ``untrained:…``."""
    if rung.get("shuffled"):
        return False
    return encoder_kind(rung) not in _UNTRAINED


def is_count(rung: Record) -> bool:
    """Whether a rung does nothing but count words: all its parts are ``kmer:…``, ``lsa:…`` or ``abundance:…``."""
    return encoder_kind(rung) in ("kmer", "lsa", "abundance")


def is_off_the_shelf(rung: Record) -> bool:
    """Whether a rung's dearest part is a model of others as it comes: ``bert``, ``bert:…``, ``dna:…`` or
    ``python:…``."""
    return encoder_kind(rung) in ("bert", "dna", "python")
