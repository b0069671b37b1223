"""Which names the tests use as classes, whatever the program has under them.

The program decides how objects of its classes compare and compute; it does not decide that for what
should have been a plain value. So a name is a class only if the tests say so: it is written as
those of classes are, and they ask what a call of it gives for something that no plain value has,
look for its instances, derive from it, or use something that it has itself.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from pipelines.sandbox.inside import containers, references, value_types

CLASS: Final = re.compile(r"_*[A-Z]\w*")
"""How names of classes are written (PEP 8)."""
INSTANCES: Final = ("isinstance", "issubclass", "assertIsInstance", "assertNotIsInstance")


def classes(tree: ast.Module) -> frozenset[str]:
    """Names that the tests use as classes."""
    found: set[str] = set()
    owners: set[str] = set()
    variables: dict[str, set[str]] = {}
    if not any(CLASS.fullmatch(_called(node)) for node in ast.walk(tree)):
        return frozenset()
    for node in ast.walk(tree):
        found |= _named(node)
        if isinstance(node, ast.Attribute) and node.attr not in _of_values():
            found |= {_called(each) for each in ast.walk(node.value)} | {name(node.value)}
            owners.add(name(node.value))
        for target, value in _assigned(node):
            variables.setdefault(name(target), set()).add(_called(value))
    for owner in owners & variables.keys():
        found |= variables[owner]
    return frozenset(filter(CLASS.fullmatch, found))


@cache
def _of_values() -> frozenset[str]:
    """Attributes that plain values have."""
    named = value_types.LIBRARY
    library = (getattr(importlib.import_module(module), name) for module, name in named)
    kinds = (*references.TYPES, *containers.KINDS, *value_types.VIEWS, *library)
    return frozenset(name for kind in kinds for name in dir(kind))


def name(node: ast.AST | None) -> str:
    """A name, or the last part of one with dots; empty if it is neither."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _named(node: ast.AST) -> set[str]:
    """Names that stand where only classes do."""
    if isinstance(node, ast.Call) and name(node.func) in INSTANCES:
        return {name(each) for arg in node.args[1:] for each in ast.walk(arg)}
    if isinstance(node, ast.ClassDef):
        return set(map(name, node.bases))
    return {name(node.cls)} if isinstance(node, ast.MatchClass) else set()


def _assigned(node: ast.AST) -> Iterator[tuple[ast.AST | None, ast.AST]]:
    """Targets of a statement, each with its value."""
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.With | ast.AsyncWith):
        yield from ((item.optional_vars, item.context_expr) for item in node.items)


def _called(node: ast.AST | None) -> str:
    """The name of what an expression calls; empty if it is no call."""
    return name(node.func) if isinstance(node, ast.Call) else ""
