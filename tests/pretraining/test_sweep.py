"""Variants at equal computing time: what is refused, and that a table's numbers are those of the runs."""

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from dnabert.config import to_yaml
from dnabert.encoders.encoder import DEFAULT_RUN
from dnabert.errors import UserError
from dnabert.json_file import read_json
from dnabert.leftovers import is_locked
from dnabert.manifest import read_manifest, write_manifest
from dnabert.pretraining.checkpoints import checkpoints
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.curve import last_evaluation
from dnabert.pretraining.recipe import is_made_by
from dnabert.pretraining.speed import SPAWN, ended_together, relative_speed, relative_speeds, untracked
from dnabert.pretraining.sweep import SweepConfig, Variant, _recipe, _trained, sweep


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tokens": 0}, "--tokens is 0, allowed is 1 or more"),
        ({"variants": []}, "give each one a name of its own"),
        ({"variants": [Variant("a"), Variant("a")]}, "give each one a name of its own"),
        ({"variants": [Variant("../a")]}, "'../a' names no folder"),
    ],
)
def test_what_is_refused(values: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        SweepConfig(**values)


def test_a_flag_that_is_none_is_named_before_anything_is_made(tmp_path: Path) -> None:
    config = SweepConfig(variants=[Variant("a", "--masc-share 0.2")], out=str(tmp_path / "sweep"))
    with pytest.raises(UserError, match="unknown argument --masc-share .did you mean --mask-share"):
        sweep(config)
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(
    "flags", ["--evaluation-windows 5", "--evaluation-genome human", "--evaluation-mask-share 0.3", "--corpus other"]
)
def test_variants_that_would_be_evaluated_on_different_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str
) -> None:
    monkeypatch.setattr("dnabert.pretraining.sweep.relative_speeds", lambda *_, **__: pytest.fail("it began"))
    (tmp_path / "recipe.yaml").write_text("k: 4\n")
    config = SweepConfig(
        recipe=str(tmp_path / "recipe.yaml"), variants=[Variant("a"), Variant("b", flags)], out=str(tmp_path / "sweep")
    )
    with pytest.raises(
        UserError,
        match=f"variant b has {flags}, a .*, so their scores cannot be paired: pass {flags.split()[0]} in flags",
    ):
        sweep(config)
    assert not (tmp_path / "sweep").exists()


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file: nosuch.yaml: --recipe takes a config"):
        sweep(SweepConfig(recipe="nosuch.yaml", out=str(tmp_path / "sweep")))
    assert not (tmp_path / "sweep").exists()


def test_flags_with_an_open_quotation(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("k: 4\n")
    for config, named in (
        (SweepConfig(flags="--project 'x", recipe=str(tmp_path / "recipe.yaml")), "--flags"),
        (
            SweepConfig(variants=[Variant("a", "--project 'x")], recipe=str(tmp_path / "recipe.yaml")),
            "flags of variant a",
        ),
    ):
        with pytest.raises(
            UserError, match=f"{named}: .* cannot be taken apart .No closing quotation.: close the quotation"
        ):
            _recipe(config, config.variants[0], tmp_path / "a")


@pytest.mark.parametrize("flag", ["--steps 5", "--minutes=1", "--tokens 100", "--out elsewhere"])
def test_flags_that_would_do_nothing(tmp_path: Path, flag: str) -> None:
    (tmp_path / "recipe.yaml").write_text("k: 4\nsteps: 5\n")  # a recipe for itself may have a budget
    config = SweepConfig(recipe=str(tmp_path / "recipe.yaml"), variants=[Variant("a", flag), Variant("b")])
    with pytest.raises(
        UserError,
        match=(
            f"flags of variant a: {flag.replace('=', ' ').split()[0]} would do nothing, .*: take it out, see "
            "--(tokens|out) of the sweep"
        ),
    ):
        _recipe(config, config.variants[0], tmp_path / "a")
    assert _recipe(config, config.variants[1], tmp_path / "b").k == 4


def test_a_recipe_is_the_same_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a corpus that is named otherwise all that is finished would be trained again."""
    (tmp_path / "recipe.yaml").write_text("k: 4\n")
    monkeypatch.chdir(tmp_path)
    named = [
        SweepConfig(recipe=str(tmp_path / "recipe.yaml"), corpus=corpus)
        for corpus in ("corpus", "./corpus/", str(tmp_path / "corpus"))
    ]
    assert {_recipe(each, each.variants[0], tmp_path / "a").corpus for each in named} == {str(tmp_path / "corpus")}


def test_a_machine_that_does_not_tell_which_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As macOS."""
    (tmp_path / "recipe.yaml").write_text("k: 4\n")
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    config = SweepConfig(recipe=str(tmp_path / "recipe.yaml"))
    assert _recipe(config, config.variants[0], tmp_path / "a").threads == os.cpu_count()


class Here:
    """Runs at once, in this process, what a pool is given."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable, *arguments: object) -> Future:
        done: Future = Future()
        try:
            done.set_result(work(*arguments))
        except UserError as error:
            done.set_exception(error)
        return done


def test_speeds_are_measured_again_when_they_are_of_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []
    monkeypatch.setattr("dnabert.pretraining.speed.ProcessPoolExecutor", Here)
    monkeypatch.setattr("dnabert.pretraining.speed.relative_speed", lambda *asked: measured.append(asked) or 2.0)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "manifest.json").write_text("{}")
    recipes = {name: PretrainConfig(corpus=str(tmp_path / "corpus"), seed=seed) for seed, name in enumerate("ab")}
    path = tmp_path / "speed.json"

    def times(config: SweepConfig) -> int:
        measured.clear()
        assert relative_speeds(recipes, path, turns=config.turns) == {"a": 1.0, "b": 2.0}
        return len(measured)

    config = SweepConfig(turns=3)
    assert [times(config), times(config)] == [1, 0]
    (tmp_path / "corpus" / "manifest.json").write_text('{"made": "again"}')
    assert [times(config), times(config)] == [1, 0]
    assert [times(replace(config, turns=4)), times(replace(config, turns=4))] == [1, 0]
    for damaged in ("", "{", "[]", "{}", '{"recipes": {"a": "k: ["}}'):
        path.write_text(damaged)
        assert [times(config), times(config)] == [1, 0]


def test_speeds_of_other_variants_stay_when_one_is_added_or_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured again they would be other ones, and so the budgets: all variants would be trained again."""
    monkeypatch.setattr("dnabert.pretraining.speed.ProcessPoolExecutor", Here)
    drawn = iter(range(2, 100))
    monkeypatch.setattr("dnabert.pretraining.speed.relative_speed", lambda *_: float(next(drawn)))
    path, config = tmp_path / "speed.json", SweepConfig()
    a, b, c, d = (PretrainConfig(seed=seed) for seed in range(4))
    assert relative_speeds({"a": a, "b": b}, path, turns=config.turns) == {"a": 1, "b": 2}
    assert relative_speeds({"a": a, "c": c, "b": b}, path, turns=config.turns) == {"a": 1, "c": 3, "b": 2}
    assert relative_speeds({"a": a, "c": d, "b": b}, path, turns=config.turns) == {"a": 1, "c": 4, "b": 2}
    assert relative_speeds({"b": b, "a": a}, path, turns=config.turns) == {"b": 1, "a": 5}  # beside another first
    assert relative_speeds({"b": c, "a": a}, path, turns=config.turns) == {"b": 1, "a": 6}


@pytest.mark.parametrize("written_before", [False, True])
def test_where_and_with_how_many_threads_a_variant_is_computed_makes_no_other_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, written_before: bool
) -> None:
    monkeypatch.setattr("dnabert.pretraining.speed.ProcessPoolExecutor", Here)
    drawn = iter(range(2, 100))
    monkeypatch.setattr("dnabert.pretraining.speed.relative_speed", lambda *_: float(next(drawn)))
    path, config = tmp_path / "speed.json", SweepConfig()
    recipes = {name: PretrainConfig(seed=seed, threads=2, out=f"old/{name}") for seed, name in enumerate("ab")}
    assert relative_speeds(recipes, path, turns=config.turns) == {"a": 1, "b": 2}
    if written_before:  # recipes as YAML, threads and folders with them
        path.write_text(
            json.dumps(read_json(path) | {"recipes": {name: to_yaml(recipe) for name, recipe in recipes.items()}})
        )
    moved = {name: replace(recipe, threads=1, out=f"new/{name}") for name, recipe in recipes.items()}
    assert relative_speeds(moved, path, turns=config.turns) == {"a": 1, "b": 2}
    (tmp_path / "b").mkdir()
    (tmp_path / "corpus").mkdir()
    write_manifest(tmp_path / "b", kind="run", config=recipes["b"], inputs={"corpus": tmp_path / "corpus"})
    manifest = read_manifest(tmp_path / "b", kind="run")
    assert is_made_by(manifest, moved["b"]) and not is_made_by(manifest, moved["a"])


def test_a_variant_is_trained_again_on_a_corpus_that_was_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "manifest.json").write_text("{}")
    trained: list[PretrainConfig] = []

    def pretrain(recipe: PretrainConfig) -> None:
        trained.append(recipe)
        Path(recipe.out).mkdir(exist_ok=True)
        write_manifest(Path(recipe.out), kind="run", config=recipe, inputs={"corpus": tmp_path / "corpus"})

    row = {
        "validation_bits_per_base": 1.9,
        "validation_bits_per_base_unique": 1.9,
        "low": 1,
        "high": 2,
        "tokens": 1,
        "seconds": 60,
    }
    monkeypatch.setattr("dnabert.pretraining.loop.pretrain", pretrain)
    monkeypatch.setattr("dnabert.pretraining.curve.last_evaluation", lambda _: row)
    monkeypatch.setattr("dnabert.pretraining.sweep._scores", lambda _: ([], [], 1))
    first, second = (
        PretrainConfig(corpus=str(tmp_path / "corpus"), out=str(tmp_path / name)) for name in ("lr-1.0", "lr-1.5")
    )
    for recipe in (first, second, first, second):
        _trained(recipe)
    assert [each.out for each in trained] == [first.out, second.out]
    assert sorted(path.name for path in tmp_path.glob("*.log")) == ["lr-1.0.log", "lr-1.5.log"]
    (tmp_path / "corpus" / "manifest.json").write_text('{"made": "again"}')
    _trained(first)
    assert (trained[0], trained[2]) == (replace(first, resume="auto"), replace(first, overwrite=True))


def test_a_stopped_variant_is_gone_on_with_only_where_nothing_of_it_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of its steps at another rate would be told as if all were of it."""
    trained: list[PretrainConfig] = []

    def stop(recipe: PretrainConfig) -> None:
        trained.append(recipe)
        raise InterruptedError

    monkeypatch.setattr("dnabert.pretraining.loop.pretrain", stop)
    recipe = PretrainConfig(out=str(tmp_path / "a"), resume="auto", tokens=1000, learning_rate=1e-3, threads=2)
    (tmp_path / "a" / "checkpoints" / "step-000000005").mkdir(parents=True)
    (tmp_path / "a" / "metrics.jsonl").write_text("{}\n")
    (tmp_path / "a" / "config.yaml").write_text(to_yaml(recipe))
    for asked in (
        recipe,
        replace(recipe, threads=1),
        replace(recipe, learning_rate=2e-3),
        replace(recipe, tokens=2000),
    ):
        with pytest.raises(InterruptedError):
            _trained(asked)
    assert [(each.overwrite, each.resume) for each in trained] == [(False, "auto")] * 2 + [(True, "never")] * 2


def test_a_variant_that_fails_is_told_when_it_does_and_the_others_are_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def train(recipe: PretrainConfig) -> dict:
        if recipe.seed == 1:
            raise UserError("variant wild: it diverged")
        return {"bits_per_base": 1.9, "tokens": 1000}

    monkeypatch.setattr("dnabert.pretraining.sweep.ProcessPoolExecutor", Here)
    monkeypatch.setattr(
        "dnabert.pretraining.sweep.relative_speeds", lambda recipes, *_, **__: dict.fromkeys(recipes, 1.0)
    )
    monkeypatch.setattr("dnabert.pretraining.sweep._trained", train)
    (tmp_path / "recipe.yaml").write_text("k: 4\n")
    variants = [Variant("tame"), Variant("wild", "--seed 1"), Variant("other", "--seed 2")]
    with pytest.raises(
        UserError, match="there is no table, variant wild: it diverged: mend or leave out and begin again"
    ):
        sweep(SweepConfig(recipe=str(tmp_path / "recipe.yaml"), variants=variants, out=str(tmp_path / "sweep")))
    told = capsys.readouterr().err.splitlines()
    assert {line.partition(":")[0] for line in told} == {"tame", "failed", "other"}


def test_a_variant_that_diverges_is_named(small_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(
        "k: 4\nbatch_size: 8\nmodel: {hidden_size: 32, layers: 1, heads: 2, intermediate_size: 32}\nfloor_order: 0\n"
        "evaluation_windows: 20\n"
    )
    wild = "--learning-rate 1e30 --embedding-learning-rate 1e30 --warmup-steps 0 --clip-gradient 0 --precision fp32"
    config = SweepConfig(
        recipe=str(tmp_path / "recipe.yaml"),
        variants=[Variant("tame"), Variant("wild", wild)],
        corpus=str(small_corpus),
    )
    tame, recipe = (_recipe(config, variant, tmp_path / variant.name) for variant in config.variants)
    with pytest.raises(UserError, match="variant wild: the loss is nan after step"):
        relative_speed(tame, recipe, 3)
    with pytest.raises(UserError, match="variant wild: the loss is nan after step"):
        _trained(replace(recipe, steps=3))


def test_a_variant_takes_words_and_sizes_of_the_run_that_it_begins_with(small_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("batch_size: 8\ncontrast: {weight: 1.0, families: 0.33}\nfloor_order: 0\n")
    config = SweepConfig(
        recipe=str(tmp_path / "recipe.yaml"),
        flags="--initial default",
        corpus=str(small_corpus),
        variants=[Variant("a")],
    )
    recipe = _recipe(config, config.variants[0], tmp_path / "a")
    assert (recipe.k, recipe.model.hidden_size, recipe.initial) == (6, 384, str(DEFAULT_RUN))
    training = untracked(replace(recipe, precision="fp32"))
    assert training.kin is not None and training.pairs is not None and training.pairs.batch(0).relatives is not None


def test_what_waits_is_not_begun_where_a_sweep_is_stopped_while_a_worker_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that is being started stands in no list yet: it went on through all that waited."""
    found = multiprocessing.active_children
    before = [found(), found()]  # asked when the pool is made, and when it is stopped
    monkeypatch.setattr(multiprocessing, "active_children", lambda: before.pop() if before else found())
    waiting = []

    def stopped() -> None:
        with ended_together(ProcessPoolExecutor(1, mp_context=SPAWN, max_tasks_per_child=1)) as pool:
            waiting.extend(pool.submit(time.sleep, 15) for _ in range(4))
            raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert time.monotonic() - began < 12 and all(future.done() for future in waiting)


_TWICE = """
import os, signal, sys, threading, time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dnabert.pretraining.speed import SPAWN, ended_together
from dnabert.pretraining.stopping import end_with_parent
class Pool(ThreadPoolExecutor):
    def shutdown(self, **how):
        if how.get("cancel_futures"):
            os.kill(os.getpid(), signal.SIGINT)
        super().shutdown(**how)
def alone(begun):
    with ProcessPoolExecutor(1, mp_context=SPAWN, initializer=end_with_parent) as pool:
        working = pool.submit(time.sleep, 60)
        while not working.running():
            time.sleep(0.01)
        begun.set()
        working.result()
if __name__ == "__main__":
    with ended_together(Pool(1)) as pool:
        begun = threading.Event()
        waiting = [pool.submit(alone, begun) for _ in range(3)]
        begun.wait()
        os.kill(os.getpid(), signal.SIGINT)
        waiting[-1].result()
"""


def test_a_second_interrupt_does_not_leave_a_worker_to_go_on(tmp_path: Path) -> None:
    """It came before the worker was told of the first, as from `timeout -s INT`, and that went on to its end."""
    (tmp_path / "twice.py").write_text(_TWICE)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "twice.py")], check=False, capture_output=True, text=True, timeout=50
    )
    assert done.returncode == -signal.SIGINT and "KeyboardInterrupt" in done.stderr


_ORPHAN = """
import multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from dnabert.errors import UserError
from dnabert.pretraining import sweep
from dnabert.pretraining.stopping import Stop, end_with_parent
def last_evaluation(told):
    stop = Stop(None)
    with stop.collected():
        told.write_text(str(os.getpid()))
        while not stop.asked():
            time.sleep(0.01)
    if sys.argv[2] == "fails":
        raise UserError("the disk is full")
    return {}
def work(told):
    sweep._trained = last_evaluation
    return sweep._trained_by_worker(told)
if __name__ == "__main__":
    with ProcessPoolExecutor(1, mp_context=sweep.SPAWN, initializer=end_with_parent) as pool:
        pool.submit(work, Path(sys.argv[1])).result()
"""


@pytest.mark.parametrize("ends", ["finishes", "fails"])
def test_a_training_whose_sweep_is_killed_in_its_last_evaluation_ends(tmp_path: Path, ends: str) -> None:
    """Nobody asked any more whether it was to stop, and it waited for another to train, for good."""
    (tmp_path / "orphan.py").write_text(_ORPHAN)
    told, deadline = tmp_path / "told", time.monotonic() + 60
    process = subprocess.Popen([sys.executable, str(tmp_path / "orphan.py"), str(told), ends])
    while not (told.exists() and told.read_text()):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    worker = psutil.Process(int(told.read_text()))
    process.kill()
    process.wait(timeout=60)
    try:
        worker.wait(timeout=30)
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.kill()


@pytest.fixture
def training(small_corpus: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A sweep's process and its folder, once the first of two variants is trained; the second waits."""
    (tmp_path / "recipe.yaml").write_text(
        "k: 4\nmodel: {hidden_size: 32, layers: 1, heads: 2, intermediate_size: 32}\nfloor_order: 2\nbatch_size: 8\n"
    )
    config = SweepConfig(
        recipe=str(tmp_path / "recipe.yaml"),
        variants=[Variant("first"), Variant("second", "--seed 1")],
        corpus=str(small_corpus),
        turns=1,
        tokens=10**9,
        out=str(tmp_path / "sweep"),
    )
    (tmp_path / "sweep.yaml").write_text(to_yaml(config))
    curve, deadline = tmp_path / "sweep" / "first" / "metrics.jsonl", time.monotonic() + 300
    script = Path(__file__).parents[2] / "eval" / "sweep.py"
    process = subprocess.Popen(
        [sys.executable, str(script), "--config", str(tmp_path / "sweep.yaml")], stderr=subprocess.PIPE, text=True
    )
    try:
        while not (curve.exists() and '"step": 20' in curve.read_text()):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.2)
        yield process, tmp_path / "sweep"
    finally:
        process.kill()
        process.stderr.close()


@pytest.mark.slow
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_sweep_that_is_told_to_stop_ends_its_trainings_too(training, told: int) -> None:
    process, out = training
    process.send_signal(told)  # SIGINT reaches the sweep alone, as `kill -INT` sends it
    assert process.wait(timeout=60) == 128 + told
    assert not is_locked(out / "first") and checkpoints(out / "first")
    assert not (out / "second").exists()


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The trainings of a sweep."""
    return [each for each in psutil.Process(process.pid).children() if "spawn_main" in " ".join(each.cmdline())]


@pytest.mark.slow
def test_a_training_that_is_killed_is_named_and_the_next_one_trained(training) -> None:
    """No line said which, and all others ended."""
    process, out = training
    (worker,) = workers_of(process)
    worker.kill()
    deadline = time.monotonic() + 120
    while not checkpoints(out / "second") and not (out / "second" / "metrics.jsonl").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.2)
    process.terminate()
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    (line,) = [line for line in process.stderr.read().splitlines() if "failed" in line or "Traceback" in line]
    assert line.startswith("failed: variant first: its training was ended from outside (was memory short?")


@pytest.mark.slow
def test_a_sweep_that_is_killed_takes_its_trainings_along_saved(training) -> None:
    """They went on for hours, and nobody had asked."""
    process, out = training
    (worker,) = workers_of(process)
    process.kill()
    process.wait(timeout=60)
    try:
        worker.wait(timeout=60)
        assert not is_locked(out / "first") and checkpoints(out / "first")
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.kill()


@pytest.mark.slow
def test_each_variant_has_its_budget_and_is_trained_once(small_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(
        "k: 4\nbatch_size: 8\nmodel: {hidden_size: 32, layers: 1, heads: 2, intermediate_size: 32}\nfloor_order: 0\n"
        "evaluation_windows: 20\n"
    )
    variants = [Variant("small"), Variant("again"), Variant("deep", "--model.layers 12")]
    config = SweepConfig(
        recipe=str(tmp_path / "recipe.yaml"),
        variants=variants,
        tokens=4_000,
        turns=5,
        corpus=str(small_corpus),
        out=str(tmp_path / "sweep"),
    )
    out = sweep(config)
    small, again, deep = read_json(out / "results.json")
    assert small["speed"] == 1
    for row in (small, again, deep):
        batch = 8 * 114  # windows of 448 bases, in words of 4, with [CLS] and [SEP]
        assert 0 <= row["tokens"] - round(4_000 * row["speed"]) < batch
        last = last_evaluation(out / row["name"])
        assert (row["bits_per_base"], row["tokens"]) == (last["validation_bits_per_base"], last["tokens"])
    assert small["difference"] == [0, 0, 0]
    # the run scored in bf16
    assert deep["difference"][0] == pytest.approx(deep["bits_per_base"] - small["bits_per_base"], abs=2e-3)
    assert (out / "table.md").read_text().count("\n") == 5
    before = {name: (out / name / "manifest.json").stat().st_mtime_ns for name in ("small", "deep")}
    sweep(config)
    assert before == {name: (out / name / "manifest.json").stat().st_mtime_ns for name in before}
