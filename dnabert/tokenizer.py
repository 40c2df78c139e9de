"""Words of k bases as tokens: a Hugging Face tokenizer, and a vectorised path from bytes to the same ids.

The rules, the same in both paths:

- a word of A, C, G, T in either case is one token; lower case gives the same token as upper case; U counts as T;
- a word that holds anything else (N, an IUPAC letter, a gap) is one ``[UNK]``;
- words start every `stride` bases; a remainder shorter than k gives no token.
"""

from __future__ import annotations

import itertools
import json
import operator
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer, BatchEncoding, PretrainedConfig, PreTrainedTokenizerFast

from dnabert.alphabet import ALPHABET, Bases
from dnabert.errors import UserError
from dnabert.json_file import read_json
from dnabert.word_numbers import LARGEST_K, write_word_numbers

#: In the order of their ids; the k-mers follow.
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
UNK_ID, CLS_ID, SEP_ID = (SPECIAL_TOKENS.index(token) for token in ("[UNK]", "[CLS]", "[SEP]"))
FIRST_KMER_ID = len(SPECIAL_TOKENS)
#: In an id's place among labels: nothing is asked for there. torch's losses have the same number for it.
NOT_ASKED = -100
#: Special tokens in the place of bases.
_UNTOLD = frozenset(("[UNK]", "[MASK]"))


class KmerTokenizer(PreTrainedTokenizerFast):
    """Cut a sequence into words of k bases, one every `stride` bases.

    Ids: ``[PAD]`` 0, ``[UNK]`` 1, ``[CLS]`` 2, ``[SEP]`` 3, ``[MASK]`` 4, then the words: 5 + the word as a number
    in base 4 with A = 0, C = 1, G = 2, T = 3 and the first base most significant. The vocabulary has 4**k + 5 tokens.

    Everything that a Hugging Face tokenizer does works: calls on strings and batches, padding, truncation, pairs,
    `save_pretrained`, `decode`. Special tokens written in the text (``"ACGT[MASK]"``) are read as such. For
    ``stride == k`` a saved tokenizer loads with `transformers.AutoTokenizer` in a process that never imported
    `dnabert`; overlapping words need ``import dnabert.tokenizer`` first and refuse to load without it.

    Parameters
    ----------
    k : bases of a word, 1 to 8.
    stride : bases from one word's start to the next, 1 to k; None is k, words side by side.

    Raises
    ------
    UserError
        when `k` or `stride` is out of range.

    Examples
    --------
    >>> tokenizer = KmerTokenizer(k=3)
    >>> tokenizer("AAAacgTNAC")["input_ids"]
    [2, 5, 11, 1, 3]
    >>> tokenizer.decode([2, 5, 11, 1, 3], skip_special_tokens=True)
    'AAAACGNNN'
    """

    model_input_names: list[str] = ["input_ids", "attention_mask"]  # noqa: RUF012 - transformers declares it so

    def __init__(self, k: int = 7, stride: int | None = None, **kwargs: Any) -> None:
        # a number of numpy could not be saved as JSON
        k = operator.index(k)
        stride = k if stride is None else operator.index(stride)
        if not 1 <= k <= LARGEST_K:
            raise UserError(f"k is {k}, allowed is 1 to {LARGEST_K}: choose another k")
        if not 1 <= stride <= k:
            raise UserError(f"stride is {stride}, allowed is 1 to k = {k}: choose another stride or leave it out")
        self.k = k
        self.stride = stride
        if stride < k:
            # For some model types (modernbert) AutoTokenizer takes the plain backend unless the class is named here.
            # There is no remote code: without `import dnabert.tokenizer` it does not load, with it this class does.
            self._auto_map = {"AutoTokenizer": [None, "dnabert_tokenizer.KmerTokenizer"]}
        # k and stride say everything; what transformers read from tokenizer.json would only be the same again
        for name in ("vocab", "post_processor", "tokenizer_object", "tokenizer_file"):
            kwargs.pop(name, None)
        named = {f"{token[1:-1].lower()}_token": token for token in SPECIAL_TOKENS}
        super().__init__(tokenizer_object=_backend(k), k=k, stride=stride, **(named | kwargs))

    def number_of_words(self, length: int) -> int:
        """Count the words of a sequence of `length` bases, special tokens not included.

        Examples
        --------
        >>> KmerTokenizer(k=7).number_of_words(448), KmerTokenizer(k=6, stride=1).number_of_words(448)
        (64, 443)
        """
        return max(0, (length - self.k) // self.stride + 1)

    def encode_as_hidden(self, bases: Bases) -> npt.NDArray[np.int32]:
        """Ids without special tokens, as `encode_bases` gives them, but a word with an unknown base reads as a hidden
        one.

        A pretrained model knows ``[MASK]`` well, and hardly ever saw ``[UNK]``.

        Examples
        --------
        >>> tokenizer = KmerTokenizer(k=3)
        >>> words = tokenizer.encode_as_hidden(np.frombuffer(b"AAATNA", dtype=np.uint8))
        >>> words.tolist() == [5, tokenizer.mask_token_id]
        True
        """
        ids = self.encode_bases(bases, special_tokens=False)
        ids[ids == self.unk_token_id] = self.mask_token_id
        return ids

    def encode_bases(self, bases: Bases, *, special_tokens: bool = True) -> npt.NDArray[np.int32]:
        """Turn bases into ids at array speed.

        The ids are those of ``tokenizer(bases.tobytes().decode("latin-1"))``, for any bytes that do not happen to
        spell a special token.

        Parameters
        ----------
        bases : uint8 array (L,) or (n, L) of ASCII letters.
        special_tokens : put ``[CLS]`` before and ``[SEP]`` after.

        Returns
        -------
        int32 array (T,) or (n, T), T = ``number_of_words(L)``, and 2 more with special tokens.

        Raises
        ------
        ValueError
            when `bases` is not uint8 or has no axis or more than two.

        Examples
        --------
        >>> KmerTokenizer(k=3).encode_bases(np.frombuffer(b"AAAacgTNAC", dtype=np.uint8)).tolist()
        [2, 5, 11, 1, 3]
        """
        if not isinstance(bases, np.ndarray) or bases.dtype != np.uint8 or bases.ndim not in (1, 2):
            found = f"{bases.dtype} {bases.shape}" if isinstance(bases, np.ndarray) else type(bases).__name__
            raise ValueError(f"bases are {found}, allowed is uint8 (L,) or (n, L): see numpy.frombuffer")
        if bases.ndim == 1:
            return self.encode_bases(bases[np.newaxis], special_tokens=special_tokens)[0]
        words = self.number_of_words(bases.shape[1])
        edge = int(special_tokens)
        ids = np.empty((len(bases), words + 2 * edge), dtype=np.int32)
        if special_tokens:
            ids[:, 0], ids[:, -1] = CLS_ID, SEP_ID
        inner = ids[:, edge : edge + words]
        write_word_numbers(inner, bases, k=self.k, stride=self.stride, first_id=FIRST_KMER_ID, unknown_id=UNK_ID)
        return ids

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Lay words over each other at their stride; ``[UNK]`` and ``[MASK]`` are N where no other word says more."""
        pieces = []
        apart = self._apart()
        for boundary, grouped in itertools.groupby(tokens, key=apart.__contains__):
            words = list(grouped)
            pieces.append("".join(words) if boundary else self._merge(words))
        return "".join(pieces)

    def _merge(self, words: list[str]) -> str:
        bases = ["N"] * ((len(words) - 1) * self.stride + self.k)
        for index, word in enumerate(words):
            if word not in SPECIAL_TOKENS:
                bases[index * self.stride : index * self.stride + self.k] = word
        return "".join(bases)

    def _decode(self, token_ids: int | list[int], skip_special_tokens: bool = False, *_: Any, **__: Any) -> str:
        # not the backend's way, which drops [UNK] and so shifts every base after it
        ids = [token_ids] if isinstance(token_ids, int) else [int(token_id) for token_id in token_ids]
        # a model whose embeddings were padded to a round number has ids that are no token: a word that nobody knows
        tokens = [token or "[UNK]" for token in cast(list[str | None], self.convert_ids_to_tokens(ids))]
        skipped = self._apart(special=True) if skip_special_tokens else frozenset()
        return self.convert_tokens_to_string([token for token in tokens if token not in skipped])

    def _apart(self, *, special: bool = False) -> frozenset[str]:
        """Added tokens that stand for no bases, a user's own too; of the `special` ones alone."""
        added = self.added_tokens_decoder.values()
        return frozenset(token.content for token in added if token.special or not special) - _UNTOLD

    def _encode_plus(self, text: Any, text_pair: Any = None, *args: Any, **kwargs: Any) -> BatchEncoding:
        if self.stride < self.k:
            if kwargs.get("return_offsets_mapping"):
                raise ValueError(
                    f"return_offsets_mapping with stride {self.stride} < k {self.k}: word i starts at i * stride"
                )
            split = kwargs.get("split_special_tokens") or self.split_special_tokens
            kept = [token.content for token in self.added_tokens_decoder.values() if not (split and token.special)]
            pattern = re.compile(f"({'|'.join(map(re.escape, sorted(kept, key=len, reverse=True))) or '(?!)'})")
            text, text_pair = (self._lay_out(part, apart=pattern) for part in (text, text_pair))
        return super()._encode_plus(text, text_pair, *args, **kwargs)

    def _lay_out(self, text: Any, *, apart: re.Pattern[str]) -> Any:
        """Write overlapping words side by side, since a pre-tokenizer can split a text but not repeat parts of it."""
        if not isinstance(text, str | list | tuple):
            return text  # None, or what transformers tells in its own words
        if not isinstance(text, str):
            return type(text)(self._lay_out(part, apart=apart) for part in text)
        pieces = apart.split(text)  # every second one is a token
        return "".join(piece if number % 2 else self._words(piece) for number, piece in enumerate(pieces))

    def _words(self, piece: str) -> str:
        return "".join(piece[start : start + self.k] for start in range(0, len(piece) - self.k + 1, self.stride))

    def _save_pretrained(
        self, save_directory: Any, file_names: tuple[str, ...], *args: Any, **kwargs: Any
    ) -> tuple[str, ...]:
        if self.stride < self.k:
            # The backend alone would read words side by side: without its file a process that never imported
            # `dnabert` fails to load the tokenizer instead of reading the wrong words.
            self._note_added(Path(file_names[0]))
            return file_names
        return super()._save_pretrained(save_directory, file_names, *args, **kwargs)

    def _note_added(self, config: Path) -> None:
        """Write a user's own tokens into ``tokenizer_config.json``, where there is no ``tokenizer.json`` to hold
        them."""
        own = {
            str(number): token.__getstate__()
            for number, token in self.added_tokens_decoder.items()
            if number >= self.vocab_size
        }
        if own:
            with_own = read_json(config) | {"added_tokens_decoder": own}
            config.write_text(json.dumps(with_own, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load_tokenizer(folder: str | Path) -> KmerTokenizer:
    """Load the tokenizer saved in a folder, such as a run.

    Raises
    ------
    UserError
        when there is no such folder, or it holds no `KmerTokenizer`.
    """
    folder = Path(folder)
    try:
        config = read_json(folder / "tokenizer_config.json")
    except (OSError, ValueError):
        raise UserError(f"{folder} has no readable tokenizer_config.json: give the folder of a run") from None
    if not isinstance(config, dict) or "k" not in config or "stride" not in config:
        raise UserError(f"{folder} holds a tokenizer that is not of k-mers: give the folder of a run of dnabert")
    try:
        return KmerTokenizer.from_pretrained(str(folder))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"cannot read the tokenizer of {folder} ({type(error).__name__}): make or fetch it again"
        ) from None


def _vocabulary(k: int) -> dict[str, int]:
    words: Iterable[str] = map("".join, itertools.product(ALPHABET, repeat=k))
    return {token: index for index, token in enumerate(itertools.chain(SPECIAL_TOKENS, words))}


def _backend(k: int) -> Tokenizer:
    """Build the Rust tokenizer that reads words side by side."""
    backend = Tokenizer(models.WordLevel(_vocabulary(k), unk_token="[UNK]"))
    # letter by letter: a general upper-casing makes two letters of some (ß), which would shift the words after it
    letters = dict(zip("acgtuU", "ACGTTT", strict=True))
    backend.normalizer = normalizers.Sequence([normalizers.Replace(old, new) for old, new in letters.items()])
    # "removed, inverted" keeps the matches and drops what is between them, that is, the remainder
    words = Regex(f"(?m:.{{{k}}})")
    backend.pre_tokenizer = pre_tokenizers.Split(words, behavior="removed", invert=True)
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", CLS_ID), ("[SEP]", SEP_ID)],
    )
    backend.decoder = decoders.Fuse()
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS])
    return backend


class _KmerTokenizerConfig(PretrainedConfig):
    """The key under which `AutoTokenizer` finds `KmerTokenizer`; no model uses it."""

    model_type = "dnabert_kmer_tokenizer"


AutoTokenizer.register(_KmerTokenizerConfig, fast_tokenizer_class=KmerTokenizer)
