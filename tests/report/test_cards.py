import re
from dataclasses import replace
from math import log, log2
from pathlib import Path

import pytest

from dnabert.report.cards import answer_rows, counted, shown
from dnabert.report.evidence import read_evidence
from dnabert.report.page import render


def test_names_of_repeats_leave_room_for_other_terms() -> None:
    def row(column: str, term: str, odds_ratio: float) -> dict:
        return {"column": column, "term": term, "odds_ratio": odds_ratio, "q": 0.01}

    names = [row("repeat_name", f"Alu{n}", 90.0 - n) for n in range(9)]
    classes = [row("repeat_class", "SINE/Alu", 80.0), row("main_region", "CDS", 0.1), row("genome", "human", 1.1)]
    card = {"label": 0, "annotation": [*names, *classes]}
    assert [each["term"] for each in shown(card)["annotation"]] == ["Alu0", "Alu1", "Alu2", "SINE/Alu", "CDS", "human"]


def test_the_first_screen_names_what_is_explained_before_larger_clusters_that_nothing_explains() -> None:
    def card(label: int, n: int, basis: str, confidence: str) -> dict:
        return {"label": label, "makeup": {"n": n}, "sentence": {"basis": basis, "confidence": confidence}}

    cards = [
        card(0, 900, "composition", "low"),
        card(1, 600, "unexplained", "low"),
        card(2, 300, "element", "moderate"),
        card(3, 60, "unexplained", "low"),
        card(4, 30, "CpG island", "low"),
        card(5, 27, "repeat", "high"),
    ]
    assert [each["label"] for each in answer_rows(cards)] == [5, 2, 0, 4, 1]
    assert counted(cards)[0] == ("composition", 1, 900) and counted(cards)[-1] == ("unexplained", 2, 660)


def test_rows_whose_odds_are_hardly_known_come_last() -> None:
    def row(term: str, odds_ratio: float, low: float, high: float) -> dict:
        return {"column": "region", "term": term, "odds_ratio": odds_ratio, "low": low, "high": high, "q": 0.01}

    rows = [
        row("rare", 275.0, 1.4, 54_000.0),
        row("seldom", 30.0, 0.9, 1_000.0),
        row("without", 0.05, 0.03, 0.09),
        row("common", 9.0, 7.0, 12.0),
    ]
    assert [each["term"] for each in shown({"label": 0, "annotation": rows})["annotation"]] == [
        "without",
        "common",
        "rare",
        "seldom",
    ]


def test_of_several_databases_the_families_that_most_windows_hit_are_shown() -> None:
    def found(database: str, shares: list[float]) -> dict:
        return {
            "database": database,
            "families": [{"name": f"{database}{i}", "share": share, "q": 0.01} for i, share in enumerate(shares)],
        }

    card = {"label": 0, "homology": {"databases": [found("few", [0.1] * 9), found("most", [0.8, 0.05])]}}
    assert [row["name"] for row in shown(card)["hits"]] == ["most0", *(f"few{i}" for i in range(7))]


def test_words_of_each_kind_are_shown_and_those_beyond_composition_first() -> None:
    """The table has all 6-mers first: ten of mere composition filled the card, and seven words beyond it were not
    shown."""

    def word(kind: str, number: int, q: float) -> dict:
        return {"word": f"{kind}{number}", "kind": kind, "versus_shuffled": {"q": q}}

    words = [
        *(word("6-mer", i, 0.9) for i in range(10)),
        *(word("8-mer", i, 0.001 if i < 3 else 0.9) for i in range(10)),
        *(word("pair", i, 0.001) for i in range(4)),
    ]
    told = [each["word"] for each in shown({"label": 0, "words": {"words": words}})["words"]]
    assert told == ["8-mer0", "pair0", "8-mer1", "pair1", "8-mer2", "pair2", "pair3", "6-mer0"]
    assert [each["word"] for each in shown({"label": 0, "words": {"words": words[:10]}})["words"]] == [
        f"6-mer{i}" for i in range(8)
    ]


def test_the_logo_of_a_consensus_is_corrected_for_the_sequences_of_each_column() -> None:
    """It was for a single one, of which no column has any information: every logo was blank."""
    coverage = [9] * 5 + [40, 40, 3, 40, *[0] * 60]
    consensus = {
        "found": True,
        "sentence": "",
        "coverage": coverage,
        "frequencies": [[0.97, 0.01, 0.01, 0.01]] * len(coverage),
    }
    (logo,) = shown({"label": 0, "consensus": consensus})["logos"]
    # of A, whose outline begins at its foot
    heights = [float(tall) for tall in re.findall(r"M[\d.]+ [\d.]+m0 ([\d.]+)l", logo["svg"])]
    entropy = -0.97 * log2(0.97) - 0.03 * log2(0.01)
    expected = [0.97 * (2 - entropy - 3 / (2 * log(2) * sites)) / 2 * 80 for sites in coverage[:9]]
    assert heights[:9] == pytest.approx(expected, abs=0.06)


def test_of_how_many_windows_a_motif_has_its_share_is_told() -> None:
    """Of 27 windows seven were left: near-copies count once, and half are held out."""
    found = {"name": "m", "matrix": [[0.97, 0.01, 0.01, 0.01]] * 6, "n_growing_sites": 8}
    found |= {"versus_others": {"share": 3 / 7, "background_share": 0.01, "q": 0.001}, "versus_shuffled": {"q": 0.001}}
    (logo,) = shown({"label": 0, "motifs": {"n_held_out": 7, "motifs": [found]}})["logos"]
    text = logo["text"].replace("\N{NO-BREAK SPACE}", " ")
    assert (
        text
        == "motif in 43 % of 7 windows held out (near-copies count once; it was not sought in these), elsewhere in 1 %"
    )


@pytest.mark.parametrize(
    ("histogram", "q", "told"),
    [
        ([1, 9, 2, 0], 0.0004, "not evenly over the window: 75 % in part 2 of 4 (q = 0.0004)"),
        ([3, 3, 4, 2], 0.4, "no part of the window is shown to have it more often (q = 0.4)"),
        ([0, 3, 0, 0], None, "45 % [20 %, 70 %] of its 20 sites on the forward strand"),  # too few to test
    ],
)
def test_where_in_the_window_a_motif_lies_is_told(histogram: list[int], q: float | None, told: str) -> None:
    """It was tested, and stood in cards.json alone."""
    found = {"name": "m", "matrix": [[0.97, 0.01, 0.01, 0.01]] * 6, "n_growing_sites": 8, "n_sites": 20}
    found |= {"versus_others": {"share": 0.5, "background_share": 0.01, "q": 0.001}, "versus_shuffled": {"q": 0.001}}
    found |= {"forward_share": 0.45, "forward_low": 0.2, "forward_high": 0.7}
    found |= {"position": {"histogram": histogram, "distance": 0.3, "p": q, "q": q}}
    (logo,) = shown({"label": 0, "motifs": {"n_held_out": 16, "motifs": [found]}})["logos"]
    text = logo["text"].replace("\N{NO-BREAK SPACE}", " ")
    assert text.endswith(told) and "; 45 % [20 %, 70 %] of its 20 sites on the forward strand" in text


def test_a_motif_that_shuffled_windows_may_have_as_often_is_told_with_their_share() -> None:
    """Of 16 windows eight had it, of shuffled ones a fifth: it was told to be no more than composition gives."""
    found = {"name": "m", "matrix": [[0.97, 0.01, 0.01, 0.01]] * 6, "n_growing_sites": 8}
    found |= {
        "versus_others": {"share": 0.5, "background_share": 0.01, "q": 0.001},
        "versus_shuffled": {"background_share": 0.2, "q": 0.06},
    }
    (logo,) = shown({"label": 0, "motifs": {"n_held_out": 16, "motifs": [found]}})["logos"]
    told = "; of the windows shuffled 20 % have it: not shown to be more than their composition gives"
    assert logo["text"].replace("\N{NO-BREAK SPACE}", " ").endswith(told)


def test_columns_of_a_consensus_have_their_numbers_in_it() -> None:
    consensus = {
        "found": True,
        "sentence": "",
        "coverage": [1] * 10 + [40] * 60,
        "frequencies": [[0.97, 0.01, 0.01, 0.01]] * 70,
    }
    (logo,) = shown({"label": 0, "consensus": consensus})["logos"]
    assert (
        logo["text"].startswith("consensus, bases 11 to 70 of 70")
        and ">15</text>" in logo["svg"]
        and ">70</text>" in logo["svg"]
        and ">5</text>" not in logo["svg"]
    )


def _why(comparison: Path, basis: str) -> str:
    wide, near = ({"value": value, "low": value - 0.1, "high": value + 0.05, "rest": 0.5} for value in (0.92, 0.65))
    makeup = {"n": 9, "loci": 9, "footprint_bp": 900} | dict.fromkeys(
        ("gc", "cpg_observed_expected", "entropy", "low_complexity"), near
    )
    kind = {
        "kind": "compositional",
        "composition_auc": wide,
        "composition_auc_nearby": near,
        "within": {"semi_global": 0.4},
        "within_median": {"semi_global": 0.5},
    }
    kind["comparisons"] = [
        {"form": "semi_global", "against": "shuffled", "effect": 0.1, "low": 0.0, "high": 0.2, "q": 1.0}
        | {"mean": 0.4, "median": 0.46}  # the effect is of ranks, which a few near pairs leave as they are
    ]
    hit = {
        "name": "Alu",
        "share": 0.5,
        "background_share": 0.1,
        "odds_ratio": 9.126,
        "odds_low": 4.0,
        "odds_high": 20.0,
        "q": 0.01,
        "identity": 0.9,
        "length": 300,
    }
    row = {
        "column": "main_region",
        "term": "intron",
        "share": 0.9,
        "share_rest": 0.2,
        "odds_ratio": 9.0,
        "low": 4.0,
        "high": 20.0,
        "q": 0.01,
    }
    card = {
        "annotation": [row],
        "label": 0,
        "makeup": makeup,
        "kind": kind,
        "homology": {"windows": 1_880, "sampled": 200, "databases": [{"database": "d", "families": [hit]}]},
    }
    card |= {
        "stability": {
            "jaccard": near | {"value": 0.76, "n": 4},
            "jaccard_corrected": near | {"value": 0.58},
            "verdict": "dissolved",
        }
    }
    start = {"share": 0.1, "share_rest": 0.3, "odds_ratio": 0.259, "low": 0.1, "high": 0.5, "q": 2.2e-5}
    card |= {"tss": {"median": 5.0, "median_rest": 6.0, "cliffs_delta": 0.2, "low": 0.1, "high": 0.3, "q": 0.04}}
    card["tss"] |= {"near": start, "start_of": "transcription"}
    card |= {"genes": {"n_genes": 2, "genes": [{"gene": "TTC28", "windows": 21, "share": 21 / 153}]}}
    page = render(
        replace(
            read_evidence(comparison), cards=[card | {"sentence": {"text": "", "confidence": "low", "basis": basis}}]
        ),
        {},
    )
    told = page.replace("\N{NO-BREAK SPACE}", " ")
    assert "9.13 [4.00, 20.00]" in page and "elsewhere 30 % (odds ratio 0.26 [0.10, 0.50]; q &lt; 0.001)" in told
    assert "<dt>distance from the start of transcription</dt>" in page
    assert "elsewhere 6 bp (Cliff's δ 0.20 [0.10, 0.30], below 0: nearer; q = 0.040); within 1 kb 10 %" in told
    assert "<dd>2; its windows among all of the gene: TTC28 21 of 153</dd>" in page
    assert "share of 200 windows drawn from the cluster's, against windows drawn from all others" in page
    assert (
        "Region and CpG island: of windows that hold a base of it; main region: of windows that hold more of it than "
        "of any other." in page
    )
    # by which the verdict is
    assert (
        "mean Jaccard index 0.76 [0.55, 0.70] over 4 subsamples, corrected for chance 0.58 [0.55, 0.70]: dissolved"
        in page
    )
    assert '<td>shuffled</td><td class="n">46.0\N{NO-BREAK SPACE}%</td>' in page
    # of no length of a window
    assert (
        "half of a window is found in another, at any offset and on either strand: median 50.0\N{NO-BREAK SPACE}% for "
        "pairs within" in page
    )
    return page[page.index("<dt>why its windows are alike") :].split("</dd>")[0]


def test_what_a_pattern_is_stands_beside_it(comparison: Path) -> None:
    """It is a word of `dnabert stability`, which the page explained nowhere."""
    near = {"value": 0.7, "low": 0.6, "high": 0.8, "rest": 0.5}
    makeup = {"n": 30, "loci": 30, "footprint_bp": 5}
    makeup |= dict.fromkeys(("gc", "cpg_observed_expected", "entropy", "low_complexity"), near)
    card = {"label": 0, "makeup": makeup, "sentence": {"text": "", "confidence": "low", "basis": "composition"}}
    for verdict, told in (("pattern", "a pattern (between stable and dissolved)"), ("stable", "stable")):
        judged = card | {"stability": {"jaccard": near | {"n": 4}, "verdict": verdict}}
        page = render(replace(read_evidence(comparison), cards=[judged]), {})
        assert f"mean Jaccard index 0.70 [0.60, 0.80] over 4 subsamples: {told}</dd>" in page
    judged = card | {"stability": {"jaccard": near | {"n": 1}, "verdict": "dissolved", "undecided": True}}
    page = render(replace(read_evidence(comparison), cards=[judged]), {})
    open_yet = "dissolved by its mean, but the interval leaves it open: more subsamples would tell</dd>"
    assert f"mean Jaccard index 0.70 [0.60, 0.80] over 1 subsample: {open_yet}" in page
    judged = card | {"stability": {"jaccard": near | {"n": 2}, "verdict": "pattern", "undecided": True}}
    page = render(replace(read_evidence(comparison), cards=[judged]), {})
    open_yet = "dissolved), but the interval leaves open whether it dissolves: more subsamples would tell</dd>"
    assert f"over 2 subsamples: a pattern (between stable and {open_yet}" in page
    nothing = {"value": None, "low": None, "high": None, "n": 0}
    judged = card | {"stability": {"jaccard": nothing, "verdict": "dissolved", "undecided": True}}
    page = render(replace(read_evidence(comparison), cards=[judged]), {})
    assert "<dd>no subsample held a window of it: more subsamples would tell</dd>" in page


def test_a_kind_is_no_reason_where_the_sentence_has_none(comparison: Path) -> None:
    told = _why(comparison, "unexplained")
    assert "from all others 0.92 [" in told and "from windows nearby 0.65 [" in told and "<dd>not known;" in told
    assert "<dd>compositional;" in _why(comparison, "composition")


def test_how_many_windows_a_cluster_has_is_said_once(comparison: Path) -> None:
    near = {"value": 0.5, "low": 0.4, "high": 0.6, "rest": 0.5}
    makeup = {
        "n": 1_830,
        "loci": 100,
        "footprint_bp": 5,
        **dict.fromkeys(("gc", "cpg_observed_expected", "entropy", "low_complexity"), near),
    }
    for text in ("unexplained: 1,830 windows at 100 places, AT-rich sequence", "AT-rich sequence"):
        card = {"label": 0, "makeup": makeup, "sentence": {"text": text, "confidence": "low", "basis": "unexplained"}}
        page = render(replace(read_evidence(comparison), cards=[card]), {})
        (summary,) = re.findall(r'<details id="cluster-0">\s*<summary>(.*?)</summary>', page, flags=re.DOTALL)
        assert (
            summary.count("1,830 windows at 100 places") == 1
            and summary.startswith("<b>Cluster 0</b>")
            and text in summary
        )


def test_a_card_tells_the_tests_of_what_a_cluster_is_made_of(comparison: Path) -> None:
    """They were made and corrected, and the page had two means side by side, of which nobody could say whether they
    differ."""
    near = {"value": 0.475, "low": 0.472, "high": 0.478, "rest": 0.476, "effect": -0.0185, "p": 0.99, "q": 0.996}
    makeup = {"n": 30, "loci": 30, "footprint_bp": 5, "gc": near, "entropy": near | {"effect": 0.475, "q": 1.8e-5}}
    makeup |= {"cpg_observed_expected": near | {"effect": None}, "low_complexity": {"value": None, "rest": 0.5}}
    card = {"label": 0, "makeup": makeup, "sentence": {"text": "", "confidence": "low", "basis": "composition"}}
    page = render(replace(read_evidence(comparison), cards=[card]), {})
    told = dict(re.findall(r"<dt>(GC|CpG observed / expected|entropy|low complexity)[^<]*</dt><dd>(.*?)</dd>", page))
    assert told == {
        "GC": "0.475 [0.472, 0.478]; all other windows 0.476 (Cliff&#39;s δ −0.02; q = 0.996)",
        "entropy": "0.475 [0.472, 0.478]; all other windows 0.476 (Cliff&#39;s δ 0.47; q &lt; 0.001)",
        "CpG observed / expected": "0.475 [0.472, 0.478]; all other windows 0.476",
        "low complexity": "–; all other windows 0.500",
    }


def test_a_card_tells_its_confounds_and_the_page_those_of_all_clusters(comparison: Path) -> None:
    """They were tested and corrected, and the page had none of them but a prediction of all together."""
    near = {"value": 0.5, "low": 0.4, "high": 0.6, "rest": 0.5}
    makeup = {"n": 30, "loci": 30, "footprint_bp": 5}
    makeup |= dict.fromkeys(("gc", "cpg_observed_expected", "entropy", "low_complexity"), near)
    ends = {"low": -0.5, "high": 0.75}
    confounds = [
        {"feature": "gc", "kind": "continuous", "effect": 0.1, "q": 0.5, "mean": 0.5, **ends},
        {"feature": "n_share", "kind": "continuous", "effect": 0.25, "q": 1e-9, "mean": 0.031, **ends},
        {"feature": "phase", "kind": "classes", "effect": 0.125, "q": 0.25, "most": "5", "share": 0.2, **ends},
        {"feature": "codon_position", "kind": "classes", "effect": 0.0, "low": 0.0, "high": 0.0, "q": 0.99, "n": 8}
        | {"most": "0", "share": 0.5},
        {"feature": "codon_frame", "kind": "classes", "effect": None, "q": None, "most": "+1", "share": 1.0, "n": 1},
    ]
    confounds = [row if row["kind"] == "continuous" else row | {"share_rest": 0.125} for row in confounds]
    sentence = {"text": "", "confidence": "low", "basis": "composition"}
    card = {"label": 0, "makeup": makeup, "sentence": sentence, "confounds": confounds}
    overall = [
        {"feature": "strand", "n": 1_234, "ami": 0.01, "ami_null_high": 0.02, "q": 0.5},
        {"feature": "soft_masked", "ami": 0.125, "ami_null_high": 0.001, "q": 0.02},
    ]
    page = render(
        replace(read_evidence(comparison), cards=[card], overall={"confounds": {"overall": overall}}), {}
    ).replace("\N{NO-BREAK SPACE}", " ")
    told = re.findall(r"<dt>(N|GC|frame of the words|codon position|codon frame)</dt><dd>(.*?)</dd>", page)
    assert told[-4:] == [
        ("N", "3 % of the bases; difference to elsewhere, in standard deviations, 0.25 [−0.50, 0.75] (q &lt; 0.001)"),
        ("frame of the words", "frame 5: 20 % (elsewhere 12 %); Cramér&#39;s V 0.12 [−0.50, 0.75] (q = 0.250)"),
        ("codon position", "position 0: 50 % of 8 coding windows (elsewhere 12 %); Cramér&#39;s V 0.00 (q = 0.990)"),
        ("codon frame", "frame +1: 100 % of 1 coding window (elsewhere 12 %)"),
    ]
    assert [name for name, _ in told].count("GC") == 1  # by itself, with the mean of all other windows
    (table,) = re.findall(r'<table class="sortable" id="confounds">(.*?)</table>', page, flags=re.DOTALL)
    assert re.findall(r'<th scope="row">(.*?)</th><td class="n">(.*?)</td><td class="n">(.*?)</td>', table) == [
        ("soft-masking", "–", "0.125"),  # by an older version, which told no number
        ("strand", "1,234", "0.010"),
    ]
    assert "species" not in table and "Codons" not in table  # of neither there is a row
    overall += [
        {"feature": name, "n": 9, "ami": 0.0, "ami_null_high": 0.1, "q": 1} for name in ("genome", "codon_frame")
    ]
    page = render(replace(read_evidence(comparison), overall={"confounds": {"overall": overall}}), {})
    assert "along the genome, species change places among orthologs. q" in page
    assert "Codons: of the windows in coding sequence alone; where these are few, no agreement can be told.<" in page
    assert 'id="confounds"' not in render(read_evidence(comparison), {})
