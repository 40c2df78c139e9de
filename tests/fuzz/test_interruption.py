"""A stage that is killed, runs out of disk, or meets another one that writes the same folder: whole or absent, in one
line."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dnabert.errors import UserError
from dnabert.manifest import check_unchanged, read_manifest
from dnabert.stage import stage

#: Runs a stage in a child of a process that has imported everything: the child is killed at its N-th step on the disk.
_KILL_AT_EVERY_STEP = """
import os, pathlib, shutil, signal, sys
from dnabert.manifest import read_manifest
from dnabert.stage import stage

out, content = pathlib.Path(sys.argv[1]), ("a", "b", "c/d")
STEPS = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree")

def write(value, overwrite):
    with stage(out, kind="corpus", overwrite=overwrite) as folder:
        (folder / "c").mkdir()
        for name in content:
            (folder / name).write_text(value)

def whole():
    read_manifest(out, kind="corpus")
    values = {(out / name).read_text() for name in content}
    assert len(values) == 1, values
    return values.pop()

def child(step):
    left = [step]
    def count(event, args):
        writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        if event in STEPS or writes:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)
    write("new", overwrite)
    os._exit(0)

for overwrite in (False, True):
    seen = set()
    for step in range(1000):
        shutil.rmtree(out, ignore_errors=True)
        if overwrite:
            write("old", False)
        pid = os.fork()
        if not pid:
            child(step)
        _, status = os.waitpid(pid, 0)
        seen.add(whole() if out.exists() else "absent")
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0 and whole() == "new"
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
        write("again", True)  # the remains are in nobody's way, and are gone afterwards
        assert whole() == "again" and [x.name for x in out.parent.iterdir()] == [out.name], list(out.parent.iterdir())
    assert step > 8 and seen == ({"old", "new", "absent"} if overwrite else {"new", "absent"}), (step, seen)
"""

#: Two processes that write one folder at the same time; each tells how it ended.
_TWO_AT_ONCE = """
import os, pathlib, sys
from dnabert.errors import UserError
from dnabert.manifest import read_manifest
from dnabert.stage import stage

out, overwrite = pathlib.Path(sys.argv[1]), sys.argv[2] == "overwrite"

def child(value, mine, theirs):
    try:
        with stage(out, kind="corpus", overwrite=overwrite) as folder:
            os.write(theirs, b"x")
            os.read(mine, 1)  # both stand within the block
            for name in "abcdefgh":
                (folder / name).write_text(value)
    except UserError as error:
        os._exit(3 if "exists already" in str(error) else 4)
    os._exit(0)

for _ in range(30):
    pipes = [os.pipe(), os.pipe()]
    pids = []
    for number in (0, 1):
        pids.append(os.fork())
        if not pids[-1]:
            child(str(number), pipes[number][0], pipes[1 - number][1])
    ends = sorted(os.WEXITSTATUS(os.waitpid(pid, 0)[1]) for pid in pids)
    assert ends == ([0, 0] if overwrite else [0, 3]), ends
    read_manifest(out, kind="corpus")
    assert len({(out / name).read_text() for name in "abcdefgh"}) == 1
    assert [x.name for x in out.parent.iterdir()] == [out.name]
    if not overwrite:
        import shutil; shutil.rmtree(out)
    for end in sum(pipes, ()):
        os.close(end)
"""

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")


def _run(code: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]


def _make(out: Path, content: str = "x", **keywords) -> None:
    with stage(out, **{"kind": "corpus", **keywords}) as folder:
        (folder / "data").write_text(content)


@needs_fork
def test_killed_at_any_step_a_stage_is_whole_or_absent(tmp_path: Path) -> None:
    _run(_KILL_AT_EVERY_STEP, str(tmp_path / "out"))


@needs_fork
@pytest.mark.parametrize("how", ["new", "overwrite"])
def test_of_two_that_write_one_folder_one_is_whole(tmp_path: Path, how: str) -> None:
    _run(_TWO_AT_ONCE, str(tmp_path / "out"), how)


def test_what_another_process_is_writing_stays(tmp_path: Path) -> None:
    living = tmp_path / f".out.{os.getppid()}.partial"
    living.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    gone = tmp_path / f".out.{done.stdout.strip()}.partial"
    gone.mkdir()
    others = [tmp_path / name for name in (".out.notes.partial", ".outer.1.partial", "out.1.partial")]
    for other in others:
        other.mkdir()
    _make(tmp_path / "out")
    assert not gone.exists() and living.exists() and all(other.exists() for other in others)


def test_a_link_to_a_stage_is_replaced_and_what_it_points_to_stays(tmp_path: Path) -> None:
    _make(tmp_path / "real", "old")
    (tmp_path / "out").symlink_to(tmp_path / "real")
    _make(tmp_path / "out", "new", overwrite=True)
    assert ((tmp_path / "real" / "data").read_text(), (tmp_path / "out" / "data").read_text()) == ("old", "new")
    assert sorted(x.name for x in tmp_path.iterdir()) == ["out", "real"]


def test_an_input_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    source = tmp_path / "a.fa"
    source.write_text("before")
    with stage(tmp_path / "out", kind="corpus", inputs={"fasta": source}):
        source.write_text("after")
    manifest = read_manifest(tmp_path / "out", kind="corpus")
    with pytest.raises(UserError, match="was made from another fasta than now stands at"):
        check_unchanged(tmp_path / "out", manifest, name="fasta")
    source.write_text("before")
    assert check_unchanged(tmp_path / "out", manifest, name="fasta") == source
    with pytest.raises(UserError, match="does not say what its genes was"):
        check_unchanged(tmp_path / "out", manifest, name="genes")


@needs_fork
def test_a_file_that_may_not_grow_is_one_line(tmp_path: Path) -> None:
    code = (
        "import resource, sys\nfrom dnabert.errors import UserError\nfrom dnabert.stage import stage\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n    with stage(sys.argv[1], kind='corpus') as folder:\n"
        "        (folder / 'data').write_bytes(bytes(9999))\nexcept UserError as error:\n"
        "    assert 'cannot write' in str(error) and 'File too large' in str(error), error\nelse:\n"
        "    raise AssertionError\n"
    )
    _run(code, str(tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


@needs_root
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    disk = _mounted(tmp_path, size="64k")
    try:
        with pytest.raises(UserError, match="No space left on device: free space or choose another --out"):
            _make(disk / "out", "x" * 200_000)
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


@needs_root
def test_a_folder_that_may_only_be_read_is_one_line(tmp_path: Path) -> None:
    disk = _mounted(tmp_path, size="64k")
    try:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with pytest.raises(UserError, match="Read-only file system: free space or choose another --out"):
            _make(disk / "out")
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize(
    "error",
    [
        OSError("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device"),  # pyarrow
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),  # safetensors
    ],
)
def test_libraries_that_hide_the_system_s_error(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(UserError, match="No space left on device"), stage(tmp_path / "out", kind="corpus"):
        raise error
    assert list(tmp_path.iterdir()) == []


def _mounted(tmp_path: Path, *, size: str) -> Path:
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        shutil.which("mount") is None
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("nothing can be mounted here")
    return disk


def test_a_handled_signal_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom dnabert.stage import stage\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        f"with stage(sys.argv[1], kind='corpus'):\n    os.kill(os.getpid(), {int(signal.SIGTERM)})\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=False, capture_output=True)
    assert done.returncode == 143
    assert list(tmp_path.iterdir()) == []
