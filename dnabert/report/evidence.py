"""Read what the earlier stages left: one object that the page, the figures and the tables share."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnabert.errors import UserError
from dnabert.json_file import read_own, read_own_lines
from dnabert.manifest import check_unchanged, kind_of, read_manifest, told_kind
from dnabert.pretraining.curve import METRICS

if TYPE_CHECKING:
    import pandas as pd

    from dnabert.report.sequences import Read

#: Which windows touch genes of a named set, beside the cards of an explanation.
_SETS = "gene_sets_on_map.parquet"
#: How often each window was found again in its cluster, where the clustering was repeated.
_REPEATS = "stability.parquet"


@dataclass(frozen=True)
class Evidence:
    """A comparison, or an explanation alone (no ladder then), and, when there is one, the run behind it.

    Attributes
    ----------
    ladder : one record per rung, as in ``ladder.json``.
    edit_distance : as in ``edit_distance.json``, or None.
    clusters : one record per cluster, largest first; the unclustered windows (label -1), if told, come last.
    map : DataFrame with one row per window: ``label``, ``x``, ``y``, the annotation columns, from an explanation with
        named gene sets ``gene_set:NAME`` (bool), and ``confidence`` where the clustering was repeated (share of the
        repeats in which the window is in the counterpart of its cluster, NaN where none had it).
    metrics : the run's ``metrics.jsonl``, in order; empty without a run.
    floors : the run's ``floors.json``, or None.
    cards : one record per cluster of the map, as in ``explanation/cards.json``; empty without an explanation.
    overall : as in ``explanation/overall.json``; empty without one.
    stability : as in ``stability/stability.json``; empty without it.
    null : as in ``null.json``; empty without it.
    differences : the pretrained rung against the best cheap one, as in ``differences.json``.
    added : what trained rungs add to counting, as in ``added.json``.
    scores : hidden words by kind of sequence, as in ``hidden_words/scores.json``; empty without it.
    map_fit : windows that the map was ``fitted`` on and that were ``placed`` among them; empty where it was not told.
    manifests : name of a stage to its manifest.
    configs : name of a stage to its configuration as YAML text.
    sequences : gives the bases of rows int (m,) of the map: uint8 ASCII (m, L); None where the corpus cannot be read.
    no_sequences : why not; empty where it can.
    """

    ladder: list[dict[str, Any]]
    edit_distance: dict[str, Any] | None
    clusters: list[dict[str, Any]]
    map: pd.DataFrame
    main_rung: str
    metrics: list[dict[str, Any]] = field(default_factory=list)
    floors: dict[str, Any] | None = None
    cards: list[dict[str, Any]] = field(default_factory=list)
    overall: dict[str, Any] = field(default_factory=dict)
    stability: dict[str, Any] = field(default_factory=dict)
    null: dict[str, Any] = field(default_factory=dict)
    differences: list[dict[str, Any]] = field(default_factory=list)
    added: list[dict[str, Any]] = field(default_factory=list)
    scores: dict[str, Any] = field(default_factory=dict)
    map_fit: dict[str, int] = field(default_factory=dict)
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    configs: dict[str, str] = field(default_factory=dict)
    sequences: Read | None = None
    no_sequences: str = ""


def read_evidence(source: str | Path, *, run: str | Path | None = None) -> Evidence:
    """Read a comparison, or an explanation alone, and a run folder.

    Raises
    ------
    UserError
        when a folder is not of its kind, or a file in it is missing or unreadable.
    """
    source = Path(source)
    kind = kind_of(source)
    if kind in ("clusters", "embeddings"):
        raise UserError(
            f"{source} holds {kind}, of which there is nothing to tell yet: dnabert explain makes cards of clusters"
        )
    if kind not in ("explanation", "comparison"):
        found = f"no such folder: {source}"
        if source.is_dir():
            found = f"{source} holds {told_kind(kind) if kind else 'no stage of dnabert'}"
        raise UserError(
            f"{found}: a report is of an explanation (dnabert explain makes one) or of a comparison (eval/compare.py)"
        )
    evidence = _of_explanation(source) if kind == "explanation" else _of_comparison(source)
    return evidence if run is None else _with_run(evidence, Path(run))


def _of_comparison(comparison: Path) -> Evidence:
    manifests = {"comparison": read_manifest(comparison, kind="comparison")}
    main = read_own(comparison / "comparison.json")
    if not isinstance(main, dict) or not isinstance(main.get("main"), str):
        raise UserError(f"{comparison / 'comparison.json'} has no key main: make the comparison again")
    configs = _texts(comparison, name="comparison")
    edit = comparison / "edit_distance.json"
    table = _read_map(
        comparison / main["main"], sets=comparison / "explanation" / _SETS, repeats=comparison / "stability" / _REPEATS
    )
    sequences, no_sequences = _sequences(comparison, manifests["comparison"], table)
    explanation = comparison / "explanation"
    if explanation.is_dir():
        manifests["explanation"] = read_manifest(explanation, kind="explanation")
        configs |= _texts(explanation, name="explanation")
    for name, made in (("stability", "stability"), ("hidden_words", "scores")):
        if (comparison / name / "manifest.json").exists():
            manifests[name] = read_manifest(comparison / name, kind=made)
    ladder = read_own(comparison / "ladder.json")
    cards = _read_json_if(explanation / "cards.json", otherwise=[])
    rows = [
        row | {"edit_distance_median": _free(cards).get(row["label"])} for row in read_own(comparison / "clusters.json")
    ]
    return Evidence(
        ladder=ladder,
        edit_distance=_with_medians(read_own(edit)) if edit.exists() else None,
        clusters=sorted(rows, key=lambda record: (record["label"] < 0, -record["n"])),
        map=table,
        main_rung=str(main.get("main_rung", "")),
        cards=cards,
        overall=_read_json_if(explanation / "overall.json", otherwise={}),
        stability=_read_json_if(comparison / "stability" / "stability.json", otherwise={}),
        null=_read_json_if(comparison / "null.json", otherwise={}),
        differences=_read_json_if(comparison / "differences.json", otherwise=[]),
        added=_read_json_if(comparison / "added.json", otherwise=[]),
        scores=_read_json_if(comparison / "hidden_words" / "scores.json", otherwise={}),
        map_fit=_read_json_if(comparison / main["main"] / "clusters.json", otherwise={}).get("map", {}),
        manifests=manifests | _rungs(comparison, names={*(rung["rung"] for rung in ladder), Path(main["main"]).name}),
        configs=configs,
        sequences=sequences,
        no_sequences=no_sequences,
    )


def _with_medians(edit_distance: dict[str, Any]) -> dict[str, Any]:
    """Distances of pairs, with the medians that earlier versions did not note."""
    for name, values in edit_distance["pairs"].items():
        if len(values) > 1:
            edit_distance["summary"][name].setdefault("median", statistics.median(values))
    return edit_distance


def _free(cards: list[dict[str, Any]]) -> dict[int, float | None]:
    """By cluster, the median of edit distances that its card tells, free of shift and strand: without that copies of an
    element, each cut elsewhere, are farther apart than windows of one composition."""
    return {card["label"]: card.get("kind", {}).get("within_median", {}).get("semi_global") for card in cards}


def _of_explanation(folder: Path) -> Evidence:
    """Map and cards of one encoder's clusters, with what these were made from; nothing is compared."""
    from dnabert.encoders.recorded import recorded_word_length
    from dnabert.explain.composition import cluster_rows

    manifest = read_manifest(folder, kind="explanation")
    clusters = check_unchanged(folder, manifest, name="clusters")
    judged = check_unchanged(folder, manifest, name="stability") if "stability" in manifest["inputs"] else None
    table = _read_map(clusters, sets=folder / _SETS, repeats=judged / _REPEATS if judged else None)
    grouped = read_manifest(clusters, kind="clusters")
    vectors = grouped["inputs"]["embeddings"]["path"]
    embedded = read_manifest(vectors, kind="embeddings")
    sequences = _reader(vectors, embedded, table, name="input")
    repeated = {"stability": read_manifest(judged, kind="stability")} if judged else {}
    cards = read_own(folder / "cards.json")
    return Evidence(
        ladder=[],
        edit_distance=None,
        clusters=cluster_rows(
            table, sequences, phase_modulus=recorded_word_length(embedded) or 1, edit_distance=_free(cards)
        ),
        map=table,
        main_rung=str(embedded["config"]["encoder"]),
        cards=cards,
        overall=read_own(folder / "overall.json"),
        stability=read_own(judged / "stability.json") if judged else {},
        map_fit=read_own(clusters / "clusters.json").get("map", {}),
        manifests={"embeddings": embedded, "clusters": grouped, **repeated, "explanation": manifest},
        configs=_texts(folder, name="explanation"),
        sequences=sequences,
    )


def _with_run(evidence: Evidence, run: Path) -> Evidence:
    """The same with a run's curve and floors; the packaged model comes without."""
    manifests = evidence.manifests | {"run": read_manifest(run, kind="run")}
    floors = read_own(run / "floors.json") if (run / "floors.json").exists() else None
    configs = evidence.configs | _texts(run, name="run")
    metrics = read_own_lines(run / METRICS) if (run / METRICS).exists() else []
    return replace(evidence, metrics=metrics, floors=floors, manifests=manifests, configs=configs)


def _read_map(folder: Path, *, sets: Path, repeats: Path | None) -> pd.DataFrame:
    import pandas as pd

    read_manifest(folder, kind="clusters")
    table = _read_table(folder / "clusters.parquet")
    for path, made in ((sets, "explanation"), (repeats, "stability")):
        if path is None or not path.exists():
            continue
        more = _read_table(path)
        if len(more) != len(table):
            raise UserError(f"{path} has {len(more)} rows for {len(table)} windows: make the {made} again")
        more = more.add_prefix("gene_set:") if path is sets else more[["confidence"]]
        table = pd.concat([table, more.set_axis(table.index)], axis=1)
    return table


def _sequences(comparison: Path, manifest: dict[str, Any], table: pd.DataFrame) -> tuple[Read | None, str]:
    """How to read the windows' bases, or why not: a page without them is better than none."""
    try:
        return _reader(comparison, manifest, table, name="corpus"), ""
    except UserError as error:
        return None, str(error)


def _reader(folder: str | Path, manifest: dict[str, Any], table: pd.DataFrame, *, name: str) -> Read:
    """Read the windows' bases from the corpus that a stage has as its input `name`. Raises `UserError` where it cannot
    be read."""
    from dnabert.corpus import load_corpus

    if "row" not in table:
        raise UserError("the map does not say which windows of the corpus it shows")
    view = load_corpus(check_unchanged(folder, manifest, name=name)).view(None)
    rows = table["row"].to_numpy()
    return lambda chosen: view.bases(rows[chosen])


def _read_table(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}): make the stage that wrote it again") from error


def _rungs(comparison: Path, *, names: set[str]) -> dict[str, dict[str, Any]]:
    """Manifests of the rungs' stages; those of rungs that were compared before stay in the folder, and are none of this
    comparison."""
    found = {}
    for kind in ("embeddings", "clusters"):
        for path in sorted((comparison / kind).glob("*/manifest.json")):
            if path.parent.name in names:
                found[f"{kind}/{path.parent.name}"] = read_manifest(path.parent, kind=kind)
    return found


def _texts(folder: Path, *, name: str) -> dict[str, str]:
    path = folder / "config.yaml"
    return {name: path.read_text(encoding="utf-8")} if path.exists() else {}


def _read_json_if(path: Path, *, otherwise: Any) -> Any:
    return read_own(path) if path.exists() else otherwise
