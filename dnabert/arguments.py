"""The arguments of each subcommand of ``dnabert``: settings of the library, and what is read and written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from dnabert.clusters.config import AssignConfig, ClusterConfig, StabilityConfig
from dnabert.corpus.config import CorpusConfig
from dnabert.corpus.fetch import FetchConfig
from dnabert.encoders.config import EmbedConfig
from dnabert.explain.config import ExplainConfig
from dnabert.export.config import ExportConfig
from dnabert.finetuning.config import PredictConfig
from dnabert.hub.config import PushConfig
from dnabert.scoring.config import ScoreConfig


@dataclass(kw_only=True)
class FetchArguments(FetchConfig):
    """Fetch genomes with genes and repeats from UCSC, and write the YAML that prepares them.

    Example: dnabert fetch great-apes --out great_apes.yaml
    """

    names: Positional[Annotated[list[str], arg(metavar="NAME ...")]] = field(default_factory=list)
    """great-apes (human, chimp, bonobo, gorilla, orangutan), or assemblies by UCSC's name: hg38, hs1, panTro6, mm39,
    …"""
    out: str
    """YAML file to write: dnabert prepare --config takes it."""
    overwrite: bool = False
    """Replace a file that stands there."""


@dataclass(kw_only=True)
class PrepareArguments(CorpusConfig):
    """Cut genomes into windows: FASTA into a corpus folder.

    Example: dnabert prepare human.fa.gz chimp.fa.gz --out corpus
    """

    fasta: Positional[Annotated[list[str], arg(metavar="FASTA ...")]] = field(default_factory=list)
    """FASTA (plain, gzip, bgzip), .2bit, GenBank or EMBL files, or GFF3 that ends with its sequences, each a genome;
    genomes with annotation in files of its own stand in --config."""
    demo: bool = False
    """Prepare the small embedded corpus of four great apes, with its annotation."""
    out: str
    """Folder to make."""
    overwrite: bool = False
    """Replace a corpus that stands there."""


@dataclass(kw_only=True)
class EmbedArguments(EmbedConfig):
    """Turn windows or FASTA records into vectors.

    Example: dnabert embed runs/my_run corpus --out embeddings

    On several GPUs, each reading a stretch of the input: accelerate launch -m dnabert embed runs/my_run corpus --out
    embeddings
    """

    encoder: Positional[Annotated[str, arg(metavar="ENCODER")]]
    """default (the model that comes with the package), run folder, bert, bert:NAME_OR_FOLDER, dna:NAME_OR_FOLDER
    (another's model of DNA, as its tokenizer cuts it), kmer:6, lsa:8, random:RUN, untrained:RUN (as pretraining
    begins), python:MODULE:NAME (your own), codebook:MODEL (counts of what its states are near to, for clusters) or
    abundance:CORPUS (how common its words are in a corpus); A+B: side by side, each weighing by its dimensions.
    lsa, codebook, abundance and A+B are fitted on the training windows of a corpus, on all of a FASTA file."""
    input: Positional[Annotated[str, arg(metavar="INPUT")]]
    """Corpus folder, or FASTA or .2bit file."""
    out: str
    """Folder to make."""
    overwrite: bool = False
    """Replace embeddings that stand there."""


@dataclass(kw_only=True)
class ScoreArguments(ScoreConfig):
    """Ask a run for hidden words: of which kinds of sequence does it foretell more than counting?

    Example: dnabert score runs/my_run corpus --out scores
    """

    run: Positional[Annotated[str, arg(metavar="RUN")]]
    """Folder made by train/pretrain.py, or default (the model that comes with the package)."""
    corpus: Positional[Annotated[str, arg(metavar="CORPUS")]]
    """Folder made by `dnabert prepare`."""
    out: str
    """Folder to make: kinds.tsv (a row for each kind of sequence), windows.parquet (each window's bits per base),
    scores.json."""
    overwrite: bool = False
    """Replace scores that stand there."""


@dataclass(kw_only=True)
class ClusterArguments(ClusterConfig):
    """Cluster vectors (HDBSCAN, k-means) and draw their map (UMAP).

    Example: dnabert cluster embeddings --out clusters

    Millions of windows on an NVIDIA GPU, where RAPIDS is installed (pip install cuml-cu12), without which nothing here
    changes:

    python -m cuml.accel -m dnabert cluster embeddings --out clusters --exact-below 2000000 --map-sample 100000000
    """

    embeddings: Positional[Annotated[str, arg(metavar="EMBEDDINGS")]]
    """Folder made by `dnabert embed`."""
    out: str
    """Folder to make."""
    overwrite: bool = False
    """Replace clusters that stand there."""


@dataclass(kw_only=True)
class StabilityArguments(StabilityConfig):
    """Repeat a clustering: which of its clusters, and which windows in them, come back.

    Example: dnabert stability clusters --out stability
    """

    clusters: Positional[Annotated[str, arg(metavar="CLUSTERS")]]
    """Folder made by `dnabert cluster`; the embeddings it was made from must still stand."""
    null: str | None = None
    """Clusters of the same windows embedded with --shuffle, made with the same settings: what composition alone
    makes."""
    out: str
    """Folder to make."""
    overwrite: bool = False
    """Replace a stability folder that stands there."""


@dataclass(kw_only=True)
class AssignArguments(AssignConfig):
    """Place new sequences among clusters: which one, how surely, or none.

    Example: dnabert assign clusters new.fa --out assigned.tsv
    """

    clusters: Positional[Annotated[str, arg(metavar="CLUSTERS")]]
    """Folder made by `dnabert cluster`."""
    input: Positional[Annotated[str, arg(metavar="INPUT")]]
    """FASTA, GenBank, EMBL, FASTQ, CSV or TSV (column `sequence`, perhaps `name`), plain or gzip; - reads standard
    input."""
    out: str
    """Table (tab-separated) to write: name, start, end, length, cluster, probability, distance, exemplar_1 to
    exemplar_3, unlike, note; with --stability stability; with --explanation sentence."""
    explanation: str | None = None
    """Folder of `dnabert explain` of these clusters: what the members of a sequence's cluster have in common stands in
    its row."""
    stability: str | None = None
    """Folder of `dnabert stability` of these clusters: whether a sequence's cluster comes back when clustering is
    repeated stands in its row, and how often what is placed is elsewhere then is told."""
    overwrite: bool = False
    """Replace a table of this command that stands there."""


@dataclass(kw_only=True)
class PredictArguments(PredictConfig):
    """Classify new sequences with what train/finetune.py made: which class, how surely.

    Example: dnabert predict runs/classifier new.fa --out predicted.tsv
    """

    classifier: Positional[Annotated[str, arg(metavar="CLASSIFIER")]]
    """Folder made by train/finetune.py."""
    input: Positional[Annotated[str, arg(metavar="INPUT")]]
    """FASTA, GenBank, EMBL, FASTQ, CSV or TSV (column `sequence`, perhaps `name`), plain or gzip; - reads standard
    input."""
    out: str
    """Table (tab-separated) to write: name, start, end, length, label, probability, note, and the probability of each
    class."""
    overwrite: bool = False
    """Replace a table of this command that stands there."""


@dataclass(kw_only=True)
class ExplainArguments(ExplainConfig):
    """Say what the sequences of each cluster have in common: a card for each, with its tests.

    Example: dnabert explain clusters --databases mobile_elements.fa --gene-sets go_terms.gmt.gz --out explanation
    """

    clusters: Positional[Annotated[str, arg(metavar="CLUSTERS")]]
    """Folder made by `dnabert cluster`, of a corpus's windows; the embeddings and the corpus must still stand."""
    stability: str | None = None
    """Folder of `dnabert stability` of these clusters: what dissolves is not called certain, and what composition names
    is only where it comes back."""
    out: str
    """Folder to make: cards.json, a TSV of each kind of evidence, motifs.meme, consensus.fa."""
    overwrite: bool = False
    """Replace an explanation that stands there."""


@dataclass(kw_only=True)
class ReportArguments:
    """Write the page: an explanation, or a comparison, into report.html.

    Example: dnabert report explanation --run runs/my_run --out report
    """

    source: Positional[Annotated[str, arg(metavar="EXPLANATION_OR_COMPARISON")]]
    """Folder made by `dnabert explain` (map and cards), or by eval/compare.py (the ladder of encoders and the verdict,
    too)."""
    run: str | None = None
    """Folder made by train/pretrain.py, for the loss curve and its floors."""
    out: str
    """Folder to make."""
    overwrite: bool = False
    """Replace a report that stands there."""


@dataclass(kw_only=True)
class ExportArguments(ExportConfig):
    """Write clusters or embeddings for other tools: AnnData (.h5ad), BED (.bed) or Parquet (.parquet).

    Example: dnabert export clusters --genome human --out clusters.bed
    """

    source: Positional[Annotated[str, arg(metavar="CLUSTERS_OR_EMBEDDINGS")]]
    """Folder made by `dnabert cluster` (the embeddings it was made from must still stand) or by `dnabert embed`."""
    out: str
    """File to write; its ending is the format: .h5ad (vectors, PCA, map and every column, for scanpy), .bed (clusters
    in their colours, for genome browsers), .parquet (one flat table with the vectors)."""
    overwrite: bool = False
    """Replace a file of the same format that stands there."""


@dataclass(kw_only=True)
class PushArguments(PushConfig):
    """Publish a run, a classifier or a corpus on the Hugging Face Hub, with a card made from its manifest.

    Example: dnabert push runs/my_run me/apes-chr22 --license cc-by-4.0 --private
    """

    source: Positional[Annotated[str, arg(metavar="FOLDER")]]
    """Folder made by train/pretrain.py or train/release.py (a model), train/finetune.py (a classifier), or `dnabert
    prepare` (a data set); or default, the packaged model."""
    name: Positional[Annotated[str, arg(metavar="NAME")]]
    """Repository of the Hub: OWNER/NAME."""
    dry_run: bool = False
    """Upload nothing, ask no server: list what would be uploaded, and print the card."""
    out: str | None = None
    """Folder in which what is uploaded is kept; default: a temporary one."""


@dataclass(kw_only=True)
class CompletionArguments:
    """Write the shell's script that completes commands, flags and file names of `dnabert` with the Tab key.

    Example: dnabert completion bash > ~/.local/share/bash-completion/completions/dnabert

    For this session alone: source <(dnabert completion bash). Others: dnabert completion zsh > "${fpath[1]}/_dnabert",
    and dnabert completion fish > ~/.config/fish/completions/dnabert.fish
    """

    shell: Positional[Annotated[Literal["bash", "zsh", "fish"], arg(metavar="SHELL")]]
    """bash, zsh or fish."""
