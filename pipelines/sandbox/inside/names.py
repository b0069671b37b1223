"""What a name in the tests means that the tests do not define: the language's, or the program's.

A program could define `abs`, `isclose` or a `math` of its own, and so decide what the tests find.
A name of the language, or one that tests compare with, is therefore the program's only where it is
the single name that the tests take from it (the task was to write `sum`). A name whose every
attribute the tests use is one of a module of the standard library is that module. With the name of
the entry point given, it alone is the program's where a name could be either's.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final, Protocol

CLASS: Final = re.compile(r"[A-Z]+[a-z][A-Za-z0-9]*")
"""How names of classes are written (PEP 8)."""
INSTANCES: Final = ("isinstance", "issubclass", "assertIsInstance", "assertNotIsInstance")
HELPERS: Final[Mapping[str, Any]] = {"isclose": math.isclose, "fabs": math.fabs}
"""Functions that tests compare with and may have forgotten to import."""


class Judged(Protocol):
    """A program, as tests see it."""

    classes: frozenset[str]
    """Names that the tests use as classes."""

    def look(self, name: str) -> Any:
        """A name of its module.

        Raises:
            NameError: it has none.
        """


class Names(dict[str, Any]):
    """The namespace of the tests."""

    def __init__(self, program: Judged, tree: ast.Module, entry_point: str | None) -> None:
        """Find out which names may be the program's.

        Args:
            program: whose names they are.
            tree: the tests.
            entry_point: the name that the program has to define, if it is known.
        """
        super().__init__(__name__="__main__", __file__="tests.py", __builtins__=builtins)
        self._program = program
        program.classes = classes(tree)
        self._modules = _modules(tree)
        free = _free(tree)
        ordinary = {name for name in free if not _is_guarded(name) and name not in self._modules}
        guarded = {name for name in free if _is_guarded(name)}
        alone = {name for name in guarded if not ordinary and self._has(name)}
        if entry_point is not None:
            alone = {entry_point} & guarded
        self._own = ordinary | (alone if len(alone) == 1 else set())
        for name in self._own:
            self._prefill(name)

    def __missing__(self, name: str) -> Any:
        """A name that the tests have not defined."""
        if name in self._modules:
            return importlib.import_module(name)
        if name in self._own or not _is_guarded(name):
            try:
                return self._program.look(name)
            except NameError:
                raise KeyError(name) from None
        if name in HELPERS:
            return HELPERS[name]
        raise KeyError(name)

    def given(self, names: Iterable[str]) -> list[str]:
        """Of the names that the program has, those that `import *` may give the tests."""
        return [
            name
            for name in names
            if name in self._own or not (_is_guarded(name) or name in self._modules)
        ]

    def _prefill(self, name: str) -> None:
        """Keep what does not change; a value that might is asked for each time."""
        try:
            found = self._program.look(name)
        except NameError:
            return
        if callable(found):
            self[name] = found

    def _has(self, name: str) -> bool:
        try:
            self._program.look(name)
        except NameError:
            return False
        return True


def _is_guarded(name: str) -> bool:
    return name in HELPERS or hasattr(builtins, name) or name.startswith("__")


def classes(tree: ast.Module) -> frozenset[str]:
    """Names that the tests use as classes, whatever the program has under them.

    They use attributes of what a call of the name gives, or look for its instances; or they compare
    what two calls give, and the name is written as those of classes are.
    """
    found: set[str] = set()
    variables: dict[str, set[str]] = {}
    owners: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found |= {_called(node.value), _name(node.value)}
            owners.add(_name(node.value))
        elif isinstance(node, ast.Call) and _name(node.func) in INSTANCES:
            found |= {_name(each) for arg in node.args[1:] for each in ast.walk(arg)}
        elif isinstance(node, ast.Compare):
            found |= set(filter(CLASS.fullmatch, _compared([node.left, *node.comparators])))
        for target, value in _assigned(node):
            variables.setdefault(_name(target), set()).add(_called(value))
    for name in owners & variables.keys():
        found |= variables[name]
    return frozenset(found - {""})


def _assigned(node: ast.AST) -> Iterator[tuple[ast.AST | None, ast.AST]]:
    """Targets of a statement, each with its value."""
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.With | ast.AsyncWith):
        yield from ((item.optional_vars, item.context_expr) for item in node.items)


def _compared(sides: list[ast.expr]) -> Iterator[str]:
    """Names whose calls stand on both sides of a comparison."""
    for left, right in pairwise(sides):
        one, other = ({_called(each) for each in ast.walk(side)} for side in (left, right))
        yield from one & other


def _called(node: ast.AST | None) -> str:
    """The name of what an expression calls; empty if it is no call."""
    return _name(node.func) if isinstance(node, ast.Call) else ""


def _name(node: ast.AST | None) -> str:
    """A name, or the last part of one with dots; empty if it is neither."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _free(tree: ast.Module) -> set[str]:
    """Names that the tests use and nowhere define."""
    used: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return used - bound


def _modules(tree: ast.Module) -> set[str]:
    """Free names that are used as modules of the standard library are."""
    attributes: dict[str, set[str]] = {}
    alone: set[str] = set()
    owners = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            attributes.setdefault(node.value.id, set()).add(node.attr)
            owners.add(node.value)
        elif isinstance(node, ast.Name) and node not in owners:
            alone.add(node.id)
    free = _free(tree)
    return {
        name
        for name, used in attributes.items()
        if name in free and name not in alone and _has_all(name, used)
    }


def _has_all(name: str, attributes: set[str]) -> bool:
    if name not in sys.stdlib_module_names:
        return False
    try:
        module = importlib.import_module(name)
    except ImportError:
        return False
    return all(hasattr(module, each) for each in attributes)
