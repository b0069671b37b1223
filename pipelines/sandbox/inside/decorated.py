"""Functions of the tests that the program may replace: one that is never called judges nothing.

It may do so where a decorator of its own is put before one, or a class of its own above the class
that one is a method of (`__init_subclass__`).
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.sandbox.inside import proxies


@dataclass(frozen=True, slots=True)
class Decorated:
    """A function of the tests that judges, and that decorators or classes may replace."""

    name: str
    roots: tuple[str, ...]
    """The names that its decorators, and what its class derives from, begin with."""
    is_top: bool
    """Whether it is defined at the top of the file."""

    def is_by_program(self, names: dict[str, Any]) -> bool:
        """Whether one of these is the program's."""
        return any(_is_of_program(root, names) for root in self.roots)


def decorated(tree: ast.Module) -> list[Decorated]:
    """Functions of tests that may be replaced and are tests or hold assertions."""
    of_classes = {
        id(function): each.bases
        for each in ast.walk(tree)
        if isinstance(each, ast.ClassDef)
        for function in each.body
    }
    return [
        Decorated(node.name, roots, node in tree.body)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (roots := tuple(_roots([*node.decorator_list, *of_classes.get(id(node), ())])))
        and _judges(node)
    ]


def _judges(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    is_test = function.name.startswith("test") or function.name == "check"
    return is_test or any(isinstance(node, ast.Assert) for node in ast.walk(function))


def _roots(expressions: Iterable[ast.expr]) -> Iterator[str]:
    for node in expressions:
        at: ast.expr = node
        while isinstance(at, ast.Call | ast.Attribute):
            at = at.func if isinstance(at, ast.Call) else at.value
        if isinstance(at, ast.Name):
            yield at.id


def _is_of_program(root: str, names: dict[str, Any]) -> bool:
    found = dict.get(names, root)  # not by the namespace's own way, which asks the program
    if found is None:
        return not hasattr(builtins, root)
    return proxies.is_any(found) or getattr(found, "__name__", None) == "program"
