"""The program in the tests' own process, as tests are run elsewhere.

What fails here fails. A pass counts for nothing yet, since a program can forge it here.
"""

from __future__ import annotations

import linecache
import sys
import types
from typing import Any, Final, NoReturn

from pipelines.sandbox.inside.errors import Unjudged

FILE: Final = "program.py"


class Program:
    """A program in this process."""

    is_apart = False

    def __init__(self, code: str) -> None:
        """Take its source."""
        self._code = code
        self.module = types.ModuleType("program")
        self.asked = 1
        """That the tests use it is not counted here."""
        self.caught: frozenset[int] = frozenset()
        """What it catches is not known here."""
        self.ended: Unjudged | None = None

    def loaded(self) -> None:
        """Run the program's module, as an import would."""
        sys.modules["program"] = self.module
        lines = self._code.splitlines(keepends=True)
        linecache.cache[FILE] = (len(self._code), None, lines, FILE)
        exec(compile(self._code, FILE, "exec", dont_inherit=True), self.module.__dict__)  # noqa: S102  the sandbox's purpose

    def look(self, name: str) -> Any:
        """A name of its module; NameError where it has none."""
        try:
            return self.module.__dict__[name]
        except KeyError:
            raise NameError(f"name {name!r} is not defined") from None

    def functions(self) -> list[str]:
        """Names of the functions that it defines."""
        return functions(self.module)

    def unjudge(self, why: str) -> NoReturn:
        """End judging.

        Raises:
            Unjudged: always.
        """
        self.ended = Unjudged(why)
        raise self.ended


def functions(module: types.ModuleType) -> list[str]:
    """Names of the public functions that a module defines itself."""
    return [
        name
        for name, value in module.__dict__.items()
        if isinstance(value, types.FunctionType)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]
