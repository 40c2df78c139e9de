"""The few files by which sentence-transformers loads a run, and gives the vectors that ``dnabert embed`` gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dnabert.json_file import read_json
from dnabert.tokenizer import SPECIAL_TOKENS, load_tokenizer

#: Tokens that stand around the words: the mean leaves them out, where sentence-transformers' own would count them.
_AROUND = ("[CLS]", "[SEP]", "[PAD]")
_MODULES = ("Transformer", "WordWeights", "Pooling")


def write_sentence_transformer(folder: str | Path) -> None:
    """Let ``SentenceTransformer(folder)`` load a model folder, without dnabert.

    Overlapping words, and the architectures that `transformers` does not have, load only where dnabert is imported.
    Without these files sentence-transformers would read them there with a pooling of its own, [CLS] and [SEP] among the
    words.

    Its vectors are the mean over the words of frame 0 on the given strand, the default of ``dnabert embed``, up to
    rounding. A sequence longer than a window of the training is cut off at that length, where ``dnabert embed`` reads
    all of it. A word with an unknown base is [UNK], where ``dnabert embed`` reads [MASK]: in a release both have one
    vector; in a run's own folder write ``[MASK]`` in its place.

    Parameters
    ----------
    folder : holds ``config.json``, which states ``window_length``, and a `KmerTokenizer`.
    """
    folder = Path(folder)
    model = read_json(folder / "config.json")
    tokenizer = load_tokenizer(folder)
    paths = ["", *(f"{i}_{name}" for i, name in enumerate(_MODULES) if i)]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
        for i, (name, path) in enumerate(zip(_MODULES, paths, strict=True))
    ]
    vocabulary = tokenizer.get_vocab()
    weights = {
        "vocab": sorted(vocabulary, key=lambda token: vocabulary[token]),
        "word_weights": {token: float(token not in _AROUND) for token in SPECIAL_TOKENS},
        "unknown_word_weight": 1.0,
    }
    longest = tokenizer.number_of_words(int(model["window_length"])) + 2
    _write(folder / "sentence_bert_config.json", {"max_seq_length": longest, "do_lower_case": False})
    _write(folder / paths[1] / "config.json", weights)
    _write(folder / paths[2] / "config.json", _pooling(int(model["hidden_size"])))
    _write(folder / "modules.json", modules)


def _pooling(width: int) -> dict[str, Any]:
    """In the words that sentence-transformers has read since version 2."""
    return {"word_embedding_dimension": width, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content) + "\n")
