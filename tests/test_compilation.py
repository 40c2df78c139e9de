"""Libraries of compiled loops can be imported where nothing can be written beside them."""

import sys
from pathlib import Path

import numba
import pytest

from dnabert.compilation import import_compiled

LIBRARY = "import numba\n\n\n@numba.njit(cache=True)\ndef twice(x):\n    return 2 * x\n"


@pytest.fixture
def no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of libraries on the path, and a numba that keeps machine code nowhere but where it is told."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(numba.config, "CACHE_LOCATOR_CLASSES", "UserProvidedCacheLocator")
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    return tmp_path


def test_where_no_machine_code_can_be_kept_a_library_is_imported_all_the_same(no_place: Path) -> None:
    (no_place / "kept_nowhere.py").write_text(LIBRARY)
    with pytest.raises(RuntimeError, match="cannot cache function"):
        __import__("kept_nowhere")
    assert import_compiled("kept_nowhere").twice(21) == 42
    assert list(Path(numba.config.CACHE_DIR).rglob("*.nbi"))
    del sys.modules["kept_nowhere"]


def test_what_else_a_library_stumbles_over_is_told(no_place: Path) -> None:
    (no_place / "broken.py").write_text("raise RuntimeError('no such device')\n")
    with pytest.raises(RuntimeError, match="no such device"):
        import_compiled("broken")
    assert numba.config.CACHE_DIR == ""
