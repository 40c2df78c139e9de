"""What each number of the ladder means, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from dnabert.report.numbers import present

_LARGEST = "always saying the largest class"


@dataclass(frozen=True)
class Metric:
    """One row of the ladder table.

    `better` is None for a number that describes without judging. `headline` metrics take part in the answer; `short` is
    what the first screen calls one, where that is not its name. `baseline` is the key of what `guess` gives.
    """

    key: str
    name: str
    explanation: str
    better: Literal["higher"] | None = None
    headline: bool = False
    baseline: str | None = None
    digits: int = 3
    short: str = ""
    guess: str = _LARGEST

    @property
    def guess_named(self) -> str:
        """What is guessed, where that is not the largest class; empty where it is."""
        return "" if self.guess == _LARGEST else self.guess


_AGREEMENT = {
    "repeat_class": (
        "repeat class",
        "Do clusters follow the kinds of repeat? 0 = chance, 1 = identical.",
        True,
    ),
    "region": (
        "gene region",
        "Do clusters follow CDS, UTR, exon, intron, intergenic? 0 = chance, 1 = identical.",
        True,
    ),
    "gene_type": (
        "gene type",
        "Do clusters follow the type of gene (protein-coding, RNA …)? 0 = chance, 1 = identical.",
        True,
    ),
    "genome": ("species", "Do clusters follow the species? Near 0 is right for homologous sequence.", False),
    "strand": ("strand", "Do clusters follow the strand that was read? Near 0 is right: it is an artefact.", False),
    "phase": (
        "the frame of the words",
        "Do clusters follow the frame in which words were cut (start mod k, "
        "not the codon frame)? Near 0 is right: it is an artefact.",
        False,
    ),
    "codon_frame": (
        "the codon frame",
        "Do clusters of coding windows follow the codon position at which a window is cut, and the gene's strand? Near "
        "0 is right: it is an artefact.",
        False,
    ),
}


def _agreement(statistic: str, label: str) -> Metric:
    name, explanation, meaningful = _AGREEMENT[label]
    if statistic == "ami":
        explanation += " Adjusted mutual information; windows in no cluster count as one cluster."
    else:
        explanation = (
            "The same, counted over pairs of windows (adjusted Rand index). Its brackets are of these clusters as they "
            "are, so that it ranks none."
        )
    return Metric(
        f"{statistic}_{label}",
        f"Clusters follow {name} ({statistic.upper()})",
        explanation,
        better="higher" if meaningful and statistic == "ami" else None,
        headline=meaningful and statistic == "ami",
        short=f"Clusters follow {name}",
    )


def _clustered(label: str) -> Metric:
    name = _AGREEMENT[label][0]
    return Metric(
        f"ami_clustered_{label}",
        f"The clustered alone follow {name} (AMI)",
        "The same, of windows that are in a cluster: which windows were left out tells nothing here. Encoders leave "
        "out different ones, so it ranks none.",
    )


METRICS: tuple[Metric, ...] = (
    Metric(
        "knn10_repeat_class",
        "10 nearest neighbours: repeat class",
        "Share of windows whose repeat class is told by a vote of the ten nearest windows.",
        "higher",
        True,
        "majority_repeat_class",
        short="10 neighbours: repeat class",
    ),
    Metric(
        "knn10_region",
        "10 nearest neighbours: gene region",
        "Share of windows whose gene region is told by a vote of the ten nearest windows.",
        "higher",
        True,
        "majority_region",
        short="10 neighbours: gene region",
    ),
    Metric(
        "retrieval_top1",
        "Ortholog found first",
        "Share of windows whose ortholog is nearest of all candidates from another species.",
        "higher",
        True,
    ),
    Metric(
        "retrieval_top10",
        "Ortholog among the first 10",
        "Share of windows whose ortholog is among the ten nearest candidates.",
        "higher",
        True,
        short="Ortholog in the first 10",
    ),
    Metric(
        "moved_top1",
        "Same place found first",
        "Share of windows whose own place, moved by up to half a window, read on a random strand and mutated (5 %), is "
        "nearest of all candidates: asked where no two genomes are aligned.",
        "higher",
        True,
    ),
    Metric(
        "moved_top10",
        "Same place among the first 10",
        "Share of windows whose own place, shifted, on a random strand, mutated, is among the ten nearest candidates.",
        "higher",
        True,
        short="Same place in the first 10",
    ),
    Metric(
        "knn1_relatives",
        "Relative found first",
        "Of windows that BLAST aligns with a window of another place "
        "(E ≤ 10⁻⁵), the share whose nearest window is one of these.",
        "higher",
        True,
        "chance_relatives",
        guess="a window drawn at random",
    ),
    Metric(
        "knn10_rare_relatives",
        "Rare relative among the first 10",
        "Of windows that BLAST aligns with windows of other places, but with at most one in a hundred, the share that "
        "has one of these among its ten nearest.",
        "higher",
        True,
        "chance_rare_relatives",
        short="Rare relative in the first 10",
        guess="a draw of ten windows at random",
    ),
    Metric(
        "kmeans_ami_repeat_class",
        "k-means clusters follow repeat class (AMI)",
        "Do clusters that leave no window out and hang on fewer settings follow the kinds of repeat? 0 = chance, 1 = "
        "identical.",
        "higher",
        True,
        short="k-means follows repeat class",
    ),
    *(_agreement("ami", label) for label in _AGREEMENT),
    *(_clustered(label) for label, (_, _, meaningful) in _AGREEMENT.items() if meaningful),
    *(_agreement("ari", label) for label in _AGREEMENT),
    Metric(
        "silhouette",
        "Silhouette",
        "How much closer windows are to their own cluster than to the next, −1 to 1; each space has its own scale.",
    ),
    Metric("clusters", "Clusters", "Number of clusters that HDBSCAN found (more is not better).", digits=0),
    Metric(
        "noise_share", "Unclustered share", "Share of windows that HDBSCAN left in no cluster (neither way is better)."
    ),
)


def shown(keys: set[str]) -> list[Metric]:
    """Return the metrics to show for the keys that were measured; unknown ones come last, under their own name.

    Examples
    --------
    >>> [metric.name for metric in shown({"clusters", "majority_region", "odd"})]
    ['Clusters', 'odd']
    """
    known = {metric.key for metric in METRICS}
    baselines = {metric.baseline for metric in METRICS}
    rest = sorted(key for key in keys - known - baselines)
    return [metric for metric in METRICS if metric.key in keys] + [Metric(key, key, "") for key in rest]


def measured(ladder: list[dict[str, Any]]) -> list[Metric]:
    """Return the metrics that at least one rung has a value for, in the order of the page."""
    pairs = ((key, value or {}) for rung in ladder for key, value in rung["metrics"].items())
    return shown({key for key, value in pairs if present(value.get("value"))})
