"""The page's bases, unpacked again by the few lines that the browser runs, here in Python."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnabert.report.sequences import pack_sequences

_WINDOWS = st.integers(1, 40).flatmap(
    lambda length: st.lists(st.text("ACGTNacgtnRy", min_size=length, max_size=length), min_size=1, max_size=9)
)


def _unpack(packed: dict[str, Any]) -> list[str]:
    def array(text: str, kind: str) -> np.ndarray:
        return np.frombuffer(base64.b64decode(text), kind)

    width, shown = -(-packed["shown"] // 4), packed["shown"]
    data = array(packed["data"], "u1")
    found = []
    starts = {
        name: np.cumsum([0, *(2 * array(packed[name]["counts"], "<u2").astype(int))]) for name in ("lower", "unknown")
    }
    for row in range(len(starts["lower"]) - 1):
        four = data[row * width : (row + 1) * width]
        letters = ["ACGT"[(four[i // 4] >> (2 * (i % 4))) & 3] for i in range(shown)]
        for name, change in (("unknown", lambda _: "N"), ("lower", str.lower)):
            bounds = array(packed[name]["bounds"], "<u2")[starts[name][row] : starts[name][row + 1]]
            for start, end in bounds.reshape(-1, 2):
                letters[start:end] = [change(letter) for letter in letters[start:end]]
        found.append("".join(letters))
    return found


def _reader(windows: list[str]) -> Any:
    bases = np.array([list(window.encode()) for window in windows], np.uint8)
    return lambda rows: bases[rows]


@given(_WINDOWS)
def test_bases_come_back_with_their_case(windows: list[str]) -> None:
    packed = pack_sequences(_reader(windows), np.arange(len(windows)))
    expected = ["".join(x if x in "ACGTacgt" else "n" if x.islower() else "N" for x in window) for window in windows]
    assert _unpack(packed) == expected
    assert packed["length"] == packed["shown"] == len(windows[0])


def test_the_rows_asked_for_in_their_order() -> None:
    assert _unpack(pack_sequences(_reader(["AAAA", "CCCC", "GGGG"]), np.array([2, 0]))) == ["GGGG", "AAAA"]


@pytest.mark.parametrize(("room", "shown"), [(1_000, "AACCCCGGGGTT"), (6, "CCCCGGGG")])
def test_where_there_is_little_room_the_middle_is_shown(room: int, shown: str) -> None:
    packed = pack_sequences(_reader(["AACCCCGGGGTT"] * 3), np.arange(3), maximum_bytes=room)
    assert _unpack(packed) == [shown] * 3
    assert packed["first"] == (12 - len(shown)) // 2 and packed["length"] == 12


def test_a_large_map_stays_within_its_room() -> None:
    packed = pack_sequences(
        lambda rows: np.full((len(rows), 448), ord("G"), np.uint8), np.arange(50_000), maximum_bytes=1_000_000
    )
    assert packed["shown"] == 80 and len(base64.b64decode(packed["data"])) == 1_000_000
