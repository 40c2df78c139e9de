"""The command ``dnabert``: each subcommand reads its arguments and calls one function of the library."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from tyro.conf import Positional, arg

from dnabert.clusters.config import AssignConfig, ClusterConfig, StabilityConfig
from dnabert.config import config_file, nearest, parse
from dnabert.corpus.config import CorpusConfig, config_from_fasta
from dnabert.corpus.fetch import FetchConfig
from dnabert.encoders.config import EmbedConfig
from dnabert.errors import UserError, one_line
from dnabert.explain.config import ExplainConfig
from dnabert.export.config import ExportConfig
from dnabert.hub.config import PushConfig

T = TypeVar("T")


@dataclass(kw_only=True)
class FetchArguments(FetchConfig):
    """Fetch genomes with genes and repeats from UCSC, and write the YAML that prepares them.

    Example: dnabert fetch great-apes --out great_apes.yaml
    """

    names: Positional[Annotated[list[str], arg(metavar="NAME ...")]] = field(default_factory=list)
    """great-apes (human, chimp, bonobo, gorilla, orangutan), or assemblies by UCSC's name: hg38, hs1, panTro6, mm39, …"""
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
    """FASTA (plain, gzip, bgzip) or .2bit files, each a genome without annotation; genomes with annotation stand in --config."""
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
    """

    encoder: Positional[Annotated[str, arg(metavar="ENCODER")]]
    """default (the model that comes with the package), run folder, bert, bert:NAME_OR_FOLDER, kmer:6 or random:RUN."""
    input: Positional[Annotated[str, arg(metavar="INPUT")]]
    """Corpus folder, or FASTA or .2bit file."""
    out: str
    """Folder to make."""
    overwrite: bool = False
    """Replace embeddings that stand there."""


@dataclass(kw_only=True)
class ClusterArguments(ClusterConfig):
    """Cluster vectors (HDBSCAN, k-means) and draw their map (UMAP).

    Example: dnabert cluster embeddings --out clusters
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
    """Clusters of the same windows embedded with --shuffle, made with the same settings: what composition alone makes."""
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
    """FASTA, FASTQ, CSV or TSV (column `sequence`, perhaps `name`), plain or gzip; - reads standard input."""
    out: str
    """Table (tab-separated) to write: name, start, end, length, cluster, probability, distance, exemplar_1 to exemplar_3,
    unlike, note."""
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
    """Folder of `dnabert stability` of these clusters: what dissolves is not called certain."""
    out: str
    """Folder to make: cards.json, a TSV of each kind of evidence, motifs.meme, consensus.fa."""
    overwrite: bool = False
    """Replace an explanation that stands there."""


@dataclass(kw_only=True)
class ReportArguments:
    """Write the page: a comparison into report.html.

    Example: dnabert report comparison --run runs/my_run --out report
    """

    comparison: Positional[Annotated[str, arg(metavar="COMPARISON")]]
    """Folder made by eval/compare.py."""
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
    """File to write; its ending is the format: .h5ad (vectors, PCA, map and every column, for scanpy), .bed (clusters in
    their colours, for genome browsers), .parquet (one flat table with the vectors)."""
    overwrite: bool = False
    """Replace a file of the same format that stands there."""


@dataclass(kw_only=True)
class PushArguments(PushConfig):
    """Publish a run or a corpus on the Hugging Face Hub, with a card made from its manifest.

    Example: dnabert push runs/my_run me/apes-chr22 --license cc-by-4.0 --private
    """

    source: Positional[Annotated[str, arg(metavar="RUN_OR_CORPUS")]]
    """Folder made by train/pretrain.py or train/release.py (a model), or by `dnabert prepare` (a data set)."""
    name: Positional[Annotated[str, arg(metavar="NAME")]]
    """Repository of the Hub: OWNER/NAME, or NAME for your own."""
    dry_run: bool = False
    """Upload nothing, ask no server: list what would be uploaded, and print the card."""
    out: str | None = None
    """Folder in which what is uploaded is kept; default: a temporary one."""


def fetch(argv: Sequence[str]) -> None:
    """Run ``dnabert fetch``."""
    arguments = parse(FetchArguments, argv, prog="dnabert fetch")
    from dnabert.corpus.fetch import fetch_genomes

    config = _part(arguments, FetchConfig)
    fetched = fetch_genomes(arguments.names, out=arguments.out, config=config, overwrite=arguments.overwrite)
    print(fetched.describe(), file=sys.stderr)
    print(f"next: dnabert prepare --config {arguments.out} --out corpus", file=sys.stderr)
    print(arguments.out)


def prepare(argv: Sequence[str]) -> None:
    """Run ``dnabert prepare``."""
    arguments = parse(PrepareArguments, argv, prog="dnabert prepare")
    config, base = _corpus_config(arguments, config_file(argv))
    from dnabert.corpus import prepare as make

    corpus = make(config, out=arguments.out, overwrite=arguments.overwrite, base=base)
    print(corpus.describe(), file=sys.stderr)
    print(arguments.out)


def embed(argv: Sequence[str]) -> None:
    """Run ``dnabert embed``."""
    arguments = parse(EmbedArguments, argv, prog="dnabert embed")
    from dnabert.encoders.embed import write_embeddings as make

    config = _part(arguments, EmbedConfig)
    make(arguments.encoder, arguments.input, out=arguments.out, config=config, overwrite=arguments.overwrite)
    print(arguments.out)


def cluster(argv: Sequence[str]) -> None:
    """Run ``dnabert cluster``."""
    arguments = parse(ClusterArguments, argv, prog="dnabert cluster")
    from dnabert.clusters.clustering import cluster as make

    config = _part(arguments, ClusterConfig)
    make(arguments.embeddings, out=arguments.out, config=config, overwrite=arguments.overwrite)
    print(arguments.out)


def stability(argv: Sequence[str]) -> None:
    """Run ``dnabert stability``."""
    arguments = parse(StabilityArguments, argv, prog="dnabert stability")
    from dnabert.clusters.stability import stability as make

    config = _part(arguments, StabilityConfig)
    made = make(
        arguments.clusters, out=arguments.out, config=config, null=arguments.null, overwrite=arguments.overwrite
    )
    print(made.summary["sentence"], file=sys.stderr)
    if made.summary["null"] is not None:
        print(made.summary["null"]["verdict"], file=sys.stderr)
    print(arguments.out)


def assign(argv: Sequence[str]) -> None:
    """Run ``dnabert assign``."""
    arguments = parse(AssignArguments, argv, prog="dnabert assign")
    from dnabert.clusters import assign as make

    config = _part(arguments, AssignConfig)
    made = make(arguments.clusters, arguments.input, out=arguments.out, config=config, overwrite=arguments.overwrite)
    if made.warning is not None:
        print(f"warning: {made.warning}", file=sys.stderr)
    print(made.describe())


def explain(argv: Sequence[str]) -> None:
    """Run ``dnabert explain``."""
    arguments = parse(ExplainArguments, argv, prog="dnabert explain")
    from dnabert.explain import explain as make

    config, stability_folder = _part(arguments, ExplainConfig), arguments.stability
    made = make(arguments.clusters, out=arguments.out, config=config, stability=stability_folder, overwrite=arguments.overwrite)
    for card in made.cards:
        print(f"cluster {card['label']}, {card['makeup']['n']:,} windows: {card['sentence']['text']}", file=sys.stderr)
    for part, why in made.overall["skipped"].items():
        print(f"left out: {part.replace('_', ' ')} ({why})", file=sys.stderr)
    print(arguments.out)


def report(argv: Sequence[str]) -> None:
    """Run ``dnabert report``."""
    arguments = parse(ReportArguments, argv, prog="dnabert report")
    from dnabert.report import write_report

    print(write_report(arguments.comparison, run=arguments.run, out=arguments.out, overwrite=arguments.overwrite))


def export(argv: Sequence[str]) -> None:
    """Run ``dnabert export``."""
    arguments = parse(ExportArguments, argv, prog="dnabert export")
    from dnabert.export import export as write

    config = _part(arguments, ExportConfig)
    print(write(arguments.source, out=arguments.out, config=config, overwrite=arguments.overwrite))


def push(argv: Sequence[str]) -> None:
    """Run ``dnabert push``."""
    arguments = parse(PushArguments, argv, prog="dnabert push")
    from dnabert.hub import push as upload
    from dnabert.hub import staged

    config = _part(arguments, PushConfig)
    if not arguments.dry_run:
        print(upload(arguments.source, arguments.name, config=config, out=arguments.out))
        return
    with staged(arguments.source, arguments.name, config=config, out=arguments.out) as made:
        print(made.describe(), file=sys.stderr)
        print(made.card)


#: Subcommand to its function and the arguments whose docstring begins with its summary.
COMMANDS: dict[str, tuple[Callable[[Sequence[str]], None], type]] = {
    "fetch": (fetch, FetchArguments),
    "prepare": (prepare, PrepareArguments),
    "embed": (embed, EmbedArguments),
    "cluster": (cluster, ClusterArguments),
    "stability": (stability, StabilityArguments),
    "assign": (assign, AssignArguments),
    "explain": (explain, ExplainArguments),
    "report": (report, ReportArguments),
    "export": (export, ExportArguments),
    "push": (push, PushArguments),
}


@one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the subcommand that the first argument names; a user's mistake ends in one line and status 2."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help"):
        print(_help())
        return
    if words[0] == "--version":
        import dnabert

        print(f"dnabert {dnabert.__version__}")
        return
    if words[0] not in COMMANDS:
        raise UserError(f"unknown command {words[0]}{nearest(words[0], COMMANDS)}: one of {', '.join(COMMANDS)}")
    COMMANDS[words[0]][0](words[1:])


def _help() -> str:
    summaries = {name: (arguments.__doc__ or "").splitlines()[0] for name, (_, arguments) in COMMANDS.items()}
    lines = [f"  {name:<9} {summary}" for name, summary in summaries.items()]
    return "\n".join(
        [
            "usage: dnabert COMMAND [ARGUMENTS]",
            "",
            *lines,
            "",
            "Example: dnabert prepare --demo --out corpus",
            "",
            "dnabert COMMAND --help lists a command's arguments; --version says which dnabert this is.",
            "Pretraining and the comparison of encoders are scripts: train/pretrain.py and eval/compare.py.",
        ]
    )


def _part(arguments: Any, config_class: type[T]) -> T:
    """The config that a subcommand's arguments extend."""
    return config_class(**{x.name: getattr(arguments, x.name) for x in dataclasses.fields(config_class)})  # type: ignore[arg-type]


def _corpus_config(arguments: PrepareArguments, path: str | None) -> tuple[CorpusConfig, Path | None]:
    """What to prepare, and the folder that its relative paths start from: that of the YAML that names them."""
    config = _part(arguments, CorpusConfig)
    named = {"FASTA files": arguments.fasta, "--demo": arguments.demo, "genomes in --config": config.genomes}
    given = [name for name, value in named.items() if value]
    if len(given) != 1:
        found = f"got {' and '.join(given)}" if given else "nothing to prepare"
        raise UserError(f"{found}: give either FASTA files, --demo, or genomes in --config FILE.yaml")
    if arguments.demo:
        from dnabert.corpus import demo_config

        return dataclasses.replace(demo_config(), window=config.window), None
    if arguments.fasta:
        return dataclasses.replace(config, genomes=config_from_fasta(arguments.fasta).genomes), None
    return config, None if path is None else Path(path).parent


if __name__ == "__main__":
    main()
