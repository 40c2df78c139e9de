"""Reading JSON that may be damaged, or a stranger's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_json(path: str | Path) -> Any:
    """Read a JSON file in UTF-8. Raises `OSError`, and `ValueError` for whatever is no JSON (see `parse_json`)."""
    return parse_json(Path(path).read_text(encoding="utf-8"))


def parse_json(text: str) -> Any:
    """Parse JSON; what is nested too deeply is a `ValueError` as well, where the library raises `RecursionError`.

    Examples
    --------
    >>> parse_json('{"k": 7}')
    {'k': 7}
    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
    ValueError: nested too deeply
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
