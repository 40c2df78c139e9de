"""How another's tokenizer is made to read DNA: as words parted by spaces, or as it was taught to read it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import ALPHABET, codes
from dnabert.errors import UserError

_LETTERS = np.frombuffer(f"{ALPHABET}N".encode(), dtype=np.uint8)
#: What tells how a tokenizer cuts DNA.
_SAMPLE = _LETTERS[np.random.default_rng(0).integers(0, 4, (1, 600))]
_LONGEST_WORD = 12  # of which a vocabulary may hold all, 17 million


class TextReader:
    """The `Reader` of a tokenizer of text.

    Parameters
    ----------
    tokenizer : of `transformers`.
    word_length : bases per word; without spaces, of the shortest sequence that gives a token.
    stride : bases from one word to the next.
    spaced : whether words are parted by spaces; else the tokenizer gets a sequence as it is and cuts it itself. An unspaced
        448-bp string would be one [UNK] to BERT. A remainder shorter than a spaced word is dropped, as `KmerTokenizer` does.
    most_tokens : that the model takes, special ones included.
    """

    def __init__(self, tokenizer: Any, *, word_length: int, stride: int, spaced: bool, most_tokens: int) -> None:
        self.word_length, self.stride = word_length, stride
        self._tokenizer, self._spaced = tokenizer, spaced
        text = self._texts(_SAMPLE[:, : max(12, 2 * word_length)])[0]
        plain = tokenizer(text, add_special_tokens=False)["input_ids"]
        whole = tokenizer(text)["input_ids"]
        start = next((i for i in range(len(whole)) if whole[i : i + len(plain)] == plain), 0)
        self.prefix, self.suffix = whole[:start], whole[start + len(plain) :]
        self.padding = int(tokenizer.pad_token_id or 0)
        self.most_words = most_tokens - len(self.prefix) - len(self.suffix)

    def words(self, bases: NDArray[np.uint8]) -> list[NDArray[np.int64]]:
        """Token ids of each row of ASCII (n, L), without special tokens."""
        # verbose=False: the tokenizer would warn of sequences that we cut into tiles anyway
        encoded = self._tokenizer(self._texts(bases), add_special_tokens=False, return_attention_mask=False, verbose=False)
        return [np.array(ids, dtype=np.int64) for ids in encoded["input_ids"]]

    def _texts(self, bases: NDArray[np.uint8]) -> list[str]:
        letters = space_words(bases, word_length=self.word_length, stride=self.stride) if self._spaced else _LETTERS[codes(bases)]
        return [row.tobytes().decode("ascii") for row in letters]


def read_spaced(tokenizer: Any, *, word_length: int, most_tokens: int) -> TextReader:
    """Words side by side, parted by spaces: how a tokenizer of a natural language is given DNA."""
    return TextReader(tokenizer, word_length=word_length, stride=word_length, spaced=True, most_tokens=most_tokens)


def read_as_taught(tokenizer: Any, *, name: str, most_tokens: int) -> TextReader:
    """DNA as the tokenizer of a model of DNA cuts it, which a sample shows.

    Words of one length side by side (Nucleotide Transformer) have as many frames as letters; pieces of several lengths (GROVER) and single
    letters have one. A vocabulary of all words of one length that cannot read a sequence without spaces is of overlapping words (DNABERT).

    Parameters
    ----------
    name : of the model, for the error.

    Raises
    ------
    UserError
        when it does not know the bases.
    """
    text = _SAMPLE.tobytes().decode("ascii")
    ids = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    if ids and tokenizer.unk_token_id not in ids:
        lengths = {len(token) for token in tokenizer.convert_ids_to_tokens(ids[:-1])}
        word = lengths.pop() if len(lengths) == 1 and len(ids) > 1 else 1
        return TextReader(tokenizer, word_length=word, stride=word, spaced=False, most_tokens=most_tokens)
    vocabulary = {token for token in tokenizer.get_vocab() if not set(token) - set(ALPHABET)}
    length = max(map(len, vocabulary), default=0)
    if 1 < length <= _LONGEST_WORD and sum(len(token) == length for token in vocabulary) == 4**length:
        return TextReader(tokenizer, word_length=length, stride=1, spaced=True, most_tokens=most_tokens)
    raise UserError(f"encoder dna:{name}: its tokenizer does not know A, C, G and T side by side, so it is no model of DNA: bert:{name} reads words parted by spaces")


def space_words(bases: NDArray[np.uint8], *, word_length: int, stride: int | None = None) -> NDArray[np.uint8]:
    """Part words by spaces: ASCII (n, L) to ASCII (n, words * (word_length + 1) - 1), of A, C, G, T and N alone: U is T, as everywhere here.

    Examples
    --------
    >>> rna = np.frombuffer(b"acguRcg", dtype=np.uint8)[None]
    >>> space_words(rna, word_length=3).tobytes(), space_words(rna, word_length=3, stride=2).tobytes()
    (b'ACG TNC', b'ACG GTN NCG')
    """
    stride = stride or word_length
    words = np.lib.stride_tricks.sliding_window_view(_LETTERS[codes(bases)], word_length, axis=1)[:, ::stride]
    spaced = np.full((len(bases), words.shape[1], word_length + 1), ord(" "), dtype=np.uint8)
    spaced[:, :, :word_length] = words
    return np.ascontiguousarray(spaced.reshape(len(bases), -1)[:, :-1])
