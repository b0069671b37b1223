"""Which of this project's libraries tests may import: pytest, Hypothesis and what these need.

Many others run texts and files of the program in the process of the tests (templates, symbolic
expressions, pickles), or let its objects decide what they find (`__array_function__` of numpy). So
they are not there, as for tests that do not use pytest.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any, Final

NAMES: Final = frozenset(
    {
        *("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments"),
        *("hypothesis", "_hypothesis_globals", "_hypothesis_pytestplugin", "sortedcontainers"),
    }
)


class Packages:
    """Finds these modules in a folder."""

    def __init__(self, folder: str) -> None:
        """Take the folder."""
        self._folder = folder

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find a module; those within a package are found by the package."""
        if path is None and name in NAMES:
            return PathFinder.find_spec(name, [self._folder], target)
        return None


def install(folder: str) -> None:
    """Let tests import these modules of a folder, and no others of it."""
    sys.meta_path.append(Packages(folder))
