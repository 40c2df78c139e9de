"""What the sequences of a cluster have in common."""

from dnabert.explain.alignment_distance import edit_distance_forms, levenshtein, semi_global, strand_levenshtein
from dnabert.explain.blast import best_hits, blast
from dnabert.explain.cheap_features import cheap_features
from dnabert.explain.composition import cluster_rows
from dnabert.explain.config import ExplainConfig
from dnabert.explain.confound_prediction import label_prediction
from dnabert.explain.confounds import cluster_confounds, confounds, labelling_confounds
from dnabert.explain.consensus import consensus, consensuses
from dnabert.explain.corpus_homology import corpus_homology
from dnabert.explain.differences import differences
from dnabert.explain.edit_distance import edit_distances
from dnabert.explain.enrichment import enrichment
from dnabert.explain.explained_away import cheap_explanations, explained_away, take_out
from dnabert.explain.explanation import Explanation, explain, load_explanation
from dnabert.explain.gene_set_file import GeneSets, read_gene_sets
from dnabert.explain.gene_set_names import NameMatch, named_as_windows
from dnabert.explain.gene_sets import (
    gene_set_enrichment,
    gene_set_landing,
    genes_shared,
    genes_touched,
    in_gene_set,
)
from dnabert.explain.homology import homology
from dnabert.explain.homology_features import homology_features
from dnabert.explain.kinds import cluster_kinds
from dnabert.explain.known_sequences import name_consensuses, name_members
from dnabert.explain.low_complexity import low_complexity
from dnabert.explain.makeup import cluster_makeup
from dnabert.explain.meme import Motif, read_meme, write_meme
from dnabert.explain.motifs import as_motifs, cluster_motifs
from dnabert.explain.tandem import tandem_period, tandem_terms
from dnabert.explain.terms import Terms, annotation_terms
from dnabert.explain.tomtom import compare_motifs
from dnabert.explain.tracks import TrackFile, parse_track, track_terms
from dnabert.explain.tss import tss_distances, tss_rows
from dnabert.explain.windows import ClusteredWindows, load_clustered_windows
from dnabert.explain.words import cluster_words

__all__ = [
    "ClusteredWindows",
    "ExplainConfig",
    "Explanation",
    "GeneSets",
    "Motif",
    "NameMatch",
    "Terms",
    "TrackFile",
    "annotation_terms",
    "as_motifs",
    "best_hits",
    "blast",
    "cheap_explanations",
    "cheap_features",
    "cluster_confounds",
    "cluster_kinds",
    "cluster_makeup",
    "cluster_motifs",
    "cluster_rows",
    "cluster_words",
    "compare_motifs",
    "confounds",
    "consensus",
    "consensuses",
    "corpus_homology",
    "differences",
    "edit_distance_forms",
    "explain",
    "load_explanation",
    "edit_distances",
    "enrichment",
    "explained_away",
    "gene_set_enrichment",
    "gene_set_landing",
    "genes_shared",
    "genes_touched",
    "homology",
    "homology_features",
    "in_gene_set",
    "label_prediction",
    "labelling_confounds",
    "levenshtein",
    "load_clustered_windows",
    "low_complexity",
    "name_consensuses",
    "name_members",
    "named_as_windows",
    "parse_track",
    "read_gene_sets",
    "read_meme",
    "semi_global",
    "strand_levenshtein",
    "take_out",
    "tandem_period",
    "tandem_terms",
    "track_terms",
    "tss_distances",
    "tss_rows",
    "write_meme",
]
