"""What of the tests' process the program's takes over: arguments, environment, patches.

And what the tests are told of the program's besides values: its warnings and what it logs.
"""

from __future__ import annotations

import importlib
import os
import random
import sys
import warnings
from collections.abc import Callable
from typing import Any, Final

MISSING: Final = object()
EVERYTHING: Final = 1
"""Level of a logger that logs all."""


class Setting:
    """The surroundings of the program."""

    def __init__(self) -> None:
        """Begin as Python does."""
        self._originals: dict[tuple[str, str], Any] = {}
        self.warned: list[Any] = []
        self.logged: list[tuple[str, int, str]] = []
        """Name of a logger, level, message."""

    def take(self, told: dict[str, Any]) -> None:
        """Take over what has changed in the tests' process."""
        for name, value in told.items():
            TAKING[name](self, value)

    def told(self) -> tuple[list[Any], list[tuple[str, int, str]]]:
        """What was warned of and logged, which then is forgotten."""
        found = self.warned, self.logged
        self.warned, self.logged = [], []
        return found

    def patch(self, patches: list[tuple[str, str, bool, Any]]) -> None:
        """Replace what tests have replaced in modules of the library, or put it back."""
        for module, name, is_set, value in patches:
            owner = importlib.import_module(module)
            original = self._originals.setdefault((module, name), getattr(owner, name, MISSING))
            if is_set:
                setattr(owner, name, value)
            elif original is not MISSING:
                setattr(owner, name, original)

    def warn(self, _: bool) -> None:
        """Tell the tests of all warnings, which have filters of their own."""
        warnings.simplefilter("always")

        def show(message: Any, *_: Any, **__: Any) -> None:
            self.warned.append(message)

        warnings.showwarning = show

    def log(self, _: bool) -> None:
        """Tell the tests of all that is logged, since they have levels of their own."""
        import logging  # noqa: PLC0415  slow to import

        if logging.root.level == logging.WARNING:
            logging.root.setLevel(EVERYTHING)
        own: Callable[..., None] = logging.Logger.handle

        def handle(logger: logging.Logger, record: logging.LogRecord) -> None:
            self.logged.append((record.name, record.levelno, record.getMessage()))
            own(logger, record)

        setattr(logging.Logger, "handle", handle)  # noqa: B010  a method, otherwise


def _arguments(_: Setting, value: list[str]) -> None:
    sys.argv[:] = value


def _environment(_: Setting, value: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(value)


def _folder(_: Setting, value: str) -> None:
    os.chdir(value)


def _depth(_: Setting, value: int) -> None:
    sys.setrecursionlimit(value)


def _seed(_: Setting, value: tuple[Any, ...]) -> None:
    random.seed(*value)


TAKING: Final[dict[str, Callable[[Setting, Any], None]]] = {
    "arguments": _arguments,
    "environment": _environment,
    "folder": _folder,
    "depth": _depth,
    "seed": _seed,
    "patches": Setting.patch,
    "warnings": Setting.warn,
    "logging": Setting.log,
}
