import numpy as np
import pytest

from dnabert.clusters.subsample import subsample
from dnabert.errors import UserError


def test_a_place_is_kept_or_dropped_whole() -> None:
    places = np.repeat(np.arange(10), 7)
    rows = subsample(places, fraction=0.75, rng=np.random.default_rng(0))
    assert np.bincount(places[rows], minlength=10).tolist().count(7) == 8 and len(rows) == 56
    assert (np.diff(rows) > 0).all()
    assert not np.array_equal(rows, subsample(places, fraction=0.75, rng=np.random.default_rng(1)))


def test_too_few_places_are_refused() -> None:
    with pytest.raises(
        UserError, match=r"lie in 4 places.*--unit window \(to eval/compare.py --stability.unit window\)"
    ):
        subsample(np.arange(8) // 2, fraction=0.8, rng=np.random.default_rng(0))
    with pytest.raises(UserError, match="lie in 4 places, 5 or more can be resampled: embed more windows"):
        subsample(np.arange(4), fraction=0.5, rng=np.random.default_rng(0))
