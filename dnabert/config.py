"""Settings as dataclasses: flags on the command line over a strict YAML file over the defaults."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import functools
import inspect
import io
import math
import re
import reprlib
import sys
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from dnabert.errors import UserError

T = TypeVar("T")

_CONFIG_HELP = "--config FILE.yaml sets any of the options below by name; flags win over it, wherever they stand."


def parse(
    config_class: type[T],
    argv: Sequence[str] | None = None,
    *,
    prog: str | None = None,
    description: str = "",
    epilogue: str = "",
    others: Sequence[str] = (),
) -> T:
    """Read a dataclass from command-line flags, over ``--config FILE.yaml``, over the dataclass's defaults.

    Parameters
    ----------
    config_class : dataclass; each field becomes a flag, its docstring the flag's help. Nested dataclasses are dotted.
    argv : arguments without the program's name; those of the process by default.
    prog, description, epilogue : shown by ``--help``, whose defaults are those of the YAML file where one is given.
    others : flags that whoever calls reads by itself, and a typo may have meant.

    Raises
    ------
    UserError
        in one line for an unknown flag or key (with the nearest known one), a bad value or an unreadable file.

    Examples
    --------
    >>> from dnabert.models.config import ModelConfig
    >>> parse(ModelConfig, ["--layers", "2"]).layers
    2
    """
    import tyro

    arguments, path = _split_config(sys.argv[1:] if argv is None else argv)
    mapping = {} if path is None else _read_mapping(path)
    default = _build(config_class, mapping, where=_Place(path), construct=_unchecked)
    description = "\n\n".join(x.strip() for x in (description or inspect.getdoc(config_class), _CONFIG_HELP, epilogue) if x)
    known = functools.partial(
        tyro.cli, config_class, args=arguments, default=default, prog=prog, description=description
    )
    config = typing.cast(T, _one_line_errors(known, [*flags(config_class), *others]))
    _check_numbers(config)
    return config


#: What every generator of random numbers takes.
_SEEDS = 2**32
#: What fits where numbers are counted.
_LARGEST = 2**53


def _check_numbers(config: Any, prefix: str = "--") -> None:
    """Refuse what no setting of any command can be: NaN, infinity, numbers beyond counting, seeds that generators do not take."""
    for field in dataclasses.fields(config):
        value, flag = getattr(config, field.name), f"{prefix}{field.name.replace('_', '-')}"
        if dataclasses.is_dataclass(value):
            _check_numbers(value, f"{flag}.")
            continue
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, float) and not math.isfinite(each):
                raise UserError(f"{flag} is {each}, allowed is a finite number: pass another")
            if isinstance(each, int) and field.name in ("seed", "seeds") and not 0 <= each < _SEEDS:
                raise UserError(f"{flag} is {each}, allowed is 0 to {_SEEDS - 1}: pass {flag} 0")
            if isinstance(each, int) and abs(each) > _LARGEST:
                raise UserError(f"{flag} is {each}, allowed is at most {_LARGEST}: pass a smaller one")


def load_yaml(config_class: type[T], path: str | Path) -> T:
    """Read a dataclass from a YAML file; keys that the file leaves out keep their defaults.

    Raises
    ------
    UserError
        naming the file and the key, for a key that the dataclass lacks, or a value of another type.
    """
    return _build(config_class, _read_mapping(path), where=_Place(path), construct=_checked)


def to_yaml(config: Any) -> str:
    """Write a dataclass as YAML that `load_yaml` reads back as an equal object.

    Examples
    --------
    >>> from dnabert.models.config import ModelConfig
    >>> print(to_yaml(ModelConfig()).splitlines()[0])
    architecture: modernbert
    """
    import yaml

    return yaml.safe_dump(_plain(dataclasses.asdict(config)), sort_keys=False)


def save_yaml(config: Any, path: str | Path) -> None:
    """Write a dataclass to a YAML file, UTF-8."""
    Path(path).write_text(to_yaml(config), encoding="utf-8")


def config_file(argv: Sequence[str]) -> str | None:
    """Give the file that ``--config`` names among the arguments, if any: relative paths in it are relative to it.

    Examples
    --------
    >>> config_file(["--out", "x", "--config=a/b.yaml"])
    'a/b.yaml'
    """
    return _split_config(argv)[1]


def flags(config_class: type, prefix: str = "") -> Iterable[str]:
    """Names of the flags of a dataclass, nested ones dotted: ``--model.hidden-size``."""
    for name, hint in _hints(config_class).items():
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from flags(hint, f"{prefix}{name.replace('_', '-')}.")
        else:
            yield f"--{prefix}{name.replace('_', '-')}"


def nearest(word: str, known: Iterable[str]) -> str:
    """`` (did you mean X?)`` for the known word that a typo is nearest to, or nothing.

    Examples
    --------
    >>> nearest("hiden_size", ["hidden_size", "layers"])
    ' (did you mean hidden_size?)'
    """
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


#: Shows a value in a message: aliases of aliases in YAML are a few bytes in the file and gigabytes written out.
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 200
_SHORT.maxlist = _SHORT.maxdict = 20
_SHORT.maxlevel = 4


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where a value stands, for messages: the file and the dotted key."""

    path: str | Path | None
    key: str = ""

    def __truediv__(self, name: object) -> _Place:
        return _Place(self.path, f"{self.key}.{name}" if self.key else str(name))

    def wrong(self, value: object, allowed: str) -> UserError:
        return UserError(f"{self.path}: {self.key} is {_SHORT.repr(value)}, allowed is {allowed}: correct {self.key}")


def _split_config(argv: Sequence[str]) -> tuple[list[str], str | None]:
    """Take ``--config FILE`` or ``--config=FILE`` out of the arguments, wherever it stands."""
    rest: list[str] = []
    path: str | None = None
    words = iter(argv)
    for word in words:
        if word != "--config" and not word.startswith("--config="):
            rest.append(word)
            continue
        if path is not None:
            raise UserError("--config is given twice: pass one YAML file")
        path = next(words, None) if word == "--config" else word.removeprefix("--config=")
        if not path or path.startswith("--"):
            raise UserError("--config needs a file: pass --config FILE.yaml")
    return rest, path


def _one_line_errors(cli: Callable[..., Any], known: Sequence[str]) -> Any:
    """Run tyro; turn its framed error messages into a `UserError` of one line."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return cli()
    except SystemExit as end:
        if end.code in (0, None):
            raise
    raise UserError(_say(" ".join(re.sub(r"[^\x20-\x7e]|-{4,}", " ", said.getvalue()).split()), known))


def _say(text: str, known: Sequence[str]) -> str:
    """Reword tyro's message, stripped of its frame."""
    unknown = re.search(r"Unrecognized options?: ([^\s,]+)", text)
    if unknown:
        flag = unknown[1].split("=")[0]
        if flag in known:  # a list of groups, which no flag can hold
            return f"{flag} is too much for a flag: set it in a YAML file and pass --config FILE.yaml"
        return f"unknown argument {flag}{nearest(flag, known)}; --help lists what there is"
    text = re.split(r" For full helptext| Argument helptext| Arguments? similar| Perhaps you meant", text)[0]
    text = re.sub(r"invalid literal for int\(\) with base 10: ('.*?')", r"\1 is no whole number", text)
    text = re.sub(r"could not convert string to float: ('.*?')", r"\1 is no number", text)
    text = re.sub(r"^Required options Missing from .*?: ", "missing: ", text)
    text = re.sub(r"^(Invalid choice|Value error|Parsing error|Missing argument) (?=[a-zEM])", "", text)
    return f"{text.rstrip(' .')}; see --help"


def _read_mapping(path: str | Path) -> dict[str, Any]:
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
    """Raise where a key stands twice, of which PyYAML would silently take the last.

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


def _hints(config_class: type) -> dict[str, Any]:
    hints = typing.get_type_hints(config_class)
    return {field.name: hints[field.name] for field in dataclasses.fields(config_class) if field.init}


def _build(config_class: type[T], mapping: Any, *, where: _Place, construct: Callable[..., Any]) -> T:
    """Make a dataclass from a mapping whose every key must be a field."""
    if not isinstance(mapping, dict):
        raise where.wrong(mapping, "keys and values")
    hints = _hints(config_class)
    for key in mapping:
        if key not in hints:
            options = ", ".join(hints)
            mend = nearest(str(key), hints) or f", allowed is {options}"
            raise UserError(f"{where.path}: unknown key {(where / key).key}{mend}")
    values = {
        name: _convert(mapping[name], hint, where=where / name, construct=construct)
        for name, hint in hints.items()
        if name in mapping
    }
    return typing.cast(T, construct(config_class, values, where))


def _checked(config_class: type, values: dict[str, Any], where: _Place) -> Any:
    for field in dataclasses.fields(config_class):
        if field.init and field.name not in values and _default_of(field) is dataclasses.MISSING:
            raise UserError(f"{where.path}: {(where / field.name).key} is missing: add it")
    try:
        return config_class(**values)
    except UserError as error:
        raise UserError(f"{where.path}: {error}") from None


def _unchecked(config_class: type, values: dict[str, Any], where: _Place) -> Any:
    """Make the object without its ``__post_init__``: checks are for the final values, after the flags."""
    import tyro

    made: Any = object.__new__(config_class)
    for field in dataclasses.fields(config_class):
        value = values.get(field.name, dataclasses.MISSING)
        hint = _hints(config_class).get(field.name)
        if value is dataclasses.MISSING:
            nested = dataclasses.is_dataclass(hint) and isinstance(hint, type)
            plain = field.default_factory is hint
            value = _unchecked(typing.cast(type, hint), {}, where) if nested and plain else _default_of(field)
        object.__setattr__(made, field.name, tyro.MISSING if value is dataclasses.MISSING else value)
    return made


def _default_of(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _convert(value: Any, hint: Any, *, where: _Place, construct: Callable[..., Any]) -> Any:
    """Check a YAML value against a type hint and give it that type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    deeper = functools.partial(_convert, construct=construct)
    if origin is typing.Annotated:
        return deeper(value, arguments[0], where=where)
    if origin in (typing.Union, types.UnionType):
        return _convert_union(value, arguments, where=where, construct=construct)
    if origin is typing.Literal:
        if value not in arguments:
            raise where.wrong(value, " or ".join(map(str, arguments)) + nearest(str(value), map(str, arguments)))
        return value
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value, where=where, construct=construct)
    if origin in (list, tuple):
        if not isinstance(value, list):
            raise where.wrong(value, "a list")
        kinds = arguments if origin is tuple and arguments[-1] is not ... else (arguments[0],) * len(value)
        if len(kinds) != len(value):
            raise where.wrong(value, f"a list of {len(kinds)}")
        return origin(deeper(x, kind, where=where / i) for i, (x, kind) in enumerate(zip(value, kinds, strict=True)))
    if origin is dict:
        if not isinstance(value, dict):
            raise where.wrong(value, "keys and values")
        return {key: deeper(x, arguments[1], where=where / key) for key, x in value.items()}
    return _convert_plain(value, hint, where=where)


def _convert_union(value: Any, arms: tuple[Any, ...], *, where: _Place, construct: Callable[..., Any]) -> Any:
    if value is None and types.NoneType in arms:
        return None
    real = [arm for arm in arms if arm is not types.NoneType]
    for arm in real[:-1]:
        with contextlib.suppress(UserError):
            return _convert(value, arm, where=where, construct=construct)
    return _convert(value, real[-1], where=where, construct=construct)


def _convert_plain(value: Any, hint: Any, *, where: _Place) -> Any:
    if hint is Any or (hint in (bool, str) and isinstance(value, hint)):
        return value
    if hint is Path and isinstance(value, str):
        return Path(value)
    # PyYAML reads 2e-3 (no dot) as a string, which nobody who writes it means
    if hint in (int, float) and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        with contextlib.suppress(ValueError, OverflowError):
            number = float(value)
            if hint is float and number == number:  # NaN passes every check of a range
                return number
            if number.is_integer():
                return value if isinstance(value, int) else int(number)
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text (in quotes)", Path: "a path"}
    raise where.wrong(value, names.get(hint, str(hint)))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(x) for key, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(x) for x in value]
    return str(value) if isinstance(value, Path) else value
