"""Semantic versions of everything that the verdicts of a suite depend on.

A stage's key holds these versions and no bytes of code, so that a comment that changes makes no
round stale. A version stands as `VERSION` in the module whose output it describes, and is raised
with that output; the golden digests in the tests hold both together. Modules import each other, so
what an expectation depends on follows from the imports and is listed nowhere by hand.

The constants are read from the source: importing an expectation type imports Great Expectations,
which takes seconds, and whoever asks for a key does not need it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from expectations import patterns
from expectations.suite import Suite

HERE: Final = Path(__file__).parent
PACKAGES: Final = ("expectations.custom", "expectations.measures")
"""Packages whose modules have versions of their own."""
ALWAYS: Final = ("expectations.verifier", "expectations.outcomes")
"""Modules that every verdict goes through."""
WORD_STARTS: Final = re.compile("(?<!^)(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Module:
    """What the source of a module says about versions."""

    version: str | None
    """The value of `VERSION`; None where the module has none, since no verdict depends on it."""
    imports: tuple[str, ...]
    """The modules of `PACKAGES` that it imports, by dotted name."""
    types: tuple[str, ...]
    """The expectation types that it defines, as suites name them."""


def of_suite(suite: Suite) -> dict[str, str]:
    """List the versions of everything that the verdicts of a suite depend on.

    Args:
        suite: from `expectations.suite.load`.

    Returns:
        Version by name: `expectation <type>` for each type of ours that the suite uses,
        `expectations <module>` for what these types share and for the verifier itself, and
        `great_expectations`, major and minor, whose engine runs every type. Names do not change
        when a module moves.
    """
    ours = type_modules()
    types = {rule.type for rule in suite.rules}
    result = {f"expectation {name}": _version(ours[name]) for name in types & ours.keys()}
    shared = {*ALWAYS, *_shared(ours[name] for name in types & ours.keys())}
    if types & set(patterns.TYPES):
        shared.add(patterns.__name__)
    for name in shared:
        result[f"expectations {name.rpartition('.')[2]}"] = _version(name)
    major, minor, *_ = version("great_expectations").split(".")
    return dict(sorted({**result, "great_expectations": f"{major}.{minor}"}.items()))


@cache
def type_modules() -> dict[str, str]:
    """Find the module of each expectation type of ours: dotted name by type."""
    folder = _source(PACKAGES[0]).with_suffix("")
    names = sorted(f"{PACKAGES[0]}.{path.stem}" for path in folder.glob("[!_]*.py"))
    return {expectation_type: name for name in names for expectation_type in module(name).types}


@cache
def module(name: str) -> Module:
    """Read what the source of a module says about versions.

    Args:
        name: dotted name of a module of this package.
    """
    tree = ast.parse(_source(name).read_text(encoding="utf-8"))
    versions = [
        node.value.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and ast.unparse(node.target) == "VERSION"
        and isinstance(node.value, ast.Constant)
    ]
    classes = (node.name for node in tree.body if isinstance(node, ast.ClassDef))
    types = (
        WORD_STARTS.sub("_", class_name).lower()
        for class_name in classes
        if class_name.startswith("Expect")
    )
    return Module(next(map(str, versions), None), tuple(_imports(tree)), tuple(types))


def _imports(tree: ast.Module) -> Iterator[str]:
    """The modules of `PACKAGES` that a module imports."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module in PACKAGES:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (
                node.module for package in PACKAGES if node.module.startswith(f"{package}.")
            )


def _shared(names: Iterator[str]) -> set[str]:
    """The modules with a version that others import, directly or through each other."""
    reached: set[str] = set()
    pending = [imported for name in names for imported in module(name).imports]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += module(name).imports
    return {name for name in reached if module(name).version is not None}


def _version(name: str) -> str:
    value = module(name).version
    if value is None:
        raise LookupError(f"{name} has no VERSION; add one")
    return value


def _source(name: str) -> Path:
    """The source file of a module, found without importing the packages that it is in."""
    return HERE.joinpath(*name.split(".")[1:]).with_suffix(".py")
