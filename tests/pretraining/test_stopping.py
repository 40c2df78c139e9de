import subprocess
import sys
import time
from pathlib import Path

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
