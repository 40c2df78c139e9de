"""The fine-tuning itself, from a run and a task to a classifier's folder; read `finetune` top to bottom."""

from __future__ import annotations

import copy
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from dnabert.alphabet import reverse_complement
from dnabert.config import save_yaml
from dnabert.encoders.encoder import run_folder
from dnabert.encoders.processes import process_state
from dnabert.errors import UserError
from dnabert.finetuning.config import FinetuneConfig
from dnabert.models.build import loading_options, register_architectures
from dnabert.models.loading import quiet_loading
from dnabert.models.precision import use_bf16
from dnabert.pretraining.hashing import hashed
from dnabert.pretraining.optimizer import learning_rate, set_learning_rate
from dnabert.pretraining.threads import set_cpu_threads
from dnabert.probes import Part, Task, read_task, score
from dnabert.stage import read_manifest, stage
from dnabert.tokenizer import KmerTokenizer, load_tokenizer


@dataclass
class _Trained:
    """One seed's training."""

    seed: int
    epoch: int
    dev_mcc: float
    state: dict[str, Tensor]
    curve: list[dict[str, float]]


def finetune(config: FinetuneConfig) -> Path:
    """Fine-tune a classifier and return its folder.

    The folder holds ``config.yaml``, ``metrics.jsonl`` (the curve of every seed), ``results.json`` (scores on test with
    bootstrap intervals, of every seed) and the model of the best seed on dev, with its tokenizer, in the Hugging Face format:
    ``AutoModelForSequenceClassification.from_pretrained(folder)``. One process: labelled sets are small.

    Raises
    ------
    UserError
        for a run, task or folder that cannot work.
    """
    if config.task is None:
        raise UserError("no task is named: pass --task FOLDER with train.csv, dev.csv and test.csv")
    run = run_folder(config.run)
    read_manifest(run, kind="run")
    tokenizer, task = load_tokenizer(run), read_task(config.task)
    accelerator = _accelerator(config)
    _check(task, run, tokenizer)
    inputs: dict[str, str | Path] = {"run": run, "task": config.task}
    with stage(config.out, kind="finetuning", config=config, inputs=inputs, overwrite=config.overwrite) as out:
        save_yaml(config, out / "config.yaml")
        results, trained = [], []
        for seed in config.seeds:
            model = _model(run, task, config, seed=seed)
            found = _train(model, task, tokenizer, config, accelerator, seed=seed)
            test = _test(model, found, task, tokenizer, config, accelerator)
            results.append({"seed": seed, "epoch": found.epoch, "dev_mcc": found.dev_mcc, "test": test})
            trained.append(found)
            _tell(results[-1])
        best = max(trained, key=lambda each: each.dev_mcc)
        _save(out, _model(run, task, config, seed=best.seed), best, tokenizer)
        (out / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for each in trained for row in each.curve))
        told = {"task": task.name, "classes": task.classes, "seeds": results}
        (out / "results.json").write_text(json.dumps(told, indent=1) + "\n")
    return Path(config.out)


def _accelerator(config: FinetuneConfig) -> Accelerator:
    state = process_state()
    if state.num_processes > 1:
        raise UserError("fine-tuning runs in one process: launch it with --num_processes 1")
    if state.device.type == "cpu":
        set_cpu_threads(config.threads, processes=1)
    transformers.utils.logging.disable_progress_bar()
    return Accelerator(mixed_precision="bf16" if use_bf16(config.precision, device=state.device) else "no")


def _check(task: Task, run: Path, tokenizer: KmerTokenizer) -> None:
    lengths = [len(sequence) for part in (task.train, task.dev, task.test) for sequence in part.sequences]
    if min(lengths) < tokenizer.k:
        raise UserError(f"{task.name} has a sequence of {min(lengths)} bases, shorter than a word of {tokenizer.k}: remove it")
    most = json.loads((run / "config.json").read_text()).get("max_position_embeddings")
    words = tokenizer.number_of_words(max(lengths)) + 2
    if most is not None and words > most:
        raise UserError(
            f"{task.name} has a sequence of {max(lengths):,} bases, {words:,} tokens, more than the {most} that {run} reads: "
            "cut it, or use a run of longer windows"
        )


def _model(run: Path, task: Task, config: FinetuneConfig, *, seed: int) -> Any:
    from transformers import AutoConfig, AutoModelForSequenceClassification

    register_architectures()
    architecture = AutoConfig.from_pretrained(run, trust_remote_code=False)
    architecture.num_labels = len(task.classes)
    architecture.id2label = dict(enumerate(task.classes))
    architecture.label2id = {name: index for index, name in enumerate(task.classes)}
    architecture.classifier_dropout = config.dropout
    if architecture.model_type == "modernbert":
        architecture.classifier_pooling = "mean"
    options = loading_options(architecture)
    with torch.random.fork_rng(devices=[]), quiet_loading():  # that the classifier is new is what we are here for
        torch.manual_seed(seed)
        if config.fresh:
            return AutoModelForSequenceClassification.from_config(architecture, **options)
        return AutoModelForSequenceClassification.from_pretrained(
            run, config=architecture, use_safetensors=True, trust_remote_code=False, **options
        )


def _train(
    model: Any, task: Task, tokenizer: KmerTokenizer, config: FinetuneConfig, accelerator: Accelerator, *, seed: int
) -> _Trained:
    """Train with early stopping on dev; the best state comes back, the model is left at its last."""
    model.to(accelerator.device)
    torch.manual_seed(seed)  # dropout
    optimizer = _optimizer(model, config)
    steps = -(-len(task.train.labels) // config.batch_size) * config.epochs
    best, curve, step = _Trained(seed, 0, -2.0, {}, []), [], 0
    for epoch in range(1, config.epochs + 1):
        losses = []
        model.train()
        batches = _batches(task.train, tokenizer, config, seed=seed, epoch=epoch)
        for ids, mask, labels in tqdm(batches, total=steps // config.epochs, unit=" batches", leave=False):
            set_learning_rate([optimizer], learning_rate(config, step=step, progress=step / steps))
            losses.append(_step(model, optimizer, accelerator, ids, mask, labels))
            step += 1
        dev = score(task.dev.labels, _probabilities(model, task.dev, tokenizer, config, accelerator), resamples=2)["mcc"].value
        curve.append({"seed": seed, "epoch": epoch, "loss": float(np.mean(losses)), "dev_mcc": dev})
        print(f"seed {seed}, epoch {epoch} of {config.epochs}: loss {np.mean(losses):.4f}, dev MCC {dev:.3f}", file=sys.stderr)
        if dev > best.dev_mcc:
            best = _Trained(seed, epoch, dev, copy.deepcopy(model.state_dict()), curve)
        if epoch - best.epoch >= config.patience:
            break
    best.curve = curve
    return best


def _optimizer(model: Any, config: FinetuneConfig) -> torch.optim.Optimizer:
    body = {id(parameter) for parameter in model.base_model.parameters()}
    groups = []
    for of_body in (True, False):
        rate = config.learning_rate if of_body else config.head_learning_rate
        for matrices in (True, False):
            chosen = [p for p in model.parameters() if (id(p) in body) == of_body and (p.ndim >= 2) == matrices]
            if of_body and config.freeze:
                for parameter in chosen:
                    parameter.requires_grad_(False)
                continue
            decay = config.weight_decay if matrices else 0.0
            groups.append({"params": chosen, "weight_decay": decay, "scale": rate / config.learning_rate})
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=config.learning_rate)


def _batches(part: Part, tokenizer: KmerTokenizer, config: FinetuneConfig, *, seed: int, epoch: int) -> Any:
    """Shuffled batches of like lengths: a function of (seed, epoch)."""
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(part.labels))
    draws = hashed(seed, 7, epoch, order)
    for first in range(0, len(order), config.batch_size):
        rows = order[first : first + config.batch_size]
        read = []
        for row, draw in zip(rows.tolist(), draws[first : first + config.batch_size].tolist(), strict=True):
            bases = part.sequences[row]
            if config.random_strand and draw >> 63:
                bases = reverse_complement(bases[None])[0]
            shift = draw % tokenizer.stride if config.random_phase else 0
            read.append(bases[shift:] if len(bases) - shift >= tokenizer.k else bases)
        yield *_padded(read, tokenizer), torch.from_numpy(part.labels[rows])


def _padded(sequences: list[NDArray[np.uint8]], tokenizer: KmerTokenizer) -> tuple[Tensor, Tensor | None]:
    """Ids int64 (B, T), and 0 at padding (B, T), or None where there is none."""
    rows = [tokenizer.encode_bases(bases) for bases in sequences]
    lengths = np.array([len(row) for row in rows])
    ids = np.full((len(rows), lengths.max()), tokenizer.pad_token_id, dtype=np.int64)
    for line, row in zip(ids, rows, strict=True):
        line[: len(row)] = row
    mask = np.arange(lengths.max()) < lengths[:, None]
    return torch.from_numpy(ids), None if mask.all() else torch.from_numpy(mask.astype(np.int64))


def _step(
    model: Any, optimizer: torch.optim.Optimizer, accelerator: Accelerator, ids: Tensor, mask: Tensor | None, labels: Tensor
) -> float:
    device = accelerator.device
    with accelerator.autocast():
        logits = model(ids.to(device), attention_mask=None if mask is None else mask.to(device)).logits
    loss = torch.nn.functional.cross_entropy(logits.float(), labels.to(device))
    if not torch.isfinite(loss):
        raise UserError("the loss is no longer a number: begin again with a lower --learning-rate")
    accelerator.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


@torch.inference_mode()
def _probabilities(
    model: Any, part: Part, tokenizer: KmerTokenizer, config: FinetuneConfig, accelerator: Accelerator
) -> NDArray[np.float64]:
    """Probabilities (n, classes), in order: first frame, forward strand (both where training drew it)."""
    model.eval()
    order = np.argsort([len(sequence) for sequence in part.sequences], kind="stable")
    found = np.zeros((len(order), model.config.num_labels))
    for first in range(0, len(order), 4 * config.batch_size):
        rows = order[first : first + 4 * config.batch_size]
        bases = [part.sequences[row] for row in rows.tolist()]
        strands = [bases, [reverse_complement(each[None])[0] for each in bases]] if config.random_strand else [bases]
        for strand in strands:
            ids, mask = _padded(strand, tokenizer)
            with accelerator.autocast():
                logits = model(
                    ids.to(accelerator.device), attention_mask=None if mask is None else mask.to(accelerator.device)
                ).logits
            found[rows] += logits.double().softmax(1).cpu().numpy() / len(strands)
    return found


def _test(
    model: Any, found: _Trained, task: Task, tokenizer: KmerTokenizer, config: FinetuneConfig, accelerator: Accelerator
) -> dict[str, dict[str, float]]:
    model.load_state_dict(found.state)
    probabilities = _probabilities(model, task.test, tokenizer, config, accelerator)
    scores = score(task.test.labels, probabilities, resamples=config.resamples, seed=found.seed)
    return {name: asdict(value) for name, value in scores.items()}


def _tell(result: dict[str, Any]) -> None:
    mcc = result["test"]["mcc"]
    print(
        f"seed {result['seed']}: best of dev in epoch {result['epoch']}; test MCC {mcc['value']:.3f} "
        f"[{mcc['low']:.3f}, {mcc['high']:.3f}], n = {mcc['n']:,}",
        file=sys.stderr,
    )


def _save(out: Path, model: Any, best: _Trained, tokenizer: KmerTokenizer) -> None:
    model.load_state_dict({name: value.cpu() for name, value in best.state.items()})
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
