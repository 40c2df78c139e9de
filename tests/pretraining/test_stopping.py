import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dnabert.pretraining.checkpoints import checkpoints
from dnabert.pretraining.stopping import Stop

#: A training that asks again for what launched it when that is gone.
_TRAINING = """
import os, sys, time
from dnabert.pretraining.stopping import Stop, launcher
first = launcher()
open(sys.argv[1], "w").write("begun")
while os.getppid() == first:
    time.sleep(0.02)
open(sys.argv[1], "w").write(f"{first is not None and Stop(launcher()).asked()}")
"""


def test_what_launched_a_training_is_what_did_at_its_beginning(tmp_path: Path) -> None:
    """While torch was imported, for seconds, a launcher could end, and the training ran on unseen."""
    told = tmp_path / "told"
    launcher = tmp_path / "accelerate"
    launcher.write_text("import subprocess, sys; subprocess.Popen([sys.executable, '-c', *sys.argv[1:]]).wait()")
    process = subprocess.Popen([sys.executable, str(launcher), _TRAINING, str(told)])
    deadline = time.monotonic() + 60
    while not (told.exists() and told.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.terminate()
    process.wait(timeout=60)
    while told.read_text() in ("", "begun") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert told.read_text() == "True"


@pytest.mark.parametrize("each", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_what_is_ignored_where_a_training_begins_does_not_stop_it(each: int) -> None:
    """Ctrl-C ended each training of a sweep that a script had begun with &, one after the other, and not the sweep."""
    heard, ignored = Stop(None), Stop(None)
    with heard.collected():
        signal.raise_signal(each)
    before = signal.signal(each, signal.SIG_IGN)
    try:
        with ignored.collected():
            signal.raise_signal(each)
        assert signal.getsignal(each) is signal.SIG_IGN
    finally:
        signal.signal(each, before)
    assert heard.asked() and heard.number == each and not ignored.asked()


@pytest.mark.slow
def test_a_launcher_that_is_killed_while_its_processes_look_for_each_other_leaves_none(
    small_corpus: Path, tmp_path: Path
) -> None:
    """They waited two hours for the launcher's port, on which nobody answered."""
    script = Path(__file__).parents[2] / "train" / "pretrain.py"
    flags = ["--corpus", str(small_corpus), "--out", str(tmp_path / "run"), "--tracker", "none"]
    launched = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "29651"]
    process = subprocess.Popen([*launched, str(script), *flags], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(begun := _trainings(process.pid)) < 2:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait(timeout=60)
    try:
        _, left = psutil.wait_procs(begun, timeout=60)
        assert not left and not (tmp_path / "run").exists()
    finally:
        for each in begun:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()


@pytest.mark.slow
def test_a_process_that_is_killed_is_one_line_of_the_other(small_corpus: Path, tmp_path: Path) -> None:
    """It was a traceback of 60 lines, and another of the signal that came while the first one ended."""
    script, run = Path(__file__).parents[2] / "train" / "pretrain.py", tmp_path / "run"
    flags = ["--corpus", str(small_corpus), "--out", str(run), "--tracker", "none", "--k", "4", "--floor-order", "2"]
    flags += ["--model.layers", "1", "--model.hidden-size", "32", "--model.heads", "2", "--checkpoint-every", "5"]
    launched = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "29653"]
    with (tmp_path / "told").open("w") as told:
        process = subprocess.Popen([*launched, str(script), *flags], stderr=told)
    deadline = time.monotonic() + 200
    try:
        while not checkpoints(run):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.1)
        last = max(_trainings(process.pid), key=lambda each: int(each.environ()["RANK"]))
        last.kill()
        assert process.wait(timeout=60) == 1
    finally:
        process.kill()
    lines = (tmp_path / "told").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("error:")]
    assert "another process of this training is gone" in line and line.endswith("go on with --resume auto")
    assert not [line for line in lines if line.startswith("[rank") or "SystemExit" in line]


def _trainings(launcher: int) -> list[psutil.Process]:
    """Those of a launcher that import torch by now: they have looked up who launched them."""
    found = psutil.Process(launcher).children()
    return [each for each in found if any("libtorch" in mapped.path for mapped in each.memory_maps())]
