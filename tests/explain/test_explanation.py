"""A simulated genome with a planted family, a planted composition and planted genes: the cards must name these, and
nothing else."""

from __future__ import annotations

import dataclasses
import html
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnabert.alphabet import reverse_complement
from dnabert.clusters import ClusterConfig, StabilityConfig, cluster, stability
from dnabert.clusters.resume import is_current
from dnabert.corpus import CorpusConfig, GenomeConfig, SplitConfig, WindowConfig, prepare
from dnabert.corpus.mutation import mutate
from dnabert.encoders import embed
from dnabert.errors import UserError
from dnabert.explain import ExplainConfig, Explanation, explain, gathering, load_explanation
from dnabert.explain.explanation import decisive, explanation_inputs
from dnabert.report import write_report
from dnabert.report.evidence import read_evidence

pytestmark = pytest.mark.slow

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)
WINDOW, COUNT = 300, 1_200


def random(n: int, length: int, *, gc: float, rng: np.random.Generator) -> np.ndarray:
    return LETTERS[rng.choice(4, (n, length), p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2])]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,200 slots of one window each: 200 copies of a family on both strands (each in a gene's intron), 200 of AT, the
    rest random."""
    folder = tmp_path_factory.mktemp("planted")
    rng = np.random.default_rng(0)
    # of no one composition
    slots = np.concatenate([random(1, WINDOW, gc=gc, rng=rng) for gc in rng.uniform(0.33, 0.67, COUNT)])
    what = rng.permutation(np.repeat([0, 1, 2], [COUNT - 400, 200, 200]))
    family, decoy = random(2, WINDOW, gc=0.45, rng=rng)
    copies = np.repeat(family[None], 200, axis=0)
    copies = mutate(
        copies, substitutions=0.1, indels=0.01, draws=rng.integers(2**64, size=copies.shape, dtype=np.uint64)
    )
    turned = rng.random(200) < 0.5
    copies[turned] = reverse_complement(copies[turned])
    slots[what == 1], slots[what == 2] = copies, random(200, WINDOW, gc=0.22, rng=rng)
    (folder / "genome.fa").write_text(">chr1\n" + slots.tobytes().decode() + "\n")
    (folder / "known.fa").write_text(
        f">planted#DNA/planted\n{family.tobytes().decode()}\n>decoy#DNA/decoy\n{decoy.tobytes().decode()}\n"
    )
    lines = []
    for number, slot in enumerate(np.flatnonzero(what == 1)):
        place = f"{slot * WINDOW + 1}\t{(slot + 1) * WINDOW}\t.\t+\t."
        lines.append(
            f'chr1\tsim\tgene\t{place}\tgene_id "ENSG{number:011}.1"; gene_name "g{number}"; gene_type "lincRNA";\n'
        )
    (folder / "genes.gtf").write_text("".join(lines))
    names = [f"g{number}" for number in range(200)]
    (folder / "sets.gmt").write_text(
        "S1\tplanted set\t" + "\t".join(names[:60]) + "\nS2\tother set\t" + "\t".join(names[60:]) + "\n"
    )
    config = CorpusConfig(
        genomes=[GenomeConfig("sim", "genome.fa", genes="genes.gtf")],
        window=WindowConfig(length=WINDOW),
        split=SplitConfig(validation_fraction=0.1, test_fraction=0.1),
    )
    prepare(config, out=folder / "corpus", base=folder)
    embed("kmer:4", folder / "corpus", out=folder / "vectors")
    cluster(
        folder / "vectors", out=folder / "clusters", config=ClusterConfig(min_cluster_size=40, neighbors=20, kmeans=3)
    )
    return folder


@pytest.fixture(scope="module")
def explained(folder: Path) -> Explanation:
    stability(
        folder / "clusters", out=folder / "stability", config=StabilityConfig(seeds=1, subsamples=8, unit="window")
    )
    config = ExplainConfig(
        databases=[str(folder / "known.fa")], gene_sets=str(folder / "sets.gmt"), named_sets=["planted set"], threads=1
    )
    return explain(folder / "clusters", out=folder / "explanation", config=config, stability=folder / "stability")


def named(explained: Explanation, basis: str) -> list[dict]:
    return [card for card in explained.cards if card["sentence"]["basis"] == basis]


def test_the_cards_name_what_was_planted_and_nothing_else(explained: Explanation) -> None:
    (element,) = named(explained, "element")
    assert element["sentence"]["text"].startswith(
        "DNA/planted elements (most like planted, 99 %), both strands, 99 % of the windows at 89 % identity"
    )
    assert "intronic (99 %, elsewhere" in element["sentence"]["text"] and element["makeup"]["n"] > 160
    assert element["kind"]["kind"] == "homologous" and element["consensus"]["found"]
    for hit in (element["consensus"], element["makeup"]["medoid"], *element["makeup"]["random"]):
        assert "planted" in hit["like"] and hit["relatives"][0]["subject"].startswith("planted")
    assert element["stability"]["verdict"] == "stable" and element["sentence"]["confidence"] == "high"
    texts = [card["sentence"]["text"] for card in named(explained, "composition")]
    assert any(text.startswith("AT-rich sequence (2") for text in texts)
    # what is left may be a mass of its own, of which only its composition can be said
    assert len(texts) + 1 == len(explained.cards) and not any("decoy" in text or "element" in text for text in texts)


def test_tests_that_find_nothing_say_so(explained: Explanation) -> None:
    for card in named(explained, "composition"):
        assert not card["consensus"]["found"] and card["kind"]["kind"] == "compositional"
        assert all(
            row["q"] > 0.05 or row["odds_ratio"] < 1
            for base in card["homology"]["databases"]
            for row in base["families"]
        )
    # the sets part the family's genes at random places: neither set is the cluster's own
    assert all(row["q"] > 0.05 for card in explained.cards for row in card["gene_sets"])


def test_the_folder_holds_tables_motifs_and_the_consensus(explained: Explanation, folder: Path) -> None:
    names = {path.name for path in (folder / "explanation").iterdir()}
    assert {
        "cards.json",
        "overall.json",
        "annotation.tsv",
        "homology.tsv",
        "words.tsv",
        "confounds.tsv",
        "clusters.tsv",
        "motifs.meme",
        "consensus.fa",
    } <= names
    assert ">cluster_" in (folder / "explanation" / "consensus.fa").read_text()
    motifs = pd.read_csv(folder / "explanation" / "motifs.tsv", sep="\t")
    counts = motifs["position_histogram"].map(lambda text: sum(map(int, text.split(","))))
    assert (counts == motifs["n_windows"]).all() and motifs["position_q"].between(0, 1).any()
    known = pd.read_csv(folder / "explanation" / "confounds.tsv", sep="\t")
    assert set(known["label"]) == {card["label"] for card in explained.cards} and known["q"].notna().any()
    _check_tables_of_each_kind(explained, folder / "explanation")
    assert len(load_explanation(folder / "explanation").cards) == len(explained.cards)
    shutil.copytree(folder / "explanation", folder / "damaged")
    (folder / "damaged" / "cards.json").write_text("[" * 3_000)
    with pytest.raises(UserError, match="damaged holds .nested too deeply.: make it again"):
        load_explanation(folder / "damaged")
    assert explained.overall["skipped"] == {} and set(explained.overall["seconds"]) >= {
        "makeup",
        "kind",
        "words",
        "homology",
    }


def _check_tables_of_each_kind(explained: Explanation, folder: Path) -> None:
    """Composition, starts of genes, genes, relatives and consensus stood in cards.json alone."""
    tables = {path.stem: pd.read_csv(path, sep="\t") for path in folder.glob("*.tsv")}
    made = tables["composition"].set_index(["label", "measure"])
    for card in explained.cards:
        label = card["label"]
        for measure in ("gc", "cpg_observed_expected", "entropy", "low_complexity"):
            told, row = card["makeup"][measure], made.loc[(label, measure)]
            names = ["value", "low", "high", "rest", "effect", "p", "q"]
            assert row[names].astype(float).tolist() == pytest.approx([told[name] for name in names], rel=1e-5)
        (start,) = tables["tss"].query("label == @label").to_dict("records")
        assert start["cliffs_delta"] == pytest.approx(card["tss"]["cliffs_delta"], rel=1e-5)
        assert start["near_q"] == pytest.approx(card["tss"]["near"]["q"], rel=1e-5)
        genes = tables["genes"].query("label == @label")["gene"].tolist()
        assert genes == [row["gene"] for row in card["genes"]["genes"]]
        (related,) = tables["corpus_homology"].query("label == @label").to_dict("records")
        assert related["members_q"] == pytest.approx(card["corpus_homology"]["members"]["q"], rel=1e-5)
        (shared,) = tables["consensus"].query("label == @label").to_dict("records")
        assert shared["sharing"] == card["consensus"]["sharing"] and "coverage" not in shared


def test_the_page_of_an_explanation_alone_has_map_and_cards_and_no_verdict(
    explained: Explanation, folder: Path
) -> None:
    page = write_report(folder / "explanation", out=folder / "report").read_text()
    assert "<h1>What do the sequences of a cluster have in common?</h1>" in page and "encoder kmer:4" in page
    for card in explained.cards:
        assert f'id="cluster-{card["label"]}"' in page and html.escape(card["sentence"]["text"]) in page
        assert f" · {html.escape(card['makeup']['medoid']['like'])}<" in page
    told = json.loads((folder / "stability" / "stability.json").read_text())["sentence"]
    assert html.escape(told.replace(" %", "\N{NO-BREAK SPACE}%")) in page
    stages = page.split("Stages, their commands")[1].split("</table>")[0]
    assert [
        name for name in ("embeddings", "clusters", "stability", "explanation") if f"<td>{name}</td>" in stages
    ] == ["embeddings", "clusters", "stability", "explanation"]
    assert read_evidence(folder / "explanation").map["confidence"].between(0, 1).any()  # of the repeats
    for part in ("verdict", "measures", "ladder", "distance", "learned"):
        assert f'id="{part}"' not in page and f'href="#{part}"' not in page
    rows = pd.read_csv(folder / "report" / "tables" / "clusters.tsv", sep="\t")
    assert sorted(rows["label"]) == [-1, *(card["label"] for card in explained.cards)]
    within = {card["label"]: card["kind"]["within_median"]["semi_global"] for card in explained.cards}
    assert rows.set_index("label")["edit_distance_median"].dropna().to_dict() == pytest.approx(within, rel=1e-4)
    with pytest.raises(
        UserError, match="holds clusters, of which there is nothing to tell yet: dnabert explain makes cards"
    ):
        write_report(folder / "clusters", out=folder / "none")


def test_without_files_the_parts_that_need_them_are_left_out_and_told(folder: Path) -> None:
    found = explain(folder / "clusters", out=folder / "plain", config=ExplainConfig(pairs=50))
    assert found.overall["skipped"]["homology"] == "no --databases FILE.fa is given"
    assert found.overall["skipped"]["gene_sets"] == "no --gene-sets FILE.gmt is given"
    # without a database the family has no name, but is one
    assert {card["sentence"]["basis"] for card in found.cards} == {"composition", "family"} and len(
        named(found, "family")
    ) == 1


def test_what_went_away_since_is_left_out_and_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    genes = folder / "genes.gtf"
    genes.rename(folder / "moved.gtf")
    motif = (
        "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF one\nletter-probability matrix: alength= 4 w= 2\n 1 0 0 0\n"
        " 0 1 0 0\n"
    )
    (folder / "known.meme").write_text(motif)
    monkeypatch.setattr("dnabert.explain.gathering.missing_tomtom", lambda: "memelite is not installed")
    try:
        found = explain(
            folder / "clusters", out=folder / "moved", config=ExplainConfig(pairs=50, motifs=str(folder / "known.meme"))
        )
    finally:
        (folder / "moved.gtf").rename(genes)
    assert (
        found.overall["skipped"]["tss"]
        == f"{genes}, the genes that the corpus was prepared with, is not there any more"
    )
    assert found.overall["skipped"]["known_motifs"] == "memelite is not installed"
    assert found.cards[0]["genes"] and "tss" not in found.cards[0]


def test_an_explanation_is_of_its_files_as_they_were(folder: Path) -> None:
    (folder / "lib.fa").write_text(">a#DNA/a\n" + "ACGGT" * 30 + "\n")
    (folder / "mine.bed").write_text("chr1\t0\t3000\tmine\n")
    config = ExplainConfig(pairs=50, databases=[str(folder / "lib.fa")], tracks=[f"mine={folder / 'mine.bed'}"])
    explain(folder / "clusters", out=folder / "dated", config=config)

    def current() -> bool:
        return is_current(
            folder / "dated",
            kind="explanation",
            config=decisive(dataclasses.replace(config, threads=3)),  # which change nothing
            inputs=explanation_inputs(folder / "clusters", None, config),
        )

    for name in ("lib.fa", "mine.bed"):
        before = (folder / name).read_text()
        assert current()
        (folder / name).write_text(before.replace("ACGGT", "ACGTT").replace("3000", "6000"))
        assert not current()
        (folder / name).write_text(before)
    manifest = folder / "dated" / "manifest.json"
    assert current()
    manifest.write_text(manifest.read_text().replace("starts of every transcript", "starts of genes"))
    assert not current()  # of a version that took numbers otherwise


def _stopped_in_words(folder: Path, monkeypatch: pytest.MonkeyPatch, **made_of: object) -> list[str]:
    """Parts of an explanation in the folder ``stopped`` that are made before it is stopped in its words."""
    made: list[str] = []

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(gathering, "cluster_words", stop)
        for name in ("cluster_makeup", "cluster_kinds", "enrichment", "tss_rows", "homology"):
            whole = getattr(gathering, name)
            patched.setattr(
                gathering, name, lambda *a, name=name, whole=whole, **k: [made.append(name), whole(*a, **k)][1]
            )
        with pytest.raises(KeyboardInterrupt):
            explain(folder / "clusters", out=folder / "stopped", **made_of)
    assert not (folder / "stopped").exists()
    return made


def test_a_stopped_explanation_goes_on_with_what_was_made_of_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(folder / "known.fa", folder / "base.fa")
    subprocess.run(
        ["makeblastdb", "-in", "base.fa", "-dbtype", "nucl", "-out", "base"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    config = {"pairs": 50, "databases": [str(folder / "base")], "threads": 1}
    everything = ["cluster_makeup", "cluster_kinds", "enrichment", "tss_rows", "homology"]
    assert _stopped_in_words(folder, monkeypatch, config=config) == everything
    assert _stopped_in_words(folder, monkeypatch, config=config) == []
    assert _stopped_in_words(folder, monkeypatch, config=config | {"threads": 2}) == []  # changes nothing
    assert _stopped_in_words(folder, monkeypatch, config=config | {"pairs": 51}) == everything  # other settings
    assert _stopped_in_words(folder, monkeypatch, config=config) == everything
    genes = (folder / "genes.gtf").read_text()
    (folder / "genes.gtf").write_text(genes.replace("lincRNA", "miRNA"))
    assert _stopped_in_words(folder, monkeypatch, config=config) == everything  # a file that the corpus names
    (folder / "genes.gtf").write_text(genes)
    assert _stopped_in_words(folder, monkeypatch, config=config) == everything
    (folder / "base.nsq").touch()  # a database, which is several files
    assert _stopped_in_words(folder, monkeypatch, config=config) == everything
    whole = explain(folder / "clusters", out=folder / "whole", config=config)
    monkeypatch.setattr(gathering, "cluster_makeup", pytest.fail)
    explain(folder / "clusters", out=folder / "stopped", config=config)
    assert not list(folder.glob(".*"))
    for path in whole.folder.iterdir():
        own = (folder / "stopped" / path.name).read_bytes()
        if path.name == "overall.json":
            assert json.loads(own) | {"seconds": 0} == json.loads(path.read_bytes()) | {"seconds": 0}
        elif path.name != "manifest.json":
            assert own == path.read_bytes(), path.name


def test_gene_sets_of_other_genes_are_left_out_and_told(folder: Path, explained: Explanation) -> None:
    (folder / "other.gmt").write_text("S1\tof another species\tYAL001C\tYAL002W\n")
    found = explain(
        folder / "clusters",
        out=folder / "other",
        config=ExplainConfig(pairs=50, gene_sets=str(folder / "other.gmt"), named_sets=["S1"]),
    )
    why = (
        f"no gene of {folder / 'other.gmt'} is a gene of the windows, named as 'g0', its own as 'YAL001C': give a GMT "
        "file with symbols or ids of the corpus's gene annotation"
    )
    assert found.overall["skipped"]["gene_sets"] == found.overall["skipped"]["gene_set_landing"] == why
    told = {"kinds": {}, "ambiguous": [], "told": "found by no name"}
    assert found.overall["genes_shared"] == {"windows": 200, "file": 2, "shared": 0, **told}
    told |= {"kinds": {"name": 200}, "told": "found by name"}
    assert explained.overall["genes_shared"] == {"windows": 200, "file": 200, "shared": 200, **told}


def test_gene_sets_by_id_give_the_cards_of_those_by_name(folder: Path, explained: Explanation) -> None:
    lines = (folder / "sets.gmt").read_text().splitlines()
    by_id = [
        "\t".join([*line.split("\t")[:2], *(f"ENSG{int(gene[1:]):011}.2" for gene in line.split("\t")[2:])])
        for line in lines
    ]
    (folder / "by_id.gmt").write_text("\n".join(by_id) + "\n")
    config = ExplainConfig(pairs=50, gene_sets=str(folder / "by_id.gmt"), named_sets=["planted set"])
    found = explain(folder / "clusters", out=folder / "by_id", config=config)
    assert [card["gene_sets"] for card in found.cards] == [card["gene_sets"] for card in explained.cards]
    assert found.overall["gene_set_landing"] == explained.overall["gene_set_landing"]
    assert found.overall["genes_shared"]["told"] == "found by Ensembl id"
    maps = [pd.read_parquet(path / "gene_sets_on_map.parquet") for path in (found.folder, explained.folder)]
    assert maps[0].equals(maps[1]) and maps[0]["planted set"].any()


def test_mistakes_are_told_in_one_line_and_leave_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    for config, line in (
        (ExplainConfig(databases=["gone.fa"]), "gone.fa"),
        (ExplainConfig(gene_sets="gone.gmt"), "gone.gmt"),
        (ExplainConfig(tracks=["nonsense"]), "neither name=path nor"),
        (ExplainConfig(tracks=["mine=gone.bed"]), "gone.bed"),
        (ExplainConfig(gene_sets="$NOWHERE/x.gmt"), "the variable NOWHERE is not set"),
    ):
        with pytest.raises(UserError, match=line) as error:
            explain(folder / "clusters", out=folder / "bad", config=config)
        assert "\n" not in str(error.value) and not (folder / "bad").exists()
    with pytest.raises(UserError, match="--pairs is 0, allowed is 1 or more"):
        ExplainConfig(pairs=0)
