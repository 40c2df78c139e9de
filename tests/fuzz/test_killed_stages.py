"""Every stage, killed at random moments: what is left is whole, or nothing that is taken for whole; see killed.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).with_name("killed.py")
#: Of every stage; DNABERT_KILLS=5 is for those who wait for it.
_KILLS = int(os.environ.get("DNABERT_KILLS", "50"))
_STAGES = ("prepare", "pretrain", "embed", "cluster", "stability", "explain", "assign", "export", "comparison")
#: A fork may not meet threads: one of each library, and a threading layer of numba that bears forks.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "NUMBA_THREADING_LAYER": "workqueue",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
}


def _kill(stage: str, folder: Path, *, moments: int) -> dict[str, int]:
    command = [sys.executable, str(_SCRIPT), stage, str(folder), str(moments)]
    done = subprocess.run(command, env=os.environ | _ONE_THREAD, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.slow
@pytest.mark.parametrize("stage", _STAGES)
def test_killed_at_random_moments(tmp_path: Path, stage: str) -> None:
    assert _kill(stage, tmp_path, moments=_KILLS)["killed"] == _KILLS


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_killed_at_some_moments(tmp_path: Path) -> None:
    assert _kill("prepare", tmp_path, moments=5)["killed"] == 5
