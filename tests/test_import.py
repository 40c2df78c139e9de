"""`import dnabert` and ``dnabert --help`` import nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "transformers", "datasets", "pandas", "sklearn", "scipy", "umap", "numba", "matplotlib", "wandb")

_WATCH = f"""
import sys, traceback
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in {HEAVY!r}:
            print("imported by", *[f"{{x.filename}}:{{x.lineno}}" for x in traceback.extract_stack()
                  if "importlib" not in x.filename][-2:-1], ":", name)
sys.meta_path.insert(0, Watch())
"""


#: Commands that are scripts; of eval/throughput.py what it imports is measured.
_SCRIPTS = sorted(
    str(path)
    for folder in ("train", "eval")
    for path in (Path(__file__).parents[1] / folder).glob("*.py")
    if path.name != "throughput.py"
)


@pytest.mark.parametrize(
    "code",
    [
        "import dnabert; dir(dnabert)",
        "import dnabert; dnabert.__version__",
        "from dnabert.cli import main; main(['--help'])",
        "from dnabert.cli import main; main(['prepare', '--help'])",
        "from dnabert.cli import main; main(['report', '--help'])",
        "from dnabert.cli import main; main(['completion', 'bash'])",
        "from dnabert.pretraining.config import PretrainConfig",
        *(
            f"import runpy; sys.argv[1:] = ['--help']; runpy.run_path({path!r}, run_name='__main__')"
            for path in _SCRIPTS
        ),
    ],
    ids=lambda code: code.replace(str(Path(__file__).parents[1]), ""),
)
def test_light(code: str):
    done = subprocess.run([sys.executable, "-c", _WATCH + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    culprits = [line for line in done.stdout.splitlines() if line.startswith("imported by")]
    assert not culprits, "\n".join(culprits)


def test_the_watch_sees_what_is_heavy():
    done = subprocess.run([sys.executable, "-c", _WATCH + "import pandas"], capture_output=True, text=True, check=True)
    assert "imported by <string>" in done.stdout
