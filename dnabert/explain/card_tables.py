"""Evidence, part by part, into a card for each cluster, and into flat tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dnabert.explain.makeup import MEASURES
from dnabert.explain.sentence import cluster_sentence
from dnabert.explain.windows import ClusteredWindows

Record = dict[str, Any]

#: Gene sets that a card keeps, those of the smallest p; the table has all.
_SETS = 50


def cards_of(windows: ClusteredWindows, evidence: Mapping[str, Any]) -> list[Record]:
    """One dict per cluster: each part's own row of the evidence, or its rows where it has several, and the sentence."""
    parts = {
        name: _by_label(rows)
        for name, rows in evidence.items()
        if name not in ("confounds", "gene_set_landing", "known_motifs")
    }
    confounds = _by_label(evidence["confounds"]["clusters"])
    genomes = int(windows.table["genome"].nunique()) if "genome" in windows.table else 1
    cards = []
    for label in windows.clusters:
        card: Record = {"label": label, "genomes_of_corpus": genomes}
        for name, rows in parts.items():
            card[name] = _of_card(name, rows.get(label, []))
        card["confounds"] = confounds.get(label, [])
        matches = {motif["name"] for motif in card["motifs"].get("motifs", [])}
        card["known_motifs"] = [row for row in evidence.get("known_motifs", []) if row["motif"] in matches]
        cards.append(card | {"sentence": cluster_sentence(card)})
    return cards


def _of_card(part: str, rows: list[Record]) -> list[Record] | Record:
    """What a card holds of a part: its rows where it has several by nature, else its one row."""
    if part == "annotation":
        return rows
    if part == "gene_sets":
        return rows[:_SETS]
    return rows[0] if rows else {}


def _by_label(rows: Iterable[Record]) -> dict[int, list[Record]]:
    """Rows of each cluster: gene sets are thousands for each of perhaps a thousand."""
    found: dict[int, list[Record]] = {}
    for row in rows:
        found.setdefault(row["label"], []).append(row)
    return found


def tables_of(cards: list[Record], evidence: Mapping[str, Any]) -> dict[str, list[Record]]:
    """Flat rows of each kind of evidence, for spreadsheets."""
    tables: dict[str, list[Record]] = {
        "clusters": [
            {
                "label": c["label"],
                **{name: c["makeup"][name] for name in ("n", "loci", "stretches")},
                "kind": c["kind"]["kind"],
                **c["sentence"],
            }
            for c in cards
        ],
        "composition": [
            _flat({"label": c["label"], "measure": name, **c["makeup"][name]})
            for c in cards
            for name in MEASURES
            if name in c["makeup"]
        ],
        "annotation": [row for c in cards for row in c.get("annotation", [])],
        "tss": [_flat(c["tss"]) for c in cards if c.get("tss")],
        "genes": [{"label": c["label"], **row} for c in cards if c.get("genes") for row in c["genes"].get("genes", [])],
        "gene_sets": [row | {"genes": ",".join(row["genes"])} for row in evidence.get("gene_sets", [])],
        "edit_distance": [{"label": c["label"], **row} for c in cards for row in c["kind"]["comparisons"]],
        "words": [_flat({"label": c["label"], **row}) for c in cards for row in c["words"]["words"]],
        "motifs": [
            _flat({"label": c["label"], **_without_arrays(row)}) for c in cards for row in c["motifs"]["motifs"]
        ],
        "homology": list(_homology_rows(cards)),
        "corpus_homology": [_flat(c["corpus_homology"]) for c in cards if c.get("corpus_homology")],
        "consensus": [_without_columns(c["consensus"]) for c in cards if c.get("consensus")],
        "known_motifs": [row for c in cards for row in c["known_motifs"]],
        "confounds": [row for c in cards for row in c["confounds"]],
    }
    return {name: rows for name, rows in tables.items() if rows}


def _homology_rows(cards: list[Record]) -> Iterator[Record]:
    for card in cards:
        for database in card.get("homology", {}).get("databases", []):
            for level in ("families", "subjects"):
                for row in database[level]:
                    yield {"label": card["label"], "database": database["database"], "level": level, **row}


def _without_arrays(row: Mapping[str, Any]) -> Record:
    """A motif without its matrix, the counts of its places in the window as one text."""
    position = row["position"] | {"histogram": ",".join(map(str, row["position"]["histogram"]))}
    return {name: value for name, value in row.items() if name != "matrix"} | {"position": position}


def _without_columns(consensus: Mapping[str, Any]) -> Record:
    """A consensus without its coverage and its frequencies, base by base."""
    return {name: value for name, value in consensus.items() if name not in ("coverage", "frequencies", "relatives")}


def _flat(row: Mapping[str, Any]) -> Record:
    """Inner dicts become columns ``outer_inner``."""
    flat: Record = {}
    for name, value in row.items():
        flat |= {f"{name}_{inner}": each for inner, each in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def write_table(path: Path, rows: list[Record]) -> None:
    """Write rows as TSV; what is a list or a dict within them is left to the cards."""
    import pandas as pd

    table = pd.DataFrame(
        [{name: value for name, value in row.items() if not isinstance(value, (dict, list))} for row in rows]
    )
    table.to_csv(path, sep="\t", index=False, float_format="%.6g")
