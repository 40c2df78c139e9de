"""What an explanation is told; light, so that ``--help`` needs nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dnabert.config import check_types
from dnabert.corpus.config import expand
from dnabert.corpus.demo import demo_folder
from dnabert.errors import UserError

_DEMO = "demo"


@dataclass
class ExplainConfig:
    """What the clusters' windows are held against, beside the corpus's own annotation.

    `demo:NAME` is a file of the embedded corpus: `demo:mobile_elements.fa.gz`, `demo:go_terms.gmt.gz`.
    """

    databases: list[str] = field(default_factory=list)
    """FASTA files (plain or gzip) or BLAST databases of known elements."""
    gene_sets: str | None = None
    """GMT file of gene sets, such as Gene Ontology terms: by symbol, Ensembl id, locus_tag or Entrez GeneID, as far as
    the corpus's genes have them."""
    named_sets: list[str] = field(default_factory=lambda: ["membrane", "catalytic activity"])
    """Sets of that file that are drawn on the map; those that it lacks are left out."""
    tracks: list[str] = field(default_factory=list)
    """Further annotation, `name=path` or `name:genome=path`: BED, GTF, GFF3, RepeatMasker's .out or UCSC's rmsk.txt."""
    motifs: str | None = None
    """MEME file of known motifs."""
    sample: int = 200
    """Windows of each cluster that are searched with BLAST."""
    pairs: int = 300
    """Pairs of each cluster, and of each background, whose edit distance is taken."""
    threads: int = 2
    """Of BLAST, of counting words, and of the forests that predict clusters from cheap explanations; they change
    nothing."""
    seed: int = 0

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("sample", "pairs", "threads"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name} is {getattr(self, name)}, allowed is 1 or more")

    def expanded(self) -> ExplainConfig:
        """The same with ``~``, ``$VARIABLES`` and ``demo:`` in paths put in place; `UserError` where a variable is not
        set."""
        return replace(
            self,
            databases=[_expand(path, key="databases") for path in self.databases],
            tracks=[_expanded_track(text) for text in self.tracks],
            gene_sets=None if self.gene_sets is None else _expand(self.gene_sets, key="gene_sets"),
            motifs=None if self.motifs is None else _expand(self.motifs, key="motifs"),
        )


def _expand(path: str, *, key: str) -> str:
    prefix, _, name = path.partition(":")
    return str(demo_folder() / name) if prefix == _DEMO and name else expand(path, key=key)


def _expanded_track(text: str) -> str:
    """The same ``name=path`` or ``name:genome=path`` with its path in place."""
    name, sign, path = text.partition("=")
    return name + sign + _expand(path, key="tracks")
