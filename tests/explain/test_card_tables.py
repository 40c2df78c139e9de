from typing import Any

import numpy as np
import pandas as pd

from dnabert.explain import ClusteredWindows
from dnabert.explain.card_tables import cards_of

CLUSTERS, SETS = 60, 20


class Row(dict[str, Any]):
    """A row that counts how often its label is asked for."""

    asked = 0

    def __getitem__(self, name: str) -> Any:
        Row.asked += name == "label"
        return super().__getitem__(name)


def test_each_card_has_its_own_rows_and_each_row_is_asked_once_for_its_cluster() -> None:
    windows = ClusteredWindows(
        pd.DataFrame({"label": np.arange(CLUSTERS)}), lambda rows: np.zeros((len(rows), 4), np.uint8)
    )
    measure = {"value": 0.4, "rest": 0.4, "q": 0.9}
    makeup = [
        {"label": n, "n": 1, "loci": 1, "stretches": 1, "gc": measure, "low_complexity": measure}
        for n in range(CLUSTERS)
    ]
    sets = [
        Row(label=n % CLUSTERS, id=f"GO:{n}", name="", q=0.9, share=0.1, expected=0.1) for n in range(CLUSTERS * SETS)
    ]
    evidence = {
        "makeup": makeup,
        "gene_sets": sets,
        "motifs": [],
        "confounds": {"clusters": [{"label": 3, "feature": "gc"}]},
    }
    cards = cards_of(windows, evidence)
    assert [card["makeup"]["label"] for card in cards] == list(range(CLUSTERS))
    assert [row["id"] for row in cards[7]["gene_sets"]] == [f"GO:{n}" for n in range(7, CLUSTERS * SETS, CLUSTERS)]
    assert [len(card["confounds"]) for card in cards] == [int(n == 3) for n in range(CLUSTERS)]
    assert cards[7]["motifs"] == {} and Row.asked < 5 * len(sets)
