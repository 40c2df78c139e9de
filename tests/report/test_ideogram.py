import base64
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnabert.report.ideogram import Along, along, left_out, packed, sentence


def _table(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["genome", "chrom", "start", "end", "label"])


def _along(table: pd.DataFrame, **limits: int) -> Along:
    found = along(table, **limits)
    assert found is not None
    return found


def _cells(found: Along) -> dict[tuple[int, str, int], int]:
    """(label, sequence, first base of the bin) to the number of windows."""
    told = {}
    for label, cell, n in zip(found.labels[found.cluster], found.bin, found.n, strict=True):
        bar, start, _ = found.region(int(cell))
        told[int(label), f"{bar.genome} {bar.chrom}".strip(), start] = int(n)
    return told


#: The bins of windows of 250 bp are 1,000 bp wide.
_EDGES = _table(
    ("b", "chr10", 0, 250, 3),
    ("b", "chr10", 874, 1124, 3),  # middle 999: still in the first bin, though most of it lies beyond its edge
    ("b", "chr10", 875, 1125, 3),  # middle 1,000: in the second, which begins there
    ("b", "chr10", 1750, 2000, -1),
    ("b", "chr2", 0, 250, 3),
    ("a", "chr2", 2750, 3000, 0),  # ends with base 3,000, which is the third bin's last
)


def test_a_window_belongs_to_the_bin_of_its_middle() -> None:
    found = _along(_EDGES)
    assert found.width == 1000
    assert _cells(found) == {
        (3, "b chr10", 0): 2,
        (3, "b chr10", 1000): 1,
        (-1, "b chr10", 1000): 1,
        (3, "b chr2", 0): 1,
        (0, "a chr2", 2000): 1,
    }
    assert found.sizes.tolist() == [1, 1, 4] and found.on.tolist() == [1, 1, 2]


def test_bars_end_with_their_last_window_and_stand_as_people_sort_them() -> None:
    bars = _along(_EDGES).bars
    assert [(bar.genome, bar.chrom, bar.length, bar.bins) for bar in bars] == [
        ("b", "chr2", 250, 1), ("b", "chr10", 2000, 2), ("a", "chr2", 3000, 3),
    ]  # fmt: skip
    assert [_along(_EDGES).region(i)[1:] for i in (0, 1, 2, 5)] == [(0, 250), (0, 1000), (1000, 2000), (2000, 3000)]
    with pytest.raises(IndexError):
        _along(_EDGES).region(6)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"), st.sampled_from(["1", "2", "X"]), st.integers(0, 2**31 - 500), st.integers(-1, 5)
        ),
        min_size=1,
        max_size=60,
    ),
    st.integers(1, 7),
)
def test_every_window_is_counted_once_and_bins_are_bounded(rows: list[tuple[str, str, int, int]], bars: int) -> None:
    table = _table(*((genome, chrom, start, start + 448, label) for genome, chrom, start, label in rows))
    found = along(table, bars=bars)
    if found is None:
        assert table["end"].max() <= 5_000
        return
    names = {(bar.genome, bar.chrom) for bar in found.bars}
    drawn = table[[pair in names for pair in zip(table["genome"], table["chrom"], strict=True)]]
    for i, label in enumerate(found.labels):
        assert found.cells(i)[1].sum() == (drawn["label"] == label).sum()
        assert found.sizes[i] == (table["label"] == label).sum()
    assert sum(bar.bins for bar in found.bars) <= 2_000 and max(bar.bins for bar in found.bars) <= 600
    for cell in np.unique(found.bin):
        bar, start, end = found.region(int(cell))
        here = drawn[(drawn["genome"] == bar.genome) & (drawn["chrom"] == bar.chrom)]
        middle = (here["start"] + here["end"]) // 2
        assert found.n[found.bin == cell].sum() == ((middle >= start) & (middle < end)).sum()


def test_of_ten_thousand_contigs_the_longest_are_drawn_and_the_rest_told() -> None:
    long = [("a", f"c{i}", 448 * j, 448 * (j + 1), 1) for i in range(3) for j in range(100)]
    short = [("a", f"s{i}", 0, 448, i % 2) for i in range(10_000)]
    found = _along(_table(*short, *long), bars=3)
    assert [bar.chrom for bar in found.bars] == ["c0", "c1", "c2"]
    assert left_out(found) == "Drawn are the 3 longest of 10,003 sequences; the others hold 10,000 windows of 10,300."
    assert (
        sentence(found, 0, {})
        == "Cluster 0: 5,000 windows, on 5,000 of 10,003 sequences, 5,000 of them on sequences not drawn."
    )
    assert sentence(found, 1, {}).startswith(
        "Cluster 1: 5,300 windows, on 5,003 of 10,003 sequences, 5,000 of them on sequences not drawn; the fullest bin"
    )
    assert sum(bar.bins for bar in _along(_table(*short, *long)).bars) <= 2_000


def test_loose_sequences_lie_nowhere() -> None:
    assert along(_EDGES[["label"]]) is None
    assert along(_EDGES.drop(columns="chrom")) is None
    assert along(_EDGES.iloc[:0]) is None
    assert along(_table(*(("a", f"read{i}", 0, 448, 0) for i in range(50)))) is None


def test_a_sentence_tells_the_spread() -> None:
    found = _along(_EDGES)
    assert sentence(found, 2, {"loci": 1, "stretches": 1}) == (
        "Cluster 3: 4 windows at 1 place in 1 stretch of 10 kb, on 2 of 3 sequences; the fullest bin, b chr10:1–1,000, "
        "has 2."
    )
    one = _along(_EDGES[_EDGES["chrom"] == "chr10"].drop(columns="genome"))
    assert sentence(one, 0, {}) == "No cluster: 1 window; the fullest bin, chr10:1,001–2,000, has 1."
    assert sentence(one, 1, {"loci": 2_000, "stretches": 19}).startswith(
        "Cluster 3: 3 windows at 2,000 places in 19 stretches of 10 kb; the"
    )
    assert left_out(found) == ""
    two = _along(_EDGES[_EDGES["genome"] == "b"])
    assert sentence(two, 0, {}).startswith("No cluster: 1 window, on 1 of 2 sequences; the")


@pytest.mark.parametrize(("repeats", "size"), [(1, 1), (254, 1), (255, 2), (300, 2), (70_000, 4)])
def test_counts_come_back_from_the_page(repeats: int, size: int) -> None:
    found = _along(_EDGES.iloc[np.repeat(np.arange(len(_EDGES)), [repeats, 1, 1, 1, 1, 1])])
    data = packed(found, [])
    assert (data["bytes"], data["labels"], data["cells"]) == (size, ["noise", "0", "3"], [1, 1, 3])
    assert np.array_equal(np.frombuffer(base64.b64decode(data["bins"]), "<u2"), found.bin)
    assert np.array_equal(np.frombuffer(base64.b64decode(data["n"]), f"<u{size}"), found.n)
    assert data["bars"][0] == {"genome": "b", "chrom": "chr2", "length": 250, "bins": 1}
