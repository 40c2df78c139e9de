"""The command ``dnabert``: each subcommand reads its arguments and calls one function of the library."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from tyro.conf import Positional, arg

from dnabert.clusters.config import ClusterConfig
from dnabert.config import config_file, nearest, parse
from dnabert.corpus.config import CorpusConfig, config_from_fasta
from dnabert.encoders.config import EmbedConfig
from dnabert.errors import UserError, one_line

T = TypeVar("T")


@dataclass(kw_only=True)
class PrepareArguments(CorpusConfig):
    """Cut genomes into windows: FASTA into a corpus folder.

    Example: dnabert prepare human.fa.gz chimp.fa.gz --out corpus
    """

    fasta: Positional[Annotated[list[str], arg(metavar="FASTA ...")]] = field(default_factory=list)
    """FASTA files (plain, gzip, bgzip), each a genome without annotation; genomes with annotation stand in --config."""
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
    """Corpus folder, or FASTA file."""
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
    from dnabert.encoders.embed import embed as make

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


def report(argv: Sequence[str]) -> None:
    """Run ``dnabert report``."""
    arguments = parse(ReportArguments, argv, prog="dnabert report")
    from dnabert.report import write_report

    print(write_report(arguments.comparison, run=arguments.run, out=arguments.out, overwrite=arguments.overwrite))


#: Subcommand to its function and the arguments whose docstring begins with its summary.
COMMANDS: dict[str, tuple[Callable[[Sequence[str]], None], type]] = {
    "prepare": (prepare, PrepareArguments),
    "embed": (embed, EmbedArguments),
    "cluster": (cluster, ClusterArguments),
    "report": (report, ReportArguments),
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
