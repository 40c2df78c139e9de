"""How fast the parts are, side by side with a peer on the same machine in the same run.

    python eval/throughput.py tokenizer [--k 7] [--stride 7] [--windows 20000] [--repeats 7]
    python eval/throughput.py corpus [--length 20000000] [--windows 20000] [--repeats 5]
    python eval/throughput.py pretrain [--k 6] [--model.hidden-size 256] [--batch-size 64] [--steps 10] [--repeats 5] [--compile]
    python eval/throughput.py data [--k 6] [--batch-size 512] [--threads 8] [--repeats 5]
    python eval/throughput.py embed [--k 6] [--model.hidden-size 256] [--windows 1000] [--repeats 5]

Example: python eval/throughput.py tokenizer --repeats 5

Every line gives the median and the range over the repeats, by the clock on the wall, the median by processor time,
and how many times the peer's median it is (wall). The contenders take turns, so that a busy moment of the machine
meets them all, after one turn that does not count. --json writes every turn's rates to stdout, --quiet nothing.
"""

from __future__ import annotations

import functools
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dnabert.command import Result, run_command, version_line
from dnabert.errors import UserError, one_line
from dnabert.models.config import ModelConfig

if TYPE_CHECKING:
    import torch

    from dnabert.pretraining.contrast import PairSampler
    from dnabert.pretraining.sampling import Sampler


@dataclass(frozen=True)
class Contender:
    """One way to do the work, and how much of it one turn does."""

    name: str
    amount: float
    work: Callable[[], object]


@dataclass
class Rates:
    """A contender's amounts per second, one per repeat."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Per second of processor time, all threads and processes together: what one core gives, however busy the machine is."""


@dataclass(frozen=True)
class Contest:
    """Contenders at the same work; the last one is the peer that the others are compared with."""

    title: str
    unit: str
    """Of the contenders' amounts."""
    contenders: tuple[Contender, ...]
    remark: Callable[[list[Rates]], str] = lambda rates: ""
    """What else the rates say, in a line."""


def measure(contest: Contest, *, repeats: int) -> list[Rates]:
    """Let the contenders take turns; give each one's rates."""
    if repeats < 1:
        raise UserError(f"--repeats is {repeats}, allowed is 1 or more: pass --repeats 5")
    rates = [Rates() for _ in contest.contenders]
    for turn in range(repeats + 1):
        for contender, its in zip(contest.contenders, rates, strict=True):
            wall, cpu = time.perf_counter(), _processor_time()
            contender.work()
            wall, cpu = time.perf_counter() - wall, _processor_time() - cpu
            if turn:  # the first one warms caches and lazy imports
                its.wall.append(contender.amount / wall)
                its.cpu.append(contender.amount / max(cpu, 1e-9))
    return rates


def _processor_time() -> float:
    """Seconds, those of processes that this one started and waited for among them."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def table(contest: Contest, rates: Sequence[Rates]) -> str:
    """Write what a contest measured as a table."""
    peer = statistics.median(rates[-1].wall)
    lines = [
        f"{contest.title} ({len(rates[-1].wall)} repeats)",
        f"{'':34s}{contest.unit + '/s, median':>20s}{'range':>26s}{'per CPU s':>13s}{'× peer':>9s}",
    ]
    for contender, its in zip(contest.contenders, rates, strict=True):
        median, cpu = statistics.median(its.wall), statistics.median(its.cpu)
        spread = f"{min(its.wall):,.1f} – {max(its.wall):,.1f}"
        lines.append(f"{contender.name:34s}{median:20,.1f}{spread:>26s}{cpu:13,.1f}{median / peer:9.1f}")
    remark = contest.remark(list(rates))
    return "\n".join([*lines, *([remark] if remark else [])]) + "\n"


def facts(contest: Contest, rates: Sequence[Rates]) -> dict[str, Any]:
    """What a contest measured, as plain values: every turn's rate, by the wall's clock and by processor time."""
    named = zip(contest.contenders, rates, strict=True)
    contenders = [{"name": each.name, "wall": its.wall, "cpu": its.cpu} for each, its in named]
    return {"title": contest.title, "unit": f"{contest.unit}/s", "contenders": contenders, "remark": contest.remark(list(rates))}


@dataclass
class TokenizerBenchmark:
    """Bases into ids: the vectorised path beside the Hugging Face path, on the same random windows, one core."""

    k: int = 7
    """Bases of a word."""
    stride: int | None = None
    """Bases from word to word; by default k."""
    windows: int = 20_000
    """Windows tokenized by the vectorised path in one turn."""
    peer_windows: int = 1_000
    """Windows tokenized by the Hugging Face path, in one batch."""
    length: int = 448
    """Bases of a window."""
    repeats: int = 7
    """Turns that count."""
    seed: int = 0
    """Of the random bases."""


def tokenizer(config: TokenizerBenchmark, *, scratch: Path) -> list[Contest]:
    """Compare `KmerTokenizer.encode_bases` with calling the tokenizer on strings."""
    from dnabert.tokenizer import KmerTokenizer

    kmers = KmerTokenizer(config.k, config.stride)
    letters = np.frombuffer(b"ACGTacgt", dtype=np.uint8)
    chosen = np.random.default_rng(config.seed).integers(0, len(letters), (config.windows, config.length))
    bases = letters[chosen]
    few = bases[: config.peer_windows]
    texts = [row.tobytes().decode() for row in few]
    if not np.array_equal(kmers.encode_bases(few), kmers(texts)["input_ids"]):
        raise RuntimeError("the two paths give different ids: their speeds are not comparable")
    fast = Contender("encode_bases", bases.size / 1e6, lambda: kmers.encode_bases(bases))
    peer = Contender("tokenizer(texts), Hugging Face", few.size / 1e6, lambda: kmers(texts))
    title = f"ids of {config.length} bp windows, k {kmers.k}, stride {kmers.stride}"
    return [Contest(title, "Mbp", (fast, peer))]


@dataclass
class CorpusBenchmark:
    """A simulated FASTA into a corpus, and its windows out again, beside pyfaidx reading window by window."""

    length: int = 20_000_000
    """Bases of the simulated sequence."""
    windows: int = 20_000
    """Windows drawn at random in one turn."""
    k: int = 7
    """Bases of a word, where windows become ids."""
    repeats: int = 5
    """Turns that count."""
    seed: int = 0
    """Of the simulation and of the draw."""


def corpus(config: CorpusBenchmark, *, scratch: Path) -> list[Contest]:
    """Compare `prepare` and the view of a corpus with a loop over pyfaidx."""
    import pyfaidx

    from dnabert.corpus import config_from_fasta, prepare
    from dnabert.corpus.simulate import simulate_fasta
    from dnabert.tokenizer import KmerTokenizer

    fasta = simulate_fasta(scratch / "simulated.fa", length=config.length, seed=config.seed)
    settings = config_from_fasta(fasta)
    prepared = prepare(settings, out=scratch / "corpus")
    view, width = prepared.view(None), prepared.window_length
    starts = view.column("start")
    rows = np.random.default_rng(config.seed).integers(0, len(view), config.windows)
    kmers = KmerTokenizer(config.k)

    def fetch(some: np.ndarray) -> list[str]:
        with pyfaidx.Fasta(str(fasta), as_raw=True) as genome:
            sequence = genome["chr1"]
            return [sequence[start : start + width] for start in some.tolist()]

    def again() -> object:
        return prepare(settings, out=scratch / "again", overwrite=True)

    megabases, drawn = config.length / 1e6, float(config.windows)
    preparing = (
        Contender("prepare", megabases, again),
        Contender("pyfaidx, nothing saved", megabases, lambda: fetch(starts)),
    )
    bases = (
        Contender("view.bases", drawn, lambda: view.bases(rows)),
        Contender("pyfaidx", drawn, lambda: fetch(starts[rows])),
    )
    ids = (
        Contender("view.input_ids", drawn, lambda: view.input_ids(rows, tokenizer=kmers)),
        Contender("pyfaidx, Hugging Face tokenizer", drawn, lambda: kmers(fetch(starts[rows]))),
    )
    return [
        Contest(f"a FASTA of {megabases:g} Mbp into windows of {width} bp", "Mbp", preparing),
        Contest(f"{config.windows:,} windows at random", "windows", bases),
        Contest(f"{config.windows:,} windows at random as ids, k {config.k}", "windows", ids),
    ]


def _training_bert() -> ModelConfig:
    return ModelConfig(architecture="bert", intermediate_size=1024)


@dataclass
class ModelBenchmark:
    """What the benchmarks of a model share."""

    k: int = 6
    """Bases of a word."""
    model: ModelConfig = field(default_factory=_training_bert)
    """The model, with fresh weights; the peer has the same."""
    length: int = 448
    """Bases of a window."""
    repeats: int = 5
    """Turns that count."""
    seed: int = 0
    """Of data and weights."""


@dataclass
class PretrainBenchmark(ModelBenchmark):
    """Training steps of a BERT: ours beside `transformers.Trainer` with its usual collator, same model, batch, precision."""

    batch_size: int = 64
    """Windows of a step."""
    steps: int = 10
    """Steps of one turn."""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """As in train/pretrain.py."""
    compile: bool = False
    """Add contenders whose layers torch.compile fuses, the peer's among them."""
    peak: float | None = None
    """What the device's maker promises in this precision, in TFLOP/s (H100 and H200: 989 in bf16), beside what is measured."""


def pretrain(config: PretrainBenchmark, *, scratch: Path) -> list[Contest]:
    """Compare steps of our loop, with AdamW and with Muon, with steps of `transformers.Trainer`."""
    import torch

    from dnabert.models.precision import use_bf16

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    bf16 = use_bf16(config.precision, device=device)
    sampler = _sampler(config, scratch=scratch)
    tokens = config.steps * config.batch_size * sampler.tokens_per_window / 1e3
    ways = {", compiled": True, "": False} if config.compile else {"": False}
    ours = [
        Contender(f"dnabert, {name}{way}", tokens, steps)
        for way, fused in ways.items()
        for name, steps in _ours(config, sampler, device, bf16=bf16, fused=fused)
    ]
    peers = [
        Contender(f"transformers.Trainer, AdamW{way}", tokens, _trainer_steps(config, sampler, bf16=bf16, fused=fused, scratch=scratch))
        for way, fused in ways.items()
    ]
    peak, flops = _matrix_peak(device, bf16=bf16), _flops_per_token(config, sampler)

    def remark(rates: list[Rates]) -> str:
        def share(of: float) -> str:
            each_of = zip(ours, rates, strict=False)
            return ", ".join(f"{each.name} {statistics.median(rate.wall) * 1e3 * flops / of:.0%}" for each, rate in each_of)

        lines = [
            f"{flops / 1e6:.1f} MFLOP per token (6 per weight of the layers, attention, the head at asked places)",
            f"of the matrix peak measured in this run, {peak / 1e9:,.0f} GFLOP/s: {share(peak)}",
        ]
        if config.peak:
            lines.append(f"of the promised {config.peak:,.0f} TFLOP/s: {share(config.peak * 1e12)}")
        if device.type == "cuda":
            lines.append(f"memory at its peak: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB, all contenders' models together")
        return "\n".join(lines)

    title = f"training of {config.model.architecture}, {config.model.layers} x {config.model.hidden_size}, "
    title += f"batch {config.batch_size} x {sampler.tokens_per_window} tokens, {'bf16' if bf16 else 'fp32'}, {device.type}"
    return [Contest(title, "k tokens", (*ours, *peers), remark)]


def _sampler(config: PretrainBenchmark | DataBenchmark, *, scratch: Path) -> Sampler:
    from dnabert.corpus import config_from_fasta, prepare
    from dnabert.corpus.simulate import simulate_fasta
    from dnabert.pretraining.sampling import Sampler
    from dnabert.tokenizer import KmerTokenizer

    fasta = simulate_fasta(scratch / "simulated.fa", length=4_000_000, seed=config.seed)
    settings = config_from_fasta(fasta)
    settings.window.length = config.length
    view = prepare(settings, out=scratch / "corpus").view("train")
    return Sampler(view, KmerTokenizer(k=config.k), batch_size=config.batch_size, seed=config.seed, mask_share=0.15)


def _ours(
    config: PretrainBenchmark, sampler: Sampler, device: torch.device, *, bf16: bool, fused: bool
) -> list[tuple[str, Callable[[], None]]]:
    optimizers: tuple[Literal["adamw", "muon"], ...] = ("adamw", "muon")
    names = {"adamw": "AdamW", "muon": "Muon"}
    return [(names[each], _our_steps(config, sampler, device, bf16=bf16, optimizer=each, fused=fused)) for each in optimizers]


def _our_steps(
    config: PretrainBenchmark, sampler: Sampler, device: torch.device, *, bf16: bool, optimizer: Literal["muon", "adamw"], fused: bool
) -> Callable[[], None]:
    """The steps of `dnabert.pretraining.loop`: batches made while steps before compute, from FASTA's bases on."""
    import torch

    from dnabert.models.build import build_model, compile_layers
    from dnabert.models.memory import keep_freed_memory
    from dnabert.models.objective import MaskedObjective
    from dnabert.pretraining.config import PretrainConfig
    from dnabert.pretraining.optimizer import build_optimizers, update
    from dnabert.pretraining.prefetch import Prefetcher, prefetch_threads

    model = build_model(config.model, tokenizer=sampler.tokenizer, max_tokens=sampler.tokens_per_window, seed=config.seed)
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
                    torch.from_numpy(x).to(device, non_blocking=True) for x in (batch.input_ids, batch.positions, batch.labels)
                )
                with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
                    nats, _, _ = objective(ids, positions, labels)
                nats.mean().backward()
                update(objective, optimizers, clip_gradient=1.0)
        if device.type == "cuda":
            torch.cuda.synchronize()

    return run


def _trainer_steps(config: PretrainBenchmark, sampler: Sampler, *, bf16: bool, fused: bool, scratch: Path) -> Callable[[], None]:
    """`transformers.Trainer` on windows that are ids already, one turn a whole ``train()``; `fused`: its layers compiled as ours are."""
    import torch
    import transformers

    from dnabert.models.build import build_model, compile_layers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    tokenizer = sampler.tokenizer
    windows = np.arange(config.steps * config.batch_size) % len(sampler.view)  # of fewer an epoch would end in a smaller batch
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
    """Floating-point operations per second of the best of ten multiplications of large matrices."""
    import torch

    size = 8192 if device.type == "cuda" else 2048
    a = torch.randn(size, size, device=device, dtype=torch.bfloat16 if bf16 else torch.float32)
    best = 0.0
    for _ in range(10):
        began = time.perf_counter()
        a @ a
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = max(best, 2 * size**3 / (time.perf_counter() - began))
    return best


def _flops_per_token(config: PretrainBenchmark, sampler: Sampler) -> float:
    """Kaplan et al. 2020: 6 per weight of a matrix that a token passes, forward and backward, and 12 T D per layer's attention."""
    from dnabert.models.build import build_model, hidden_matrices

    tokens, tokenizer = sampler.tokens_per_window, sampler.tokenizer
    model = build_model(config.model, tokenizer=tokenizer, max_tokens=tokens, seed=config.seed)
    parameters = dict(model.named_parameters())
    body = sum(parameters[name].numel() for name in hidden_matrices(model))
    head = (config.model.hidden_size + tokenizer.vocab_size) * config.model.hidden_size * sampler.plan.asked / tokens
    attends = config.model.architecture in ("bert", "modernbert")
    return 6 * (body + head) + 12 * tokens * config.model.hidden_size * config.model.layers * attends


@dataclass
class DataBenchmark:
    """Masked batches and nothing else: ours beside transformers' collator over a torch DataLoader."""

    k: int = 6
    """Bases of a word."""
    length: int = 448
    """Bases of a window."""
    batch_size: int = 512
    """Windows of a step."""
    steps: int = 40
    """Steps of one turn."""
    threads: int = field(default_factory=lambda: min(8, os.cpu_count() or 1))
    """Threads of ours, and worker processes of the peer, where there are several."""
    repeats: int = 5
    """Turns that count."""
    seed: int = 0
    """Of the data."""

    def __post_init__(self) -> None:
        if self.batch_size % 2:
            raise UserError(f"--batch-size is {self.batch_size}, which does not make two views of each place: pass an even one")


def data(config: DataBenchmark, *, scratch: Path) -> list[Contest]:
    """Compare our batches, and our pairs of views, with the collator's on windows that are ids already."""
    from dnabert.pretraining.config import ContrastConfig
    from dnabert.pretraining.contrast import PairSampler

    sampler = _sampler(config, scratch=scratch)
    pairs = PairSampler(sampler, ContrastConfig(weight=1.0))
    tokens = config.steps * config.batch_size * sampler.tokens_per_window / 1e6
    threads = sorted({1, config.threads})
    workers = [0] if config.threads == 1 else [config.threads, 0]
    contenders = [
        Contender(f"dnabert{name}, {n} thread{'s' * (n > 1)}", tokens, _our_batches(config, source, threads=n))
        for name, source in (("", sampler), (", two views", pairs))
        for n in threads
    ]
    contenders += [Contender(f"collator, num_workers={n}", tokens, _collated(config, sampler, workers=n)) for n in workers]
    title = f"masked batches of {config.batch_size} x {sampler.tokens_per_window} tokens, k {config.k}"
    return [Contest(title, "M tokens", tuple(contenders))]


def _our_batches(config: DataBenchmark, source: Sampler | PairSampler, *, threads: int) -> Callable[[], None]:
    """The batches of the training loop as it takes them, from FASTA's bases on: in order, made by threads."""
    from dnabert.pretraining.prefetch import Prefetcher

    def run() -> None:
        with Prefetcher(source.batch, stop=config.steps, threads=threads) as batches:
            for _ in batches:
                pass

    return run


def _collated(config: DataBenchmark, sampler: Sampler, *, workers: int) -> Callable[[], None]:
    """`DataCollatorForLanguageModeling` over a shuffled DataLoader of ids: no frames, no strands, words drawn one by one."""
    import torch
    import transformers

    ids = sampler.view.input_ids(np.arange(len(sampler.view)), tokenizer=sampler.tokenizer)
    rows = [{"input_ids": row.tolist()} for row in ids]
    collator = transformers.DataCollatorForLanguageModeling(sampler.tokenizer, mlm_probability=0.15)
    drawn = torch.utils.data.RandomSampler(rows, replacement=True, num_samples=config.steps * config.batch_size)
    loader = torch.utils.data.DataLoader(
        rows, batch_size=config.batch_size, sampler=drawn, collate_fn=collator, num_workers=workers
    )

    def run() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on: workers fork beside torch's threads
            for _ in loader:
                pass

    return run


@dataclass
class EmbedBenchmark(ModelBenchmark):
    """Windows into vectors, ours beside sentence-transformers with the same weights, pooling and precision."""

    windows: int = 1_000
    """Windows of one turn."""


def embed(config: EmbedBenchmark, *, scratch: Path) -> list[Contest]:
    """Compare an encoder of a run with `SentenceTransformer.encode`."""
    from dnabert.encoders.config import EmbedConfig
    from dnabert.encoders.run import KmerReader
    from dnabert.encoders.transformer import TransformerEncoder
    from dnabert.models.build import build_model, loading_options
    from dnabert.tokenizer import KmerTokenizer

    try:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    except ImportError:
        raise UserError("the peer is not installed: pip install 'dnabert[bert]'") from None
    tokenizer = KmerTokenizer(k=config.k)
    words = tokenizer.number_of_words(config.length)
    body = build_model(config.model, tokenizer=tokenizer, max_tokens=words + 2, seed=config.seed).base_model
    body.save_pretrained(scratch / "body")
    tokenizer.save_pretrained(scratch / "body")
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    bases = letters[np.random.default_rng(config.seed).integers(0, 4, (config.windows, config.length))]
    texts = [row.tobytes().decode() for row in bases]
    encoder = TransformerEncoder(
        body, reader=KmerReader(tokenizer, most_words=words), name="ours", config=EmbedConfig(batch_size=64)
    )
    peer_body = Transformer(str(scratch / "body"), max_seq_length=words + 2, model_kwargs=loading_options(body.config))  # the faster attention
    peer = SentenceTransformer(modules=[peer_body, Pooling(config.model.hidden_size)])
    device = next(peer.parameters()).device.type
    if encoder.bf16:
        peer.bfloat16()  # whole, as ours is: under autocast it would cast every state to and fro

    drawn = float(config.windows)
    contenders = (
        Contender("dnabert encoder", drawn, lambda: encoder.encode(bases)),
        Contender("sentence-transformers encode", drawn, lambda: peer.encode(texts, batch_size=64, show_progress_bar=False)),
    )
    title = f"vectors of {config.length} bp windows, {config.model.architecture}, {config.model.layers} x {config.model.hidden_size}"
    return [Contest(f"{title}, {'bf16' if encoder.bf16 else 'fp32'}, {device}", "windows", contenders)]


#: Name of the subcommand to its settings and what it compares.
BENCHMARKS: dict[str, tuple[type[Any], Callable[..., list[Contest]]]] = {
    "tokenizer": (TokenizerBenchmark, tokenizer),
    "corpus": (CorpusBenchmark, corpus),
    "pretrain": (PretrainBenchmark, pretrain),
    "data": (DataBenchmark, data),
    "embed": (EmbedBenchmark, embed),
}


def work(config: Any, *, contests: Callable[..., list[Contest]]) -> Result:
    """Run one benchmark's contests; a table of each as it comes."""
    for name in ("windows", "peer_windows", "length", "steps", "batch_size", "threads"):
        if getattr(config, name, 1) < 1:
            raise UserError(f"--{name.replace('_', '-')} is {getattr(config, name)}, allowed is 1 or more")
    measured = []
    with tempfile.TemporaryDirectory() as scratch:
        for contest in contests(config, scratch=Path(scratch)):
            rates = measure(contest, repeats=config.repeats)
            print(table(contest, rates), flush=True)
            measured.append(facts(contest, rates))
    return Result({"contests": measured}, text="")


@one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, run one benchmark and print its tables."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return
    if arguments[0] == "--version":
        print(version_line())
        return
    name = arguments.pop(0)
    if name not in BENCHMARKS:
        raise UserError(f"no benchmark {name!r}, allowed is {' or '.join(BENCHMARKS)}: see --help")
    if name in ("tokenizer", "corpus"):  # one core each: the Rust tokenizer would take all of them for a batch, and numpy takes one
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
    config_class, contests = BENCHMARKS[name]
    description = f"{config_class.__doc__}\n\nExample: python eval/throughput.py {name} --repeats 5"
    run_command(
        config_class, functools.partial(work, contests=contests), arguments, prog=f"eval/throughput.py {name}", description=description
    )


if __name__ == "__main__":
    main()
