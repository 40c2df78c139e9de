import numpy as np
import pandas as pd
from Bio.SeqUtils import gc_fraction

from dnabert.explain import ClusteredWindows, cheap_features
from dnabert.explain.cheap_features import cpg_ratio


def rows(*texts: str) -> np.ndarray:
    return np.array([np.frombuffer(text.encode(), dtype=np.uint8) for text in texts])


def test_measures_worked_by_hand() -> None:
    texts = ("ACGTNNNNnn", "acgtACGTCG", "AAAATTTTAA")
    bases = rows(*texts)
    table = pd.DataFrame({"label": [0, -1, -1], "start": [0, 3, 14], "strand": list("+-+"), "genome": "a"})
    found = cheap_features(ClusteredWindows(table, lambda chosen: bases[chosen]))
    np.testing.assert_allclose(found["gc"], [gc_fraction(text.upper(), ambiguous="remove") for text in texts])
    np.testing.assert_allclose(found["n_share"], [0.6, 0, 0], atol=1e-6)
    np.testing.assert_allclose(found["soft_masked"], [0.2, 0.4, 0], atol=1e-6)
    np.testing.assert_allclose(found["cpg_ratio"], [1 * 4 / 1, 3 * 10 / 9, 0], rtol=1e-6)
    assert found["phase"].tolist() == [0, 3, 0] and found["strand"].tolist() == ["+", "-", "+"]
    assert "genome" not in found  # there is one: it tells nothing


def test_case_does_not_change_the_cpg_ratio() -> None:
    assert cpg_ratio(rows("ACGTCGTTTA")).tolist() == cpg_ratio(rows("acGtcgttTA")).tolist() == [5.0]
