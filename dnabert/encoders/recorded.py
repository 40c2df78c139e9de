"""An encoder as embeddings recorded it, so that new sequences are read in the same way."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnabert.encoders.abundance import FILE as ABUNDANCE
from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.encoder import CODEBOOK_FILE, DEFAULT_RUN, folder_of, input_name, kinds_of, load_encoder
from dnabert.encoders.interface import Encoder, FittedEncoder
from dnabert.encoders.joint import FOLDER as JOINT
from dnabert.encoders.joint import JointEncoder
from dnabert.encoders.latent_kmers import FILE as LATENT_KMERS
from dnabert.encoders.own import KIND, code_of
from dnabert.encoders.revisions import at_revision
from dnabert.encoders.whitening import FILE as WHITENING
from dnabert.encoders.whitening import WhitenedEncoder, load_whitening
from dnabert.errors import UserError
from dnabert.manifest import content_hash

if TYPE_CHECKING:
    from dnabert.encoders.off_the_shelf import WordPieces
    from dnabert.encoders.transformer import TransformerEncoder

#: What decides how one sequence becomes a vector; the other fields of `EmbedConfig` choose sequences or spend the
#: machine.
_READING = ("pooling", "layer", "phases", "both_strands", "word_length", "precision", "seed", "whiten")


def encoder_record(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What of an embeddings' manifest is needed to read new sequences in the same way, as plain JSON.

    Parameters
    ----------
    manifest : of a folder of kind ``embeddings``.

    Returns
    -------
    ``encoder`` (its spec), ``folder`` and ``sha256`` of the run or model (None where it needs none), ``revision`` (of a
    Hub's model), ``parts`` (the same of each part, where several are joined), ``reading`` (fields of `EmbedConfig`),
    of one that learns directions ``fitted_share`` (of the embedded sequences, those that it was fitted on).
    """
    config = manifest["config"]
    specs = config.get("parts") or [config["encoder"]]
    parts = [_origin(manifest, spec, name=input_name(number, len(specs))) for number, spec in enumerate(specs)]
    joined = {"encoder": config["encoder"], "folder": None, "sha256": None, "parts": parts}
    read = {"reading": {name: config[name] for name in _READING if name in config}}
    fitted = {"fitted_share": config["fitted_share"]} if "fitted_share" in config else {}
    return (joined if len(parts) > 1 else parts[0]) | read | fitted


def _origin(manifest: Mapping[str, Any], spec: str, *, name: str) -> dict[str, Any]:
    origin = (manifest.get("inputs") or {}).get(name) or {}
    record = {"encoder": spec, "folder": origin.get("path"), "sha256": origin.get("sha256")}
    revision = (manifest["config"].get("revisions") or {}).get(spec)
    return record | ({"revision": revision} if revision else {})


def recorded_word_length(manifest: Mapping[str, Any]) -> int | None:
    """Bases per word of the encoder that embeddings were made by: k, whose frames a window's start falls into; None
    where its model is not here any more.

    Of several side by side it is that of the first that reads words at a stride; counts read every frame.

    Parameters
    ----------
    manifest : of a folder of kind ``embeddings``.
    """
    whole = encoder_record(manifest)
    parts = whole.get("parts") or [whole]
    record = next((part for part in parts if not part["encoder"].startswith(("kmer:", "lsa:", "abundance:"))), parts[0])
    kind, _, rest = record["encoder"].removeprefix("codebook:").partition(":")
    if kind in ("kmer", "lsa") and rest:
        return int(rest.partition(":")[0])
    if kind in ("python", "abundance"):
        return 1  # how it cuts a sequence is its own matter; words of every frame are looked up
    if kind == "dna":
        from dnabert.encoders.off_the_shelf import dna_word_length  # it imports torch

        return dna_word_length(record["folder"] or rest)
    if kind == "bert":
        return int(whole["reading"]["word_length"])
    folder = _where(record)
    if not folder.is_dir():
        return None
    from dnabert.tokenizer import load_tokenizer  # it imports transformers, which `dnabert --help` must not

    return int(load_tokenizer(folder).k)


def recorded_pieces(manifest: Mapping[str, Any]) -> WordPieces | None:
    """The pieces of words in which an off-the-shelf encoder read each window once, in one frame on one strand; None of
    other embeddings.

    Parameters
    ----------
    manifest : of a folder of kind ``embeddings``.
    """
    config, record = manifest["config"], encoder_record(manifest)
    kind, _, name = record["encoder"].partition(":")
    several = record.get("parts") or config.get("phases", 1) > 1 or config.get("both_strands") or config.get("shuffle")
    if kind != "bert" or several:
        return None
    from dnabert.encoders.off_the_shelf import word_pieces  # it imports torch

    try:
        return word_pieces(
            name or None, word_length=int(config["word_length"]), made_by=config["name"], folder=record["folder"]
        )
    except UserError:  # no model is installed any more
        return None


def load_recorded(
    record: Mapping[str, Any],
    *,
    folder: str | Path | None = None,
    batch_size: int = 64,
    device: str = "auto",
    trust_code: bool = False,
) -> Encoder:
    """Load the encoder of `encoder_record`.

    Parameters
    ----------
    record : see `encoder_record`.
    folder : of the embeddings, or of their clusters, where the whitening and a `FittedEncoder` stand; needed for these.
    batch_size, device : as in `EmbedConfig`.
    trust_code : run the module of an encoder ``python:…``.

    Raises
    ------
    UserError
        when the run is gone, or is no longer the one that made the vectors, or code would be run that is not trusted.
    """
    if not trust_code:
        for part in record.get("parts") or [record]:
            if KIND in part["encoder"]:  # wherever it stands: the folder may be somebody else's
                where = f" ({part['folder']})" if part.get("folder") else ""
                raise UserError(f"the vectors were made by code, {part['encoder']}{where}: pass --trust-code to run it")
    config = dataclasses.replace(EmbedConfig(**record["reading"]), batch_size=batch_size, device=device)
    encoder = _load_bare(record, config)
    fitted = encoder if isinstance(encoder, FittedEncoder) else None
    if fitted is None and not config.whiten:
        return encoder
    if folder is None:
        raise UserError(
            f"the vectors of {encoder.name} were {'fitted' if fitted else 'whitened'}: give the folder of their "
            "embeddings or clusters"
        )
    if fitted is not None:
        fitted.load(folder)
    return WhitenedEncoder(encoder, load_whitening(folder)) if config.whiten else encoder


def copy_fitted(embeddings: Path, folder: Path) -> None:
    """Take along what `load_recorded` reads beside embeddings: what was fitted for them."""
    for name in (LATENT_KMERS, CODEBOOK_FILE, ABUNDANCE, WHITENING):
        if (embeddings / name).is_file():
            shutil.copy(embeddings / name, folder)
    if (embeddings / JOINT).is_dir():
        shutil.copytree(embeddings / JOINT, folder / JOINT)


def _where(record: Mapping[str, Any]) -> Path:
    """The folder of a recorded run; the packaged model is where this installation has it."""
    folder = Path(record["folder"] or folder_of(record["encoder"]))
    return DEFAULT_RUN if not folder.is_dir() and folder_of(record["encoder"]) == DEFAULT_RUN else folder


def _load_bare(
    record: Mapping[str, Any], config: EmbedConfig, models: dict[str, TransformerEncoder] | None = None
) -> Encoder:
    spec = record["encoder"]
    if record.get("parts"):
        shared: dict[str, TransformerEncoder] = {}
        return JointEncoder([_load_bare(part, config, shared) for part in record["parts"]])
    if record.get("revision"):
        return load_encoder(at_revision(spec, record["revision"]), config=config, models=models)
    if record["folder"] is None:
        return load_encoder(spec, config=config, models=models)
    folder = _where(record)
    if spec.startswith(KIND):
        code = code_of(spec) or folder
        if code.exists() and content_hash(code) != record["sha256"]:
            if content_hash(folder) == record["sha256"]:
                raise UserError(
                    f"{code} is not the code that made the vectors, which is {folder}: start where that stands"
                )
            raise UserError(f"{code} is no longer the code that made the vectors: embed and cluster again")
        return load_encoder(spec, config=config)
    if not folder.is_dir():
        raise UserError(f"the vectors were made by {folder}, which is gone: put it back, or embed and cluster again")
    kinds = kinds_of(spec)  # of a corpus that is prepared again only what it holds counts, which its encoder knows
    if kinds != "abundance:" and record["sha256"] is not None and content_hash(folder) != record["sha256"]:
        what = "model" if kinds.endswith(("dna:", "bert:")) else "run"
        raise UserError(f"{folder} is no longer the {what} that made the vectors: embed and cluster again")
    return load_encoder(f"{kinds}{folder}", config=config, models=models)
