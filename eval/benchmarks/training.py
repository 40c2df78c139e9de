"""Training steps, beside those of `transformers.Trainer`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchmarks.contest import Contender, Contest, Rates
from benchmarks.model import ModelBenchmark, simulated_sampler

if TYPE_CHECKING:
    import torch

    from dnabert.pretraining.sampling import Sampler


#: Matrices that every token passes in any layer: of queries, keys and values, by ModernBERT's and BERT's names.
_READ_BY_ATTENTION = ("Wqkv.weight", "query.weight", "key.weight", "value.weight")


@dataclass
class PretrainBenchmark(ModelBenchmark):
    """Training steps of a BERT: ours beside `transformers.Trainer` with its usual collator, all else the same."""

    batch_size: int = 64
    """Windows of a step."""
    steps: int = 10
    """Steps of one turn."""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """As in train/pretrain.py."""
    compile: bool = False
    """Add contenders whose layers torch.compile fuses, the peer's among them."""
    peak: float | None = None
    """What the device's maker promises in this precision, in TFLOP/s (H100 and H200: 989 in bf16), beside what is
    measured."""


def pretrain(config: PretrainBenchmark, *, scratch: Path) -> list[Contest]:
    """Compare steps of our loop, with AdamW and with Muon, with steps of `transformers.Trainer`."""
    import torch

    from dnabert.models.precision import use_bf16

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    bf16 = use_bf16(config.precision, device=device)
    sampler = simulated_sampler(
        k=config.k, length=config.length, batch_size=config.batch_size, seed=config.seed, scratch=scratch
    )
    tokens = config.steps * config.batch_size * sampler.tokens_per_window / 1e3
    ways = {", compiled": True, "": False} if config.compile else {"": False}
    ours = [
        Contender(f"dnabert, {name}{way}", tokens, steps)
        for way, fused in ways.items()
        for name, steps in _ours(config, sampler, device, bf16=bf16, fused=fused)
    ]
    peers = [
        Contender(
            f"transformers.Trainer, AdamW{way}",
            tokens,
            _trainer_steps(config, sampler, bf16=bf16, fused=fused, scratch=scratch),
        )
        for way, fused in ways.items()
    ]
    per_cpu = " per CPU s" if device.type == "cpu" else ""
    peak = _matrix_peak(device, bf16=bf16)
    flops = _flops_per_token(config, sampler)

    def remark(rates: list[Rates]) -> str:
        def share(of: float, *, by_cpu: bool = False) -> str:
            each_of = zip(ours, (rate.cpu if by_cpu else rate.wall for rate in rates), strict=False)
            return ", ".join(f"{each.name} {statistics.median(rate) * 1e3 * flops / of:.0%}" for each, rate in each_of)

        lines = [
            f"{flops / 1e6:.1f} MFLOP per token (6 per weight of the layers, attention; "
            "at asked places what nothing else needs)",
            f"of the matrix peak measured in this run, {peak / 1e9:,.0f} GFLOP/s{per_cpu}: "
            f"{share(peak, by_cpu=bool(per_cpu))}",
        ]
        if config.peak:
            lines.append(f"of the promised {config.peak:,.0f} TFLOP/s: {share(config.peak * 1e12)}")
        if device.type == "cuda":
            lines.append(
                f"memory at its peak: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB, all contenders' models "
                "together"
            )
        return "\n".join(lines)

    title = f"training of {config.model.architecture}, {config.model.layers} x {config.model.hidden_size}, "
    title += (
        f"batch {config.batch_size} x {sampler.tokens_per_window} tokens, {'bf16' if bf16 else 'fp32'}, {device.type}"
    )
    return [Contest(title, "k tokens", (*ours, *peers), remark)]


def _ours(
    config: PretrainBenchmark, sampler: Sampler, device: torch.device, *, bf16: bool, fused: bool
) -> list[tuple[str, Callable[[], None]]]:
    optimizers: tuple[Literal["adamw", "muon"], ...] = ("adamw", "muon")
    names = {"adamw": "AdamW", "muon": "Muon"}
    return [
        (names[each], _our_steps(config, sampler, device, bf16=bf16, optimizer=each, fused=fused))
        for each in optimizers
    ]


def _our_steps(
    config: PretrainBenchmark,
    sampler: Sampler,
    device: torch.device,
    *,
    bf16: bool,
    optimizer: Literal["muon", "adamw"],
    fused: bool,
) -> Callable[[], None]:
    """The steps of `dnabert.pretraining.loop`: batches made while steps before compute, from FASTA's bases on."""
    import torch

    from dnabert.models.build import build_model, compile_layers
    from dnabert.models.memory import keep_freed_memory
    from dnabert.models.objective import MaskedObjective
    from dnabert.pretraining.config import PretrainConfig
    from dnabert.pretraining.optimizer import build_optimizers, update
    from dnabert.pretraining.prefetch import Prefetcher, prefetch_threads

    model = build_model(
        config.model, tokenizer=sampler.tokenizer, max_tokens=sampler.tokens_per_window, seed=config.seed
    )
    if fused:
        compile_layers(model)
    objective = MaskedObjective(model).to(device)
    if device.type == "cpu":
        keep_freed_memory()
    settings = PretrainConfig(k=config.k, optimizer=optimizer, learning_rate=1e-4, embedding_learning_rate=1e-4)
    optimizers = build_optimizers(model, settings, bf16=bf16)

    threads = prefetch_threads(device.type, processes=1)

    def run() -> None:
        with Prefetcher(sampler.batch, stop=config.steps, threads=threads) as batches:
            for batch in batches:
                ids, positions, labels = (
                    torch.from_numpy(x).to(device, non_blocking=True)
                    for x in (batch.input_ids, batch.positions, batch.labels)
                )
                with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
                    nats, _, _ = objective(ids, positions, labels)
                nats.mean().backward()
                update(objective, optimizers, clip_gradient=1.0)
        if device.type == "cuda":
            torch.cuda.synchronize()

    return run


def _trainer_steps(
    config: PretrainBenchmark, sampler: Sampler, *, bf16: bool, fused: bool, scratch: Path
) -> Callable[[], None]:
    """`transformers.Trainer` on windows that are ids already, one turn a whole ``train()``; `fused`: its layers
    compiled as ours are."""
    import torch
    import transformers

    from dnabert.models.build import build_model, compile_layers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    tokenizer = sampler.tokenizer
    # of fewer an epoch would end in a smaller batch
    windows = np.arange(config.steps * config.batch_size) % len(sampler.view)
    ids = sampler.view.input_ids(windows, tokenizer=tokenizer)
    rows = [{"input_ids": row.tolist()} for row in ids]
    model = build_model(config.model, tokenizer=tokenizer, max_tokens=sampler.tokens_per_window, seed=config.seed)
    if fused:
        compile_layers(model)
    arguments = transformers.TrainingArguments(
        output_dir=str(scratch / "trainer"),
        per_device_train_batch_size=config.batch_size,
        max_steps=config.steps,
        learning_rate=1e-4,
        bf16=bf16,
        use_cpu=not torch.cuda.is_available(),
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )
    collator = transformers.DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)

    def run() -> None:
        transformers.Trainer(model=model, args=arguments, train_dataset=rows, data_collator=collator).train()

    return run


def _matrix_peak(device: torch.device, *, bf16: bool) -> float:
    """Floating-point operations per second of the best of ten multiplications of large matrices.

    On a CPU it is a second of processor time: by the wall's clock others who compute beside made steps look faster than
    the peak.
    """
    import torch

    size, clock = (2048, time.process_time) if device.type == "cpu" else (8192, time.perf_counter)
    a = torch.randn(size, size, device=device, dtype=torch.bfloat16 if bf16 else torch.float32)
    best = 0.0
    for _ in range(10):
        began = clock()
        a @ a
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = max(best, 2 * size**3 / (clock() - began))
    return best


def _flops_per_token(config: PretrainBenchmark, sampler: Sampler) -> float:
    """Kaplan et al. 2020: 6 per weight of a matrix that a token passes, forward and backward, and 12 T D per layer's
    attention.

    The head, and what follows attention in the last layer, only the places pass that are asked for.
    """
    from dnabert.models.build import build_model, hidden_matrices

    tokens, tokenizer = sampler.tokens_per_window, sampler.tokenizer
    model = build_model(config.model, tokenizer=tokenizer, max_tokens=tokens, seed=config.seed)
    parameters = dict(model.named_parameters())
    attends = config.model.architecture in ("bert", "modernbert")
    asked, body = sampler.plan.asked / tokens, 0.0
    for name in hidden_matrices(model):
        of_all = not attends or f".{config.model.layers - 1}." not in name or name.endswith(_READ_BY_ATTENTION)
        body += parameters[name].numel() * (1.0 if of_all else asked)
    head = (config.model.hidden_size + tokenizer.vocab_size) * config.model.hidden_size * asked
    return 6 * (body + head) + 12 * tokens * config.model.hidden_size * config.model.layers * attends
