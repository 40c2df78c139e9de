from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnabert.errors import UserError
from dnabert.explain import ClusteredWindows, cheap_explanations, homology_features, take_out
from dnabert.explain.blast import missing_program

pytestmark = pytest.mark.skipif(missing_program() is not None, reason="needs BLAST+")


def test_copies_of_a_known_element_stand_out(planted: ClusteredWindows, core: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "known.fa").write_text(f">one\n{core.tobytes().decode()}\n>never\n{'ACGTTGCA' * 20}\n")
    found = homology_features(planted, databases=[tmp_path / "known.fa"], anchors=0)
    assert found.shape == (200, 2)  # what nothing hits has no column
    has = np.isin(np.arange(200), [*range(40), *range(95, 100)])
    assert (found[has, 0] > np.log(90)).all() and (found[~has, 0] == 0).all()
    assert found[:, 1].tolist() == has.astype(float).tolist()


def test_families_that_no_database_has_are_found_among_the_windows(planted: ClusteredWindows) -> None:
    found = homology_features(planted, anchors=200)
    assert found.shape == (200, 27)
    family = np.concatenate([np.arange(70), np.arange(95, 100)])
    others = np.setdiff1d(np.arange(200), family)
    assert (found[family, 0] > np.log(5)).mean() > 0.95 and (found[others, 0] == 0).all()
    assert (found[family, 1] > np.log(50)).mean() > 0.95 and (found[:, 2] == (found[:, 1] > 0)).all()
    # the scores tell both families apart and from the rest: a regression predicts them for windows that it has not seen
    wanted = np.column_stack([planted.labels == 0, planted.labels == 1]).astype(float)
    wanted[95:100, 0] = 1
    explained = cheap_explanations(planted.table, planted.sequences, homology=found)
    assert (
        take_out(wanted, explained["homology"], groups=np.arange(200))[1]
        > 0.8
        > take_out(wanted, explained["composition"], groups=np.arange(200))[1]
    )


def test_a_window_is_no_relative_of_its_ortholog() -> None:
    rng = np.random.default_rng(0)
    bases = np.frombuffer(b"ACGT", dtype=np.uint8)[rng.integers(0, 4, (50, 200))]
    bases = np.concatenate([bases, bases])  # every window in two genomes
    table = pd.DataFrame({
        "genome": np.repeat(["a", "b"], 50), "chrom": "c", "start": np.tile(np.arange(50) * 200, 2),
        "end": np.tile(np.arange(50) * 200 + 200, 2), "block": np.tile(np.arange(50), 2), "label": -1,
    })  # fmt: skip
    assert homology_features(ClusteredWindows(table, lambda rows: bases[rows]), anchors=60).shape == (100, 0)


def test_a_database_that_is_not_there_is_told(planted: ClusteredWindows) -> None:
    with pytest.raises(UserError, match="no such database: gone"):
        homology_features(planted, databases=["gone"], anchors=0)
