import pytest

from dnabert.clusters import ClusterConfig, StabilityConfig
from dnabert.errors import UserError


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"scaling": "whiten"}, "scaling is 'whiten', allowed is center or zscore"),
        ({"selection": "best"}, "eom or leaf"),
        ({"min_samples": 31}, "--min-samples is 31.*: lower --min-samples or raise --neighbors$"),
        ({"map_neighbors": 1}, "--map-neighbors is 1.*: raise --map-neighbors$"),
        ({"min_cluster_size": 1}, "raise --min-cluster-size"),
        ({"largest_share": 0.0}, "--largest-share is 0.0, allowed is above 0 to 1"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(values: dict, names: str) -> None:
    with pytest.raises(UserError, match=names):
        ClusterConfig(**values)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"unit": "base"}, "place or window"),
        ({"seeds": 0}, "seeds is 0"),
        ({"subsamples": 1}, "subsamples is 1, allowed is 2 or more"),
        ({"fraction": 1.0}, "fraction is 1.0"),
        ({"pattern": 0.8}, "--pattern is 0.8 and --stable is 0.75"),
    ],
)
def test_a_wrong_value_of_stability_is_named(values: dict, names: str) -> None:
    with pytest.raises(UserError, match=names):
        StabilityConfig(**values)
