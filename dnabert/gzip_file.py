"""Whether a file is compressed: what its first bytes say, whatever it is called."""

from __future__ import annotations

from pathlib import Path

#: What every gzip file begins with (RFC 1952).
GZIP_MAGIC = b"\x1f\x8b"


def is_gzip(path: str | Path) -> bool:
    """True where a file begins as gzip files do; raises `OSError` where it cannot be read."""
    with open(path, "rb") as file:
        return file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
