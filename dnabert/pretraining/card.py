"""A model card, made from what a run recorded: what it read, how good it is beside its floors, how it is loaded."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from dnabert.errors import UserError
from dnabert.json_file import read_own
from dnabert.manifest import content_hash, read_manifest, without_places
from dnabert.pretraining.curve import last_evaluation

CARD = "README.md"  # the name under which the Hugging Face Hub shows a card


def model_card(
    run: str | Path, *, name: str, parameters: int, data: str | None = None, license: str | None = None
) -> str:
    """Write a run's card as the Hugging Face Hub reads it: metadata in YAML, then Markdown.

    Parameters
    ----------
    run : finished folder of ``train/pretrain.py``.
    name : under which it is loaded: ``OWNER/NAME`` on the Hub, or a folder.
    parameters : number of weights.
    data : what it was trained on, in a sentence; by default what the corpus's manifest says.
    license : the Hub's identifier, such as ``cc-by-4.0``; without one the card states none.

    Raises
    ------
    UserError
        when `run` is not finished or was never evaluated.
    """
    import yaml

    run = Path(run)
    manifest = read_manifest(run, kind="run")
    last = last_evaluation(run)
    floors = read_own(run / "floors.json")
    config = manifest["config"]
    header = yaml.safe_dump(
        _metadata(name, last, genome=config.get("evaluation_genome"), license=license), sort_keys=False
    )
    model, stride = config["model"], config.get("stride") or config["k"]
    words = f"words of {config['k']} bases" + ("" if stride == config["k"] else f", {stride} apart")
    return f"""---
{header}---

# A masked language model of DNA

{model["architecture"]}, {model["layers"]} layers of width {model["hidden_size"]}, {parameters:,} parameters, {words}. Made with
dnabert's `train/pretrain.py`.

**Trained on** {data or trained_on(manifest)} {last["tokens"]:,} tokens in {_took(last["seconds"])}{_begun_from(manifest)}.
{_objective(config)}

## How good it is

{_quality(config, last, floors)}

## How to load it

{_loading(config, name)}

## How it was made

{how_it_was_made(manifest)}

## Limits

It has seen what is named above and nothing else. A vector depends on the frame of the words and the strand unless it is the mean
over several (`dnabert embed --phases 3 --both-strands`). It is no basis for medical decisions.
"""


def how_it_was_made(manifest: dict[str, Any]) -> str:
    """The command and the versions of a stage, as Markdown, without what tells of the machine; `manifest` is the
    stage's."""
    versions = ", ".join(f"{package} {version}" for package, version in manifest["versions"].items())
    return f"```bash\n{shlex.join(without_places(manifest['command']))}\n```\n\nVersions: {versions}."


def last_scores(run: str | Path) -> dict[str, Any]:
    """A run's last evaluation, and the best of counting on the same windows, as plain values.

    Returns
    -------
    ``evaluation``: the row of ``metrics.jsonl``; ``floors``: the best Markov model that reads ``one_side`` and, where
    it was measured, ``both_sides``.

    Raises
    ------
    UserError
        when it was never evaluated.
    """
    floors = read_own(Path(run) / "floors.json")
    best = {"one_side": floors["best"], "both_sides": floors.get("bidirectional", {}).get("best")}
    return {"evaluation": last_evaluation(Path(run)), "floors": best}


def trained_on(manifest: dict[str, Any]) -> str:
    """What a run's corpus holds, in a sentence; where the corpus is gone or another, its name and hash."""
    recorded = manifest["inputs"]["corpus"]
    folder = Path(recorded["path"])
    if content_hash(folder) != recorded.get("sha256", ""):
        return f"the corpus {folder.name} (SHA-256 of its manifest: {recorded.get('sha256', 'unknown')})."
    from dnabert.corpus import load_corpus

    corpus = load_corpus(folder)
    windows = len(corpus["train"])
    genomes = ", ".join(summary.genome for summary in corpus.summary)
    step = corpus.manifest["config"]["window"]["step"] or corpus.window_length
    bases = windows * min(step, corpus.window_length) / 1e6
    by = corpus.manifest["config"]["split"]["by"]
    return f"{genomes}: {windows:,} windows of {corpus.window_length} bp ({bases:,.1f} Mb), split by {by}."


def _took(seconds: float) -> str:
    """Seconds in the unit people would say.

    Examples
    --------
    >>> _took(36.2), _took(75), _took(1800)
    ('36 seconds', '75 seconds', '30 minutes')
    """
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def _begun_from(manifest: dict[str, Any]) -> str:
    """What trained the weights that a run began with, where it did not begin with fresh ones."""
    recorded = manifest["inputs"].get("initial")
    if recorded is None:
        return ""
    first = Path(recorded["path"])
    try:
        same = content_hash(first) == recorded.get("sha256", "")
        before = f", which had {last_evaluation(first)['tokens']:,} tokens" if same else ""
    except (OSError, UserError):
        before = ""
    return f", from the weights of the run {first.name}{before}"


def _objective(config: dict[str, Any]) -> str:
    """What it was trained for, in a sentence."""
    least, most = config.get("least_mask_share"), config["mask_share"]
    share = f"{most:.0%} of each window" if least is None else f"{least:.0%} to {most:.0%} of each window, evenly drawn"
    contrast = config.get("contrast") or {}
    if not contrast.get("weight"):
        return f"It was asked for hidden words, {share}."
    return (
        f"It was asked for hidden words ({share}), and to find the same place, shifted, on a random strand and mutated by up to "
        f"{contrast['substitutions']:.0%}, among all others of a batch (weight {contrast['weight']:g}, temperature "
        f"{contrast['temperature']:g})."
    )


def _metadata(name: str, last: dict[str, Any], *, genome: str | None, license: str | None) -> dict[str, Any]:
    """Of the card's head; https://huggingface.co/docs/hub/model-cards says which keys there are."""
    interval = f"bits per base, 95% interval {last['low']:.4f} to {last['high']:.4f}"
    result = {
        "task": {"type": "fill-mask", "name": "Masked language modeling"},
        "dataset": {
            "type": "genome",
            "name": f"held-out windows{f' of {genome}' if genome else ''}",
            "split": "validation",
        },
        "metrics": [{"type": "bits_per_base", "name": interval, "value": round(last["validation_bits_per_base"], 4)}],
    }
    stated = {"license": license} if license else {}
    return {
        **stated,
        "library_name": "transformers",
        "pipeline_tag": "fill-mask",
        "tags": ["dna", "genomics", "biology", "masked-lm", "dnabert"],
        "model-index": [{"name": name.split("/")[-1], "results": [result]}],
    }


def _quality(config: dict[str, Any], last: dict[str, Any], floors: dict[str, Any]) -> str:
    genome = f"{config['evaluation_genome']} " if config.get("evaluation_genome") else ""
    rows = [("**this model**", last["validation_bits_per_base"], last, last.get("validation_bits_per_base_unique"))]
    best = floors["best"]
    order = floors["orders"][str(best["order"])]
    rows.append(
        (
            f"best Markov model, order {best['order']}, from the left",
            best["bits_per_base"],
            order,
            _least_unique(floors["orders"]),
        )
    )
    both = floors.get("bidirectional")
    if both:
        told = both["best"]["order"]
        row = both["mixture"] if told == "mixture" else both["orders"][str(told)]
        which = "mixture of orders" if told == "mixture" else f"order {told}"
        if both["windows"] < floors["windows"]:
            which += f", {both['windows']:,} of the windows"
        unique = _least_unique(both["orders"] | {"mixture": both["mixture"]})
        rows.append((f"best Markov model that reads both sides, {which}", both["best"]["bits_per_base"], row, unique))
    rows.append(("every base equally likely", floors["uniform"], {}, None))
    lines = [f"| {what} | {value:.4f} | {_interval(row)} | {_number(unique)} |" for what, value, row, unique in rows]
    # runs of before the former had one share for both
    hidden = config.get("evaluation_mask_share", config["mask_share"])
    return "\n".join(
        [
            "Bits per base at hidden words "
            f"({hidden:.0%}) of {floors['windows']:,} {genome}validation windows that it never",
            "saw, with 95% intervals by stretch of the genome; "
            "unique sequence is that of which less than a tenth is soft-masked.",
            "",
            "| | bits per base | 95% interval | on unique sequence |",
            "|---|---|---|---|",
            *lines,
        ]
    )


def _least_unique(orders: dict[str, dict[str, Any]]) -> float | None:
    """The floor of unique sequence may be of another order than that of all."""
    return min(
        (order["bits_per_base_unique"] for order in orders.values() if order.get("bits_per_base_unique") is not None),
        default=None,
    )


def _interval(row: dict[str, Any]) -> str:
    return f"{row['low']:.4f} to {row['high']:.4f}" if "low" in row else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _loading(config: dict[str, Any], name: str) -> str:
    k = config["k"]
    masked = f"{'ACGTACGT'[:k]}[MASK]{'GGTACATT'[:k]}"
    vectors = f"""SentenceTransformer("{name}").encode(["{"ACGTTGCA" * 4}"])    # one vector per sequence: the mean over its words"""
    ours = """```bash
dnabert embed FOLDER genome.fa --out vectors    # FOLDER: this repository, downloaded
```"""
    if (config.get("stride") or k) < k or config["model"]["architecture"] in ("convolution", "lstm"):
        return f"""`pip install dnabert`; `transformers` (from version 5 on) and `sentence-transformers` load it where dnabert has told them what it is:

```python
from dnabert.models import register_architectures
from sentence_transformers import SentenceTransformer
from transformers import AutoModelForMaskedLM, AutoTokenizer

register_architectures()
model, tokenizer = AutoModelForMaskedLM.from_pretrained("{name}"), AutoTokenizer.from_pretrained("{name}")
{vectors}
```

In any frame and on both strands:

{ours}"""
    return f"""```python
from sentence_transformers import SentenceTransformer
from transformers import pipeline

pipeline("fill-mask", model="{name}")("{masked}")
{vectors}
```

Neither needs dnabert, but `transformers` from version 5 on: an older one makes other states of these files. With dnabert (`pip install dnabert`), in any frame and on both strands:

{ours}"""
