"""What a command says and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from dnabert.errors import UserError, one_line


def test_a_user_error_is_one_line_and_status_2(capsys):
    @one_line
    def main() -> None:
        raise UserError("--k is 9:\n  pass --k 7")

    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert capsys.readouterr() == ("", "error: --k is 9: pass --k 7\n")


def test_interrupted(capsys):
    @one_line
    def main() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_other_errors_are_ours_and_keep_their_traceback():
    @one_line
    def main() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main()


def test_a_place_that_the_system_refuses_is_one_line(capsys, tmp_path):
    @one_line
    def main() -> None:
        (tmp_path / "no" / "such").mkdir()

    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert (
        capsys.readouterr().err
        == f"error: cannot use {tmp_path}/no/such: No such file or directory: mend that, or give another\n"
    )


def test_what_is_terminated_clears_up(tmp_path):
    code = (
        "import os, signal, tempfile\nfrom dnabert.errors import one_line\n@one_line\ndef main():\n"
        f"    with tempfile.TemporaryDirectory(dir={str(tmp_path)!r}):\n        os.kill(os.getpid(), signal.SIGTERM)\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (143, "", [])


def test_what_is_terminated_while_it_ends_says_no_more():
    """It was a traceback of the handler, behind the line that says what was wrong."""
    code = (
        "import atexit, os, signal\nfrom dnabert.errors import UserError, one_line\n@one_line\ndef main():\n"
        "    atexit.register(os.kill, os.getpid(), signal.SIGTERM)\n    raise UserError('it is wrong')\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "error: it is wrong\n")


def test_values_pass_through():
    assert one_line(lambda x, *, y: x + y)(1, y=2) == 3


def test_a_closed_pipe_is_silent():
    read, write = os.pipe()
    os.close(read)
    code = "from dnabert.errors import one_line\n@one_line\ndef main():\n    print('x' * 10**6, flush=True)\nmain()"
    done = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")
