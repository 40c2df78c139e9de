"""One reader under atheris: inputs that reach new lines of `dnabert` are kept and changed further.

    python tests/fuzz/coverage_guided.py READER FOLDER RUNS

READER is a name of `test_readers._SEEDS`, FOLDER an empty one. Anything but a result or a `UserError` ends it with a
traceback and a status, and so does an input on which it stays for half a minute.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def _readers() -> ModuleType:
    """test_readers.py, and with it every reader, instrumented."""
    import atheris

    spec = importlib.util.spec_from_file_location("readers", Path(__file__).with_name("test_readers.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with atheris.instrument_imports(include=["dnabert"]):
        spec.loader.exec_module(module)
    return module


def main(name: str, folder: str, runs: str) -> None:
    """Fuzz one reader; libFuzzer ends the process itself."""
    import atheris

    module = _readers()
    content, read = module._SEEDS[name]
    known, work = Path(folder) / "known", Path(folder) / "work"
    known.mkdir()
    work.mkdir()
    (known / "seed").write_bytes(content)
    path = work / name

    def one(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.suppress(module.UserError):
            read(path)

    atheris.Setup(
        [sys.argv[0], str(known), f"-runs={runs}", "-max_len=2048", "-timeout=30", f"-artifact_prefix={folder}/"], one
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
