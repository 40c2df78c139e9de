"""How far clusters follow what is known of a window without any model, in words: per cluster, and of all together."""

from __future__ import annotations

from typing import Any

from dnabert.report.numbers import count, interval, p_value, percent, present

Record = dict[str, Any]

#: Words for the features of `dnabert.explain.cheap_features`; what is the same for all windows is no feature.
NAMES = {
    "gc": "GC",
    "cpg_ratio": "CpG",
    "low_complexity": "low complexity",
    "n_share": "N",
    "soft_masked": "soft-masking",
    "phase": "frame of the words",
    "strand": "strand",
    "codon_frame": "codon frame",
    "codon_position": "codon position",
    "genome": "species",
}
#: Of these a card tells the mean, and that of all other windows, by themselves.
_MEASURED = ("gc", "cpg_ratio", "low_complexity")
_SHARES = ("n_share", "soft_masked")
#: What stands before a value that says nothing alone.
_KINDS = {"phase": "frame ", "codon_frame": "frame ", "codon_position": "position "}


def of_card(card: Record) -> list[tuple[str, str]]:
    r"""Name and sentence of each confound of a cluster that its card does not tell otherwise.

    Examples
    --------
    >>> row = {"feature": "genome", "most": "chimp", "share": 0.5, "share_rest": 0.25, "effect": 0.2, "q": 0.4}
    >>> of_card({"confounds": [row | {"low": 0.1, "high": 0.3}]})
    [('species', "chimp: 50\xa0% (elsewhere 25\xa0%); Cramér's V 0.20 [0.10, 0.30] (q = 0.400)")]
    """
    rows = [row for row in card.get("confounds") or [] if row["feature"] not in _MEASURED]
    return [(NAMES.get(row["feature"], row["feature"]), _told(row)) for row in rows]


def of_all(overall: Record) -> list[Record]:
    """The labelling's agreement with each confound, the closest first: ``name``, ``ami``, ``ami_null_high``, ``q``, and
    ``n``, the windows that it concerns, where that was told."""
    rows = (overall.get("confounds") or {}).get("overall") or []
    named = [row | {"name": NAMES.get(row["feature"], row["feature"])} for row in rows]
    return sorted(named, key=lambda row: -row["ami"])


def _told(row: Record) -> str:
    if row["feature"] in _SHARES:
        found, effect = f"{percent(row['mean'])} of the bases", "difference to elsewhere, in standard deviations,"
    else:
        of = ""
        if row["feature"].startswith("codon"):  # of the coding windows alone, which may be few
            of = f" of {count(row['n'])} coding {'window' if row['n'] == 1 else 'windows'}"
        most = f"{_KINDS.get(row['feature'], '')}{row['most']}: {percent(row['share'])}{of}"
        found = f"{most} (elsewhere {percent(row['share_rest'])})"
        effect = "Cramér's V"
    if not (present(row.get("effect")) and present(row.get("low"))):
        return found
    # where a few windows fit what is expected better than chance does, the interval is a point at no effect
    told = interval({"value": row["effect"], "low": row["low"], "high": row["high"]}, digits=2)
    return f"{found}; {effect} {told} ({p_value(row['q']).replace('p', 'q')})"
