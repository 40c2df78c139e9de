"""A run made small enough to be handed on: weights in bf16, the tokenizer, a manifest and a model card."""

from __future__ import annotations

import json
from pathlib import Path

from dnabert.errors import UserError
from dnabert.json_file import read_json
from dnabert.manifest import read_manifest
from dnabert.pretraining.card import CARD, model_card
from dnabert.pretraining.curve import METRICS, last_evaluation
from dnabert.pretraining.sentence_transformer import write_sentence_transformer
from dnabert.stage import stage


def release(
    run: str | Path,
    *,
    out: str | Path,
    data: str | None = None,
    license: str | None = None,
    name: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the model of a run without its checkpoints.

    Parameters
    ----------
    run : finished folder of ``train/pretrain.py``.
    out : folder to make; loads as a run does, with transformers and with sentence-transformers. Weights are stored as
        bfloat16, which halves them, and are computed with as float32; [UNK] has the vector of [MASK], as which `embed`
        reads a word with an unknown base.
    data, license : for the card; see `model_card`.
    name : under which it will be loaded, by default `out`'s.
    overwrite : replace a release that stands there.

    Raises
    ------
    UserError
        when `run` is not finished, has no curve, or is a release itself.
    """
    import torch
    from transformers import AutoModelForMaskedLM

    from dnabert.models.build import read_unknown_as_hidden, register_architectures
    from dnabert.models.loading import load_weights, without_bar
    from dnabert.tokenizer import load_tokenizer

    if Path(out).resolve() == Path(run).resolve():
        raise UserError(f"--out {out} is the run itself, whose weights and curve would be gone: choose another --out")
    register_architectures()
    name = name or Path(out).name
    manifest = read_manifest(run, kind="run")
    # places on this machine tell nobody anything
    config = manifest["config"] | {"corpus": None, "initial": None, "out": name}
    if (Path(run) / CARD).is_file() and not (Path(run) / METRICS).exists():
        raise UserError(
            f"{run} is a release already, small and with its card: "
            "copy the folder, or give the run that it was made from"
        )
    last_evaluation(Path(run))  # before the work
    with stage(out, kind="run", config=config, overwrite=overwrite) as folder:
        model = load_weights(AutoModelForMaskedLM, run, dtype=torch.bfloat16)
        tokenizer = load_tokenizer(run)
        read_unknown_as_hidden(model, tokenizer=tokenizer)
        with without_bar():
            model.save_pretrained(folder)
        _compute_in_float32(folder)
        tokenizer.model_max_length = tokenizer.number_of_words(model.config.window_length) + 2
        tokenizer.save_pretrained(folder)
        write_sentence_transformer(folder)
        card = model_card(run, name=name, parameters=model.num_parameters(), data=data, license=license)
        (folder / CARD).write_text(card)
    return Path(out)


def _compute_in_float32(folder: Path) -> None:
    """Whoever names no dtype gets that of the config: stored small, the weights are still computed with exactly."""
    path = folder / "config.json"
    path.write_text(json.dumps(read_json(path) | {"dtype": "float32"}, indent=2) + "\n")
