import numpy as np
import pandas as pd
import pytest

from dnabert.clusters.subsample import STRETCH, places_apart, subsample
from dnabert.errors import UserError


def test_places_are_blocks_else_stretches_of_a_chromosome() -> None:
    table = pd.DataFrame(
        {
            "genome": ["a", "b", "a", "a", "a", "b"],
            "chrom": ["1", "1", "1", "1", "2", "1"],
            "start": [0, 77, 100, STRETCH, 100, 100],
            "block": [3, 3, -1, -1, -1, -1],
        }
    )
    places = places_apart(table)
    assert places[0] == places[1] and len(set(places.tolist())) == 5
    assert sorted(set(places.tolist())) == list(range(5))
    assert places_apart(table.drop(columns="block"))[0] == places_apart(table.drop(columns="block"))[2]
    assert len(set(places_apart(pd.DataFrame({"name": list("xyz")})).tolist())) == 3


def test_a_place_is_kept_or_dropped_whole() -> None:
    places = np.repeat(np.arange(10), 7)
    rows = subsample(places, fraction=0.75, rng=np.random.default_rng(0))
    assert np.bincount(places[rows], minlength=10).tolist().count(7) == 8 and len(rows) == 56
    assert (np.diff(rows) > 0).all()
    assert not np.array_equal(rows, subsample(places, fraction=0.75, rng=np.random.default_rng(1)))


def test_too_few_places_are_refused() -> None:
    with pytest.raises(UserError, match="lie in 4 places.*--unit window"):
        subsample(np.arange(4), fraction=0.8, rng=np.random.default_rng(0))
