import dataclasses

import numpy as np
import pandas as pd
from Bio.SeqUtils import gc_fraction

from dnabert.explain import ClusteredWindows, ExplainConfig, cheap_features
from dnabert.explain.cheap_features import cpg_ratio
from dnabert.explain.evidence_rows import left_out
from dnabert.explain.explanation import _made_of
from dnabert.explain.gathering import _missing
from dnabert.kept_parts import KeptParts


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


def test_of_a_model_that_is_gone_the_frame_of_the_words_is_left_out_and_told() -> None:
    table = pd.DataFrame({"label": [0, 0, -1], "start": [0, 10, 25], "genome": "g", "chrom": "c", "end": [4, 14, 29]})
    windows = ClusteredWindows(table, lambda rows: np.full((len(rows), 4), ord("A"), np.uint8), word_length=None)
    told = _missing(windows, ExplainConfig())
    assert left_out({"frame_of_the_words": told["frame_of_the_words"]}) == [
        "frame of the words (the model that made the vectors is not here any more: put it back)"
    ]
    assert "frame_of_the_words" not in _missing(dataclasses.replace(windows, word_length=6), ExplainConfig())


def test_what_was_kept_while_the_model_was_gone_is_not_taken_when_it_is_back() -> None:
    """A part without frames stayed, and nothing said any more that they were left out."""
    gone = ClusteredWindows(pd.DataFrame({"label": [0]}), lambda rows: np.zeros((len(rows), 4), np.uint8))
    gone = dataclasses.replace(gone, word_length=None)
    kept = [KeptParts(None, made_of=_made_of(each, ExplainConfig(), {})).key for each in (gone, gone)]
    back = dataclasses.replace(gone, word_length=6)
    assert kept[0] == kept[1] != KeptParts(None, made_of=_made_of(back, ExplainConfig(), {})).key
