import pytest

from dnabert.clusters import ClusterConfig
from dnabert.errors import UserError


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"scaling": "whiten"}, "whiten"),
        ({"selection": "best"}, "eom or leaf"),
        ({"min_samples": 31}, "min_samples is 31"),
        ({"map_neighbors": 1}, "map_neighbors is 1"),
        ({"min_cluster_size": 1}, "raise min_cluster_size"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(values: dict, names: str) -> None:
    with pytest.raises(UserError, match=names):
        ClusterConfig(**values)
