"""Libraries that only some scorers need: imported when they are used, with a clear word if missing.

They are in the extra `scorers` of pyproject.toml, so that a lake without such scorers installs
without them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any, Final

from pipelines.common.errors import LibraryError, ParamsError
from pipelines.common.settings import nearest

EXTRA: Final = "scorers"


def library(module: str, work: str) -> Any:  # noqa: ANN401  modules without types
    """Import a module of an optional library.

    Args:
        module: its name.
        work: what needs it, as in "near-duplicates of texts".

    Raises:
        LibraryError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise LibraryError(
            f"{work} need the library {error.name!r}, which is not installed; "
            f"run `pip install -e '.[{EXTRA}]'`"
        ) from error


def known(asked: Iterable[str], there: Iterable[str], what: str) -> None:
    """Check that a library knows what is asked of it.

    Raises:
        ParamsError: names what it does not know, and the nearest that it does.
    """
    names = list(there)
    for name in asked:
        if name not in names:
            raise ParamsError(f"there is no {what} {name!r}{nearest(name, names)}")
