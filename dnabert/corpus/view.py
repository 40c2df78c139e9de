"""Windows of a corpus as numpy arrays: columns, bases, token numbers."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnabert.alphabet import reverse_complement
from dnabert.corpus.bases import Bases
from dnabert.errors import UserError

if TYPE_CHECKING:
    import datasets


class Tokenizer(Protocol):
    """Whatever turns bases into token numbers; `dnabert.tokenizer.KmerTokenizer` does."""

    def encode_bases(self, bases: np.ndarray) -> np.ndarray:
        """Token numbers int32 (n, T) of bases uint8 ASCII (n, L)."""
        ...


class WindowView:
    """Windows of one or several splits of a corpus, or a selection of them.

    It holds paths and row numbers only and opens the memory maps when asked, so that it is cheap to send to a
    worker process. ``Corpus.view`` makes one.

    Parameters
    ----------
    folder : of the corpus.
    splits : whose windows, in this order.
    window_length : bases per window.
    rows : int64 (n,), which of these windows; none: all.
    """

    def __init__(
        self, folder: Path, *, splits: tuple[str, ...], window_length: int, rows: np.ndarray | None = None
    ) -> None:
        self.folder = Path(folder)
        self.splits = splits
        self.window_length = window_length
        self._rows = rows

    def __repr__(self) -> str:
        """What it is, in a line: the last value of a notebook's cell is shown."""
        splits = ", ".join(self.splits)
        return f"WindowView({len(self):,} windows of {self.window_length} bases, {splits} of {str(self.folder)!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {key: self.__dict__[key] for key in ("folder", "splits", "window_length", "_rows")}

    def __len__(self) -> int:
        return len(self._whole) if self._rows is None else len(self._rows)

    @property
    def table(self) -> datasets.Dataset:
        """The windows as a `datasets.Dataset`."""
        return self._whole if self._rows is None else self._whole.select(self._rows)

    def column(self, name: str) -> np.ndarray:
        """A column of the windows as an array (n,): numbers in their type, text as object.

        ``"split"`` is one too, although the table does not store it.
        """
        if name == "split":
            codes, names = self.coded(name)
            return np.array(names, object)[codes]
        if name in self._whole.column_names:
            values = self._whole.data.column(name).to_numpy()
        else:
            raise KeyError(f"no column {name!r}; there are split, {', '.join(self._whole.column_names)}")
        return values if self._rows is None else values[self._rows]

    def coded(self, name: str) -> tuple[np.ndarray, list[str]]:
        """A text column, or ``"split"``, as numbers, int32 (n,), and the texts that these number: tens of millions of
        strings would take gigabytes."""
        if name == "split":
            codes = np.repeat(np.arange(len(self.splits), dtype=np.int32), [len(part) for part in self._parts])
            return codes if self._rows is None else codes[self._rows], list(self.splits)
        chunks = self._whole.data.column(name).dictionary_encode().unify_dictionaries().chunks
        codes = np.concatenate([np.zeros(0, dtype=np.int32), *(chunk.indices.to_numpy() for chunk in chunks)])
        return codes if self._rows is None else codes[self._rows], chunks[0].dictionary.to_pylist() if chunks else []

    def select(self, rows: np.ndarray) -> WindowView:
        """View of some of the windows, in the order of `rows` (int (n,) or bool (len(self),))."""
        chosen = np.arange(len(self))[rows] if self._rows is None else self._rows[rows]
        return WindowView(self.folder, splits=self.splits, window_length=self.window_length, rows=chosen)

    def bases(self, rows: ArrayLike, *, shift: int | np.ndarray = 0, reverse: bool | np.ndarray = False) -> np.ndarray:
        """Bases of windows.

        Parameters
        ----------
        rows : int (n,) or bool (len(self),), which windows.
        shift : bases by which to move a window, one number or (n,); it stays within its segment: the shift is
            clipped to -before … after.
        reverse : read the other strand, one truth value or (n,); the window is cut first, then reverse-complemented.

        Returns
        -------
        uint8 ASCII (n, window_length), case kept, a copy.

        Raises
        ------
        UserError
            when bases or places are not those that were written.
        ValueError
            when `rows` are no whole numbers.
        """
        chosen = np.atleast_1d(rows)
        if not len(chosen):  # an empty list has the type of numbers with a point
            chosen = chosen.astype(np.int64)
        if chosen.dtype == np.bool_:
            chosen = np.arange(len(self))[chosen]
        if chosen.dtype.kind not in "iu":
            raise ValueError(
                f"rows are of type {chosen.dtype}, allowed is whole numbers (n,): pass their numbers, of a slice "
                "numpy.arange(len(view))[rows]"
            )
        moved = np.clip(shift, -self._before[chosen], self._after[chosen])
        bases = self._bases.gather(self._offset[chosen] + moved, length=self.window_length)
        turned = np.broadcast_to(np.asarray(reverse, bool), chosen.shape)
        if turned.all():
            return reverse_complement(bases) if len(bases) else bases
        if turned.any():
            bases[turned] = reverse_complement(bases[turned])
        return bases

    def input_ids(
        self,
        rows: ArrayLike,
        *,
        tokenizer: Tokenizer,
        shift: int | np.ndarray = 0,
        reverse: bool | np.ndarray = False,
    ) -> np.ndarray:
        """Token numbers of windows, special tokens included: int32 (n, T); `shift` and `reverse` as in `bases`."""
        return tokenizer.encode_bases(self.bases(rows, shift=shift, reverse=reverse))

    @cached_property
    def _parts(self) -> list[datasets.Dataset]:
        from datasets import load_from_disk

        return [load_from_disk(str(self.folder / split)) for split in self.splits]

    @cached_property
    def _whole(self) -> datasets.Dataset:
        from datasets import concatenate_datasets

        return self._parts[0] if len(self._parts) == 1 else concatenate_datasets(self._parts)

    @cached_property
    def _bases(self) -> Bases:
        return Bases(self.folder / "sequences")

    @cached_property
    def _offset(self) -> np.ndarray:
        for split, part in zip(self.splits, self._parts, strict=True):
            # zeros where a copy was broken off would be the first base
            if (np.diff(part.data.column("offset").to_numpy()) <= 0).any():
                raise UserError(
                    f"{self.folder / split} is damaged (its windows are out of order): copy or prepare the corpus again"
                )
        return self.column("offset")

    @cached_property
    def _before(self) -> np.ndarray:
        return self.column("before").astype(np.int64)

    @cached_property
    def _after(self) -> np.ndarray:
        return self.column("after").astype(np.int64)


def evenly_spread(number: int, *, most: int) -> NDArray[np.int64]:
    """Rows of `number` windows, at most `most` of them, ascending from the first to the last: always the same ones."""
    return np.unique(np.linspace(0, number - 1, min(most, number)).astype(np.int64))


def spread_windows(view: WindowView, *, most: int, genome: str | None, flag: str, split: str) -> WindowView:
    """At most so many windows of a view, evenly spread, of all genomes or of one.

    Parameters
    ----------
    view : windows of a `split`.
    most : at least 1.
    genome : whose; None: all.
    flag : names it to the user.

    Raises
    ------
    UserError
        when the genome has none.
    """
    rows = np.arange(len(view))
    if genome is not None:
        genomes = view.column("genome")
        rows = rows[genomes == genome]
        if not len(rows):
            raise UserError(
                f"{flag} {genome} has no {split} windows; there are: {', '.join(sorted(set(genomes.tolist())))}"
            )
    return view.select(rows[evenly_spread(len(rows), most=most)])
