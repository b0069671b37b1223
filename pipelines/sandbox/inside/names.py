"""What a name in the tests means that the tests do not define: the language's, or the program's.

A program could define `abs`, `isclose` or a `math` of its own, and so decide what the tests find.
A name of the language, or one that tests compare with, is therefore the program's only where it is
the single name that the tests take from it (the task was to write `sum`). A name whose every
attribute the tests use is one of a module of the standard library is that module. With the name of
the entry point given, it alone is the program's where a name could be either's. In one process with
the program, only names of the language are withheld from it.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn, Protocol

from pipelines.sandbox.inside.classes import classes

HELPERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("isclose", "fabs", "sqrt", "floor", "ceil", "hypot", "pi", "tau"), "math"),
    **dict.fromkeys(("inf", "nan", "isnan", "isinf", "isfinite", "trunc", "log", "exp"), "math"),
    **dict.fromkeys(("Counter", "OrderedDict", "defaultdict", "deque"), "collections"),
    **dict.fromkeys(("date", "time", "timedelta", "timezone"), "datetime"),
    "Decimal": "decimal",
    "Fraction": "fractions",
    "deepcopy": "copy",
    "Path": "pathlib",
}
"""What tests compare with and may have forgotten to import, with the module that it is of."""
ALIASES: Final[Mapping[str, str]] = {
    "dt": "datetime",
    "it": "itertools",
    "ft": "functools",
    "op": "operator",
    "np": "numpy",
    "pd": "pandas",
    "plt": "matplotlib",
    "sp": "scipy",
}
"""Modules by the names that they are imported under."""
OTHERS: Final = frozenset({"numpy", "pandas", "scipy", "torch", "sklearn", "matplotlib", "sympy"})
"""Libraries that tests compare with, and that the sandbox does not have."""


class Judged(Protocol):
    """A program, as tests see it."""

    is_apart: bool
    """Whether it is in another process."""

    def look(self, name: str) -> Any:
        """A name of its module.

        Raises:
            NameError: it has none.
        """

    def unjudge(self, why: str) -> NoReturn:
        """End judging."""


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
        self._classes = classes(tree)
        self._modules = _modules(tree)
        used, self._bound = _used(tree)
        free = used - self._bound
        ordinary = {n for n in free if not self._is_guarded(n) and n not in self._modules}
        guarded = {name for name in free if self._is_guarded(name)}
        alone = {name for name in guarded if not ordinary and self._has(name)}
        if entry_point is not None:
            alone = {entry_point} & guarded
        self._own = ordinary | (alone if len(alone) == 1 else set())
        for name in self._own:
            self._prefill(name)

    def __missing__(self, name: str) -> Any:
        """A name that the tests have not defined."""
        if name in self._modules:
            return self._module(self._modules[name])
        if name in self._own or not self._is_guarded(name):
            try:
                return self._program.look(name)
            except NameError:
                if name not in HELPERS:
                    raise KeyError(name) from None
        if name in HELPERS:
            return getattr(importlib.import_module(HELPERS[name]), name)
        raise KeyError(name)

    def given(self, names: Iterable[str]) -> list[str]:
        """Of the names that the program has, those that `import *` may give the tests.

        What the tests define themselves stays theirs.
        """
        return [
            name
            for name in names
            if name in self._own
            or not (self._is_guarded(name) or name in self._modules or name in self._bound)
        ]

    def _is_guarded(self, name: str) -> bool:
        language = hasattr(builtins, name) or name.startswith("__")
        helper = name in HELPERS and name not in self._classes
        return language or (helper and self._program.is_apart)

    def _module(self, name: str) -> Any:
        if name in OTHERS and self._program.is_apart:
            self._program.unjudge(f"the tests compare with {name}, which the sandbox does not have")
        return importlib.import_module(name)

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


def _used(tree: ast.Module) -> tuple[set[str], set[str]]:
    """Names that the tests use, and those that they define."""
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
    return used, bound


def _modules(tree: ast.Module) -> dict[str, str]:
    """Free names that are used as modules are, with these modules' names."""
    attributes: dict[str, set[str]] = {}
    alone: set[str] = set()
    owners = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            attributes.setdefault(node.value.id, set()).add(node.attr)
            owners.add(node.value)
        elif isinstance(node, ast.Name) and node not in owners:
            alone.add(node.id)
    used_, bound = _used(tree)
    free = used_ - bound
    found = {}
    for name, used in attributes.items():
        module = ALIASES.get(name, name)
        if name in free and name not in alone and _has_all(module, used):
            found[name] = module
    return found


def _has_all(name: str, attributes: set[str]) -> bool:
    if name not in sys.stdlib_module_names:
        return name in OTHERS
    try:
        module = importlib.import_module(name)
    except ImportError:
        return False
    return all(hasattr(module, each) for each in attributes)
