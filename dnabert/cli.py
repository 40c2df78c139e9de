"""The command ``dnabert``: each subcommand reads its arguments and calls one function of the library."""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections import Counter
from collections.abc import Callable, Sequence
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
from dnabert.corpus.config import CorpusConfig
from dnabert.corpus.fetch import FetchConfig
from dnabert.encoders.config import EmbedConfig
from dnabert.errors import UserError, one_line
from dnabert.explain.config import ExplainConfig
from dnabert.export.config import ExportConfig
from dnabert.finetuning.config import PredictConfig
from dnabert.hub.config import PushConfig
from dnabert.prepare_arguments import genomes_asked_for
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
    config = _part(arguments, CorpusConfig)
    config, base = genomes_asked_for(config, fasta=arguments.fasta, demo=arguments.demo, words=words)
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
    facts = {name: record[name] for name in ("encoder", "name", "dimension", "windows", "seconds")}
    return Result({"out": arguments.out, **facts})


def score(arguments: ScoreArguments) -> Result:
    """Run ``dnabert score``."""
    from dnabert.scoring import score as make

    config = _part(arguments, ScoreConfig)
    made = make(arguments.run, arguments.corpus, out=arguments.out, config=config, overwrite=arguments.overwrite)
    summary = made.summary
    facts = {name: summary[name] for name in ("split", "windows", "places", "kinds", "notes")}
    notes = [f"note: {note}" for note in summary["notes"]]
    return Result({"out": arguments.out, **facts}, text="\n".join(summary["sentences"]), notes=notes)


def cluster(arguments: ClusterArguments) -> Result:
    """Run ``dnabert cluster``."""
    from dnabert.clusters.clustering import cluster as make
    from dnabert.shares import percent

    config = _part(arguments, ClusterConfig)
    made = make(arguments.embeddings, out=arguments.out, config=config, overwrite=arguments.overwrite)
    clusters, n = len(made.summary["clusters"]), made.summary["n"]
    noise = percent(made.summary["noise"] / max(n, 1))
    note = f"{clusters:,} {'cluster' if clusters == 1 else 'clusters'} of {n:,} sequences, {noise} in none"
    if not clusters:
        note += ": lower --min-cluster-size, or embed more"
    return Result({"out": arguments.out, **made.summary}, notes=[note])


def stability(arguments: StabilityArguments) -> Result:
    """Run ``dnabert stability``."""
    from dnabert.clusters.stability import stability as make

    config = _part(arguments, StabilityConfig)
    made = make(
        arguments.clusters, out=arguments.out, config=config, null=arguments.null, overwrite=arguments.overwrite
    )
    summary = made.summary
    facts = {name: summary[name] for name in ("n", "places", "sentence", "clusters", "agreement_summary", "null")}
    notes = [summary["sentence"]]
    if summary["null"] is not None:
        notes.append(summary["null"]["verdict"])
    return Result({"out": arguments.out, **facts}, notes=notes)


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

    config = _part(arguments, ExplainConfig)
    made = make(
        arguments.clusters,
        out=arguments.out,
        config=config,
        stability=arguments.stability,
        overwrite=arguments.overwrite,
    )
    clusters = [
        {"label": card["label"], "n": card["makeup"]["n"], "sentence": card["sentence"]["text"]} for card in made.cards
    ]
    skipped = made.overall["skipped"]
    notes = [f"cluster {found['label']}, {found['n']:,} windows: {found['sentence']}" for found in clusters]
    genes = made.overall["genes_shared"]
    if genes is not None:
        notes.append(
            f"{genes['shared']:,} of the windows' {genes['windows']:,} genes are in a gene set, of {genes['file']:,} "
            f"there, {genes['told']}"
        )
    notes += [f"left out: {part}" for part in left_out(skipped)]
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
    names = [field.name for field in dataclasses.fields(config_class)]  # type: ignore[arg-type]
    return config_class(**{name: getattr(arguments, name) for name in names})


if __name__ == "__main__":
    main()
