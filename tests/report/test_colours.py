import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnabert.report.colours import BACKGROUND, DARK, OTHER, PALETTE, SYMBOLS, categories

_NAMES = st.lists(st.one_of(st.sampled_from(["noise", "none", "Alu"]), st.text(max_size=4)), max_size=80)


@given(_NAMES)
def test_every_value_once_backgrounds_first_looks_unique(values: list[str]) -> None:
    found = categories([value.replace("\0", "") for value in values])
    assert sum(category.n for category in found) == len(values)
    assert len({category.value for category in found}) == len(found)
    flags = [category.background for category in found]
    assert flags == sorted(flags, reverse=True)
    looks = [(c.colour, c.symbol) for c in found if c.colour not in (BACKGROUND, OTHER)]
    assert len(set(looks)) == len(looks) <= len(PALETTE) * len(SYMBOLS)


def test_the_commonest_have_looks_of_their_own_and_those_beyond_the_limit_are_grey() -> None:
    names = [chr(ord("z") - i) for i in range(23)]
    found = categories([name for i, name in enumerate(names) for _ in range(30 - i)] + ["none"])
    assert [category.value for category in found] == ["none", *names]
    own, rest = found[1:21], found[21:]
    assert [category.colour for category in own] == [*PALETTE, *PALETTE]
    assert [(category.symbol, category.marker) for category in own] == [SYMBOLS[0]] * 10 + [SYMBOLS[1]] * 10
    assert [(category.colour, category.symbol) for category in rest] == [(OTHER, SYMBOLS[0][0])] * 3


def _luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_categories_stand_out_from_the_background() -> None:
    ground = _luminance(BACKGROUND)
    assert all((ground + 0.05) / (_luminance(colour) + 0.05) > 1.4 for colour in PALETTE)


def test_categories_stand_out_from_the_dark_ground() -> None:
    ground = _luminance("#15181D")
    assert all((_luminance(DARK[colour]) + 0.05) / (ground + 0.05) >= 4 for colour in PALETTE)


#: Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB.
_SEEN = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def _lab(colour: str, *, seen: np.ndarray) -> np.ndarray:
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    share = _XYZ @ np.clip(seen @ linear, 0, 1) / _XYZ.sum(axis=1)
    x, y, z = np.where(share > (6 / 29) ** 3, np.cbrt(share), share / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("seen", _SEEN)
@pytest.mark.parametrize(
    ("palette", "least"), [(PALETTE, 16), (tuple(DARK[colour] for colour in PALETTE), 20)], ids=["light", "dark"]
)
def test_any_two_categories_are_told_apart_by_colour_blind_readers_too(
    palette: tuple[str, ...], least: float, seen: str
) -> None:
    places = np.array([_lab(colour, seen=_SEEN[seen]) for colour in palette])
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    assert apart[np.triu_indices(len(palette), 1)].min() >= least
