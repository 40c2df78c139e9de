import base64
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnabert.report.colours import BACKGROUND, DARK, OTHER, PALETTE
from dnabert.report.interactive import as_script, map_data


def _table(n: int, **columns: Any) -> pd.DataFrame:
    x = np.arange(n, dtype=np.float32)
    return pd.DataFrame({"label": np.int32(0), "x": x, "y": -x, **columns})


def _column(data: dict[str, Any], key: str) -> dict[str, Any]:
    return next(column for column in data["columns"] if column["key"] == key)


def _decode(text: str, dtype: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype)


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=300))
def test_categories_come_back(names: list[str]) -> None:
    column = _column(map_data(_table(len(names), gene=names)), "gene")
    codes = _decode(column["data"], f"<u{column['width']}")
    assert [column["values"][code] for code in codes] == names


@pytest.mark.parametrize(("n", "width"), [(256, 1), (257, 2), (70_000, 4)])
def test_codes_are_as_wide_as_needed(n: int, width: int) -> None:
    column = _column(map_data(_table(n, gene=[f"g{i}" for i in range(n)])), "gene")
    assert column["width"] == width
    assert len(_decode(column["data"], f"<u{width}")) == n


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_shares_come_back_within_a_step(shares: list[float]) -> None:
    column = _column(map_data(_table(len(shares), gc=shares)), "gc")
    assert np.allclose(_decode(column["data"], "<u2") / 65_534, shares, atol=1 / 65_534)


def test_a_share_that_is_not_known_is_not_0() -> None:
    """Of four genomes one may have CpG islands annotated; the windows of the others stood in the colour of none."""
    data = map_data(_table(4, cpg_island=[np.nan, 0.0, 1.0, 0.5]))
    assert _decode(_column(data, "cpg_island")["data"], "<u2").tolist() == [65_535, 0, 65_534, 32_767]
    assert data["unknown"] == BACKGROUND


@given(
    st.recursive(
        st.text() | st.none() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_script_is_json_that_cannot_leave_its_element(data: Any) -> None:
    text = as_script(data)
    assert json.loads(text) == data
    assert "<" not in text and ">" not in text


def test_coordinates_place_and_missing_annotation() -> None:
    data = map_data(_table(3, start=[0, 448, 2**31 - 449], end=[448, 896, 2**31 - 1]))
    assert _decode(data["x"], "<f4").tolist() == [0, 1, 2]
    assert _decode(_column(data, "end")["data"], "<i4").tolist() == [448, 896, 2**31 - 1]
    assert {column["key"] for column in data["columns"]} == {"label", "start", "end"}


def test_places_of_the_longest_chromosomes() -> None:
    data = map_data(_table(2, start=[0, 2**34 - 448], end=[448, 2**34]))  # mistletoe has one of 2^34 bases
    assert [
        (_column(data, key)["width"], _decode(_column(data, key)["data"], "<f8").tolist()) for key in ("start", "end")
    ] == [
        (8, [0, 2**34 - 448]),
        (8, [448, 2**34]),
    ]


def test_above_the_maximum_a_seeded_part_is_drawn() -> None:
    table = _table(1000)
    first, again, other = (map_data(table, maximum=100, seed=seed) for seed in (0, 0, 1))
    assert (first["n"], first["total"]) == (100, 1000)
    assert first["x"] == again["x"] != other["x"]
    assert len(set(_decode(first["x"], "<f4"))) == 100


def test_a_named_set_is_a_colour() -> None:
    column = _column(map_data(_table(3, **{"gene_set:membrane": [True, False, True]})), "gene_set:membrane")
    assert (column["title"], column["colourable"], column["values"]) == (
        "gene set: membrane",
        True,
        ["none", "membrane"],
    )
    assert _decode(column["data"], "<u1").tolist() == [1, 0, 1]


def test_what_nobody_annotated_is_no_colour() -> None:
    data = map_data(_table(3, repeat_class=["unknown"] * 3, region=["unknown", "intron", "unknown"]))
    assert [_column(data, key)["colourable"] for key in ("repeat_class", "region", "label")] == [False, True, True]
    shares = map_data(_table(3, cpg_island=[np.nan] * 3, gc=[np.nan, 0.4, 0.5]))
    assert [_column(shares, key)["colourable"] for key in ("cpg_island", "gc")] == [False, True]


def test_what_is_the_same_everywhere_is_no_colour() -> None:
    data = map_data(_table(3, genome=["yeast"] * 3, region=["intron", "unknown", "intron"], split=["test"] * 3))
    assert [_column(data, key)["colourable"] for key in ("genome", "split", "region")] == [False, False, True]
    assert _column(map_data(_table(2, label=[-1, -1])), "label")["colourable"]


def test_every_colour_has_a_counterpart_on_dark() -> None:
    data = map_data(_table(1))
    assert data["dark"] == DARK and data["other"] == OTHER
    assert set(DARK) == {*PALETTE, BACKGROUND, OTHER} and len(set(DARK.values())) == len(DARK)
