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
