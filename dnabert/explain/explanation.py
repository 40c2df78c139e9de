"""The stage: a clusters folder into a card for each cluster, with the tables behind them."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnabert.clusters.stability import load_stability
from dnabert.config import save_yaml
from dnabert.errors import UserError
from dnabert.explain.blast import check_database, missing_program
from dnabert.explain.card_tables import cards_of, tables_of, write_table
from dnabert.explain.config import ExplainConfig
from dnabert.explain.confounds import confounds
from dnabert.explain.consensus import consensuses, missing_package
from dnabert.explain.corpus_homology import corpus_homology
from dnabert.explain.enrichment import enrichment
from dnabert.explain.gene_set_file import GeneSets, read_gene_sets
from dnabert.explain.gene_set_names import named_as_windows
from dnabert.explain.gene_sets import (
    gene_set_enrichment,
    gene_set_landing,
    genes_shared,
    genes_touched,
    in_gene_set,
)
from dnabert.explain.homology import homology, name_consensuses
from dnabert.explain.kinds import cluster_kinds
from dnabert.explain.makeup import cluster_makeup
from dnabert.explain.meme import read_meme, write_meme
from dnabert.explain.motifs import as_motifs, cluster_motifs
from dnabert.explain.repeat_names import repeat_name_enrichment
from dnabert.explain.tandem import tandem_terms
from dnabert.explain.terms import annotation_terms
from dnabert.explain.tomtom import compare_motifs, missing_tomtom
from dnabert.explain.tracks import parse_track, track_terms
from dnabert.explain.tss import tss_rows
from dnabert.explain.windows import ClusteredWindows, load_clustered_windows
from dnabert.explain.word_pieces import word_piece_enrichment
from dnabert.explain.words import cluster_words
from dnabert.given import InFolder, settings
from dnabert.json_file import read_json
from dnabert.manifest import check_unchanged
from dnabert.progress import Parts
from dnabert.stage import reading, stage

Record = dict[str, Any]

#: Windows of each cluster that are aligned with each other by BLAST; the background has five times as many.
_ALIGNED = 40
#: What the bar calls a part.
_TOLD = {"kind": "edit distances", "tss": "starts of transcription", "corpus_homology": "relatives in the corpus"}


@dataclass(frozen=True)
class Explanation(InFolder):
    """An explanation folder, read.

    Attributes
    ----------
    cards : one dict per cluster, 0 to C - 1: ``label``, ``sentence`` and the parts of its evidence.
    overall : what concerns all clusters: ``confounds``, ``gene_set_landing``, ``genes_shared`` (with the gene sets, and by
        which names their genes were found; None without), ``skipped`` (part to why), ``seconds``.
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

    The folder holds ``cards.json``, ``overall.json``, a TSV for each kind of evidence, ``motifs.meme``, ``consensus.fa`` and, with gene
    sets, ``gene_sets_on_map.parquet`` (a truth value per window and named set).

    Parameters
    ----------
    clusters : what `cluster` gave of a corpus's windows, or its folder.
    out : folder to make.
    config : databases, gene sets, tracks, motifs; an `ExplainConfig`, or a dict of its fields.
    stability : what `dnabert.stability` gave, or its folder, of these clusters: what dissolves is not called certain.
    corpus : the corpus that was embedded; by default the one that the embeddings name.
    overwrite : replace an explanation that stands there.

    Raises
    ------
    UserError
        when the clusters are not of a corpus, or a file of `config` cannot be read.
    """
    config = settings(config, ExplainConfig).expanded()
    check_files(config)
    clusters, stability, corpus = Path(clusters), None if stability is None else Path(stability), None if corpus is None else Path(corpus)
    inputs = explanation_inputs(clusters, stability, config)
    with stage(out, kind="explanation", config=config, inputs=inputs, overwrite=overwrite) as folder:
        windows = load_clustered_windows(clusters, corpus=corpus)
        if not len(windows.clusters):
            raise UserError(f"{clusters} has no cluster to explain: lower --min-cluster-size or embed more windows")
        judged = [] if stability is None else _judged(stability)
        gathered = _gather(windows, config)
        gathered.parts["stability"] = judged
        save_yaml(config, folder / "config.yaml")
        _write(folder, windows, gathered, config)
    return load_explanation(out)


def explanation_inputs(clusters: str | Path, stability: str | Path | None, config: ExplainConfig) -> dict[str, str | Path]:
    """What an explanation is made of, by name, for its manifest: clusters, stability, and the files of an expanded config."""
    given = {"clusters": clusters, "stability": stability, "gene_sets": config.gene_sets, "motifs": config.motifs}
    files = {f"database {n}": path for n, path in enumerate(config.databases)}
    files |= {f"track {each.name}{'' if each.genome is None else ':' + each.genome}": each.path for each in map(parse_track, config.tracks)}
    return {name: path for name, path in given.items() if path is not None} | files


def check_files(config: ExplainConfig) -> None:
    """Raise `UserError` where a file of an expanded config is not there, before anything is computed."""
    for path in config.databases:
        check_database(path)
    for file in (config.gene_sets, config.motifs, *(parse_track(each).path for each in config.tracks)):
        if file is not None and not Path(file).is_file():
            raise UserError(f"no such file: {file}: give an existing one, or leave it out")


def load_explanation(folder: str | Path) -> Explanation:
    """Read an explanation folder.

    Raises
    ------
    UserError
        when it is none, was made by another version, or a file of it is damaged.
    """
    folder = Path(folder)
    with reading(folder, kind="explanation") as manifest:
        return Explanation(read_json(folder / "cards.json"), read_json(folder / "overall.json"), manifest, folder)


def _judged(stability: str | Path) -> list[Record]:
    """Verdicts on clusters that are still the ones that were judged."""
    found = load_stability(stability)
    check_unchanged(stability, found.manifest, name="clusters")
    return list(found.summary["clusters"])


@dataclass
class _Gathered:
    """Evidence by part: lists with a row per cluster, or rows with a ``label``; why a part is missing; its seconds; genes found in the sets,
    and the sets with the windows' names of genes."""

    parts: dict[str, Any]
    skipped: dict[str, str]
    seconds: dict[str, float]
    genes_shared: Record | None = None
    sets: GeneSets | None = None


def _gather(windows: ClusteredWindows, config: ExplainConfig) -> _Gathered:
    """Compute part by part; one that needs a program or a file that is not there is left out, and why is kept."""
    gathered = _Gathered({}, _missing(windows, config), {})
    sets = gathered.sets = None if config.gene_sets is None else _gene_sets(windows, config.gene_sets, gathered)
    known_motifs = None if config.motifs is None else read_meme(config.motifs)
    tracks = track_terms(windows, [parse_track(each) for each in config.tracks])
    named_sets = [] if sets is None else _known_sets(sets, config.named_sets)
    seed = config.seed
    parts: dict[str, Callable[[], Any]] = {
        "makeup": lambda: cluster_makeup(windows, seed=seed),
        "kind": lambda: cluster_kinds(windows, pairs=config.pairs, seed=seed),
        "annotation": lambda: [
            *enrichment(windows, terms=[*annotation_terms(windows), *tandem_terms(windows), *tracks]),
            *repeat_name_enrichment(windows),
            *word_piece_enrichment(windows, seed=seed),
        ],
        "tss": lambda: tss_rows(windows),
        "genes": lambda: genes_touched(windows),
        "gene_sets": lambda: gene_set_enrichment(windows, _given(sets)),
        "gene_set_landing": lambda: gene_set_landing(windows, _given(sets), named_sets),
        "homology": lambda: homology(windows, databases=config.databases, sample=config.sample, threads=config.threads, seed=seed),
        "corpus_homology": lambda: corpus_homology(windows, sample=_ALIGNED, background=5 * _ALIGNED, threads=config.threads, seed=seed),
        "consensus": lambda: consensuses(windows, seed=seed),
        "words": lambda: cluster_words(windows, seed=seed),
        "motifs": lambda: cluster_motifs(windows, seed=seed),
        "confounds": lambda: confounds(windows, phase_modulus=windows.word_length, seed=seed),
    }
    if not named_sets:
        gathered.skipped.setdefault("gene_set_landing", f"{config.gene_sets} has none of {', '.join(config.named_sets)}: --named-sets chooses others")
    wanted = [name for name in parts if name not in gathered.skipped]
    with Parts("explain", total=len(wanted)) as bar:
        for name in wanted:
            with bar.part(name, told=_TOLD.get(name)):
                gathered.parts[name] = parts[name]()
    gathered.seconds.update(bar.seconds)
    if config.databases and {"homology", "consensus"} <= set(gathered.parts):
        named = name_consensuses(gathered.parts["consensus"], databases=config.databases, threads=config.threads)
        for row, each in zip(gathered.parts["consensus"], named, strict=True):
            row |= {"like": each["sentence"], "relatives": each["hits"]}
    if known_motifs is not None and "known_motifs" not in gathered.skipped:
        gathered.parts["known_motifs"] = compare_motifs(as_motifs(gathered.parts["motifs"], alpha=0.05), known_motifs)
    return gathered


def _missing(windows: ClusteredWindows, config: ExplainConfig) -> dict[str, str]:
    """Why a part cannot be had, by part: found before anything is computed, so that nothing is lost by it."""
    missing: dict[str, str] = {}
    gone = [genome.genes for genome in windows.genomes if genome.genes and not Path(genome.genes).is_file()]
    if gone:
        missing["tss"] = f"{gone[0]}, the genes that the corpus was prepared with, is not there any more"
    if config.motifs is not None and (package := missing_tomtom()):
        missing["known_motifs"] = package
    if not any(genome.genes for genome in windows.genomes):
        missing |= dict.fromkeys(("tss", "genes", "gene_sets", "gene_set_landing"), "the corpus has no genes")
    elif config.gene_sets is None:
        missing |= dict.fromkeys(("gene_sets", "gene_set_landing"), "no --gene-sets FILE.gmt is given")
    if not config.databases:
        missing["homology"] = "no --databases FILE.fa is given"
    program, package = missing_program(), missing_package()
    if program:
        missing |= dict.fromkeys(("homology", "corpus_homology"), program)
    if package:
        missing["consensus"] = package
    return missing


def _gene_sets(windows: ClusteredWindows, path: str, gathered: _Gathered) -> GeneSets:
    """Read gene sets and name their genes as the windows do; note how, and what cannot be tested where none is found."""
    sets = read_gene_sets(path)
    if "gene_sets" in gathered.skipped:
        return sets
    file = len(frozenset().union(*sets.genes))
    renamed, match = named_as_windows(windows, sets)
    gathered.genes_shared = genes_shared(windows, renamed) | {"file": file, "kinds": match.kinds, "told": match.describe()}
    gathered.genes_shared["ambiguous"] = list(match.ambiguous)
    if not gathered.genes_shared["shared"]:
        gathered.skipped |= dict.fromkeys(("gene_sets", "gene_set_landing"), _no_gene(windows, sets))
    return renamed


def _no_gene(windows: ClusteredWindows, sets: GeneSets) -> str:
    """Why no gene set can be tested, with a name of either side to compare."""
    own = sorted(set(windows.table["gene"].astype(str)) - {""})
    shown = f"named as {own[0]!r}, its own as {min(min(genes) for genes in sets.genes)!r}" if own else "which touch none"
    if windows.gene_names is None:
        mend = "give a GMT file with the same gene symbols, or prepare the corpus again, which then keeps other names of its genes"
    else:
        mend = "give a GMT file with symbols or ids of the corpus's gene annotation"
    return f"no gene of {sets.path} is a gene of the windows, {shown}: {mend}"


def _given(sets: GeneSets | None) -> GeneSets:
    assert sets is not None  # the parts that ask for it are left out without it
    return sets


def _known_sets(sets: GeneSets, names: list[str]) -> list[str]:
    """Those of the names that the file has."""
    known = []
    for name in names:
        with contextlib.suppress(UserError):
            sets.find(name)
            known.append(name)
    return known


def _write(folder: Path, windows: ClusteredWindows, gathered: _Gathered, config: ExplainConfig) -> None:
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
    (folder / "consensus.fa").write_text("".join(f">cluster_{c['label']}\n{c['consensus']['consensus']}\n" for c in found))
    if gathered.parts.get("gene_set_landing"):
        _write_sets_on_map(folder / "gene_sets_on_map.parquet", windows, sets=_given(gathered.sets), names=config.named_sets)


def _write_sets_on_map(path: Path, windows: ClusteredWindows, *, sets: GeneSets, names: list[str]) -> None:
    import pandas as pd

    pd.DataFrame({name: in_gene_set(windows, sets, name) for name in _known_sets(sets, names)}).to_parquet(path, index=False)
