"""What survives of each rung when cheap explanations are taken out, and how far its vectors move when a window is read
otherwise."""

from __future__ import annotations

import re
from typing import Any

from dnabert.report import confounds
from dnabert.report.numbers import count, interval, listed, number, percent
from dnabert.report.rung_kind import is_trained

Record = dict[str, Any]

#: Below this cosine with itself a window that was moved by one base is another window to the model.
_ALIKE = 0.5
_PURITY = ("knn10_repeat_class", "knn10_region")
_NOT_REPEATED = (
    "Whether the clusters come back when the clustering is repeated was not asked: "
    "dnabert stability asks it, and dnabert explain takes its folder as --stability."
)


def rows(ladder: list[Record]) -> list[Record]:
    """One row per rung and explanation taken out: ``rung`` and the columns of `explained_away`."""
    return [{"rung": rung["rung"], **row} for rung in ladder for row in rung.get("explained_away") or []]


def symmetry_rows(ladder: list[Record]) -> list[Record]:
    """One row per way of reading otherwise: ``change``, ``amount``, and per rung its record (or None); shifts either
    way are one row.

    Of shifts by the same number of bases to the left and to the right the one that moves vectors more is shown.
    """
    found: dict[tuple[str, float], dict[str, Record]] = {}
    for rung in ladder:
        for row in rung.get("symmetry") or []:
            cell = found.setdefault((row["change"], abs(row["amount"])), {})
            before = cell.get(rung["rung"])
            if before is None or row["cosine"]["value"] < before["cosine"]["value"]:
                cell[rung["rung"]] = row
    return [{"change": change, "amount": amount, "rungs": cell} for (change, amount), cell in found.items()]


def read_otherwise(ladder: list[Record]) -> int | None:
    """How many windows were read otherwise, among which a window has to find itself: one of twenty does so more easily
    than one of thousands."""
    return max((row["cosine"]["n"] for rung in ladder for row in rung.get("symmetry") or []), default=None)


def shift_sentence(ladder: list[Record]) -> str | None:
    """Warn where the first pretrained rung hardly knows a window again that is moved by one base; None where it
    does."""
    warned = next((record for record in ladder if is_trained(record) and record.get("symmetry")), {})
    rung = warned.get("rung")
    moved = next(
        (row["rungs"].get(rung) for row in symmetry_rows(ladder) if row["change"] == "shift" and row["amount"] == 1),
        None,
    )
    if moved is None or moved["cosine"]["value"] >= _ALIKE:
        return None
    phases = (warned.get("read") or {}).get("phases", 1)
    more = f"{phases} frames are not enough: read all (as many phases as a word has letters)"
    if phases < 3:
        more = "Read more frames (phases: 3, which meets every codon position)"
    return (
        f"Moved by one base a window of {rung} keeps a cosine of only {number(moved['cosine']['value'], digits=2)} "
        f"with itself: its clusters may be the frames in which windows were cut. {more} or train contrastively."
    )


def sentence(ladder: list[Record]) -> str | None:
    """Say what the pretrained rung's clusters and neighbours still hold when every cheap explanation is taken out; None
    without it.

    A regression that foretells no variance of unseen windows has taken nothing out: there is nothing to say of what is
    left.
    """
    rung = next((record for record in ladder if is_trained(record) and record.get("explained_away")), None)
    if rung is None:
        return None
    whole, rest = rung["explained_away"][0], rung["explained_away"][-1]
    taken = [row["without"] for row in rung["explained_away"][1:] if not row["without"].startswith("all")] or [
        rest["without"]
    ]
    one = len(taken) == 1
    if rest["explained"] <= 0:
        return (
            f"Too few windows are there to take anything out: {listed(taken)} {'foretells' if one else 'foretell'} "
            f"nothing of {rung['rung']}'s vectors of windows that the regression has not seen. So what survives is not "
            "known; compare more windows (ladder_windows)."
        )
    others = [other for other in ladder if other is not rung and other.get("explained_away")]
    told = (
        f"{listed(taken).capitalize()} {'predicts' if one else 'predict'} {percent(rest['explained'])} of the variance "
        f"of {rung['rung']}'s vectors. Without {'it' if one else 'them'} HDBSCAN puts "
        f"{interval(rest['clustered_share'])} of the windows into {_clusters(rest)} (before: "
        f"{interval(whole['clustered_share'])}, {_clusters(whole)})"
    )
    if others:
        told += "; " + listed(
            [f"{interval(other['explained_away'][-1]['clustered_share'])} with {other['rung']}" for other in others]
        )
    kept = [
        f"{name.removeprefix('knn10_').replace('_', ' ')} {interval(rest[name])} (before: "
        f"{interval(whole[name])}{_largest(rung, name)})"
        for name in _PURITY
        if rest.get(name) and whole.get(name)
    ]
    return told + (f". Ten neighbours in what is left name the window's {' and its '.join(kept)}." if kept else ".")


def _largest(rung: Record, name: str) -> str:
    """What always saying the largest class would give, where that was measured."""
    found = (rung.get("metrics") or {}).get(name.replace("knn10", "majority"))
    return f"; the largest class alone: {number(found['value'])}" if found else ""


def _clusters(row: Record) -> str:
    """How many clusters, and how many in halves of the places.

    Examples
    --------
    >>> _clusters({"clusters": 9, "stable_clusters": 4, "clusters_of_halves": {"low": 6, "high": 11, "n": 10}})
    '9 clusters (6 to 11 in halves of the places, where 4 of the 9 come back)'
    """
    told = f"{row['clusters']} {'cluster' if row['clusters'] == 1 else 'clusters'}"
    halves = row.get("clusters_of_halves")
    if not halves:
        return told
    return (
        f"{told} ({halves['low']} to {halves['high']} in halves of the places, where "
        f"{row['stable_clusters'] or 'none'} of the {row['clusters']} come back)"
    )


def trust_sentences(stability: Record, null: Record, overall: Record, *, explained: bool = False) -> list[str]:
    """Say whether the clusters come back, whether the ladder's windows form clusters when shuffled, and how much cheap
    confounds tell of them.

    Of clusters that are explained it is told, too, that nobody asked whether they come back: how sure an explanation is
    says nothing of that.
    """
    told = [stability["sentence"]] if stability else [_NOT_REPEATED] * explained
    if null:
        verdict = null["verdict"]
        told.append(
            f"Of the ladder's {count(null['real']['n'])} windows, whose clusters are not the map's and have numbers of "
            f"their own: {verdict[0].lower()}{verdict[1:]}"
        )
    prediction = (overall.get("confounds") or {}).get("prediction")
    if prediction and prediction["explained"] is not None:  # one class, or too few places: nothing to predict from
        share = {name: prediction[name] for name in ("low", "high")} | {"value": prediction["explained"]}
        known = listed([words for name, words in confounds.NAMES.items() if name in prediction["features"]])
        told.append(
            f"{known[0].upper()}{known[1:]} {'together predict' if len(prediction['features']) > 1 else 'predicts'} "
            f"{interval(share)} of the labelling (of its entropy, at places that the prediction has not seen)."
        )
    return [re.sub(r"(?<=\d) ?%", "\N{NO-BREAK SPACE}%", each) for each in told]  # of files: spaced as on the page
