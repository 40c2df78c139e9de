"""In how many windows of each cluster, and of its shuffled ones, each word of a pattern stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.log_odds import TwoByTwo
from dnabert.explain.vocabulary import Vocabulary, count_windows

#: Words that fewer windows hold are not tested: no label enters, so that the test stays honest (Bourgon et al. 2010).
MINIMUM_WINDOWS = 5


def class_tf_idf(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """Class-based TF-IDF (Grootendorst 2022, BERTopic): counts (classes, words) to weights of the same shape.

    A word's share of its class times log(1 + A / f), f being its count in all classes and A the mean count of a class.

    Examples
    --------
    >>> class_tf_idf(np.array([[2, 2], [0, 4]])).round(3).tolist()
    [[0.549, 0.255], [0.0, 0.511]]
    """
    total = counts.sum(axis=0)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    weight: NDArray[np.float64] = share * np.log1p(counts.sum(axis=1).mean() / np.maximum(total, 1))
    return weight


@dataclass(frozen=True)
class WordCounts:
    """Windows with each word: of each cluster and, last, of none; and of each cluster's shuffled windows."""

    vocabulary: Vocabulary
    real: NDArray[np.int64]
    shuffled: NDArray[np.int64]
    n_real: NDArray[np.int64]
    n_shuffled: NDArray[np.int64]
    tf_idf: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        vocabulary: Vocabulary,
        *,
        bases: NDArray[np.uint8],
        labels: NDArray[np.integer],
        owners: NDArray[np.int64],
        shuffles: NDArray[np.uint8],
    ) -> WordCounts:
        """Count the words of a pattern.

        Parameters
        ----------
        vocabulary : its t words.
        bases, labels : of n windows: uint8 ASCII (n, L), and int (n,), -1 = in no cluster.
        owners, shuffles : of s shuffled windows: the cluster of each, int64 (s,), and uint8 ASCII (s, L).
        """
        groups = int(labels.max(initial=-1)) + 2
        of_window = labels % groups  # -1 becomes the last group
        real = count_windows(bases, of_window, vocabulary, n_groups=groups)
        shuffled = count_windows(shuffles, owners, vocabulary, n_groups=groups)
        n_real, n_shuffled = (np.bincount(each, minlength=groups) for each in (of_window, owners))
        return cls(vocabulary, real, shuffled, n_real, n_shuffled, class_tf_idf(real))

    @cached_property
    def everywhere(self) -> NDArray[np.int64]:
        """Windows with each word, of all clusters and of none."""
        return np.asarray(self.real.sum(axis=0))

    @cached_property
    def tested(self) -> NDArray[np.bool_]:
        """Words that enough windows hold, bool (t,)."""
        return self.everywhere >= MINIMUM_WINDOWS

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Indices in the vocabulary of the tested words."""
        return np.flatnonzero(self.tested)

    def tables(self, label: int) -> tuple[TwoByTwo, TwoByTwo]:
        """The tested words in a cluster's windows, against those in all others and in its own shuffled."""
        own, n = self.real[label][self.tested], int(self.n_real[label])
        others = self.everywhere[self.tested] - own
        versus_others = TwoByTwo(own, n, others, int(self.n_real.sum()) - n)
        return versus_others, TwoByTwo(own, n, self.shuffled[label][self.tested], int(self.n_shuffled[label]))
