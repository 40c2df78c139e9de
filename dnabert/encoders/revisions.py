"""Which revision of a model of the Hugging Face Hub was read: its name alone says another one tomorrow."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dnabert.encoders.encoder import folder_of, kinds_of
from dnabert.errors import UserError, first_line

#: What stands before the name of a model that others made.
_OF_OTHERS = ("bert:", "dna:")
#: What is read of a model: its config, weights and tokenizer.
_READ = ["*.json", "*.safetensors", "*.txt", "*.model"]


def revisions_of(specs: Iterable[str]) -> dict[str, str]:
    """The commits of those encoders that are models of the Hub, as the cache has them after they were loaded, by spec.

    Parameters
    ----------
    specs : of single encoders, as `dnabert.encoders.encoder.parts_of` gives them.
    """
    from huggingface_hub import try_to_load_from_cache

    found = {}
    for spec in specs:
        name = None if folder_of(spec).is_dir() else _name(spec)
        config = None if name is None else try_to_load_from_cache(name, "config.json")
        if isinstance(config, str):
            found[spec] = Path(config).parent.name
    return found


def at_revision(spec: str, revision: str) -> str:
    """The specification of an encoder whose model is the one that was read, whatever the Hub has now.

    Raises
    ------
    UserError
        as `folder_at`.
    """
    kinds = kinds_of(spec)
    return f"{kinds if kinds.endswith(_OF_OTHERS) else kinds + 'bert:'}{folder_at(spec, revision)}"


def _name(spec: str) -> str | None:
    """What the Hub calls the model of an encoder; None of what is none, or where `bert` is a package's model."""
    from dnabert.encoders.off_the_shelf import hub_default

    kinds = kinds_of(spec)
    if kinds.endswith(_OF_OTHERS):
        return spec[len(kinds) :]
    return hub_default() if spec[len(kinds) :] == "bert" else None


def folder_at(spec: str, revision: str) -> Path:
    """The folder of a revision of a Hub's model, from the cache, for which no network is needed, or fetched.

    Raises
    ------
    UserError
        where it is neither cached nor fetched.
    """
    from huggingface_hub import snapshot_download, try_to_load_from_cache

    from dnabert.encoders.off_the_shelf import DEFAULT

    rest = spec[len(kinds_of(spec)) :]
    name = rest if kinds_of(spec).endswith(_OF_OTHERS) else DEFAULT
    config = try_to_load_from_cache(name, "config.json", revision=revision)
    if isinstance(config, str) and any(Path(config).parent.glob("*.safetensors")):
        return Path(config).parent
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=_READ))
    except (OSError, ValueError) as error:
        raise UserError(
            f"the vectors were made by revision {revision} of {name}, which is neither cached nor can be fetched "
            f"({first_line(error)}): go online, or embed and cluster again"
        ) from None
