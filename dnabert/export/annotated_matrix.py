"""Windows as AnnData: what scanpy and its relatives read."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dnabert.errors import UserError
from dnabert.export.bed import cluster_colour
from dnabert.export.source import Windows

if TYPE_CHECKING:
    import anndata
    import pandas as pd

#: How a window without a cluster is called, as in the table of ``dnabert assign``.
NONE = "none"


def annotated_matrix(windows: Windows) -> anndata.AnnData:
    """Make an AnnData by scanpy's conventions.

    Parameters
    ----------
    windows : n windows with vectors of width d.

    Returns
    -------
    ``X`` float32 (n, d), the vectors. ``obs`` the table, indexed by ``genome:chrom:start-end``, with ``label`` and
    ``kmeans`` as categories. ``uns["dnabert"]`` the manifests as JSON. Of clusters also ``obsm["X_pca"]`` float32
    (n, c), the space in which they were found, ``obsm["X_umap"]`` (n, 2), the map, ``varm["PCs"]`` (d, c),
    ``uns["pca"]["variance_ratio"]`` (c,) and ``uns["label_colors"]``.

    Raises
    ------
    UserError
        when anndata is not installed.
    """
    if importlib.util.find_spec("anndata") is None:
        raise UserError("an .h5ad needs anndata, which is not installed: pip install 'dnabert[export]'")
    import anndata
    import pandas as pd

    table = windows.table.drop(columns=["x", "y"], errors="ignore")
    obs = pd.DataFrame({name: _column(table[name]) for name in table})
    obs.index = _words(windows.names)
    var = pd.DataFrame(index=_words([str(i) for i in range(windows.vectors.shape[1])]))
    made = anndata.AnnData(X=windows.vectors, obs=obs, var=var)
    made.uns["dnabert"] = {kind: json.dumps(manifest) for kind, manifest in windows.manifests.items()}
    if windows.basis is not None:
        made.obsm["X_pca"] = windows.basis.transform(windows.vectors)
        made.obsm["X_umap"] = windows.table[["x", "y"]].to_numpy(dtype=np.float32)
        made.varm["PCs"] = windows.basis.components.T
        made.uns["pca"] = {"variance_ratio": windows.basis.explained}
        made.uns["label_colors"] = _words_array([_colour(name) for name in made.obs["label"].cat.categories])
    return made


def write_h5ad(windows: Windows, path: Path) -> None:
    """Write `annotated_matrix` as HDF5."""
    annotated_matrix(windows).write_h5ad(path, compression="gzip")


def _column(values: pd.Series) -> Any:
    """Labels and words as categories, the rest as it is."""
    import pandas as pd

    if values.name in ("label", "kmeans"):
        numbers = np.unique(values)
        names = [NONE if number < 0 else str(number) for number in numbers]
        return pd.Categorical.from_codes(np.searchsorted(numbers, values), categories=_words(names))
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy()
    codes, found = pd.factorize(values, sort=True)
    return pd.Categorical.from_codes(codes, categories=_words(found.tolist()))


def _words(names: list[str]) -> pd.Index[Any]:
    """An index of plain objects: anndata before 0.13 cannot write pandas 3's own strings."""
    import pandas as pd

    return pd.Index(_words_array(names), dtype=object)


def _words_array(names: list[str]) -> np.ndarray:
    return np.array(names, dtype=object)


def _colour(name: str) -> str:
    from dnabert.report.colours import BACKGROUND

    return BACKGROUND if name == NONE else cluster_colour(int(name))
