"""What tests change around a program: arguments, environment, parts of the standard library.

They change it in their own process; what has changed is sent along with each request, so that the
program finds it changed in its own. What it warns of and logs comes back.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import warnings
from types import ModuleType
from typing import Any, Final

from pipelines.sandbox.inside.errors import MalformedError

PATCHING: Final = re.compile(r"patch|^[ \t]*\w+(\.\w+)+[ \t]*=[^=]", re.MULTILINE)
"""How tests replace parts of modules."""
WARNING: Final = re.compile(r"warn", re.IGNORECASE)
LOGGING: Final = re.compile(r"\bcaplog\b|\blogging\b|\bassert(No)?Logs\b")
PATCHED: Final = (
    *("builtins", "time", "random", "os", "os.path", "math", "datetime", "uuid", "secrets"),
    *("subprocess", "shutil", "socket", "getpass", "json", "urllib.request", "glob", "platform"),
    *("tempfile", "string", "statistics", "pathlib", "threading", "webbrowser", "smtplib"),
)
"""Modules of which tests may replace parts for the program."""
OWN: Final = frozenset({"input", "_"})
"""Of these, what reaches the program in another way."""
MISSING: Final = object()


class Surroundings:
    """What was told of the tests' process."""

    def __init__(self, tests: str) -> None:
        """Find out what tests may change.

        Args:
            tests: their source.
        """
        self._told = self._state()
        self._once = {
            name: True
            for name, pattern in (("warnings", WARNING), ("logging", LOGGING))
            if pattern.search(tests)
        }
        self._seeds: list[tuple[Any, ...]] = []
        if "seed" in tests:
            self._watch_seed()
        self._before = _modules(tests) if PATCHING.search(tests) else {}
        self._patched: dict[tuple[str, str], Any] = {}

    def changes(self) -> dict[str, Any]:
        """What has changed since the last request."""
        now = self._state()
        found = {name: value for name, value in now.items() if self._told[name] != value}
        self._told = now
        if "environment" in found:
            found["environment"] = dict(os.environ)
        found |= self._once
        self._once = {}
        if self._before and (patches := self._patches()):
            found["patches"] = patches
        if self._seeds:
            found["seed"] = self._seeds.pop()
            self._seeds.clear()
        return found

    def _state(self) -> dict[str, Any]:
        return {
            "arguments": [str(each) for each in sys.argv],
            "environment": dict(getattr(os.environ, "_data", os.environ)),
            "folder": _FOLDER(),
            "depth": sys.getrecursionlimit(),
        }

    def _patches(self) -> list[tuple[str, str, bool, Any]]:
        """Parts of modules that are replaced, or are as they were again."""
        now = {
            (module, name): value
            for module, before in self._before.items()
            for name, value in vars(sys.modules[module]).items()
            if value is not before.get(name, MISSING) and name in before and name not in OWN
        }
        changed = [
            (*key, True, value)
            for key, value in now.items()
            if self._patched.get(key, MISSING) is not value
        ]
        restored = [(*key, False, None) for key in self._patched.keys() - now.keys()]
        self._patched = now
        return changed + restored

    def _watch_seed(self) -> None:
        """Seed the program's random numbers with those of the tests."""
        import random  # noqa: PLC0415  seldom needed

        own = random.seed

        def seed(*args: Any, **named: Any) -> None:
            own(*args, **named)
            self._seeds.append((*args, *named.values()))

        random.seed = seed


_FOLDER: Final = os.getcwd


def _modules(tests: str) -> dict[str, dict[str, Any]]:
    """Of the modules that tests name, what is in each."""
    found: dict[str, ModuleType] = {
        name: importlib.import_module(name) for name in PATCHED if name.split(".")[-1] in tests
    }
    return {module.__name__: dict(vars(module)) for module in found.values()}


def warned(messages: object) -> None:
    """Warn of what the program warned of.

    Raises:
        MalformedError: these are no warnings.
        Warning: filters say so.
    """
    if not isinstance(messages, list) or not all(isinstance(each, Warning) for each in messages):
        raise MalformedError("warnings that are none")
    for each in messages:
        warnings.warn_explicit(each, type(each), "program.py", 1, "program")


def logged(records: object) -> None:
    """Log what the program logged.

    Raises:
        MalformedError: these are no records.
    """
    if not isinstance(records, list) or not all(map(_is_record, records)):
        raise MalformedError("records that are none")
    if not records:
        return
    import logging  # noqa: PLC0415  slow to import

    for name, level, text in records:
        logger = logging.getLogger(name)
        if logger.isEnabledFor(level):
            logger.handle(logging.LogRecord(name, level, "program.py", 1, text, None, None))


def _is_record(record: object) -> bool:
    return isinstance(record, tuple) and tuple(map(type, record)) == (str, int, str)
