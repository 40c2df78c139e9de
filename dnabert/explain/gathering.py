"""What the sequences of clusters have in common, part by part: what cannot be had is left out, and what is done is
kept."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnabert.errors import UserError
from dnabert.explain.blast import missing_program
from dnabert.explain.config import ExplainConfig
from dnabert.explain.confounds import confounds
from dnabert.explain.consensus import consensuses, missing_package
from dnabert.explain.corpus_homology import corpus_homology
from dnabert.explain.enrichment import enrichment
from dnabert.explain.gene_set_file import GeneSets, read_gene_sets
from dnabert.explain.gene_set_names import named_as_windows
from dnabert.explain.gene_sets import gene_set_enrichment, gene_set_landing, genes_shared, genes_touched
from dnabert.explain.homology import homology
from dnabert.explain.kinds import cluster_kinds
from dnabert.explain.known_sequences import members_shown, name_consensuses, name_members
from dnabert.explain.makeup import cluster_makeup
from dnabert.explain.meme import read_meme
from dnabert.explain.motifs import as_motifs, cluster_motifs
from dnabert.explain.repeat_names import repeat_name_enrichment
from dnabert.explain.tandem import tandem_terms
from dnabert.explain.terms import annotation_terms
from dnabert.explain.tomtom import compare_motifs, missing_tomtom
from dnabert.explain.tracks import parse_track, track_terms
from dnabert.explain.tss import tss_rows
from dnabert.explain.windows import ClusteredWindows
from dnabert.explain.word_pieces import word_piece_enrichment
from dnabert.explain.words import cluster_words
from dnabert.kept_parts import KeptParts
from dnabert.progress import Parts

Record = dict[str, Any]

#: Windows of each cluster that are aligned with each other by BLAST; the background has five times as many.
_ALIGNED = 40
#: What the bar calls a part.
_TOLD = {"kind": "edit distances", "tss": "starts of genes", "corpus_homology": "relatives in the corpus"}


@dataclass
class Gathered:
    """Evidence by part: lists with a row per cluster, or rows with a ``label``; why a part is missing; its seconds;
    genes found in the sets, and the sets with the windows' names of genes."""

    parts: dict[str, Any]
    skipped: dict[str, str]
    seconds: dict[str, float]
    genes_shared: Record | None = None
    sets: GeneSets | None = None


def gather(windows: ClusteredWindows, config: ExplainConfig, *, kept: KeptParts) -> Gathered:
    """Compute part by part; one that needs a program or a file that is not there is left out, and why is kept."""
    gathered = Gathered({}, _missing(windows, config), {})
    sets = gathered.sets = None if config.gene_sets is None else _gene_sets(windows, config.gene_sets, gathered)
    known_motifs = None if config.motifs is None else read_meme(config.motifs)
    tracks = track_terms(windows, [parse_track(given) for given in config.tracks])
    named_sets = [] if sets is None else known_sets(sets, config.named_sets)
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
        "homology": lambda: homology(
            windows, databases=config.databases, sample=config.sample, threads=config.threads, seed=seed
        ),
        "corpus_homology": lambda: corpus_homology(
            windows, sample=_ALIGNED, background=5 * _ALIGNED, threads=config.threads, seed=seed
        ),
        "consensus": lambda: consensuses(windows, seed=seed),
        "words": lambda: cluster_words(windows, threads=config.threads, seed=seed),
        "motifs": lambda: cluster_motifs(windows, seed=seed),
        "confounds": lambda: confounds(
            windows, phase_modulus=windows.word_length or 1, threads=config.threads, seed=seed
        ),
    }
    if not named_sets:
        gathered.skipped.setdefault(
            "gene_set_landing",
            f"{config.gene_sets} has none of {', '.join(config.named_sets)}: --named-sets chooses others",
        )
    wanted = [name for name in parts if name not in gathered.skipped]
    with Parts("explain", total=len(wanted)) as bar:
        for name in wanted:
            with bar.part(name, told=_TOLD.get(name)):
                gathered.parts[name] = kept.once(name, parts[name])
    gathered.seconds.update(kept.seconds)
    if "homology" in gathered.parts:
        _name(gathered.parts, config)
    if known_motifs is not None and "known_motifs" not in gathered.skipped:
        gathered.parts["known_motifs"] = compare_motifs(as_motifs(gathered.parts["motifs"], alpha=0.05), known_motifs)
    return gathered


def _name(parts: dict[str, Any], config: ExplainConfig) -> None:
    """What consensuses, and the members that a card shows, hit in the databases: ``like`` and ``relatives`` of each."""
    if "consensus" in parts:
        named = name_consensuses(parts["consensus"], databases=config.databases, threads=config.threads)
        for row, found in zip(parts["consensus"], named, strict=True):
            row |= {"like": found["sentence"], "relatives": found["hits"]}
    members = name_members(parts["makeup"], databases=config.databases, threads=config.threads)
    for makeup in parts["makeup"]:
        for window in members_shown(makeup):
            window |= {"like": members[window["row"]]["sentence"], "relatives": members[window["row"]]["hits"]}


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
    if windows.word_length is None:
        missing["frame_of_the_words"] = "the model that made the vectors is not here any more: put it back"
    program, package = missing_program(), missing_package()
    if program:
        missing |= dict.fromkeys(("homology", "corpus_homology"), program)
    if package:
        missing["consensus"] = package
    return missing


def _gene_sets(windows: ClusteredWindows, path: str, gathered: Gathered) -> GeneSets:
    """Read gene sets and name their genes as the windows do; note how, and what cannot be tested where none is
    found."""
    sets = read_gene_sets(path)
    if "gene_sets" in gathered.skipped:
        return sets
    file = len(frozenset().union(*sets.genes))
    renamed, match = named_as_windows(windows, sets)
    gathered.genes_shared = genes_shared(windows, renamed) | {
        "file": file,
        "kinds": match.kinds,
        "told": match.describe(),
    }
    gathered.genes_shared["ambiguous"] = list(match.ambiguous)
    if not gathered.genes_shared["shared"]:
        gathered.skipped |= dict.fromkeys(("gene_sets", "gene_set_landing"), _no_gene(windows, sets))
    return renamed


def _no_gene(windows: ClusteredWindows, sets: GeneSets) -> str:
    """Why no gene set can be tested, with a name of either side to compare."""
    own = sorted(set(windows.table["gene"].astype(str)) - {""})
    shown = (
        f"named as {own[0]!r}, its own as {min(min(genes) for genes in sets.genes)!r}" if own else "which touch none"
    )
    if windows.gene_names is None:
        mend = (
            "give a GMT file with the same gene symbols, "
            "or prepare the corpus again, which then keeps other names of its genes"
        )
    else:
        mend = "give a GMT file with symbols or ids of the corpus's gene annotation"
    return f"no gene of {sets.path} is a gene of the windows, {shown}: {mend}"


def _given(sets: GeneSets | None) -> GeneSets:
    assert sets is not None  # the parts that ask for it are left out without it
    return sets


def known_sets(sets: GeneSets, names: list[str]) -> list[str]:
    """Those of the names that the file has."""
    known = []
    for name in names:
        with contextlib.suppress(UserError):
            sets.find(name)
            known.append(name)
    return known
