"""How another's tokenizer is made to read DNA: as words parted by spaces, or as it was taught to read it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import ALPHABET, UNKNOWN, codes
from dnabert.errors import UserError

_LETTERS = np.frombuffer(f"{ALPHABET}N".encode(), dtype=np.uint8)
_SMALL_LETTERS = np.frombuffer(f"{ALPHABET}N".lower().encode(), dtype=np.uint8)
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
    spaced : whether words are parted by spaces; else the tokenizer gets a sequence as it is and cuts it itself. An
        unspaced 448-bp string would be one [UNK] to BERT. A remainder shorter than a spaced word is dropped, as
        `KmerTokenizer` does.
    most_tokens : that the model takes, special ones included.
    letters : as which A, C, G, T and all else are written, ASCII (5,).
    """

    def __init__(
        self,
        tokenizer: Any,
        *,
        word_length: int,
        stride: int,
        spaced: bool,
        most_tokens: int,
        letters: NDArray[np.uint8] = _LETTERS,
    ) -> None:
        self.word_length, self.stride = word_length, stride
        self._tokenizer = tokenizer
        self._spaced = spaced
        self._letters = letters
        text = self._texts(_SAMPLE[:, : max(12, 2 * word_length)])[0]
        plain = tokenizer(text, add_special_tokens=False)["input_ids"]
        whole = tokenizer(text)["input_ids"]
        start = next((i for i in range(len(whole)) if whole[i : i + len(plain)] == plain), 0)
        self.prefix, self.suffix = whole[:start], whole[start + len(plain) :]
        self.padding = int(tokenizer.pad_token_id or 0)
        # what a sequence is read as of which the tokenizer leaves nothing: N alone, where it drops what it does not
        # know
        stands_in = (tokenizer.mask_token_id, tokenizer.unk_token_id)
        self._nothing = [next((int(token) for token in stands_in if token is not None), self.padding)]
        self.most_words = most_tokens - len(self.prefix) - len(self.suffix)

    def words(self, bases: NDArray[np.uint8]) -> list[NDArray[np.int64]]:
        """Token ids of each row of ASCII (n, L), without special tokens; `UserError` where known bases without spaces
        are one unknown word."""
        # verbose=False: the tokenizer would warn of sequences that we cut into tiles anyway
        encoded = self._tokenizer(
            self._texts(bases), add_special_tokens=False, return_attention_mask=False, verbose=False
        )
        if not self._spaced:
            unread = (
                ids == [self._tokenizer.unk_token_id] and codes(row).max() < UNKNOWN
                for ids, row in zip(encoded["input_ids"], bases, strict=True)
            )
            if any(unread):  # WordPiece gives up on words that are longer than it was told to read
                raise UserError(
                    f"to this model's tokenizer {bases.shape[1]:,} bases in a row are one unknown word: give it "
                    "shorter sequences"
                )
        return [np.array(ids or self._nothing, dtype=np.int64) for ids in encoded["input_ids"]]

    def _texts(self, bases: NDArray[np.uint8]) -> list[str]:
        letters = self._letters[codes(bases)]
        text = space_words(letters, word_length=self.word_length, stride=self.stride) if self._spaced else letters
        return [row.tobytes().decode("ascii") for row in text]


def read_spaced(tokenizer: Any, *, word_length: int, most_tokens: int) -> TextReader:
    """Words side by side, parted by spaces: how a tokenizer of a natural language is given DNA."""
    return TextReader(tokenizer, word_length=word_length, stride=word_length, spaced=True, most_tokens=most_tokens)


def read_as_taught(tokenizer: Any, *, name: str, most_tokens: int) -> TextReader:
    """DNA as the tokenizer of a model of DNA cuts it, which a sample shows.

    Words of one length side by side (Nucleotide Transformer) have as many frames as letters; pieces of several lengths
    (GROVER) and single letters have one. A vocabulary of all words of one length that cannot read a sequence without
    spaces is of overlapping words (DNABERT), or of letters parted by spaces. Where it knows small letters alone, it is
    given these.

    Parameters
    ----------
    name : of the model, for the error.

    Raises
    ------
    UserError
        when it does not know the bases.
    """
    for letters in (_LETTERS, _SMALL_LETTERS):
        cut = _cut(tokenizer, letters)
        if cut is not None:
            word_length, stride, spaced = cut
            return TextReader(
                tokenizer,
                word_length=word_length,
                stride=stride,
                spaced=spaced,
                most_tokens=most_tokens,
                letters=letters,
            )
    raise UserError(
        f"encoder dna:{name}: its tokenizer does not know A, C, G and T side by side, so it is no model of DNA: "
        f"bert:{name} reads words parted by spaces"
    )


def _cut(tokenizer: Any, letters: NDArray[np.uint8]) -> tuple[int, int, bool] | None:
    """Word length, stride and whether words are parted by spaces, of a tokenizer that is given these letters; None
    where it does not know them."""
    sample = letters[codes(_SAMPLE)]
    bases = set(letters[:4].tobytes().decode("ascii"))
    known = _begun(tokenizer, sample)
    if known:
        lengths = {len(token) for token in tokenizer.convert_ids_to_tokens(known)}
        word = lengths.pop() if len(lengths) == 1 else 1
        return word, word, False
    vocabulary = {token for token in tokenizer.get_vocab() if not set(token) - bases}
    length = max(map(len, vocabulary), default=0)
    if not 1 <= length <= _LONGEST_WORD or sum(len(token) == length for token in vocabulary) != 4**length:
        return None
    return (length, 1, True) if _begun(tokenizer, space_words(sample, word_length=length, stride=1)) else None


def _begun(tokenizer: Any, text: NDArray[np.uint8]) -> list[int]:
    """Tokens of the first half of a text, ASCII (1, L), whose last word may not be whole; none where one of them is
    unknown."""
    ids = tokenizer(text.tobytes().decode("ascii"), add_special_tokens=False, verbose=False)["input_ids"]
    ids = ids[: len(ids) // 2]
    return [] if tokenizer.unk_token_id in ids else ids


def space_words(letters: NDArray[np.uint8], *, word_length: int, stride: int) -> NDArray[np.uint8]:
    """Part words by spaces: ASCII (n, L) to ASCII (n, words * (word_length + 1) - 1).

    Examples
    --------
    >>> dna = np.frombuffer(b"ACGTNCG", dtype=np.uint8)[None]
    >>> space_words(dna, word_length=3, stride=3).tobytes(), space_words(dna, word_length=3, stride=2).tobytes()
    (b'ACG TNC', b'ACG GTN NCG')
    """
    words = np.lib.stride_tricks.sliding_window_view(letters, word_length, axis=1)[:, ::stride]
    spaced = np.full((len(letters), words.shape[1], word_length + 1), ord(" "), dtype=np.uint8)
    spaced[:, :, :word_length] = words
    return np.ascontiguousarray(spaced.reshape(len(letters), -1)[:, :-1])
