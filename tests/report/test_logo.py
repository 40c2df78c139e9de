import xml.etree.ElementTree as ElementTree

import numpy as np
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
    matrix = np.array([[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0.25, 0.25, 0.25, 0.25]])
    paths = ElementTree.fromstring(draw_logo(matrix, title="x")).findall(f"{SVG}path")
    heights = [float(path.get("transform", "").split()[-1].rstrip(")")) for path in paths]
    assert heights == [0.8, 0.2, 0.2]  # of 100: 80 for 2 bits, two letters of half a bit, nothing for the last column
    assert [path.get("fill") for path in paths] == [COLOURS["A"], COLOURS["C"], COLOURS["G"]]


def test_the_axis_is_in_bits() -> None:
    texts = [each.text for each in ElementTree.fromstring(draw_logo(np.eye(4)[[0] * 11], title="x")).iter(f"{SVG}text")]
    assert texts == ["0", "1", "2", "bits", "1", "5", "10"]
