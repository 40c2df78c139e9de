"""Scores on the test sequences that training has not seen a stretch of."""

from __future__ import annotations

import numpy as np

from dnabert.clusters.bootstrap import Score
from dnabert.probes.scores import Predictions, score
from dnabert.probes.seen_in_training import STRETCH
from dnabert.probes.tasks import Task


def score_unseen(
    task: Task, probabilities: Predictions, *, resamples: int = 500, seed: int = 0
) -> dict[str, Score] | None:
    """`score` of the test sequences that share no 30 bases with train: the others may be remembered rather than
    predicted.

    Parameters
    ----------
    task : its labels, and which of its test sequences are `Task.unseen`.
    probabilities, resamples, seed : as for `score`, of all test sequences.

    Returns
    -------
    None where all test sequences are unseen, so that `score` says it, or those that are have one label.
    """
    unseen = task.unseen
    labels = task.test.labels[unseen]
    if unseen.all() or len(np.unique(labels)) < 2:
        return None
    runs = [probabilities] if isinstance(probabilities, np.ndarray) and probabilities.ndim == 2 else list(probabilities)
    return score(labels, [run[unseen] for run in runs], resamples=resamples, seed=seed)


def told_unseen(mcc: Score | None) -> str:
    """What stands behind a Matthews' correlation of all test sequences.

    Examples
    --------
    >>> told_unseen(Score(0.5, 0.4, 0.6, 95)), told_unseen(None)
    ('; 0.500 [0.400, 0.600] on the 95 that share no 30 bases with train', '')
    """
    if mcc is None:
        return ""
    score = f"{mcc.value:.3f} [{mcc.low:.3f}, {mcc.high:.3f}]"
    return f"; {score} on the {mcc.n:,} that share no {STRETCH} bases with train"
