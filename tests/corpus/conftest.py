"""A writer of .2bit files, independent of the reader, and a server of genomes that breaks off, stalls and lies."""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


def pack_twobit(sequences: Mapping[str, str], *, order: str = "<", version: int = 0) -> bytes:
    """The bytes of a .2bit file, base by base; `order` is that of the bytes, version 1 has 64-bit offsets."""
    width, kind = (4, "I") if version == 0 else (8, "Q")
    place = 16 + sum(1 + len(name) + width for name in sequences)
    index, records = b"", b""
    for name, bases in sequences.items():
        index += bytes([len(name)]) + name.encode() + struct.pack(f"{order}{kind}", place + len(records))
        records += _record(bases, order=order)
    return struct.pack(f"{order}4I", 0x1A412743, version, len(sequences), 0) + index + records


def _record(bases: str, *, order: str) -> bytes:
    record = struct.pack(f"{order}I", len(bases))
    for pattern in ("[Nn]+", "[a-z]+"):
        runs = [match.span() for match in re.finditer(pattern, bases)]
        numbers = [len(runs), *(start for start, _ in runs), *(end - start for start, end in runs)]
        record += struct.pack(f"{order}{len(numbers)}I", *numbers)
    record += struct.pack(f"{order}I", 0)
    codes = [max("TCAG".find(base), 0) for base in bases.upper()] + [0, 0, 0]
    return record + bytes(
        codes[i] << 6 | codes[i + 1] << 4 | codes[i + 2] << 2 | codes[i + 3] for i in range(0, len(bases), 4)
    )


@pytest.fixture(scope="session")
def twobit() -> Callable[..., bytes]:
    """Sequences by name into the bytes of a .2bit file."""
    return pack_twobit


class Mirror(ThreadingHTTPServer):
    """A server of the files in a folder, on this machine, that misbehaves as told."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.asked: list[str] = []
        """``path`` of each request, with `` from N`` where the rest from byte N was asked for."""
        self.faults: list[str] = []
        """What befalls the next requests for a file, one each: break, stall, wrong, 503, plain or 416."""
        self.ranges = True
        """Whether the rest of a file can be had."""
        self.tag = '"1"'
        """The files' ETag; empty: none."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that went away."""


class _Handler(BaseHTTPRequestHandler):
    server: Mirror
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        asked = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        self.server.asked.append(path + (f" from {asked[1]}" if asked else ""))
        file = self.server.folder / path
        if not file.is_file():
            self.send_error(404)
            return
        fault = self.server.faults.pop(0) if self.server.faults and not path.endswith("md5sum.txt") else ""
        if fault.isdecimal():
            self.send_error(int(fault))
            return
        body = file.read_bytes()
        begin = 0
        if asked and self.server.ranges and self.headers.get("If-Range") == self.server.tag:
            begin = int(asked[1])
        if begin and begin >= len(body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - begin))
        if self.server.tag:
            self.send_header("ETag", self.server.tag)
        self.end_headers()
        body = body[begin:]
        self._send(body, fault=fault)

    def _send(self, body: bytes, *, fault: str) -> None:
        if fault == "wrong":
            body = bytes(255 - byte for byte in body)
        if fault in ("break", "stall"):
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            if fault == "stall":
                self.rfile.read(1)  # until the client goes away
            self.close_connection = True
            return
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    """A running server of the empty folder ``served``."""
    (tmp_path / "served").mkdir()
    server = Mirror(tmp_path / "served")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
