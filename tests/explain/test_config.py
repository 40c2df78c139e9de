import pytest

from dnabert.corpus.demo import demo_folder
from dnabert.errors import UserError
from dnabert.explain import ExplainConfig


def test_paths_of_tracks_are_put_in_place_as_all_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    given = ExplainConfig(
        gene_sets="~/sets.gmt", tracks=["enhancers:human=~/e.bed", "mine=$HOME/m.bed", "repeats=demo:r.bed", "no path"]
    )
    found = given.expanded()
    assert found.gene_sets == "/home/anna/sets.gmt"
    assert found.tracks == [
        "enhancers:human=/home/anna/e.bed",
        "mine=/home/anna/m.bed",
        f"repeats={demo_folder() / 'r.bed'}",
        "no path",
    ]
    monkeypatch.delenv("NOWHERE", raising=False)
    with pytest.raises(UserError, match=r"tracks is \$NOWHERE/e.bed, but the variable NOWHERE is not set"):
        ExplainConfig(tracks=["enhancers=$NOWHERE/e.bed"]).expanded()
