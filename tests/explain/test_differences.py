import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

from dnabert.explain import ClusteredWindows
from dnabert.explain.differences import differences


def windows_of(table: pd.DataFrame) -> ClusteredWindows:
    return ClusteredWindows(table, sequences=lambda rows: np.zeros((len(rows), 4), np.uint8))


def test_delta_and_naive_p_are_scipys() -> None:
    rng = np.random.default_rng(0)
    values = np.round(rng.normal(size=300), 1)
    values[:7] = np.nan
    labels = rng.integers(-1, 2, 300)
    rows = differences(windows_of(pd.DataFrame({"label": labels})), measures={"gc": values})
    for row in rows:
        inside = values[(labels == row["label"]) & ~np.isnan(values)]
        outside = values[(labels != row["label"]) & ~np.isnan(values)]
        test = mannwhitneyu(inside, outside, method="asymptotic")
        assert row["p_mann_whitney"] == pytest.approx(test.pvalue)
        assert row["cliffs_delta"] == pytest.approx(2 * test.statistic / (len(inside) * len(outside)) - 1)
        assert (row["n"], row["mean"], row["median_rest"]) == (len(inside), inside.mean(), np.median(outside))
        assert row["low"] <= row["cliffs_delta"] <= row["high"] and 0 < row["p"] <= row["q"] <= 1
    json.dumps(rows, allow_nan=False)


def test_a_planted_difference_is_found_and_smooth_noise_is_not() -> None:
    rng = np.random.default_rng(1)
    n = 4_000
    smooth = np.convolve(rng.normal(size=n + 199), np.ones(200) / 200, mode="valid")
    labels = np.where(np.repeat(rng.random(n // 20) < 0.2, 20), 0, -1)
    table = pd.DataFrame({"label": labels, "gc": smooth, "repeat": smooth + 0.2 * (labels == 0), "cpg_island": np.nan})
    gc, repeat = differences(windows_of(table))
    assert (gc["measure"], repeat["measure"]) == ("gc", "repeat")
    assert repeat["cliffs_delta"] > 0.7 and repeat["low"] > 0 and repeat["q"] < 0.01
    assert gc["p"] > 0.05 > gc["p_mann_whitney"] and gc["low"] < 0 < gc["high"]


def test_a_cluster_without_known_values_has_none() -> None:
    table = pd.DataFrame({"label": [0, 1, -1], "gc": [0.5, np.nan, 0.25]})
    first, second = differences(windows_of(table))
    assert first["cliffs_delta"] == 1 and second["n"] == 0 and second["p"] is None and second["cliffs_delta"] is None
    assert differences(windows_of(table.assign(label=-1))) == []
