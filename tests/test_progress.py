"""Bars of long work: the part that runs has a name and a clock that goes on; where no terminal looks on nothing is
written."""

import contextlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from dnabert import progress
from dnabert.clusters import ClusterConfig, cluster_vectors
from dnabert.clusters.graph import nearest_neighbors
from dnabert.progress import Parts, watched


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@contextlib.contextmanager
def terminal_beside() -> Iterator[Terminal]:
    with contextlib.redirect_stderr(Terminal()) as shown:
        yield shown


def test_the_clock_of_a_part_goes_on_while_the_part_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_TURN", 0.001)
    with terminal_beside() as terminal, Parts("stage", total=2) as parts:
        with parts.part("first_half"):
            pass
        with parts.part("second", told="the rest"):
            shown, deadline = terminal.getvalue().count("stage: the rest"), time.monotonic() + 60
            while terminal.getvalue().count("stage: the rest") < shown + 3 and time.monotonic() < deadline:
                time.sleep(0.001)
            assert terminal.getvalue().count("stage: the rest") >= shown + 3
    assert "stage: first half" in terminal.getvalue() and "2/2" in terminal.getvalue()
    assert list(parts.seconds) == ["first_half", "second"]


def test_no_bar_where_the_environment_wants_none() -> None:
    """`disable=None`, which hides bars where no terminal looks on, won over TQDM_DISABLE where one does."""
    code = (
        "import contextlib, io\nfrom dnabert.progress import Parts\n"
        "class Terminal(io.StringIO):\n    isatty = lambda _: True\n"
        "with contextlib.redirect_stderr(Terminal()) as terminal, Parts('stage', total=1) as parts:\n"
        "    with parts.part('first'): pass\nprint(len(terminal.getvalue()))"
    )
    shown = [
        int(subprocess.run([sys.executable, "-c", code], env=os.environ | each, capture_output=True, check=True).stdout)
        for each in ({"TQDM_DISABLE": ""}, {"TQDM_DISABLE": "1"})
    ]
    assert shown[0] > 0 and shown[1] == 0


def test_no_bar_where_a_notebook_sets_that_it_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """tqdm was imported by then: bars came, and where no terminal looked on too."""
    monkeypatch.setenv("TQDM_DISABLE", "1")
    said = io.StringIO()
    with contextlib.redirect_stderr(said), Parts("stage", total=1) as parts, parts.part("first"):
        pass
    assert said.getvalue() == ""


def test_a_part_that_fails_is_not_counted_and_its_clock_ends() -> None:
    with (
        terminal_beside() as terminal,
        pytest.raises(ValueError, match="no"),
        Parts("stage", total=1) as parts,
        parts.part("first"),
    ):
        raise ValueError("no")
    assert "0/1" in terminal.getvalue() and "1/1" not in terminal.getvalue() and not parts.seconds


def test_the_search_of_neighbours_counts_its_rounds_and_prints_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_REDRAWN", 0)  # the search may be over before the first drawing is due
    points = np.random.default_rng(0).normal(size=(400, 4))
    with terminal_beside() as terminal:
        nearest_neighbors(points, k=5, exact_below=100)
    assert capsys.readouterr().out == ""
    assert "neighbours of 400 windows: " in terminal.getvalue() and "2 rounds" in terminal.getvalue()


def test_clustering_names_its_parts() -> None:
    blobs = np.repeat(np.eye(3), 40, axis=0) + 0.01 * np.random.default_rng(0).normal(size=(120, 3))
    with terminal_beside() as terminal:
        cluster_vectors(blobs, ClusterConfig(min_cluster_size=20, kmeans=3))
    for part in ("principal axes", "nearest neighbours", "HDBSCAN", "k-means", "map"):
        assert f"cluster: {part}" in terminal.getvalue()
    assert "map: 100%" in terminal.getvalue() and "5/5" in terminal.getvalue()


def test_where_no_terminal_looks_on_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with Parts("stage", total=1) as parts, parts.part("first"):
        assert list(watched(range(3), "first")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")
