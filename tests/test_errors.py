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


_CLEARS_UP = """
import os, pathlib, signal, sys, tempfile
from dnabert.errors import one_line
class Folder(tempfile.TemporaryDirectory):
    def cleanup(self):
        for again in {again}:
            os.kill(os.getpid(), again)
        super().cleanup()
@one_line
def main():
    with Folder(dir=sys.argv[1]):
        os.kill(os.getpid(), {first})
main()
"""


@pytest.mark.parametrize(
    ("first", "told", "status"),
    [(signal.SIGTERM, "terminated\n", 143), (signal.SIGHUP, "the terminal was closed\n", 129)],
)
@pytest.mark.parametrize("again", [[], [signal.SIGTERM, signal.SIGHUP]], ids=["once", "again"])
def test_what_is_ended_clears_up(tmp_path, first, again, told, status):
    """`timeout` sends its signal twice, and the second ended the clearing up; SIGHUP left all where it was."""
    code = _CLEARS_UP.format(first=int(first), again=[int(each) for each in again])
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (status, told, [])


_ASKED_AGAIN = """
import os, signal, time, dnabert.errors as errors
errors._AGAIN = 0.2
class Unheard:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
@errors.one_line
def main():
    {body}
main()
"""


def test_one_whose_end_was_swallowed_is_ended_by_the_next_signal():
    """Python lets no exception out of `__del__`, and the command went on, deaf to all that came later."""
    body = "Unheard(); print('went on', flush=True); time.sleep(0.3); os.kill(os.getpid(), 15); print('and on')"
    code = _ASKED_AGAIN.format(body=body)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (143, "went on\n") and done.stderr.endswith("terminated\n")


def test_one_that_waits_for_a_thread_at_its_end_is_ended_by_the_next_signal():
    """SIGTERM was ignored from there on, for good."""
    body = "try: os.kill(os.getpid(), signal.SIGTERM)\n    finally: threading.Thread(target=again).start()"
    again = "import threading\ndef again():\n    time.sleep(0.5)\n    os.kill(os.getpid(), 15)\n    time.sleep(60)\n"
    code = again + _ASKED_AGAIN.format(body=body)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=50)
    assert (done.returncode, done.stderr) == (143, "terminated\n")


def test_a_program_that_is_begun_while_one_clears_up_can_be_ended():
    """It inherited that SIGTERM and SIGHUP are ignored, so that a sweep's next training went on for hours."""
    code = (
        "import os, signal, subprocess\nfrom dnabert.errors import one_line\n@one_line\ndef main():\n    try:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n    finally:\n"
        "        print([subprocess.call(['sh', '-c', f'kill -{name} $$']) for name in ('TERM', 'HUP')])\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (143, f"[{-signal.SIGTERM}, {-signal.SIGHUP}]\n")


def test_what_is_ended_while_it_reads_its_flags_is_no_mistake_in_them():
    """It was `error: ; see --help`."""
    code = (
        "import os, signal\nfrom dnabert.errors import one_line\nfrom dnabert.flags import _one_line_errors\n"
        "one_line(_one_line_errors)(lambda: os.kill(os.getpid(), signal.SIGTERM), [], listed={})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (143, "terminated\n")


def test_what_is_to_outlive_its_terminal_does(tmp_path):
    code = _CLEARS_UP.format(first=int(signal.SIGHUP), again=[])
    done = subprocess.run(["nohup", sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "terminal" not in done.stderr


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
