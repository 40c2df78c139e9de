"""Reading JSON that may be damaged, or a stranger's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dnabert.errors import UserError, first_line


def read_json(path: str | Path) -> Any:
    """Read a JSON file in UTF-8. Raises `OSError`, and `ValueError` for whatever is no JSON (see `parse_json`)."""
    return parse_json(Path(path).read_text(encoding="utf-8"))


def read_own(path: str | Path) -> Any:
    """Read a JSON file that an earlier stage of ours wrote.

    Raises
    ------
    UserError
        when it is gone, or damaged.
    """
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from None


def read_own_lines(path: str | Path) -> list[dict[str, Any]]:
    """The same for a file with a JSON object on each line, blank ones aside."""
    try:
        rows = [parse_json(line) for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
        if not all(isinstance(row, dict) for row in rows):
            raise ValueError("a line is no object")
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from None
    return rows


def _damaged(path: str | Path, error: Exception) -> UserError:
    reason = getattr(error, "strerror", None) or first_line(error)[:200]
    return UserError(f"{path} cannot be read ({reason}): make {Path(path).parent} again")


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
