import json
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from dnabert.errors import UserError
from dnabert.report import write_report
from dnabert.report.evidence import read_evidence
from dnabert.report.page import render


class _Outline(HTMLParser):
    """What a browser would see: elements, addresses, event handlers and the text outside scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        if not self.tags or self.tags[-1] not in ("script", "style"):
            self.text.append(data)


@pytest.fixture(scope="module")
def page(comparison: Path, run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(comparison, run=run, out=tmp_path_factory.mktemp("report") / "out")


@pytest.fixture(scope="module")
def outline(page: Path) -> _Outline:
    parser = _Outline()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser


def test_folder(page: Path) -> None:
    assert {path.name for path in page.parent.iterdir()} == {"report.html", "figures", "tables", "manifest.json"}


def test_nothing_from_elsewhere(outline: _Outline) -> None:
    assert all(address.startswith(("data:", "#")) for address in outline.addresses)


def test_hidden_words_are_told_by_kind_of_sequence(outline: _Outline, comparison: Path, run: Path) -> None:
    text = " ".join(" ".join(outline.text).split())
    assert "Of which kinds of sequence?" in text and "Of 600 test windows the run needs" in text
    assert "repeat class: SINE/Alu" in text and "The run foretells more than counting: repeat class SINE/Alu" in text
    shown = text[text.index("Of which kinds of sequence?") :]
    assert "of none where these are less than a tenth of it. Kinds in fewer than ten places have no row." in shown
    assert shown.index("ahead") < shown.index("not told apart") < shown.index("A note.")
    evidence = replace(read_evidence(comparison, run=run), scores={})
    assert "Of which kinds of sequence?" not in render(evidence, {})


def test_names_are_escaped(page: Path, outline: _Outline) -> None:
    assert outline.handlers == []
    assert outline.tags.count("script") == 3
    assert outline.tags.count("img") == 3
    assert "<img src=x" not in page.read_text(encoding="utf-8")
    assert any("</script><img src=x onerror=alert(1)>" in text for text in outline.text)


def test_answer_and_evidence_are_told(outline: _Outline) -> None:
    text = " ".join(" ".join(outline.text).split())
    assert "Interesting in part, for this genome: of 4 measures, pretrained is ahead of everything cheaper in 2" in text
    assert "What it misses Ortholog found first: pretrained is behind kmer6 by 0.080 [0.065, 0.095]." in text
    assert "What the off-the-shelf BERT finds 10 nearest neighbours: repeat class: bert is behind kmer6" in text
    assert "the intervals overlap of pretrained 0.610 [0.600, 0.620], bert" in text
    assert "1.760 [1.756, 1.764] bits per base on held-out windows, below the best Markov model" in text
    assert "Pairs within a cluster are closer than pairs of unclustered windows, a large effect" in text
    assert "Of 31 clusters, 5 are mostly repeat" in text
    assert "4,000 windows of chimp, gorilla, human and orangutan" in text
    assert "None" not in text and "nan" not in text.split()


def test_without_a_run_the_page_says_so(comparison: Path, tmp_path: Path) -> None:
    page = write_report(comparison, out=tmp_path / "out")
    assert "No run was given to the report" in page.read_text(encoding="utf-8")
    assert not (tmp_path / "out" / "figures" / "loss.png").exists()


def test_a_model_behind_counting_is_undertrained_on_the_first_screen(comparison: Path, run: Path) -> None:
    evidence = read_evidence(comparison, run=run)
    assert "undertrained" not in render(evidence, {})
    page = render(
        replace(evidence, metrics=[{"step": 1, "tokens": 2, "seconds": 3.0, "validation_bits_per_base": 1.95}]), {}
    )
    assert (
        'id="undertrained">The model is undertrained' in page
        and '<small>Markov, order 9</small></td><td class="sign">▼ behind' in page
    )


def test_a_page_of_a_genome_without_annotation_and_blocks(comparison: Path) -> None:
    evidence = read_evidence(comparison)
    page = render(evidence, {})
    assert "<code>chr22:896,001-996,000</code>" in page and "intervals that draw whole stretches of 10 kb." in page
    assert " · gene " in page and " · intron · repeat SINE/Alu · low complexity" in page
    clusters = [
        {k: v for k, v in row.items() if k != "repeat"}
        | {"samples": [s | {"region": "unknown", "gene": "", "repeat_class": "unknown"} for s in row["samples"]]}
        for row in evidence.clusters
    ]
    page = render(replace(evidence, clusters=clusters, map=evidence.map.assign(chrom="2L", block=0)), {})
    assert "<code>2L:896,001-996,000</code>" in page and "intervals that draw whole orthologous blocks." in page
    assert " · gene " not in page and " · repeat " not in page and "– repeat" not in page


def test_what_intervals_draw_is_said_where_they_stand(comparison: Path) -> None:
    evidence = read_evidence(comparison)
    told = ("of gene region draw stretches", "clustering halves of the genome again")
    assert all(each in render(evidence, {}) for each in told)
    bare = [
        rung | {"metrics": {"knn10_repeat_class": rung["metrics"]["knn10_repeat_class"]}} for rung in evidence.ladder
    ]
    assert not any(each in render(replace(evidence, ladder=bare), {}) for each in told)


def test_the_page_warns_of_frames_and_of_lines_that_are_not_to_be_compared(comparison: Path, run: Path) -> None:
    evidence = read_evidence(comparison, run=run)
    page = render(evidence, {"loss": Figure()})
    assert 'id="shift"' not in page and "Training hides" not in page
    moved = [
        {"change": "shift", "amount": 1, "cosine": {"value": 0.2, "n": 20}, "found_first": {"value": 0.1, "n": 20}}
    ]
    ladder = [rung | {"symmetry": moved if rung["rung"] == "pretrained" else []} for rung in evidence.ladder]
    config = {"mask_share": 0.6, "least_mask_share": 0.0, "evaluation_mask_share": 0.15}
    manifests = evidence.manifests | {"run": evidence.manifests["run"] | {"config": config}}
    page = render(replace(evidence, ladder=ladder, manifests=manifests), {"loss": Figure()})
    assert 'id="shift">Moved by one base a window of pretrained' in page
    assert "how often the nearest of the 20 windows asked is its own" in page  # of twenty all are found by any encoder
    assert "less than counting. Training hides up to 60\xa0% of the words, validation 15\xa0%" in page


def test_the_first_screen_has_room_for_one_more_encoder_and_folds_the_others(comparison: Path) -> None:
    evidence = read_evidence(comparison)
    trained = evidence.ladder[0]
    text = {}
    for more in (1, 3):
        rungs = [trained | {"rung": f"also{i}", "encoder": f"runs/{i}"} for i in range(more)]
        rows = [
            row | {"rung": rung["rung"]}
            for rung in rungs
            for row in evidence.differences
            if row["rung"] == trained["rung"]
        ]
        evidence_of = replace(evidence, ladder=[*evidence.ladder, *rungs], differences=[*evidence.differences, *rows])
        text[more] = render(evidence_of, figures={})
    assert "<summary>1 more pretrained encoder: 1 interesting in part</summary>" in text[1] and text[1].index(
        'id="others"'
    ) < text[1].index("also0 is")
    assert "<summary>3 more pretrained encoders: 3 interesting in part</summary>" in text[3] and text[3].index(
        'id="others"'
    ) < text[3].index("also0 is") < text[3].index("also2 is")
    assert 'id="others"' not in render(evidence, figures={})


def test_bits_per_base_stand_apart_from_the_measures_that_are_counted(comparison: Path, run: Path) -> None:
    page = render(read_evidence(comparison, run=run), {})
    apart = page.index("As a language model, beside Markov models (not among the measures counted above)")
    assert page.index('id="outcomes"') < apart < page.index(">Bits per base (fewer is better)")
    assert ">pretrained</th>" in page and ">Best cheaper encoder</th>" in page and "Best without" not in page


def test_the_map_promises_what_a_window_has_to_tell(comparison: Path) -> None:
    evidence = replace(read_evidence(comparison), no_sequences=None)
    bare = evidence.map.assign(gene_type="unknown", repeat_class="unknown")
    assert "Hover it for its place, gene, repeat and sequence; click it" in render(evidence, {})
    assert "Hover it for its place and sequence; click it" in render(replace(evidence, map=bare), {})
    unknown = replace(evidence, map=bare.drop(columns="chrom"), no_sequences="gone")
    assert "bp. Click it for its cluster" in render(unknown, {})


def test_n_of_a_measure_is_a_range_where_encoders_differ(comparison: Path) -> None:
    evidence = read_evidence(comparison)
    key = "knn10_repeat_class"
    sizes = iter([332, 817, *[500] * len(evidence.ladder)])
    ladder = [
        rung | {"metrics": {key: rung["metrics"][key] | {"n": next(sizes)}}}
        for rung in evidence.ladder
        if key in rung["metrics"]
    ]
    assert '<td class="n">332–817</td>' in render(replace(evidence, ladder=ladder), {})


def test_columns_that_nothing_is_known_of_are_left_out(comparison: Path) -> None:
    evidence = read_evidence(comparison)
    clusters = [
        row | {"repeat": None, "region": {"unknown": 1.0}, "gene_type": {"unknown": 1.0}} for row in evidence.clusters
    ]
    page = render(replace(evidence, clusters=clusters, overall={"skipped": {"tss": "no genes"}}), {})
    table = page[page.index("<caption>Largest first") :].split("</table>")[0]
    heads, row = table.split("</thead>")[0], table.split("<tbody>")[1].split("</tr>")[0]
    assert ">Repeat class<" in heads and ">Repeat<" not in heads and ">Region<" not in heads
    assert row.count("<td") == heads.count("<th scope")
    assert "<dt>repeat classes</dt>" in page and "<dt>regions</dt>" not in page and "unknown 100" not in page
    assert "Find a gene" not in page and "Find a gene" in render(evidence, {})
    assert "Left out: distance from the start of a gene (no genes)" in page


def test_of_several_named_sets_the_corrected_p_is_told(comparison: Path) -> None:
    landing = {"n": 9, "ami": {"value": 0.1, "low": 0.0, "high": 0.2}, "ami_random": 0.07, "p": 0.02, "q": 0.04}
    two = {name: {"name": name, **landing} for name in ("membrane", "catalytic activity")}
    page = render(replace(read_evidence(comparison), overall={"gene_set_landing": two}), {})
    assert page.count("have 0.070 (q = 0.040, corrected over these sets). ") == 2


def test_what_cannot_be_told_and_parts_of_the_explanations_are_folded(comparison: Path) -> None:
    evidence = read_evidence(comparison)
    share = {"value": 0.4, "low": 0.3, "high": 0.5}
    rows = [
        {"without": name, "explained": 0.2, "clusters": 3, "clustered_share": share}
        for name in ("nothing", "composition", "all but repeats", "all")
    ]
    first, *rest = evidence.ladder
    level = {
        "rung": first["rung"],
        "metric": "knn10_region",
        "without": "composition",
        "baseline": "kmer6",
        "outcome": "level",
        "value": 0.0,
        "low": -0.1,
        "high": 0.1,
    }
    page = render(
        replace(evidence, ladder=[first | {"explained_away": rows}, *rest], differences=[*evidence.differences, level]),
        {},
    )
    table, folded = page[page.index('id="survival"') :].split('<details class="folded">')[:2]
    assert "<td>nothing</td>" in table and "<td>all</td>" in table and "<td>composition</td>" not in table
    assert "<td>composition</td>" in folded and "<td>all but repeats</td>" in folded
    told = page[page.index("<h3>What survives") : page.index('id="ladder"')]
    assert told.index('class="folded"') < told.index(
        "gene region, without composition: pretrained cannot be told from kmer6"
    )


def test_chromosomes_are_shown_where_windows_have_coordinates(comparison: Path) -> None:
    evidence = read_evidence(comparison)
    page = render(evidence, {})
    assert '<section id="chromosomes"' in page and "in bins of 5,000 bp" in page and '"along":{"width":5000,' in page
    loose = render(replace(evidence, map=evidence.map.drop(columns=["chrom", "start", "end"])), {})
    assert 'id="chromosomes"' not in loose and '"#chromosomes"' not in loose and '"along":null' in loose


def test_sequences_without_a_bar_are_told(comparison: Path) -> None:
    evidence = read_evidence(comparison)
    contigs = [f"contig{i // 100}" for i in range(len(evidence.map))]
    page = render(replace(evidence, map=evidence.map.assign(genome="a", chrom=contigs)), {})
    assert "Drawn are the 25 longest of 40 sequences; the others hold 1,500 windows of 4,000." in page


@pytest.mark.parametrize(
    ("labels", "told"), [([-1, 0, 1, 4], "or cluster 3,"), ([-1, 0, 1], "or cluster 1,"), ([-1], "chr22:")]
)
def test_the_search_names_a_cluster_that_there_is(comparison: Path, labels: list[int], told: str) -> None:
    evidence = read_evidence(comparison)
    table = evidence.map.assign(label=np.resize(labels, len(evidence.map)))
    seen = _Outline()
    seen.feed(render(replace(evidence, map=table), {}))
    hint = "".join(seen.text).split("Find a gene, ")[1].split(" also after")[0]
    assert told in hint and ("cluster" in hint) == (max(labels) >= 0)


def test_nothing_half_written(comparison: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        write_report(comparison, run=tmp_path / "absent", out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_overwrite_is_asked_for(comparison: Path, page: Path) -> None:
    with pytest.raises(UserError, match="overwrite"):
        write_report(comparison, out=page.parent)


def test_a_map_fitted_on_a_sample_says_so(comparison: Path, tmp_path: Path) -> None:
    copy = tmp_path / "comparison"
    shutil.copytree(comparison, copy)
    main = json.loads((copy / "comparison.json").read_text())["main"]
    (copy / main / "clusters.json").write_text(json.dumps({"map": {"fitted": 3_000, "placed": 1_200}}))
    said = "; the map was fitted on 3,000 of them, drawn at random, and the other 1,200 placed among these"
    assert said in render(read_evidence(copy), {})
    (copy / main / "clusters.json").write_text(json.dumps({"map": {"fitted": 4_200, "placed": 0}}))
    assert "the map was fitted on" not in render(read_evidence(copy), {})
