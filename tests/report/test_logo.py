import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnabert.report.logo import COLOURS, draw_logo

SVG = "{http://www.w3.org/2000/svg}"


@given(
    st.lists(st.lists(st.integers(0, 30), min_size=4, max_size=4).filter(any), min_size=1, max_size=12),
    st.text(max_size=8),
)
@settings(max_examples=40)
def test_well_formed_whatever_the_matrix_and_the_title(counts: list[list[int]], title: str) -> None:
    matrix = np.array(counts, dtype=float)
    printable = "".join(letter for letter in title if letter.isprintable()) + "<&\">'"
    root = ElementTree.fromstring(draw_logo(matrix / matrix.sum(axis=1, keepdims=True), title=printable, n_sites=9))
    assert root.tag == f"{SVG}svg" and root.get("role") == "img"
    assert root.findtext(f"{SVG}title", "").startswith(printable)
    assert root.get("aria-label") == root.findtext(f"{SVG}title")


def test_columns_are_numbered_from_the_first_that_is_told() -> None:
    def numbers(first: int) -> list[str]:
        root = ElementTree.fromstring(draw_logo(np.full((12, 4), 0.25), title="x", first=first))
        return [text.text or "" for text in root.iter(f"{SVG}text")][4:]

    assert numbers(1) == ["1", "5", "10"] and numbers(349) == ["350", "355", "360"]


def test_letters_are_as_high_as_their_information() -> None:
    matrix = np.array([[0, 0, 0, 1], [0.5, 0, 0, 0.5], [0.25, 0.25, 0.25, 0.25]])
    paths = ElementTree.fromstring(draw_logo(matrix, title="x")).findall(f"{SVG}path")
    assert [path.get("fill") for path in paths] == [COLOURS["A"], COLOURS["T"]]
    outlines = [path.get("d", "").split("M")[1:] for path in paths]  # of each base, its letters
    assert [len(each) for each in outlines] == [1, 2]
    heights = [sum(float(down) for down in re.findall(r"v([\d.]+)", letter)) for letter in outlines[1]]
    # 80 for 2 bits, two letters of half a bit, nothing for the last column
    assert heights == pytest.approx([80, 20], abs=0.1)
    assert re.findall(r"m0 (\d+)l", outlines[0][0]) == ["20"]
    tops = [float(letter.split()[1].split("m")[0]) for each in outlines for letter in each]
    assert tops == [66, 6, 46]  # letters of one height stand in the alphabet's order, from the bottom (86)


def test_a_letter_more_costs_a_hundred_characters() -> None:
    of = [len(draw_logo(np.eye(4)[[0, 1, 2, 3] * n], title="x")) for n in (10, 20)]
    assert (of[1] - of[0]) / 40 < 100  # with the axis: hundreds of clusters have hundreds of thousands of letters


def test_the_axis_is_in_bits() -> None:
    texts = [each.text for each in ElementTree.fromstring(draw_logo(np.eye(4)[[0] * 11], title="x")).iter(f"{SVG}text")]
    assert texts == ["0", "1", "2", "bits", "1", "5", "10"]
