"""Exceptions that end a loop, task or thread in silence, and with it what the tests judge there."""

from __future__ import annotations

from typing import Any, Final

ENDS: Final = ("StopIteration", "StopAsyncIteration")
"""What iterators end with."""
QUIET: Final = ("GeneratorExit", "CancelledError", "SystemExit")
ITERATING: Final = (("__next__",), ("__anext__",))
"""Special methods whose iterator may end."""


def raised(error: BaseException, do: str, args: tuple[Any, ...], tests: str) -> bool:
    """Whether a program raised one where only an iterator may, and the tests do not speak of it.

    Args:
        error: what it raised.
        do: the request that it was asked.
        args: of the request.
        tests: their source.
    """
    found = {base.__name__ for base in type(error).__mro__}
    return any(name in found and name not in tests for name in _refused(do, args))


def _refused(do: str, args: tuple[Any, ...]) -> tuple[str, ...]:
    may_end = do == "step" or (do == "special" and args[1:2] in ITERATING)
    return QUIET if may_end else (*ENDS, *QUIET)
