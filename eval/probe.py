"""Frozen vectors of every rung on labelled tasks: how much of the labels a simple classifier reads from them.

Example: python eval/probe.py --tasks FOLDER_OR_FILE --run RUN --out DIR

A task is a folder with train, dev and test (CSV or TSV with the columns sequence and label, or FASTA with the label as
the header's last word), or one such file, with a column split or to be split, or a UCI .data file. Sequences may have
any length: those longer than a window are tiled.
"""

from dnabert.command import Result, run_command
from dnabert.errors import one_line
from dnabert.json_file import read_json
from dnabert.probes.config import ProbeConfig


def work(config: ProbeConfig) -> Result:
    """Probe; the folder, and a record of each task, rung and classifier."""
    from dnabert.probes.rungs import run_probes  # after --help, which needs no torch

    out = run_probes(config)
    return Result({"out": out, "probes": read_json(out / "probes.json")})


@one_line
def main() -> None:
    """Parse, probe, say where the tables are."""
    run_command(ProbeConfig, work, prog="eval/probe.py", description=__doc__ or "")


if __name__ == "__main__":
    main()
