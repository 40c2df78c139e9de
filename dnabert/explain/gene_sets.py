"""Genes that clusters touch, and the gene sets (GO terms, pathways) that they touch more often than their place
explains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.errors import UserError
from dnabert.explain.circle import circle_of
from dnabert.explain.circular_shift import CircularShift, ShiftedMeans
from dnabert.explain.correction import add_q, benjamini_hochberg
from dnabert.explain.enrichment import counts_of, enrichment, inflation_of, odds_ratio, plain
from dnabert.explain.gene_set_file import GeneSets
from dnabert.explain.label_null import informations
from dnabert.explain.terms import Terms

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

#: Genes of the windows that a set must have at least, and may have at most. Sets of two genes are single places; sets
#: of half of all genes say nothing. 15 and 500 are usual for whole genomes (GSEA), 5 suits single chromosomes too.
LEAST, MOST = 5, 500
#: A cluster that touches fewer of the sets' genes is not tested: whatever it touches is one place.
LEAST_TOUCHED = 3
#: Genes listed in a row.
_LEADING = 10
#: Sets whose windows are held at once.
_CHUNK = 64


def genes_touched(windows: ClusteredWindows, *, most: int = 20) -> list[dict[str, Any]]:
    """Genes in which the windows of each cluster lie; a gene of several genomes counts once.

    Returns
    -------
    One dict per cluster: ``label``, ``n_genes``, and ``genes``, at most `most` of ``{"gene", "windows", "share"}`` with
    the number of the cluster's windows in the gene and their share of all windows in it; the most windows first.
    """
    codes, names = genes_of(windows)
    whole = np.bincount(codes[codes >= 0], minlength=len(names))
    rows = []
    for label in windows.clusters:
        own = codes[windows.members(label)]
        count = np.bincount(own[own >= 0], minlength=len(names))
        order = np.argsort(-count, kind="stable")[: min(most, int((count > 0).sum()))]
        listed = [{"gene": names[i], "windows": int(count[i]), "share": float(count[i] / whole[i])} for i in order]
        rows.append({"label": label, "n_genes": int((count > 0).sum()), "genes": listed})
    return rows


def genes_shared(windows: ClusteredWindows, sets: GeneSets) -> dict[str, int]:
    """How many genes the windows have (``windows``), the sets have (``file``), and both have (``shared``).

    Few are shared where the sets are of another species or name genes otherwise; `named_as_windows` puts them into the
    names of the windows.
    """
    names = set(genes_of(windows)[1])
    everywhere = frozenset().union(*sets.genes)
    return {"windows": len(names), "file": len(everywhere), "shared": len(names & everywhere)}


def gene_set_enrichment(
    windows: ClusteredWindows,
    sets: GeneSets,
    *,
    least: int = LEAST,
    most: int = MOST,
    least_touched: int = LEAST_TOUCHED,
) -> list[dict[str, Any]]:
    """Gene sets in whose genes a cluster has more windows than shifts along the genome give it.

    The usual over-representation counts the genes that a cluster touches (``p_hypergeometric``). It takes genes for
    equally easy to touch, but a long gene is touched by any cluster, genes of a set stand side by side, and so it finds
    sets of long or clustered genes. ``p`` therefore asks for the share of the cluster's windows that lie in genes of
    the set, among those that lie in a gene of any set, and compares it with the same share after moving the labels
    along the genome by every number of windows, orthologs together (`CircularShift`): length, neighbourhood and
    composition that changes slowly are in that null as they are in the data. It can be wide where genes are few and
    long.

    Parameters
    ----------
    windows : with the column ``gene``; the gene of a window is that with the largest overlap.
    sets : as `read_gene_sets` gives them; of sets with the same genes among the windows' only the first is tested.
    least, most : genes of a tested set among those of the windows.
    least_touched : clusters that touch fewer genes of the sets are left out.

    Returns
    -------
    One dict per tested cluster and set of which it touches a gene (the others count as tests with p = 1), p ascending
    within a cluster: ``label``, ``id``, ``name``, ``size`` (genes of the set that windows touch), ``touched`` (of them
    by the cluster), ``expected_touched`` (hypergeometric), ``n`` (windows of the cluster in genes of any set),
    ``share``, ``share_rest``, ``expected`` (mean of the shifts), ``odds_ratio`` with its 95 % interval ``low`` to
    ``high``, ``p`` (one-sided, more), ``q`` (Benjamini-Hochberg over all rows), ``p_hypergeometric`` and
    ``q_hypergeometric``, ``genes`` (those that carry it: most windows of the cluster first, with the numbers of
    windows).

    Raises
    ------
    UserError
        when no gene of the file is a gene of the windows.
    """
    codes, names = genes_of(windows)
    member, chosen = _membership(sets, names, least=least, most=most)
    annotated = np.asarray(_any_set(sets, names))
    if not annotated.any():
        shown = f"the windows' are called {names[0]!r}, …" if names else "the windows have no genes"
        raise UserError(
            f"no gene of {sets.path} is a gene of the windows ({shown}): give a GMT file with the same gene symbols"
        )
    known = np.append(annotated, False)[codes]  # the last for -1: no gene
    counts = _windows_in_genes(windows, codes, genes=len(names))
    tested = np.flatnonzero((counts[:, annotated] > 0).sum(axis=1) >= least_touched)
    if not len(tested) or not len(chosen):
        return []
    touch = _touch(counts[tested] > 0, member, annotated)
    number = np.full(windows.clusters.stop, -1)
    number[tested] = np.arange(len(tested))
    labels = np.where(windows.labels >= 0, number[windows.labels], -1)
    shift = CircularShift(labels, circle_of(windows.table), clusters=len(tested))
    rows: list[dict[str, Any]] = []
    for begin in range(0, len(chosen), _CHUNK):
        part = range(begin, min(begin + _CHUNK, len(chosen)))
        values = np.append(member[part], np.zeros((len(part), 1), bool), axis=1).T[codes]
        asked = touch["touched"][:, part] > 0
        found = _statistics(
            shift.means(values, known=known, asked=asked), hits=values[known].sum(axis=0), total=int(known.sum())
        )
        for own, i in np.argwhere(asked):
            index = part[i]
            row = {"label": int(tested[own]), "id": sets.ids[chosen[index]], "name": sets.names[chosen[index]]}
            row |= {key: value[own, index].item() for key, value in touch.items()}
            row |= {key: plain(value[own, i]) for key, value in found.items()}
            rows.append(row | {"n": int(row["n"]), "genes": _leading(counts[tested[own]], member[index], names)})
    add_q(rows, tests=touch["touched"].size)
    untouched = [1.0] * (touch["touched"].size - len(rows))
    naive = benjamini_hochberg([row["p_hypergeometric"] for row in rows] + untouched).tolist()
    rows = [row | {"q_hypergeometric": q} for row, q in zip(rows, naive, strict=False)]
    return sorted(rows, key=lambda row: (row["label"], row["p"], -row["share"]))


def in_gene_set(windows: ClusteredWindows, sets: GeneSets, name: str) -> NDArray[np.bool_]:
    """Whether each window lies in a gene of the named set (`GeneSets.find`): bool (n,), to be drawn on the map."""
    wanted = sets.genes[sets.find(name)]
    return np.array([gene in wanted for gene in windows.table["gene"]], dtype=bool)


def gene_set_landing(windows: ClusteredWindows, sets: GeneSets, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Do the genes of named sets land in clusters of their own? Per set, agreement with the clusters and each cluster's
    test.

    Returns
    -------
    For each name: ``id``, ``name``, ``n`` (windows in its genes), ``ami`` (adjusted mutual information of lying in its
    genes with the clusters, noise as one, among windows in genes of any set: ``value``, ``low``, ``high``, with genes
    drawn whole, since a set has all windows of a gene or none), ``ami_random`` (mean of 100 sets of as many genes,
    drawn at random: windows of a gene are alike, so that it is above 0), ``p`` (share of these at or above, the
    observed one counted) and ``q`` (over the sets), and ``clusters``, the rows of `enrichment` (two-sided ``p``; ``q``
    over all sets and clusters) among the same windows.
    """
    from dnabert.clusters.agreement import agreement

    everywhere = frozenset().union(*sets.genes)
    known = np.array([gene in everywhere for gene in windows.table["gene"]], dtype=bool)
    labels = windows.labels[known]
    gene = windows.table["gene"].to_numpy()[known].astype(str)
    indices = [sets.find(name) for name in names]
    values = np.stack([in_gene_set(windows, sets, sets.ids[index]) for index in indices], axis=1)
    terms = Terms("gene_set", tuple(sets.ids[index] for index in indices), values, known)
    rows = enrichment(windows, terms=[terms]) if known.any() else []
    found = {}
    for name, index, inside in zip(names, indices, values.T, strict=True):
        varies = 0 < int(inside[known].sum()) < len(labels)  # else all is one class, which is what one cluster is, too
        ami = agreement(labels, inside[known], groups=gene)["ami"] if varies else None
        own = [row for row in rows if row["term"] == sets.ids[index]]
        found[name] = {
            "id": sets.ids[index],
            "name": sets.names[index],
            "n": int(inside.sum()),
            "ami": ami and {key: plain(value) for key, value in ami.as_dict().items()},
            **(_of_random_sets(labels, inside[known], gene=gene) if varies else {}),
            "clusters": own,
        }
    add_q(each for each in found.values() if "p" in each)
    return found


def _of_random_sets(
    labels: NDArray[np.int64], inside: NDArray[np.bool_], *, gene: NDArray[np.str_], draws: int = 100
) -> dict[str, float]:
    """Agreement when a set of as many genes, drawn at random, stands in a set's place: ``ami_random`` and ``p``."""
    _, first, number = np.unique(gene, return_index=True, return_inverse=True)
    rng = np.random.default_rng(0)
    observed, random = informations(labels, inside, (rng.permutation(first)[number] for _ in range(draws)))
    return {"ami_random": float(random.mean()), "p": float((1 + (random >= observed - 1e-12).sum()) / (1 + draws))}


def genes_of(windows: ClusteredWindows) -> tuple[NDArray[np.int64], list[str]]:
    """Gene of each window as a number, -1 = none, and the genes' names."""
    if "gene" not in windows.table:
        raise UserError(
            "the windows have no column gene: prepare the corpus with genes (GTF or GFF3), embed it, and cluster that"
        )
    codes, names = windows.table["gene"].astype(str).replace("", None).factorize(sort=True)
    return codes.astype(np.int64), [str(name) for name in names]


def _any_set(sets: GeneSets, names: Iterable[str]) -> list[bool]:
    everywhere = frozenset().union(*sets.genes)
    return [name in everywhere for name in names]


def _membership(
    sets: GeneSets, names: list[str], *, least: int, most: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Bool (sets, genes) of the sets to test, and their indices; each combination of genes once."""
    number = {name: i for i, name in enumerate(names)}
    seen: set[bytes] = set()
    chosen: list[int] = []
    member: list[NDArray[np.bool_]] = []
    for index, genes in enumerate(sets.genes):
        own = np.zeros(len(names), bool)
        own[[number[gene] for gene in genes if gene in number]] = True
        key = own.tobytes()
        if least <= own.sum() <= most and key not in seen:
            seen.add(key)
            chosen.append(index)
            member.append(own)
    return np.array(member, bool).reshape(len(chosen), len(names)), np.array(chosen, np.int64)


def _windows_in_genes(windows: ClusteredWindows, codes: NDArray[np.int64], *, genes: int) -> NDArray[np.int64]:
    """Number of windows of each cluster in each gene, int64 (C, genes)."""
    clusters = len(windows.clusters)
    inside = (windows.labels >= 0) & (codes >= 0)
    flat = np.bincount(windows.labels[inside] * genes + codes[inside], minlength=clusters * genes)
    return flat.reshape(clusters, genes)


def _touch(
    touched: NDArray[np.bool_], member: NDArray[np.bool_], annotated: NDArray[np.bool_]
) -> dict[str, NDArray[Any]]:
    """The usual over-representation: genes touched bool (C, genes) against sets bool (S, genes), arrays (C, S)."""
    from scipy.stats import hypergeom

    background = int(annotated.sum())
    both = touched.astype(np.int64) @ member.T.astype(np.int64)
    size = np.broadcast_to(member.sum(axis=1), both.shape)
    drawn = touched[:, annotated].sum(axis=1)[:, None]
    return {
        "size": size,
        "touched": both,
        "expected_touched": drawn * size / background,
        "p_hypergeometric": np.asarray(hypergeom.sf(both - 1, background, size, drawn)),
    }


def _statistics(means: ShiftedMeans, *, hits: NDArray[np.integer], total: int) -> dict[str, NDArray[Any]]:
    counts = counts_of(means.n, means.observed, hits=hits, total=total)
    ratio, low, high = odds_ratio(counts, inflation=inflation_of(counts, means.sd))
    return {
        "n": counts.n,
        "share": means.observed,
        "share_rest": counts.hits_rest / np.maximum(counts.n_rest, 1),
        "expected": means.expected,
        "odds_ratio": ratio,
        "low": low,
        "high": high,
        "p": means.p_greater,
    }


def _leading(count: NDArray[np.int64], own: NDArray[np.bool_], names: list[str]) -> dict[str, int]:
    """Genes of a set with the most windows of a cluster, and how many."""
    genes = np.flatnonzero(own & (count > 0))
    order = genes[np.argsort(-count[genes], kind="stable")][:_LEADING]
    return {names[i]: int(count[i]) for i in order}
