"""Settings as flags of the command line: over a YAML file, over the defaults."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import io
import re
import sys
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from dnabert.config import check_numbers, field_types, nearest, of_group, unchecked_from_yaml
from dnabert.errors import UserError
from dnabert.field_help import give_help

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
    default = unchecked_from_yaml(config_class, path)
    description = "\n\n".join(
        text.strip() for text in (description or inspect.getdoc(config_class), _CONFIG_HELP, epilogue) if text
    )
    if {"-h", "--help"} & {*arguments}:
        give_help(_groups(config_class))
    known = functools.partial(
        tyro.cli, config_class, args=arguments, default=default, prog=prog, description=description
    )
    with _without_checks(config_class):
        config = typing.cast(
            T, _one_line_errors(known, [*flags(config_class), *others], listed=dict(_listed(config_class)))
        )
    try:
        _check(config)
    except UserError as error:
        named = re.findall(r"--[\w.-]+", str(error).partition(":")[0])
        by_flag = path is None or any(is_given(flag, arguments) for flag in named)
        raise UserError(str(error) if by_flag else f"{path}: {error}") from None
    _check_numbers(config)
    return config


@contextlib.contextmanager
def _without_checks(config_class: type) -> Iterator[None]:
    """Keep a dataclass and its groups from checking themselves while tyro makes them: only afterwards is it known which
    group says what."""
    checked = [(each, vars(each)["__post_init__"]) for each in _groups(config_class) if "__post_init__" in vars(each)]
    try:
        for checking, _ in checked:
            checking.__post_init__ = lambda self: None
        yield
    finally:
        for each, check in checked:
            each.__post_init__ = check


def _groups(hint: Any) -> set[Any]:
    """The dataclasses of a type, those that they are made of and extend among them."""
    if not (dataclasses.is_dataclass(hint) and isinstance(hint, type)):
        return {found for argument in typing.get_args(hint) for found in _groups(argument)}
    of_fields = (_groups(each) for each in field_types(hint).values())
    return {*filter(dataclasses.is_dataclass, hint.__mro__)}.union(*of_fields)


def _check(config: Any, key: str = "") -> None:
    """Let the groups of a dataclass check themselves, then itself; what one says of its flags gets its dotted key."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        inner = f"{key}.{field.name}" if key else field.name
        if dataclasses.is_dataclass(value):
            _check(value, inner)
        for i, each in enumerate(value) if isinstance(value, list) else ():
            if dataclasses.is_dataclass(each):
                _check(each, f"{inner}.{i}")
    try:
        if hasattr(config, "__post_init__"):
            config.__post_init__()
    except UserError as error:
        raise UserError(of_group(str(error), type(config), key)) from None


def _check_numbers(config: Any, prefix: str = "--") -> None:
    """`check_numbers` of every setting."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        flag = f"{prefix}{field.name.replace('_', '-')}"
        if dataclasses.is_dataclass(value):
            _check_numbers(value, f"{flag}.")
        else:
            check_numbers(value, flag=flag)


def config_file(argv: Sequence[str]) -> str | None:
    """Give the file that ``--config`` names among the arguments, if any: relative paths in it are relative to it.

    Examples
    --------
    >>> config_file(["--out", "x", "--config=a/b.yaml"])
    'a/b.yaml'
    """
    return _split_config(argv)[1]


def is_given(flag: str, argv: Sequence[str]) -> bool:
    """Whether a flag stands among the arguments, with its hyphens or, as tyro takes it too, with underscores.

    Examples
    --------
    >>> is_given("--top-k", ["--top_k=3"]), is_given("--top-k", ["--config", "x.yaml"])
    (True, False)
    """
    return any(word.partition("=")[0].replace("_", "-") == flag for word in argv)


def flags(config_class: type, prefix: str = "") -> Iterable[str]:
    """Names of the flags of a dataclass, nested ones dotted: ``--model.hidden-size``."""
    for name, hint in field_types(config_class).items():
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from flags(hint, f"{prefix}{name.replace('_', '-')}.")
        else:
            yield f"--{prefix}{name.replace('_', '-')}"


def _listed(config_class: type) -> Iterable[tuple[str, str]]:
    """What would be the flag of a field of the groups that a list holds, which none can be, and the list's key:
    ``--genes``, ``genomes``."""
    for name, hint in field_types(config_class).items():
        for group in typing.get_args(hint) if typing.get_origin(hint) is list else ():
            if dataclasses.is_dataclass(group) and isinstance(group, type):
                yield from ((flag, name) for flag in flags(group))


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


def _one_line_errors(cli: Callable[..., Any], known: Sequence[str], *, listed: Mapping[str, str]) -> Any:
    """Run tyro; turn its framed error messages into a `UserError` of one line."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return cli()
    except SystemExit as end:
        if end.code != 2:  # --help, or a signal that ends the process
            raise
    raise UserError(_say(" ".join(re.sub(r"[^\x20-\x7e]|-{4,}", " ", said.getvalue()).split()), known, listed=listed))


def _say(text: str, known: Sequence[str], *, listed: Mapping[str, str]) -> str:
    """Reword tyro's message, stripped of its frame."""
    unknown = re.search(r"Unrecognized options?: ([^\s,]+)", text)
    if unknown:
        flag = unknown[1].split("=")[0]
        if flag in known:  # a list of groups, which no flag can hold
            return f"{flag} is too much for a flag: set it in a YAML file and pass --config FILE.yaml"
        if flag in listed:
            key = flag.removeprefix("--").replace("-", "_")
            return (
                f"{flag} is of each of the {listed[flag]}: set {key} under {listed[flag]} in a YAML file and pass "
                "--config FILE.yaml"
            )
        return f"unknown argument {flag}{nearest(flag, known)}; --help lists what there is"
    text = re.split(r" For full helptext| Argument helptext| Arguments? similar| Perhaps you meant", text)[0]
    text = re.sub(
        r"no type matching \{None\}\|(INT|FLOAT) could be instantiated from \['(.*?)'\].*",
        lambda m: f"{m[2]!r} is no {'whole ' if m[1] == 'INT' else ''}number",
        text,
    )
    text = re.sub(r"invalid literal for int\(\) with base 10: ('.*?')", r"\1 is no whole number", text)
    text = re.sub(r"could not convert string to float: ('.*?')", r"\1 is no number", text)
    text = re.sub(
        r"^.*Missing value for argument '(--[\w.-]+)'.*",
        r'\1 has no value (one that begins with a hyphen is joined to it: \1="-x")',
        text,
    )
    text = re.sub(r"^Required options Missing from .*?: ", "missing: ", text)
    text = re.sub(
        r"^missing: --([\w-]+\.\d+\.[\w-]+) .*",
        lambda found: f"{found[1].replace('-', '_')} is missing in the YAML file: add it",
        text,
    )
    text = re.sub(r"^(Invalid choice|Value error|Parsing error|Missing argument) (?=[a-zEM])", "", text)
    return f"{text.rstrip(' .')}; see --help"
