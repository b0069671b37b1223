"""The lakeFS SDK, imported without the checks of arguments that nobody asks for.

The SDK lets pydantic 1 check the arguments of each of its 292 methods, and builds a model for each
when it is imported: half a second, most of what a short command takes. `Connection` calls what
lies behind these checks, so they are built here when they are first asked for, if ever.
https://docs.pydantic.dev/1.10/usage/validation_decorator/
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

_IMPORTING: Final = threading.Lock()


def load() -> None:
    """Import the SDK; whoever imports it afterwards has it from here."""
    with _IMPORTING:
        if "lakefs_sdk" in sys.modules:
            return
        with checks_built_when_called():
            import lakefs_sdk  # noqa: F401, PLC0415  slow to import


@contextmanager
def checks_built_when_called() -> Iterator[None]:
    """Let what is imported take a decorator that builds its check at the first call."""
    from pydantic import v1  # noqa: PLC0415  slow to import

    check = v1.validate_arguments

    def lazily(function: Callable[..., Any]) -> Callable[..., Any]:
        built = functools.cache(lambda: check(function))

        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  as the SDK's own
            return built()(*args, **kwargs)

        vars(checked)["raw_function"] = function
        return checked

    v1.validate_arguments = lazily  # type: ignore[assignment]
    try:
        yield
    finally:
        v1.validate_arguments = check
