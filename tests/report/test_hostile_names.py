"""Whatever clusters, genes, genomes, terms and families are called: the page shows the words and runs none of them."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dnabert.report.evidence import read_evidence
from dnabert.report.logo import draw_logo
from dnabert.report.page import render

_NAMES = (
    "</script><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "<svg/onload=alert(1)>",
    "{{ 7 * 7 }}",
    "$a^$ \\frac{",
)
_KNOWN = {"label": 0, "n": 40, "q": 1e-9, "p": 1e-9, "low": 0.1, "high": 0.9}


class _Page(HTMLParser):
    """Elements that may do something, and handlers of events."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [(tag, name) for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _card(name: str) -> dict[str, Any]:
    """A card, every name in it the one given."""
    measure = {"value": 0.5, "low": 0.4, "high": 0.6, "rest": 0.5}
    window = {
        "genome": name,
        "chrom": name,
        "start": 5,
        "end": 453,
        "strand": name,
        "gene": name,
        "region": name,
        "repeat_class": name,
        "repeat_name": name,
    }
    window |= {"sequence": name, "like": name}
    motif = {"name": name, "matrix": [[0.7, 0.1, 0.1, 0.1]] * 4, "n_growing_sites": 20}
    motif |= {"versus_others": {"q": 0.001, "share": 0.5, "background_share": 0.1}, "versus_shuffled": {"q": 0.001}}
    family = {
        "name": name,
        "share": 0.9,
        "background_share": 0.1,
        "odds_ratio": 9.0,
        "odds_low": 4.0,
        "odds_high": 20.0,
        "q": 1e-9,
    }
    family |= {"identity": 0.9, "length": 300}
    return {
        "label": 0,
        "makeup": {
            "n": 40,
            "loci": 30,
            "genomes": {name: 40},
            "footprint_bp": 9000,
            "medoid": window,
            "boundary": [window],
            "random": [window],
            "gc": measure,
            "cpg_observed_expected": measure,
            "entropy": measure,
            "low_complexity": measure,
        },
        "stability": {"jaccard": measure | {"n": 4}, "verdict": name},
        "kind": {
            "kind": name,
            "composition_auc": measure,
            "within": {"semi_global": 0.3},
            "comparisons": [{"form": "semi_global", "against": name, "mean": 0.4, "effect": -0.5, **_KNOWN}],
        },
        "corpus_homology": {"sentence": name},
        "consensus": {
            "found": True,
            "sentence": name,
            "like": name,
            "coverage": [9] * 8,
            "frequencies": [[0.7, 0.1, 0.1, 0.1]] * 8,
            "consensus": "A" * 8,
        },
        "tss": {
            "median": 5.0,
            "median_rest": 6.0,
            "cliffs_delta": 0.1,
            "near": {"share": 0.1, "share_rest": 0.1, "odds_ratio": 1.0, **_KNOWN},
            **_KNOWN,
        },
        "genes": {"n_genes": 1, "genes": [{"gene": name, "windows": 4, "share": 0.5}]},
        "homology": {"databases": [{"database": name, "families": [family]}]},
        "annotation": [{"column": name, "term": name, "share": 0.5, "share_rest": 0.1, "odds_ratio": 5.0, **_KNOWN}],
        "gene_sets": [{"id": name, "name": name, "share": 0.5, "expected": 0.1, "genes": {name: 4}, **_KNOWN}],
        "words": {
            "words": [
                {
                    "word": name,
                    "kind": name,
                    "versus_others": {"share": 0.5, "background_share": 0.1},
                    "versus_shuffled": {"background_share": 0.1, "q": 0.01},
                }
            ],
        },
        "motifs": {"n_held_out": 7, "motifs": [motif]},
        "known_motifs": [{"motif": name, "known": name}],
        "sentence": {"text": name, "confidence": "high", "basis": name},
    }


@pytest.mark.parametrize("name", _NAMES)
def test_a_page_runs_no_name(comparison: Path, name: str) -> None:
    evidence = read_evidence(comparison)
    table = evidence.map.assign(
        **dict.fromkeys(("genome", "chrom", "gene", "gene_type", "region", "repeat_class", "split"), name)
    )
    overall = {
        "skipped": {name: name},
        "gene_set_landing": {
            name: {
                "name": name,
                "n": 3,
                "ami": {"value": 0.1, "low": 0.0, "high": 0.2},
                "ami_random": 0.07,
                "p": 0.2,
                "q": 0.4,
            }
        },
    }
    hostile = dataclasses.replace(
        evidence, map=table, cards=[_card(name)], overall=overall, configs={name: name}, main_rung=name
    )
    before, after = _Page(), _Page()
    before.feed(render(evidence, {}))
    after.feed(render(hostile, {}))
    assert after.handlers == before.handlers == []
    assert after.tags.count("img") == before.tags.count("img")
    assert after.tags.count("script") == before.tags.count("script")
    assert sum(name in text for text in after.text) > 15


@pytest.mark.parametrize("name", _NAMES)
def test_a_logo_runs_no_name(name: str) -> None:
    import numpy as np

    page = _Page()
    page.feed(draw_logo(np.eye(4), title=name))
    assert page.handlers == [] and {"img", "script"}.isdisjoint(page.tags)


@pytest.mark.parametrize("name", _NAMES)
def test_a_figure_draws_any_name(comparison: Path, name: str) -> None:
    from dnabert.report.figures import map_figure

    evidence = read_evidence(comparison)
    figure = map_figure(
        dataclasses.replace(evidence, map=evidence.map.assign(region=name), main_rung=f"runs/{name}"),
        column="region",
        title="gene region",
    )
    figure.canvas.draw()
