"""A run made small enough to be handed on: weights in bf16, the tokenizer, a manifest and a model card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dnabert.errors import UserError
from dnabert.stage import read_manifest, stage

CARD = "README.md"  # the name under which the Hugging Face Hub shows a model card


def release(run: str | Path, *, out: str | Path, data: str, overwrite: bool = False) -> Path:
    """Write the model of a run without its checkpoints.

    Parameters
    ----------
    run : finished folder of ``train/pretrain.py``.
    out : folder to make; loads as a run does. Weights are rounded to bfloat16, which halves them.
    data : what it was trained on, in a sentence for the card.
    overwrite : replace a release that stands there.

    Raises
    ------
    UserError
        when `run` is not finished or has no curve.
    """
    import torch
    from transformers import AutoModelForMaskedLM

    from dnabert.models.build import register_architectures
    from dnabert.tokenizer import load_tokenizer

    register_architectures()
    manifest = read_manifest(run, kind="run")
    config = manifest["config"] | {"corpus": None, "out": Path(out).name}  # places on this machine tell nobody anything
    last = _last_evaluation(Path(run))
    with stage(out, kind="run", config=config, overwrite=overwrite) as folder:
        model = AutoModelForMaskedLM.from_pretrained(run, dtype=torch.bfloat16)
        model.save_pretrained(folder)
        load_tokenizer(run).save_pretrained(folder)
        floors = json.loads((Path(run) / "floors.json").read_text())
        (folder / CARD).write_text(_card(config, last, floors, data=data, parameters=model.num_parameters()))
    return Path(out)


def _last_evaluation(run: Path) -> dict[str, Any]:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    evaluated = [row for row in rows if "validation_bits_per_base" in row]
    if not evaluated:
        raise UserError(f"{run} was never evaluated: train it with --evaluate-every")
    return evaluated[-1]


def _card(config: dict[str, Any], last: dict[str, Any], floors: dict[str, Any], *, data: str, parameters: int) -> str:
    model, best = config["model"], floors["best"]
    unique = [order.get("bits_per_base_unique") for order in floors["orders"].values()]
    known = [value for value in unique if value is not None]
    on_unique = last.get("validation_bits_per_base_unique")
    told = f" On unique sequence (less than a tenth soft-masked) it has {on_unique:.4f}" if on_unique else ""
    told += f", the best Markov model {min(known):.4f}." if told and known else "." if told else ""
    genome = f"{config['evaluation_genome']} " if config.get("evaluation_genome") else ""
    return f"""---
library_name: transformers
pipeline_tag: fill-mask
tags: [dna, genomics, masked-lm]
---

# A masked language model of DNA

{model["architecture"]}, {model["layers"]} layers of width {model["hidden_size"]}, {parameters:,} parameters, words of
{config["k"]} bases. Made with dnabert's `train/pretrain.py`.

**Trained on** {data} {last["tokens"]:,} tokens in {last["seconds"] / 60:.0f} minutes.

**How good it is.** {last["validation_bits_per_base"]:.4f} bits per base [{last["low"]:.4f}, {last["high"]:.4f}] at hidden words
({config["mask_share"]:.0%}) of {floors["windows"]:,} {genome}validation windows that it never saw; the best Markov model of the
same windows (order {best["order"]}) has {best["bits_per_base"]:.4f}.{told}

**Limits.** It has seen what is named above and nothing else. Its words stand side by side, so a vector depends on the reading
frame and the strand unless it is the mean over several (`--phases 3 --both-strands`). It is no basis for medical decisions.
"""
