"""Rows of `dnabert.scoring.kinds.by_kind` in plain words."""

from __future__ import annotations

from typing import Any

#: What a kind of a column is called in a sentence.
_CALLED = {
    "repeat_class": "repeat class {}",
    "region": "mostly {}",
    "gene_type": "in genes of type {}",
    "genome": "of {}",
}
#: Kinds that their column's words do not fit.
_NAMES = {
    ("soft_masked", "the rest"): "sequence a tenth soft-masked or more",
    ("gene_type", "intergenic"): "outside genes",
}
#: Kinds named in one sentence.
_NAMED = 6


def told(rows: list[dict[str, Any]], *, split: str) -> list[str]:
    """Sentences: what all windows cost, and of which kinds the run foretells more than counting does, less, or neither.

    Examples
    --------
    >>> row = {"column": "all", "kind": "all windows", "windows": 9, "bits_per_base": 1.7, "low": 1.6, "high": 1.8}
    >>> told([row], split="test")
    ['Of 9 test windows the run needs 1.700 [1.600, 1.800] bits per base of a hidden word.']
    """
    first = rows[0]
    interval = "" if first["low"] is None else f" [{first['low']:.3f}, {first['high']:.3f}]"
    head = (
        f"Of {first['windows']:,} {split} windows the run needs {first['bits_per_base']:.3f}{interval} bits per base "
        "of a hidden word"
    )
    if "counting" not in first:
        return [f"{head}."]
    sentences = [f"{head}, counting from both sides {first['counting']:.3f}: {_difference(first)}."]
    for verdict, what in (
        ("ahead", "The run foretells more than counting"),
        ("behind", "Counting foretells more"),
        ("level", "Not told apart"),
    ):
        kinds = [row for row in rows[1:] if row["verdict"] == verdict]
        kinds.sort(key=lambda row: -abs(row["difference"]))
        if kinds:
            rest = len(kinds) - _NAMED
            named = ", ".join(f"{called(row)} ({_signed(row['difference'])})" for row in kinds[:_NAMED])
            sentences.append(f"{what}: {named}{f', and {rest} more' if rest > 0 else ''}.")
    return sentences


def called(row: dict[str, Any]) -> str:
    """A kind of sequence in words.

    Examples
    --------
    >>> called({"column": "repeat_class", "kind": "Alu"}), called({"column": "gene_type", "kind": "intergenic"})
    ('repeat class Alu', 'outside genes')
    """
    return _NAMES.get((row["column"], row["kind"])) or _CALLED.get(row["column"], "{}").format(row["kind"])


def _difference(row: dict[str, Any]) -> str:
    if row["difference_low"] is None:
        return f"a difference of {_signed(row['difference'])}, all of one place"
    low, high = (_signed(row[name]) for name in ("difference_low", "difference_high"))
    return f"a difference of {_signed(row['difference'])} [{low}, {high}], below 0 where the run foretells more"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")
