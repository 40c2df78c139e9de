"""The command ``dnabert``: each subcommand reads its arguments and calls one function of the library."""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from dnabert.arguments import (
    AssignArguments,
    ClusterArguments,
    CompletionArguments,
    EmbedArguments,
    ExplainArguments,
    ExportArguments,
    FetchArguments,
    PredictArguments,
    PrepareArguments,
    PushArguments,
    ReportArguments,
    ScoreArguments,
    StabilityArguments,
)
from dnabert.clusters.config import AssignConfig, ClusterConfig, StabilityConfig
from dnabert.command import Result, run_command, version_line
from dnabert.config import nearest
from dnabert.corpus.config import CorpusConfig, config_from_fasta, resolve_paths
from dnabert.corpus.fetch import FetchConfig
from dnabert.encoders.config import EmbedConfig
from dnabert.errors import UserError, one_line
from dnabert.explain.config import ExplainConfig
from dnabert.export.config import ExportConfig
from dnabert.finetuning.config import PredictConfig
from dnabert.flags import config_file, is_given
from dnabert.hub.config import PushConfig
from dnabert.scoring.config import ScoreConfig

T = TypeVar("T")


def fetch(arguments: FetchArguments) -> Result:
    """Run ``dnabert fetch``."""
    from dnabert.corpus.fetch import fetch_genomes

    config = _part(arguments, FetchConfig)
    fetched = fetch_genomes(arguments.names, out=arguments.out, config=config, overwrite=arguments.overwrite)
    genomes = [dataclasses.asdict(genome) for genome in fetched.config.genomes]
    notes = [fetched.describe(), f"next: dnabert prepare --config {arguments.out} --out corpus"]
    return Result({"out": arguments.out, "genomes": genomes, "absent": fetched.absent}, notes=notes)


def prepare(arguments: PrepareArguments, *, words: Sequence[str] = ()) -> Result:
    """Run ``dnabert prepare``; `words` are those that the arguments were read from."""
    config, base = _corpus_config(arguments, words)
    from dnabert.corpus import prepare as make

    corpus = make(config, out=arguments.out, overwrite=arguments.overwrite, base=base)
    windows = {split: len(rows) for split, rows in corpus.items()}
    facts = {"out": arguments.out, "window_length": corpus.window_length, "windows": windows, "genomes": corpus.summary}
    return Result(facts, notes=[corpus.describe()])


def embed(arguments: EmbedArguments) -> Result:
    """Run ``dnabert embed``."""
    from dnabert.encoders.embed import write_embeddings
    from dnabert.encoders.processes import Processes
    from dnabert.manifest import read_manifest

    config = _part(arguments, EmbedConfig)
    made = write_embeddings(
        arguments.encoder, arguments.input, out=arguments.out, config=config, overwrite=arguments.overwrite
    )
    Processes.current().leave()
    record = read_manifest(made, kind="embeddings")["config"]
    told = {name: record[name] for name in ("encoder", "name", "dimension", "windows", "seconds")}
    return Result({"out": arguments.out, **told})


def score(arguments: ScoreArguments) -> Result:
    """Run ``dnabert score``."""
    from dnabert.scoring import score as make

    config = _part(arguments, ScoreConfig)
    made = make(arguments.run, arguments.corpus, out=arguments.out, config=config, overwrite=arguments.overwrite)
    summary = made.summary
    told = {name: summary[name] for name in ("split", "windows", "places", "kinds", "notes")}
    return Result(
        {"out": arguments.out, **told},
        text="\n".join(summary["sentences"]),
        notes=[f"note: {each}" for each in summary["notes"]],
    )


def cluster(arguments: ClusterArguments) -> Result:
    """Run ``dnabert cluster``."""
    from dnabert.clusters.clustering import cluster as make
    from dnabert.shares import percent

    config = _part(arguments, ClusterConfig)
    made = make(arguments.embeddings, out=arguments.out, config=config, overwrite=arguments.overwrite)
    found, share = len(made.summary["clusters"]), made.summary["noise"] / max(made.summary["n"], 1)
    some = (
        f"{found:,} {'cluster' if found == 1 else 'clusters'} of {made.summary['n']:,} sequences, {percent(share)} in "
        "none"
    )
    return Result(
        {"out": arguments.out, **made.summary},
        notes=[some if found else f"{some}: lower --min-cluster-size, or embed more"],
    )


def stability(arguments: StabilityArguments) -> Result:
    """Run ``dnabert stability``."""
    from dnabert.clusters.stability import stability as make

    config = _part(arguments, StabilityConfig)
    made = make(
        arguments.clusters, out=arguments.out, config=config, null=arguments.null, overwrite=arguments.overwrite
    )
    null = made.summary["null"]
    told = {name: made.summary[name] for name in ("n", "places", "sentence", "clusters", "agreement_summary", "null")}
    notes = [made.summary["sentence"], *([] if null is None else [null["verdict"]])]
    return Result({"out": arguments.out, **told}, notes=notes)


def assign(arguments: AssignArguments) -> Result:
    """Run ``dnabert assign``."""
    from dnabert.clusters import assign as make

    config = _part(arguments, AssignConfig)
    beside = {"explanation": arguments.explanation, "stability": arguments.stability}
    made = make(
        arguments.clusters, arguments.input, out=arguments.out, config=config, **beside, overwrite=arguments.overwrite
    )
    facts = {
        "out": arguments.out,
        "sequences": made.sequences,
        "pieces": len(made.table),
        "clusters": Counter(made.table["cluster"].tolist()),
        "unlike": int((made.table["unlike"] != "").sum()),
        "threshold": made.threshold,
        "held_out": made.held_out,
        "placed": made.placed,
        "warning": made.warning,
    }
    return Result(facts, text=made.describe(), notes=[] if made.warning is None else [f"warning: {made.warning}"])


def predict(arguments: PredictArguments) -> Result:
    """Run ``dnabert predict``."""
    from dnabert.finetuning import predict as make

    config = _part(arguments, PredictConfig)
    made = make(arguments.classifier, arguments.input, out=arguments.out, config=config, overwrite=arguments.overwrite)
    facts = {"out": arguments.out, "rows": len(made.table), "labels": made.labels, "task": made.task, "test": made.test}
    facts |= {"unseen": made.kept.unseen, "warning": made.warning}
    return Result(facts, text=made.describe(), notes=[] if made.warning is None else [f"warning: {made.warning}"])


def explain(arguments: ExplainArguments) -> Result:
    """Run ``dnabert explain``."""
    from dnabert.explain import explain as make
    from dnabert.explain.evidence_rows import left_out

    config, stability_folder = _part(arguments, ExplainConfig), arguments.stability
    made = make(
        arguments.clusters, out=arguments.out, config=config, stability=stability_folder, overwrite=arguments.overwrite
    )
    clusters = [{"label": x["label"], "n": x["makeup"]["n"], "sentence": x["sentence"]["text"]} for x in made.cards]
    skipped = made.overall["skipped"]
    notes = [f"cluster {x['label']}, {x['n']:,} windows: {x['sentence']}" for x in clusters]
    genes = made.overall["genes_shared"]
    if genes is not None:
        notes.append(
            f"{genes['shared']:,} of the windows' {genes['windows']:,} genes are in a gene set, of {genes['file']:,} "
            f"there, {genes['told']}"
        )
    notes += [f"left out: {each}" for each in left_out(skipped)]
    return Result({"out": arguments.out, "clusters": clusters, "skipped": skipped}, notes=notes)


def report(arguments: ReportArguments) -> Result:
    """Run ``dnabert report``."""
    from dnabert.report import write_report

    page = write_report(arguments.source, run=arguments.run, out=arguments.out, overwrite=arguments.overwrite)
    return Result({"out": arguments.out, "page": page}, text=str(page))


def export(arguments: ExportArguments) -> Result:
    """Run ``dnabert export``."""
    from dnabert.export import export as write

    config = _part(arguments, ExportConfig)
    path = write(arguments.source, out=arguments.out, config=config, overwrite=arguments.overwrite)
    return Result({"out": path, "format": path.suffix, "bytes": path.stat().st_size})


def push(arguments: PushArguments) -> Result:
    """Run ``dnabert push``."""
    from dnabert.hub import push as upload
    from dnabert.hub import staged

    config = _part(arguments, PushConfig)
    facts: dict[str, Any] = {"name": arguments.name, "dry_run": arguments.dry_run}
    if not arguments.dry_run:
        url = upload(arguments.source, arguments.name, config=config, out=arguments.out)
        return Result(facts | {"url": url}, text=url)
    with staged(arguments.source, arguments.name, config=config, out=arguments.out) as made:
        facts |= {"repository": made.repository, "files": made.files, "card": made.card}
        return Result(facts, text=made.card, notes=[made.describe()])


def completion(arguments: CompletionArguments) -> Result:
    """Run ``dnabert completion``."""
    from dnabert.completion import completion_script

    script = completion_script(arguments.shell, {name: of for name, (_, of) in COMMANDS.items()})
    return Result({"shell": arguments.shell, "script": script}, text=script)


#: Subcommand to its function and the arguments whose docstring begins with its summary.
COMMANDS: dict[str, tuple[Callable[..., Result], type]] = {
    "fetch": (fetch, FetchArguments),
    "prepare": (prepare, PrepareArguments),
    "embed": (embed, EmbedArguments),
    "score": (score, ScoreArguments),
    "cluster": (cluster, ClusterArguments),
    "stability": (stability, StabilityArguments),
    "assign": (assign, AssignArguments),
    "explain": (explain, ExplainArguments),
    "report": (report, ReportArguments),
    "export": (export, ExportArguments),
    "predict": (predict, PredictArguments),
    "push": (push, PushArguments),
    "completion": (completion, CompletionArguments),
}


@one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the subcommand that the first argument names; a user's mistake ends in one line and status 2."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return
    if words[0] == "--version":
        print(version_line())
        return
    name, *rest = words
    if name not in COMMANDS:
        raise UserError(f"unknown command {name}{nearest(name, COMMANDS)}: one of {', '.join(COMMANDS)}")
    work, arguments = COMMANDS[name]
    if work is prepare:
        work = functools.partial(prepare, words=rest)
    run_command(arguments, work, rest, prog=f"dnabert {name}")


def _help() -> str:
    summaries = {name: (arguments.__doc__ or "").splitlines()[0] for name, (_, arguments) in COMMANDS.items()}
    lines = [f"  {name:<10} {summary}" for name, summary in summaries.items()]
    return "\n".join(
        [
            "usage: dnabert COMMAND [ARGUMENTS]",
            "",
            *lines,
            "",
            "Example: dnabert prepare --demo --out corpus",
            "",
            "dnabert COMMAND --help lists a command's arguments; --version says which dnabert this is.",
            "After any command: --quiet says nothing but errors, --json writes the result for scripts.",
            "The Tab key completes all of it after: source <(dnabert completion bash)",
            "Pretraining and the comparison of encoders are scripts: train/pretrain.py and eval/compare.py.",
        ]
    )


def _part(arguments: Any, config_class: type[T]) -> T:
    """The config that a subcommand's arguments extend."""
    return config_class(**{x.name: getattr(arguments, x.name) for x in dataclasses.fields(config_class)})  # type: ignore[arg-type]


def _corpus_config(arguments: PrepareArguments, words: Sequence[str]) -> tuple[CorpusConfig, Path | None]:
    """What to prepare, and the folder that its relative paths start from: that of the YAML that names them."""
    config = _part(arguments, CorpusConfig)
    named = {"FASTA files": arguments.fasta, "--demo": arguments.demo, "genomes in --config": config.genomes}
    given = [name for name, value in named.items() if value]
    if len(given) != 1:
        found = f"got {' and '.join(given)}" if given else "nothing to prepare"
        raise UserError(f"{found}: give either FASTA files, --demo, or genomes in --config FILE.yaml")
    if arguments.demo:
        from dnabert.corpus import demo_config

        demo = demo_config()
        split = demo.split if config.split == CorpusConfig().split else config.split
        return dataclasses.replace(demo, window=config.window, split=split), None
    path = config_file(words)
    base = None if path is None else Path(path).parent
    if config.orthologous_blocks is not None:  # the flag's is found from where one stands, the YAML's beside it
        by_flag = is_given("--orthologous-blocks", words)
        blocks = resolve_paths(
            dataclasses.replace(config, genomes=[]), base=None if by_flag else base
        ).orthologous_blocks
        config = dataclasses.replace(config, orthologous_blocks=blocks)
    if arguments.fasta:
        typed = any(path in words for path in arguments.fasta)  # else they stand in the YAML
        return dataclasses.replace(config, genomes=config_from_fasta(arguments.fasta).genomes), None if typed else base
    return config, base


if __name__ == "__main__":
    main()
