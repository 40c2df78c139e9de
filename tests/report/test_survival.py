from typing import Any

import pytest

from dnabert.report.survival import sentence


def _ladder(explained: float) -> list[dict[str, Any]]:
    share = {"value": 0.4, "low": 0.3, "high": 0.5}
    row = {"clusters": 9, "clustered_share": share, "knn10_region": share}
    rows = [{"without": name, "explained": out, **row} for name, out in (("nothing", 0.0), ("composition", explained), ("homology", 0.1), ("all", explained))]
    return [{"rung": "mine", "encoder": "runs/x", "explained_away": rows}]


def test_what_survives_is_told() -> None:
    said = sentence(_ladder(0.3))
    assert said is not None and said.startswith("Composition and homology predict 30\xa0% of the variance of mine's vectors. Without them HDBSCAN")


@pytest.mark.parametrize("explained", [0.0, -0.92])
def test_where_nothing_could_be_taken_out_nothing_survives(explained: float) -> None:
    said = sentence(_ladder(explained))
    assert said is not None and said.startswith("Too few windows are there to take anything out: composition and homology foretell nothing")
    assert "HDBSCAN" not in said and "%" not in said
