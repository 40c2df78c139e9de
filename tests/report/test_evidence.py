import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnabert.corpus import config_from_fasta, load_corpus, prepare, simulate_fasta
from dnabert.errors import UserError
from dnabert.manifest import write_manifest
from dnabert.report.evidence import read_evidence
from dnabert.report.tables import write_tables
from dnabert.stage import stage


def test_reads_everything(comparison: Path, run: Path) -> None:
    evidence = read_evidence(comparison, run=run)
    assert len(evidence.map) == 4000
    assert evidence.main_rung == "pretrained"
    assert set(evidence.manifests) == {"comparison", "run", "hidden_words", "clusters/pretrained_all"}
    assert evidence.floors is not None and evidence.floors["best"]["order"] == 9


def test_the_table_of_clusters_has_the_distances_of_the_cards(comparison: Path, tmp_path: Path) -> None:
    """Of copies of Alu, cut anywhere, it told 54.5 %, the most of all clusters; their card 29.5 %."""
    copy = tmp_path / "copy"
    shutil.copytree(comparison, copy)
    with stage(copy / "explanation", kind="explanation") as folder:
        cards = [{"label": 0, "kind": {"within_median": {"plain": 0.545, "semi_global": 0.295}}}, {"label": 1}]
        (folder / "cards.json").write_text(json.dumps(cards))
        (folder / "overall.json").write_text("{}")
    told = {row["label"]: row["edit_distance_median"] for row in read_evidence(copy).clusters}
    assert told[0] == 0.295 and {value for label, value in told.items() if label} == {None}


def test_a_comparison_of_a_version_that_told_means_has_its_medians(comparison: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(comparison, copy)
    found = json.loads((copy / "edit_distance.json").read_text())
    medians = {name: np.median(values) for name, values in found["pairs"].items()}
    for row in found["summary"].values():
        del row["median"]
    found["per_cluster"] = [{"label": 0, "n_pairs": 100, "mean": 0.46}]
    (copy / "edit_distance.json").write_text(json.dumps(found))
    told = read_evidence(copy)
    assert told.edit_distance is not None
    for name, median in medians.items():
        assert told.edit_distance["summary"][name]["median"] == pytest.approx(median)
    write_tables(told, tmp_path / "tables")
    assert pd.read_csv(tmp_path / "tables" / "edit_distance.tsv", sep="\t")["mean"].tolist()[-1] == 0.46


def test_rungs_that_are_compared_no_more_are_no_stages(comparison: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(comparison, copy)
    for name in ("kmer6", "kmer6_all", "gone", "earlier_all"):
        with stage(copy / "embeddings" / name, kind="embeddings"):
            pass
    assert set(read_evidence(copy).manifests) == {
        "comparison",
        "hidden_words",
        "clusters/pretrained_all",
        "embeddings/kmer6",
    }


def test_another_kind_of_folder_is_one_line(comparison: Path, run: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"holds run: a report is of an explanation \(dnabert explain makes one\) or of a comparison"
    ):
        read_evidence(run)
    with pytest.raises(UserError, match="holds no stage of dnabert: a report is of an explanation"):
        read_evidence(tmp_path)
    with pytest.raises(UserError, match="not a run"):
        read_evidence(comparison, run=comparison)
    with pytest.raises(UserError, match="no such folder: .*absent: a report is of"):
        read_evidence(tmp_path / "absent")


@pytest.mark.parametrize("name", ["ladder.json", "clusters.json", "comparison.json", "edit_distance.json"])
def test_a_damaged_file_is_named(comparison: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(comparison, copy)
    (copy / name).write_text("{")
    with pytest.raises(UserError, match=name):
        read_evidence(copy)


def test_a_damaged_map_is_named(comparison: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(comparison, copy)
    (copy / "clusters" / "pretrained_all" / "clusters.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"clusters\.parquet"):
        read_evidence(copy)


def test_a_run_without_floors(comparison: Path, run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    (copy / "floors.json").unlink()
    assert read_evidence(comparison, run=copy).floors is None


@pytest.mark.parametrize("content", ["[]", "{}", '{"main": 3}'])
def test_a_comparison_that_does_not_name_its_clusters_is_to_be_made_again(
    comparison: Path, tmp_path: Path, content: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(comparison, copy)
    (copy / "comparison.json").write_text(content)
    with pytest.raises(UserError, match=r"comparison\.json has no key main: make the comparison again"):
        read_evidence(copy)


@pytest.mark.parametrize("n", [4000, 3999])
def test_named_gene_sets_join_the_map(comparison: Path, tmp_path: Path, n: int) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(comparison, copy)
    with stage(copy / "explanation", kind="explanation") as folder:
        (folder / "cards.json").write_text("[]")
        (folder / "overall.json").write_text("{}")
        pd.DataFrame({"membrane": [True] + [False] * (n - 1)}).to_parquet(folder / "gene_sets_on_map.parquet")
    if n == 4000:
        assert read_evidence(copy).map["gene_set:membrane"].sum() == 1
    else:
        with pytest.raises(UserError, match="has 3999 rows for 4000 windows: make the explanation again"):
            read_evidence(copy)


@pytest.mark.parametrize("n", [4000, 3999])
def test_how_often_a_window_is_found_again_joins_the_map(comparison: Path, tmp_path: Path, n: int) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(comparison, copy)
    with stage(copy / "stability", kind="stability") as folder:
        (folder / "stability.json").write_text("{}")
        table = pd.DataFrame({"row": range(n), "label": 0, "confidence": [0.25, float("nan")] + [1.0] * (n - 2)})
        table.assign(consensus=0).to_parquet(folder / "stability.parquet")
    if n == 4000:
        found = read_evidence(copy).map
        assert found["confidence"].tolist()[:1] == [0.25] and found["confidence"].isna().sum() == 1
        assert "consensus" not in found and found["label"].nunique() > 1  # its own labels, not the repeats'
    else:
        with pytest.raises(UserError, match="has 3999 rows for 4000 windows: make the stability again"):
            read_evidence(copy)


@pytest.fixture
def of_a_corpus(comparison: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A comparison whose map shows windows of a corpus that stands beside it, in another order."""
    simulate_fasta(tmp_path / "genome.fa", length=60_000, seed=1)
    prepare(config_from_fasta([tmp_path / "genome.fa"]), out=tmp_path / "corpus")
    whole = tmp_path / "comparison"
    shutil.copytree(comparison, whole)
    table = whole / json.loads((whole / "comparison.json").read_text())["main"] / "clusters.parquet"
    pd.read_parquet(table).head(50).assign(row=np.arange(50)[::-1]).to_parquet(table)
    write_manifest(whole, kind="comparison", config={}, inputs={"corpus": tmp_path / "corpus"})
    return whole, tmp_path / "corpus"


def test_sequences_are_the_corpus_s(of_a_corpus: tuple[Path, Path]) -> None:
    whole, corpus = of_a_corpus
    evidence = read_evidence(whole)
    assert evidence.sequences is not None and evidence.no_sequences == ""
    assert np.array_equal(
        evidence.sequences(np.array([0, 3])), load_corpus(corpus).view(None).bases(np.array([49, 46]))
    )


def test_without_its_corpus_a_page_is_made_and_says_so(of_a_corpus: tuple[Path, Path]) -> None:
    whole, corpus = of_a_corpus
    shutil.rmtree(corpus)
    gone = read_evidence(whole)
    assert gone.sequences is None and str(corpus) in gone.no_sequences
    simulate_fasta(corpus.parent / "other.fa", length=60_000, seed=2)
    prepare(config_from_fasta([corpus.parent / "other.fa"]), out=corpus)
    assert "another corpus" in read_evidence(whole).no_sequences


def test_a_corpus_of_too_few_places_says_nothing_of_its_confounds() -> None:
    from dnabert.report.survival import trust_sentences

    empty = {"explained": None, "features": ["gc"], "n": 0, "sentence": "Nothing to predict the clusters from."}
    assert trust_sentences({}, {}, {"confounds": {"prediction": empty}}) == []
    known = {"explained": 0.4, "low": 0.3, "high": 0.5, "features": ["gc", "codon_frame", "genome"]}
    (told,) = trust_sentences({}, {}, {"confounds": {"prediction": known}})
    assert told.startswith("GC, codon frame and species together predict 0.400 [0.300, 0.500] of the labelling")
    known["features"] = ["low_complexity"]  # only what was asked is named
    (told,) = trust_sentences({}, {}, {"confounds": {"prediction": known}})
    assert told.startswith("Low complexity predicts 0.400")
