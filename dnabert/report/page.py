"""Write the report: figures, tables and the page that shows them."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnabert.explain.evidence_rows import left_out
from dnabert.given import stage_folder
from dnabert.manifest import kind_of
from dnabert.report import answer, cards, confounds, first_screen, ideogram, learned, numbers, survival
from dnabert.report.canvas import save_all, save_svg
from dnabert.report.evidence import Evidence, read_evidence
from dnabert.report.figures import draw_all, window_length
from dnabert.report.interactive import as_script, map_data
from dnabert.report.metrics import measured
from dnabert.report.tables import composition, told_columns, write_tables
from dnabert.report.verdict import verdict
from dnabert.stage import stage

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def write_report(
    source: str | os.PathLike[str], *, run: str | Path | None = None, out: str | Path, overwrite: bool = False
) -> Path:
    """Write ``report.html`` with ``figures/`` (PNG, SVG) and ``tables/`` (TSV) beside it.

    Parameters
    ----------
    source : folder of ``eval/compare.py``, or of ``dnabert explain``, or what `dnabert.explain.explain` gave: then the
        page has map, cards and chromosomes, but no ladder and no verdict.
    run : folder of ``train/pretrain.py``, for the loss curve and its floors; without it the page of a comparison says
        so.
    out : folder to make.
    overwrite : replace a report that stands there.

    Returns
    -------
    Path of ``report.html``: one file that needs neither network nor the folders it was made from.

    Raises
    ------
    UserError
        when an input is no comparison, explanation or run, or `out` may not be written.
    """
    source = stage_folder(source, kind="comparison or explanation")
    inputs = {kind_of(source) or "comparison": source} | ({"run": run} if run is not None else {})
    with stage(out, kind="report", inputs=inputs, overwrite=overwrite) as folder:
        evidence = read_evidence(source, run=run)
        figures = draw_all(evidence)
        save_all(figures, folder / "figures")
        write_tables(evidence, folder / "tables")
        (folder / "report.html").write_text(render(evidence, figures), encoding="utf-8")
    return Path(out) / "report.html"


def render(evidence: Evidence, figures: dict[str, Figure]) -> str:
    """Return the page as text.

    The template escapes every name; data stand in JSON that cannot close its element.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("dnabert.report", package_path=""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("count", "number", "percent", "interval", "p_value", "small", "odds", "duration", "listed", "present"):
        environment.filters[name] = getattr(numbers, name)
    environment.filters["composition"] = composition
    environment.filters["left_out"] = left_out
    environment.filters["describe"] = first_screen.describe
    pictures = {name: _svg(figure) for name, figure in figures.items() if not name.startswith("map_")}
    along = ideogram.along(evidence.map)
    drawn = map_data(evidence.map, sequences=evidence.sequences)
    return environment.get_template("report.html.j2").render(
        pictures=pictures,
        map=as_script(drawn | {"along": ideogram.packed(along, evidence.cards) if along else None}),
        along=along,
        left_out=ideogram.left_out(along) if along else "",
        style=_part("report.css"),
        **_words(evidence),
    )


def _words(evidence: Evidence) -> dict[str, Any]:
    ladder = evidence.ladder
    metrics = measured(ladder)
    labels = evidence.map["label"]
    outcomes = first_screen.outcome_rows(ladder, evidence.differences)
    loss_sentence = None
    if "run" in evidence.manifests:
        loss_sentence = learned.loss_sentence(evidence.metrics, evidence.floors)
    return {
        "ladder": ladder,
        "metrics": metrics,
        "best": {
            metric.key: answer.leaders(ladder, metric, differences=evidence.differences)
            for metric in metrics
            if metric.better
        },
        "verdict": verdict(ladder, evidence.differences, evidence.added),
        "bits": learned.bits_row(evidence.metrics, evidence.floors),
        "outcomes": outcomes,
        "judged": first_screen.judged_name(ladder),
        "glossary": first_screen.glossary(outcomes, ladder),
        "comparisons": answer.compare_all(ladder, differences=evidence.differences),
        "cluster_sentence": answer.cluster_sentence(evidence.clusters),
        "null_sentence": answer.null_sentence(ladder),
        "loss_sentence": loss_sentence,
        "mask_sentence": learned.mask_sentence((evidence.manifests.get("run") or {}).get("config") or {}),
        "scores": learned.asked(evidence.scores),
        "distance_sentences": answer.distance_sentences(evidence.edit_distance or {}),
        "edit_distance": evidence.edit_distance,
        "clusters": evidence.clusters,
        "columns": told_columns(evidence.clusters),
        "cards": [cards.shown(card) for card in evidence.cards],
        "leading_cards": cards.answer_rows(evidence.cards),
        "named_by": cards.counted(evidence.cards),
        "overall": evidence.overall,
        "confounds": confounds.of_all(evidence.overall),
        "trust": survival.trust_sentences(
            evidence.stability, evidence.null, evidence.overall, explained=bool(evidence.cards)
        ),
        "survival": survival.rows(ladder),
        "survival_sentence": survival.sentence(ladder),
        "symmetry": survival.symmetry_rows(ladder),
        "read_otherwise": survival.read_otherwise(ladder),
        "shift_sentence": survival.shift_sentence(ladder),
        "windows": len(labels),
        "window_length": window_length(evidence.map),
        "place": _place(evidence.map),
        "hovered": _hovered(evidence.map, sequences=not evidence.no_sequences),
        "example_cluster": _cluster(evidence.map),
        "drawn": _drawn(evidence.map),
        "no_sequences": evidence.no_sequences,
        "map_fit": evidence.map_fit,
        "unclustered": float((labels < 0).mean()) if len(labels) else None,
        "genomes": sorted(map(str, evidence.map["genome"].unique())) if "genome" in evidence.map else [],
        "main_rung": evidence.main_rung,
        "manifests": evidence.manifests,
        "configs": evidence.configs,
        "versions": (evidence.manifests.get("comparison") or evidence.manifests["explanation"]).get("versions") or {},
    }


def _place(table: pd.DataFrame) -> str:
    """A stretch of 100 kb that the map has windows in, as the search understands it; empty where the map has no
    coordinates."""
    if not ({"chrom", "start"} <= set(table) and len(table)):
        return ""
    row = table.iloc[len(table) // 2]
    return f"{row['chrom']}:{row['start'] + 1:,}-{row['start'] + 100_000:,}"


def _hovered(table: pd.DataFrame, *, sequences: bool) -> list[str]:
    """What is told of a window that is pointed at: of what nobody annotated nothing is."""
    told = {"place": "chrom", "gene": "gene_type", "repeat": "repeat_class"}
    found = [name for name, key in told.items() if key in table and (table[key].astype(str) != "unknown").any()]
    return [*found, "sequence"] if sequences else found


def _cluster(table: pd.DataFrame) -> int | None:
    """A cluster that the search finds, cluster 3 where there is one; None where nothing is clustered."""
    labels = table["label"].to_numpy()
    return int(min(labels.max(), 3)) if (labels >= 0).any() else None


def _drawn(table: pd.DataFrame) -> str:
    """What a bootstrap draws: places as `dnabert.corpus.places.places_apart` tells them apart."""
    if "block" in table and (table["block"] >= 0).any():
        return "whole orthologous blocks"
    return "whole stretches of 10 kb" if "start" in table else "windows"


def _svg(figure: Figure) -> str:
    """A figure as a data address: as an image its inner names cannot clash with another figure's."""
    buffer = io.BytesIO()
    save_svg(figure, buffer)
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _part(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
