import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dnabert.corpus.download import NotThereError, Patience, Server
from dnabert.errors import UserError

BODY = np.random.default_rng(0).bytes(400_000)
# a server on a busy machine may take its time, if it is not to stall
QUICK = Patience(timeout=30, retries=2, wait=0.005)


@pytest.fixture
def part(tmp_path: Path, mirror) -> Path:
    (mirror.folder / "x.2bit").write_bytes(BODY)
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache" / ".x.2bit.part"


def test_a_file_comes_whole_and_nothing_is_left_beside_it(mirror, part: Path) -> None:
    Server(QUICK).save(f"{mirror.url}/x.2bit", part)
    assert part.read_bytes() == BODY
    assert list(part.parent.iterdir()) == [part]


@pytest.mark.parametrize("fault", ["break", "stall"])
def test_what_broke_off_goes_on_where_it_was(mirror, part: Path, fault: str) -> None:
    mirror.faults = [fault, fault]
    Server(replace(QUICK, timeout=0.5)).save(f"{mirror.url}/x.2bit", part)
    assert part.read_bytes() == BODY
    starts = [int(asked.split(" from ")[1]) for asked in mirror.asked[1:]]
    assert mirror.asked[0] == "x.2bit" and len(starts) == 2
    assert 0 < starts[0] <= 200_000 < starts[1] <= 300_000


def test_a_killed_download_goes_on_in_the_next_run(mirror, part: Path) -> None:
    mirror.faults = ["break"] + ["503"] * 9
    with pytest.raises(
        UserError, match=r"x\.2bit: the server answers 503 .*, 3 times in a row: .*what has come is kept"
    ):
        Server(QUICK).save(f"{mirror.url}/x.2bit", part)
    have = part.stat().st_size
    assert 0 < have < len(BODY)
    mirror.faults, mirror.asked = [], []
    Server(QUICK).save(f"{mirror.url}/x.2bit", part)
    assert part.read_bytes() == BODY and mirror.asked == [f"x.2bit from {have}"]


@pytest.mark.parametrize("how", ["no ranges", "changed", "no validator"])
def test_without_the_rest_of_the_same_file_it_begins_anew(mirror, part: Path, how: str) -> None:
    mirror.faults = ["break"] + ["503"] * 9
    mirror.tag = "" if how == "no validator" else '"1"'
    with pytest.raises(UserError):
        Server(QUICK).save(f"{mirror.url}/x.2bit", part)
    mirror.faults = []
    if how == "no ranges":
        mirror.ranges = False
    if how == "changed":
        mirror.tag = '"2"'
        (mirror.folder / "x.2bit").write_bytes(BODY[::-1])
    Server(QUICK).save(f"{mirror.url}/x.2bit", part)
    assert part.read_bytes() == (BODY[::-1] if how == "changed" else BODY)


@pytest.mark.parametrize("extra", [b"", b"and more"])
def test_a_part_as_long_as_the_file_or_longer(mirror, part: Path, extra: bytes) -> None:
    part.write_bytes(BODY + extra)
    part.with_name(f"{part.name}.validator").write_text('"1"')
    Server(QUICK).save(f"{mirror.url}/x.2bit", part)
    assert part.read_bytes() == BODY
    assert mirror.asked == [f"x.2bit from {len(BODY + extra)}"] + (["x.2bit"] if extra else [])


def test_a_server_that_always_breaks_off_is_given_up(mirror, part: Path) -> None:
    mirror.faults, mirror.ranges = ["break"] * 99, False
    with pytest.raises(UserError, match=r"3 times in a row"):
        Server(QUICK).save(f"{mirror.url}/x.2bit", part)
    assert len(mirror.asked) == 3


def test_faults_that_pass_are_waited_for(mirror, part: Path) -> None:
    mirror.faults = ["503", "429"]
    assert Server(QUICK).text(f"{mirror.url}/x.2bit")
    assert len(mirror.asked) == 3


def test_what_no_second_attempt_mends(mirror, part: Path) -> None:
    server = Server(QUICK)
    with pytest.raises(NotThereError):
        server.save(f"{mirror.url}/nosuch", part)
    mirror.faults = ["403"]
    with pytest.raises(UserError, match="the server answers 403 Forbidden: name a mirror with --base-url"):
        server.save(f"{mirror.url}/x.2bit", part)
    with pytest.raises(UserError, match="--base-url takes a URL that begins with http"):
        server.save("ftp://127.0.0.1/x.2bit", part)
    with pytest.raises(UserError, match="--base-url takes a URL that begins with http"):
        server.save("x.2bit", part)
    assert len(mirror.asked) == 2 and not part.exists()


def test_without_a_network_it_says_so_at_once(part: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x.2bit"
        with pytest.raises(
            UserError, match=r"cannot reach http://127\.0\.0\.1.*\(Connection refused\): check the network"
        ):
            Server(Patience(retries=99, wait=99)).save(url, part)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's /dev/full")
def test_a_full_disk_is_one_line(mirror, part: Path) -> None:
    part.symlink_to("/dev/full")
    with pytest.raises(UserError, match=r"cannot write .*cache: No space left on device: free space or .* --cache"):
        Server(QUICK).save(f"{mirror.url}/x.2bit", part)
    assert len(mirror.asked) == 1


def test_too_little_space_is_said_before_anything_is_written(mirror, part: Path, monkeypatch) -> None:
    monkeypatch.setattr("dnabert.corpus.download.shutil.disk_usage", lambda folder: _Full)
    with pytest.raises(UserError, match=r"needs 0\.00 GB, .*cache has 0\.00 GB free: free space"):
        Server(QUICK).save(f"{mirror.url}/x.2bit", part)
    assert not part.exists()


class _Full:
    free = 10
