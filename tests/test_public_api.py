"""Everything public is documented, annotated and takes few positional arguments."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import FunctionType, ModuleType

import pytest

import dnabert

MODULES = [module.name for module in pkgutil.walk_packages(dnabert.__path__, "dnabert.")]


def public(module: ModuleType) -> Iterator[tuple[str, object]]:
    for name, value in vars(module).items():
        ours = not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
        if ours and (inspect.isfunction(value) or inspect.isclass(value)):
            yield name, value


def functions(module: ModuleType) -> Iterator[tuple[str, FunctionType]]:
    """Public functions, and the public methods that a class itself writes."""
    for name, value in public(module):
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value):
            for attribute, member in vars(value).items():
                member = getattr(member, "__func__", member.fget if isinstance(member, property) else member)
                if inspect.isfunction(member) and not attribute.startswith("_"):
                    yield f"{name}.{attribute}", member


@pytest.mark.parametrize("name", MODULES)
def test_documented(name):
    module = importlib.import_module(name)
    missing = [] if module.__doc__ else ["the module"]
    missing += [label for label, value in public(module) if not inspect.getdoc(value)]
    # a method may inherit its documentation from what it overrides
    owners = {label.split(".")[0] for label, _ in functions(module) if "." in label}
    for owner in owners:
        members = [label for label, _ in functions(module) if label.startswith(f"{owner}.")]
        missing += [x for x in members if not inspect.getdoc(getattr(getattr(module, owner), x.split(".")[1]))]
    assert not missing


@pytest.mark.parametrize("name", MODULES)
def test_annotated(name):
    bare = []
    for label, function in functions(importlib.import_module(name)):
        signature = inspect.signature(function)
        parameters = [x for x in signature.parameters.values() if x.name not in ("self", "cls")]
        bare += [f"{label}({x.name})" for x in parameters if x.annotation is inspect.Parameter.empty]
        if signature.return_annotation is inspect.Signature.empty:
            bare.append(f"{label} -> ?")
    assert not bare


@pytest.mark.parametrize("name", MODULES)
def test_at_most_three_positional_parameters_and_no_bare_booleans(name):
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    wrong = []
    for label, function in functions(importlib.import_module(name)):
        parameters = [x for x in inspect.signature(function).parameters.values() if x.kind in positional]
        parameters = [x for x in parameters if x.name not in ("self", "cls")]
        if len(parameters) > 3 or any(str(x.annotation) == "bool" for x in parameters):
            wrong.append(label)
    assert not wrong


def test_a_function_stays_one_when_all_modules_are_imported():
    """An import sets a module as attribute of its package, in place of a function of its name that is made when it is
    asked for."""
    for module in map(importlib.import_module, MODULES):
        assert [each for each in getattr(module, "__all__", ()) if inspect.ismodule(getattr(module, each))] == []


def test_lazy_names():
    assert set(dnabert.__all__) <= set(dir(dnabert))
    for name in dnabert.__all__:
        assert callable(getattr(dnabert, name)), name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = dnabert.nothing


def test_every_package_is_an_attribute(monkeypatch):
    """``import dnabert; dnabert.encoders.EmbedConfig(phases=2)`` ended in *no attribute 'encoders'*."""
    packages = {module.name for module in pkgutil.iter_modules(dnabert.__path__) if module.ispkg}
    assert packages <= set(dnabert._MODULES) <= set(dir(dnabert))
    for name in dnabert._MODULES:
        monkeypatch.delattr(dnabert, name, raising=False)  # as where nothing has imported it yet
        assert getattr(dnabert, name) is importlib.import_module(f"dnabert.{name}")


def test_type_checkers_see_the_same_names():
    (block,) = (node for node in ast.parse(inspect.getsource(dnabert)).body if isinstance(node, ast.If))
    named = {alias.name for each in block.body if isinstance(each, ast.ImportFrom) for alias in each.names}
    assert named == {*dnabert.__all__, *dnabert._MODULES} and set(dnabert.__all__) == set(dnabert._LAZY)
