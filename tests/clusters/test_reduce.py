import tracemalloc

import numpy as np
import pytest
from sklearn.decomposition import PCA

from dnabert.clusters.reduce import fit_basis
from dnabert.encoders.nearest import column_statistics, unit_length


@pytest.mark.parametrize("scaling", ["center", "zscore"])
def test_points_equal_exact_pca_up_to_sign(scaling: str) -> None:
    vectors = np.random.default_rng(0).normal(size=(200, 12)) * np.linspace(5, 0.5, 12) + 3
    basis = fit_basis(vectors, components=4, scaling=scaling, normalise=False)
    scaled = vectors - vectors.mean(axis=0)
    scaled = scaled / vectors.std(axis=0) if scaling == "zscore" else scaled
    exact = PCA(4, svd_solver="full").fit_transform(scaled)
    np.testing.assert_allclose(np.abs(basis.transform(vectors)), np.abs(exact), atol=1e-3)


def test_normalised_points_ignore_length() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 6))
    basis = fit_basis(vectors, components=6, scaling="center")
    centred = vectors - vectors.mean(axis=0)
    points = basis.transform(vectors.mean(axis=0) + 7 * centred)
    np.testing.assert_allclose(points, basis.transform(vectors), atol=1e-4)


def test_a_constant_dimension_and_a_zero_row_stay_finite() -> None:
    vectors = np.array([[0.3, 1.0], [0.3, 2.0], [0.3, 3.0]], dtype=np.float32)
    assert column_statistics(vectors)[1][0] == 1.0
    assert np.isfinite(fit_basis(vectors).transform(vectors)).all()
    assert unit_length(np.zeros((1, 2))).tolist() == [[0.0, 0.0]]
    assert np.isfinite(fit_basis(np.ones((5, 3))).transform(np.ones((5, 3)))).all()


def test_more_components_than_rows_or_dimensions_are_cut() -> None:
    assert fit_basis(np.random.default_rng(0).normal(size=(5, 9)), components=50).transform(np.ones((2, 9))).shape == (
        2,
        5,
    )


def test_the_spread_of_many_columns_takes_little_memory_and_is_what_it_is() -> None:
    vectors = np.random.default_rng(0).normal(size=(2_000, 1_000)).astype(np.float32)
    tracemalloc.start()
    mean, scale = column_statistics(vectors)
    assert tracemalloc.get_traced_memory()[1] < vectors.nbytes  # in float64 they are twice that
    tracemalloc.stop()
    np.testing.assert_array_equal(scale, vectors.std(axis=0, dtype=np.float64).astype(np.float32))
    np.testing.assert_array_equal(mean, vectors.mean(axis=0, dtype=np.float64).astype(np.float32))
