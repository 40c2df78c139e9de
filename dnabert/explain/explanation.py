"""The stage: a clusters folder into a card for each cluster, with the tables behind them."""

from __future__ import annotations

import dataclasses
import glob
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnabert.clusters.stability import load_stability
from dnabert.config import save_yaml
from dnabert.errors import UserError
from dnabert.explain.blast import check_database
from dnabert.explain.card_tables import cards_of, tables_of, write_table
from dnabert.explain.config import ExplainConfig
from dnabert.explain.gathering import Gathered, gather, known_sets
from dnabert.explain.gene_set_file import GeneSets
from dnabert.explain.gene_sets import in_gene_set
from dnabert.explain.meme import write_meme
from dnabert.explain.motifs import as_motifs
from dnabert.explain.tracks import parse_track
from dnabert.explain.windows import ClusteredWindows, load_clustered_windows
from dnabert.given import InFolder, settings, stage_folder
from dnabert.json_file import read_json
from dnabert.kept_parts import kept_parts
from dnabert.manifest import check_unchanged, describe
from dnabert.stage import reading, stage

Record = dict[str, Any]

#: How numbers are taken whose meaning has changed: a comparison makes an explanation with others again.
_NUMBERS = (
    "starts of every transcript, named sets corrected, strands of motifs with intervals, consensuses corrected, "
    "members named, composition sure where it comes back"
)


@dataclass(frozen=True)
class Explanation(InFolder):
    """An explanation folder, read.

    Attributes
    ----------
    cards : one dict per cluster, 0 to C - 1: ``label``, ``sentence`` and the parts of its evidence.
    overall : what concerns all clusters: ``confounds``, ``gene_set_landing``, ``genes_shared`` (with the gene sets, and
        by which names their genes were found; None without), ``skipped`` (part to why), ``seconds``.
    manifest, folder : where it stands and what made it.
    """

    cards: list[Record]
    overall: Record
    manifest: Record
    folder: Path

    def __repr__(self) -> str:
        """What it is and where it stands, in a line: the last value of a notebook's cell is shown."""
        return f"Explanation({len(self.cards)} cards, folder={str(self.folder)!r})"


def explain(
    clusters: str | os.PathLike[str],
    *,
    out: str | Path,
    config: ExplainConfig | Mapping[str, Any] | None = None,
    stability: str | os.PathLike[str] | None = None,
    corpus: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> Explanation:
    """Gather what the sequences of each cluster have in common.

    The folder holds ``cards.json``, ``overall.json``, a TSV for each kind of evidence, ``motifs.meme``,
    ``consensus.fa`` and, with gene sets, ``gene_sets_on_map.parquet`` (a truth value per window and named set). Where
    it is stopped, the parts that were done stay beside `out` in ``.NAME.parts`` until the same explanation is asked for
    again, which goes on with them.

    Parameters
    ----------
    clusters : what `cluster` gave of a corpus's windows, or its folder.
    out : folder to make.
    config : databases, gene sets, tracks, motifs; an `ExplainConfig`, or a dict of its fields.
    stability : what `dnabert.stability` gave, or its folder, of these clusters: what dissolves is not called certain,
        and what composition names is only where it comes back.
    corpus : the corpus that was embedded; by default the one that the embeddings name.
    overwrite : replace an explanation that stands there.

    Raises
    ------
    UserError
        when the clusters are not of a corpus, or a file of `config` cannot be read.
    """
    config = settings(config, ExplainConfig).expanded()
    check_files(config)
    clusters = stage_folder(clusters, kind="clusters")
    stability = None if stability is None else stage_folder(stability, kind="stability")
    corpus = None if corpus is None else stage_folder(corpus, kind="corpus")
    inputs = explanation_inputs(clusters, stability, config)
    told = dataclasses.asdict(config) | decisive(config)
    with stage(out, kind="explanation", config=told, inputs=inputs, overwrite=overwrite) as folder:
        windows = load_clustered_windows(clusters, corpus=corpus)
        if not len(windows.clusters):
            raise UserError(f"{clusters} has no cluster to explain: lower --min-cluster-size or embed more windows")
        judged = [] if stability is None else _judged(stability)
        read = inputs if corpus is None else {**inputs, "corpus": corpus}
        with kept_parts(out, made_of=_made_of(windows, config, read)) as kept:
            gathered = gather(windows, config, kept=kept)
            gathered.parts["stability"] = judged
            save_yaml(config, folder / "config.yaml")
            _write(folder, windows, gathered, config)
    return load_explanation(out)


def explanation_inputs(
    clusters: str | Path, stability: str | Path | None, config: ExplainConfig
) -> dict[str, str | Path]:
    """What an explanation is made of, by name, for its manifest: clusters, stability, and the files of an expanded
    config."""
    given = {"clusters": clusters, "stability": stability, "gene_sets": config.gene_sets, "motifs": config.motifs}
    files = {f"database {n}": path for n, path in enumerate(config.databases)}
    files |= {
        f"track {each.name}{'' if each.genome is None else ':' + each.genome}": each.path
        for each in map(parse_track, config.tracks)
    }
    return {name: path for name, path in given.items() if path is not None} | files


def decisive(config: ExplainConfig) -> Record:
    """What a result depends on, by name: the settings, but not how many threads it is computed with, and how the
    numbers are taken."""
    chosen = {name: value for name, value in dataclasses.asdict(config).items() if name != "threads"}
    return chosen | {"numbers": _NUMBERS}


def check_files(config: ExplainConfig) -> None:
    """Raise `UserError` where a file of an expanded config is not there, before anything is computed."""
    for path in config.databases:
        check_database(path)
    for file in (config.gene_sets, config.motifs, *(parse_track(track).path for track in config.tracks)):
        if file is not None and not Path(file).is_file():
            raise UserError(f"no such file: {file}: give an existing one, or leave it out")


def _made_of(windows: ClusteredWindows, config: ExplainConfig, inputs: Mapping[str, str | Path]) -> Record:
    """What the parts depend on: settings and files, with those that the corpus names; of a BLAST database, which has a
    prefix for a name, sizes and dates; and what of the model is known, which may be put back."""
    files = [Path(path) for path in inputs.values()] + [
        Path(genome.genes) for genome in windows.genomes if genome.genes
    ]
    described = [describe(path) for path in files]
    beside = [
        each
        for path, known in zip(files, described, strict=True)
        if "sha256" not in known
        for each in path.parent.glob(f"{glob.escape(path.name)}.*")
    ]
    dated = sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in beside)
    model = [windows.word_length, windows.pieces is not None]
    return {"config": decisive(config), "files": described, "databases": dated, "model": model}


def load_explanation(folder: str | Path) -> Explanation:
    """Read an explanation folder.

    Raises
    ------
    UserError
        when it is none, was made by another version, or a file of it is damaged.
    """
    folder = stage_folder(folder, kind="explanation")
    with reading(folder, kind="explanation") as manifest:
        return Explanation(read_json(folder / "cards.json"), read_json(folder / "overall.json"), manifest, folder)


def _judged(stability: str | Path) -> list[Record]:
    """Verdicts on clusters that are still the ones that were judged."""
    found = load_stability(stability)
    check_unchanged(stability, found.manifest, name="clusters")
    return list(found.summary["clusters"])


def _write(folder: Path, windows: ClusteredWindows, gathered: Gathered, config: ExplainConfig) -> None:
    cards = cards_of(windows, gathered.parts)
    overall = {
        "confounds": gathered.parts["confounds"],
        "gene_set_landing": gathered.parts.get("gene_set_landing", {}),
        "genes_shared": gathered.genes_shared,
        "skipped": gathered.skipped,
        "seconds": gathered.seconds,
    }
    for name, value in (("cards", cards), ("overall", overall)):
        (folder / f"{name}.json").write_text(json.dumps(value, allow_nan=False) + "\n")
    for name, rows in tables_of(cards, gathered.parts).items():
        write_table(folder / f"{name}.tsv", rows)
    write_meme(as_motifs(gathered.parts["motifs"], alpha=0.05), folder / "motifs.meme")
    found = [card for card in cards if card.get("consensus", {}).get("found")]
    (folder / "consensus.fa").write_text(
        "".join(f">cluster_{card['label']}\n{card['consensus']['consensus']}\n" for card in found)
    )
    if gathered.sets is not None and gathered.parts.get("gene_set_landing"):
        _write_sets_on_map(folder / "gene_sets_on_map.parquet", windows, sets=gathered.sets, names=config.named_sets)


def _write_sets_on_map(path: Path, windows: ClusteredWindows, *, sets: GeneSets, names: list[str]) -> None:
    import pandas as pd

    pd.DataFrame({name: in_gene_set(windows, sets, name) for name in known_sets(sets, names)}).to_parquet(
        path, index=False
    )
