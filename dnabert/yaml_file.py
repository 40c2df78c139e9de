"""A YAML file as keys and values, read strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dnabert.errors import UserError


def read_mapping(path: str | Path) -> dict[str, Any]:
    """Read the keys and values of a YAML file; an empty one has none.

    Raises
    ------
    UserError
        naming the file, and the line of a key that stands twice, of which PyYAML would silently take the last.
    """
    import yaml

    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"no such file: {path}: --config takes a YAML file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}: --config takes a YAML file in UTF-8") from None
    try:
        _refuse_duplicates(yaml.compose(text, Loader=yaml.SafeLoader), path)
        mapping = yaml.safe_load(text)
    except RecursionError:
        raise UserError(f"{path} is nested too deeply: write one `key: value` a line") from None
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, OverflowError) as error:
        # PyYAML lets through what its own types raise: 2001-99-99, 0x_, !!bool maybe, !!timestamp x
        raise UserError(f"{path} is no valid YAML: {' '.join(str(error).split())}") from None
    if mapping is None:
        return {}
    if not isinstance(mapping, dict):
        raise UserError(f"{path} holds {type(mapping).__name__}, not keys and values: write one `key: value` a line")
    return mapping


def _refuse_duplicates(node: Any, path: str | Path, *, known: set[int] | None = None) -> None:
    """Raise where a key stands twice.

    Each node is looked at once: aliases of aliases would be a billion, and one that holds itself endless.
    """
    import yaml

    known = set() if known is None else known
    if id(node) in known:
        return
    known.add(id(node))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise UserError(f"{path}, line {key.start_mark.line + 1}: a key is no word: write `key: value`")
            if key.value in seen:
                raise UserError(f"{path}, line {key.start_mark.line + 1}: {key.value} stands twice: remove one")
            seen.add(key.value)
            _refuse_duplicates(value, path, known=known)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_duplicates(item, path, known=known)
