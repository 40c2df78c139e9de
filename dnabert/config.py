"""Settings as dataclasses, to and from YAML files, read strictly."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import functools
import math
import os
import re
import reprlib
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from dnabert.errors import UserError
from dnabert.yaml_file import read_mapping

T = TypeVar("T")

#: Seeds that every generator of random numbers takes: from 0 to below this.
SEEDS = 2**32
#: What fits where numbers are counted.
_LARGEST = 2**53


def load_yaml(config_class: type[T], path: str | Path) -> T:
    """Read a dataclass from a YAML file; keys that the file leaves out keep their defaults.

    Raises
    ------
    UserError
        naming the file and the key, for a key that the dataclass lacks, or a value of another type.
    """
    return _build(config_class, read_mapping(path), where=_Place(path), construct=_checked)


def unchecked_from_yaml(config_class: type[T], path: str | Path | None) -> T:
    """As `load_yaml` (of defaults alone where there is no file), without the checks across fields, for flags to be laid
    over it.

    A field without any value holds `tyro.MISSING`.
    """
    mapping = {} if path is None else read_mapping(path)
    return _build(config_class, mapping, where=_Place(path), construct=_unchecked)


def from_mapping(config_class: type[T], mapping: Mapping[str, Any]) -> T:
    """Make a dataclass of a mapping, such as a dict, as strictly as `load_yaml` does of a file; the messages name the
    class."""
    return _build(config_class, _of_python(mapping), where=_Place(config_class.__name__), construct=_checked)


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


def check_types(config: Any) -> None:
    """Give each field of a dataclass the type that it states, in place: what is built in Python is as strict as YAML
    and flags.

    A number of numpy becomes Python's (neither YAML nor JSON takes it, as a stage would find when its work is done), a
    path that is to be text becomes it, a tuple a list.

    Raises
    ------
    UserError
        naming the class and the field, for a value of another type, or a number that no setting can be.

    Examples
    --------
    >>> import numpy as np
    >>> from dnabert.clusters.config import ClusterConfig
    >>> ClusterConfig(neighbors=np.int64(20)).neighbors
    20
    """
    for name, hint in field_types(type(config)).items():
        value = _of_python(getattr(config, name))
        check_numbers(value, flag=f"--{name.replace('_', '-')}")
        setattr(config, name, _convert(value, hint, where=_Place(type(config).__name__, name), construct=_checked))


def check_numbers(value: Any, *, flag: str) -> None:
    """Refuse what no setting of any command can be: NaN, infinity, numbers beyond counting, seeds that generators do
    not take.

    Raises
    ------
    UserError
        naming the flag.
    """
    for each in value if isinstance(value, list | tuple) else [value]:
        if isinstance(each, float) and not math.isfinite(each):
            raise UserError(f"{flag} is {each}, allowed is a finite number: pass another")
        if isinstance(each, int) and re.fullmatch(r"--(.*\.)?seeds?", flag) and not 0 <= each < SEEDS:
            raise UserError(f"{flag} is {each}, allowed is 0 to {SEEDS - 1}: pass {flag} 0")
        if isinstance(each, int) and abs(each) > _LARGEST:
            raise UserError(f"{flag} is {each}, allowed is at most {_LARGEST}: pass a smaller one")


def _of_python(value: Any) -> Any:
    """A value as YAML would hold it: of numpy its plain numbers, of a path its text, of a tuple a list."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {key: _of_python(each) for key, each in value.items()}
    return [_of_python(each) for each in value] if isinstance(value, list | tuple) else value


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


def field_types(config_class: type) -> dict[str, Any]:
    """The type of each field that is a setting, by name."""
    hints = typing.get_type_hints(config_class)
    return {field.name: hints[field.name] for field in dataclasses.fields(config_class) if field.init}


def _build(config_class: type[T], mapping: Any, *, where: _Place, construct: Callable[..., Any]) -> T:
    """Make a dataclass from a mapping whose every key must be a field."""
    if not isinstance(mapping, dict):
        raise where.wrong(mapping, "keys and values")
    hints = field_types(config_class)
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
        raise UserError(f"{where.path}: {of_group(str(error), config_class, where.key)}") from None


def of_group(text: str, config_class: type, key: str) -> str:
    """Reword what a group of settings says of itself, which knows of no group around it: its flags get the group's
    dotted key.

    Examples
    --------
    >>> from dnabert.clusters.config import ClusterConfig
    >>> of_group("--map-min-dist is 2.0: pass --map-min-dist 0.1", ClusterConfig, "map_cluster")
    '--map-cluster.map-min-dist is 2.0: pass --map-cluster.map-min-dist 0.1'
    """
    names = "|".join(name.replace("_", "-") for name in field_types(config_class))
    prefix = f"{key.replace('_', '-')}." if key else ""
    return re.sub(rf"(?<![\w.-])--({names})(?![\w.-])", rf"--{prefix}\1", text)


def _unchecked(config_class: type, values: dict[str, Any], where: _Place) -> Any:
    """Make the object without its ``__post_init__``: checks are for the final values, after the flags."""
    import tyro

    made: Any = object.__new__(config_class)
    for field in dataclasses.fields(config_class):
        value = values.get(field.name, dataclasses.MISSING)
        hint = field_types(config_class).get(field.name)
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
        return value if isinstance(value, hint) else _build(hint, value, where=where, construct=construct)
    if origin in (list, tuple):
        if not isinstance(value, list):
            raise where.wrong(value, "a list")
        kinds = arguments if origin is tuple and arguments[-1] is not ... else (arguments[0],) * len(value)
        if len(kinds) != len(value):
            raise where.wrong(value, f"a list of {len(kinds)}")
        return origin(
            deeper(item, kind, where=where / i) for i, (item, kind) in enumerate(zip(value, kinds, strict=True))
        )
    if origin is dict:
        if not isinstance(value, dict):
            raise where.wrong(value, "keys and values")
        return {key: deeper(item, arguments[1], where=where / key) for key, item in value.items()}
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
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
