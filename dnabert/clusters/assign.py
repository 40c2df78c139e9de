"""New sequences into clusters: which one, how surely, or none of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnabert.clusters.assignment_table import COLUMNS, SENTENCE, STABILITY, sentences_of, stability_of
from dnabert.clusters.config import AssignConfig
from dnabert.clusters.placer import Placer
from dnabert.corpus.pieces import TOO_FEW_KNOWN, TOO_SHORT, sequences_in, told_rows
from dnabert.given import settings, stage_folder
from dnabert.shares import percent
from dnabert.table_file import check_table_free, write_table

if TYPE_CHECKING:
    import pandas as pd

#: Share of the input unlike the corpus from which it is said; of the corpus's own windows it is 1 to 2 %.
_MANY_UNLIKE = 0.05
#: Share of the clusters' windows on which their encoder was fitted from which it is said. Of windows of apes_chr22 that
#: were not embedded `lsa:8` puts 76 % in none where all 6,000 others were fitted on, of which 34 % are in none; where
#: half of 20,000 were, 44 % of the rest are, and 33 % of these; where a quarter of 6,000 were, among 40,000 training
#: windows, 25 % and 27 %. Of `kmer:4`, which is not fitted, it is 76 % and 77 %.
_MUCH_FITTED = 0.5


@dataclass(frozen=True)
class Assignment:
    """What became of new sequences.

    Attributes
    ----------
    table : one row per sequence or tile, in input order; its columns are those of the file, see `assign`.
    threshold : probability from which a cluster was accepted; None where no cluster takes in anything.
    held_out : what accepting from there costs on held-out windows (``accepted``, ``wrong``, ``error`` with ``low`` and
        ``high``, ``false_reject``); None with `threshold`.
    held_out_by : what was held out together, in words.
    placed : how far another clustering would have drawn the same clusters, see `placed_elsewhere`; None where it is not
        known.
    fitted_share : of the clusters' windows, those on which their encoder was fitted.
    """

    table: pd.DataFrame
    threshold: float | None
    held_out: dict[str, Any] | None
    held_out_by: str
    placed: dict[str, Any] | None = None
    fitted_share: float = 0.0

    def __repr__(self) -> str:
        """What it is, in a line: the last value of a notebook's cell is shown."""
        return f"Assignment({told_rows(self.table)}, {int((self.table['cluster'] != 'none').sum()):,} in clusters)"

    @property
    def sequences(self) -> int:
        """Sequences of the input: each has one row, or one for each of its tiles."""
        return sequences_in(self.table)

    @property
    def warning(self) -> str | None:
        """One line when much of the input is unlike the corpus, so that the stated error need not hold for it."""
        unlike = self.table["unlike"][self.table["unlike"] != ""]
        if len(unlike) <= _MANY_UNLIKE * len(self.table):
            return None
        reasons = Counter(reason for note in unlike for reason in note.split(", "))
        named = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
        rows = "sequences" if self.sequences == len(self.table) else "pieces"
        verb, these = ("is", "it") if len(unlike) == 1 else ("are", "them")
        return (
            f"{len(unlike):,} of {len(self.table):,} {rows} {verb} unlike the corpus ({named}): the stated error does "
            f"not hold for {these}"
        )

    def describe(self) -> str:
        """The summary that ``dnabert assign`` prints."""
        counts = Counter(self.table["cluster"].tolist())
        none = counts.pop("none", 0)
        short = int(self.table["note"].isin((TOO_SHORT, TOO_FEW_KNOWN)).sum())
        unlike = int((self.table["unlike"] != "").sum())
        head = f"{told_rows(self.table)}: {len(self.table) - none:,} in clusters, {none - short:,} in none"
        lines = [
            f"{head}, {short:,} that cannot be read (too short, or hardly a known base); {unlike:,} unlike the corpus"
        ]
        lines += [f"  cluster {label:>4} {counts[label]:>9,}" for label in sorted(counts, key=int)]
        return "\n".join([*lines, self._error()])

    def _error(self) -> str:
        if self.held_out is None:
            return "no cluster takes in new sequences: no threshold of 0.5 or more accepts any held-out window"
        known = self.held_out
        low, value, high = (f"{100 * known[name]:.2f}" for name in ("low", "error", "high"))
        return (
            f"accepted from probability {self.threshold} on: of {known['accepted']:,} held-out windows accepted so "
            f"(by {self.held_out_by}) {value} % [{low}, {high}] were wrong, of the clustered ones "
            f"{100 * known['false_reject']:.1f} % were rejected; that is of these clusters as they stand, "
            f"{self._redrawn()}{self._fitted()}"
        )

    def _fitted(self) -> str:
        """What held-out windows do not tell where the encoder has seen them."""
        if self.fitted_share < _MUCH_FITTED:
            return ""
        seen = "these windows" if self.fitted_share == 1 else f"{percent(self.fitted_share)} of these windows"
        return (
            f"; their encoder was fitted on {seen}, from which new sequences lie farther off: more of them are in none "
            "than this says (embed held-out windows of a corpus, or by an encoder that is not fitted)"
        )

    def _redrawn(self) -> str:
        if self.placed is None:
            return (
                "another clustering may draw them otherwise (dnabert stability tells how far, and --stability takes it)"
            )
        placed, own = self.placed["left_out"], self.placed["members"]
        low, value, high = (f"{100 * placed[name]:.1f}" for name in ("low", "mean", "high"))
        return (
            f"and clusters of a part of the windows, {placed['n']} times another, are drawn otherwise: of the windows "
            f"so left out and accepted {value} % ({low} to {high}) are elsewhere when all are clustered, of the "
            f"members {100 * own['mean']:.1f} %"
        )


def assign(
    clusters: str | os.PathLike[str],
    input: str | Path,
    *,
    out: str | Path,
    config: AssignConfig | Mapping[str, Any] | None = None,
    explanation: str | os.PathLike[str] | None = None,
    stability: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> Assignment:
    """Place new sequences among the clusters of a folder, and write a table of tab-separated values.

    A sequence is read by the encoder that made the clusters' vectors, in the same way, and joins a cluster as it would
    have when clustered with the corpus: when its mutual reachability to a member is within the cluster's own (see
    `Membership`). The probability of that is calibrated on windows that were held out each by itself; what accepting
    costs is told of windows that were held out with their whole orthologous block, or region, as of sequences of which
    the corpus has no copy. Both speak of the clusters as they stand: whether another clustering would find them again
    is a question of stability, which is told where it is given.

    A sequence of several windows' length gets one vector, the mean over its stretches, and is a mixture of what these
    would say apart; `AssignConfig.tile` places each by itself.

    Columns of the table:

    - ``name``; ``start``, ``end`` of the piece in its sequence (0-based, half open); ``length`` in bases;
    - ``cluster``: its number, or ``none``;
    - ``probability`` of the best cluster, accepted or not;
    - ``distance`` to the nearest window of the corpus, in the space that was clustered;
    - ``exemplar_1`` to ``exemplar_3``: the nearest members of the cluster, or the nearest windows where there is none,
      of different orthologous blocks where possible: place (0-based, half open), repeat class, gene;
    - ``unlike``: empty, or why the sequence is unlike the corpus: ``distance`` (farther from its neighbours than 99 %
      of held-out windows), ``composition`` (more bits per base under a Markov model of the corpus than 99 % of its
      windows), ``unknown bases`` (more than a tenth), ``length`` (under half of the corpus's windows', or over twice);
    - ``note``: ``too short`` or ``too few known bases`` where no word can be read, the best cluster of what was
      rejected;
    - ``stability``, where it is given: ``stable``, ``pattern`` or ``dissolved``, whether the cluster comes back when
      clustering is repeated; ``undecided`` where the interval leaves open whether it dissolves;
    - ``sentence``, where an explanation is given: what the members of the cluster have in common.

    Parameters
    ----------
    clusters : what `cluster` gave, or its folder.
    input : FASTA, GenBank, EMBL, FASTQ, CSV or TSV (column ``sequence``, perhaps ``name``), plain or gzip; ``-`` is
        standard input.
    out : file to write, whole or not at all.
    config : an `AssignConfig`, or a dict of its fields.
    explanation : what `dnabert.explain.explain` made, or its folder, of these clusters.
    stability : what `dnabert.stability` made, or its folder, of these clusters.
    overwrite : replace such a table that stands at `out`.

    Raises
    ------
    UserError
        when the clusters hold nothing for new sequences, their encoder is gone, the input cannot be read, the allowed
        error cannot be kept, the explanation or stability is of other clusters, or `out` may not be written.
    """
    from dnabert.corpus.records import read_records

    check_table_free(out, columns=COLUMNS, command="dnabert assign", overwrite=overwrite)
    clusters = stage_folder(clusters, kind="clusters")
    placer = Placer(clusters, config=settings(config, AssignConfig))
    sentences, verdicts, placed = None, None, None
    if explanation is not None:
        sentences = sentences_of(stage_folder(explanation, kind="explanation"), clusters=clusters)
    if stability is not None:
        verdicts, placed = stability_of(stage_folder(stability, kind="stability"), clusters=clusters)
    table = placer.table(read_records(input))
    for name, of_cluster in ((STABILITY, verdicts), (SENTENCE, sentences)):
        if of_cluster is not None:
            table[name] = [of_cluster.get(str(label), "") for label in table["cluster"]]
    write_table(table, out)
    return Assignment(
        table, placer.threshold, placer.held_out, placer.prepared.held_out_by, placed, placer.fitted_share
    )
