"""Optional libraries, which only some scorers need: imported on use, with a clear error if missing.

They are in extras of pyproject.toml, most of them in `scorers`, so that a lake that uses none of
these scorers can be installed without them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from importlib import metadata
from typing import Any, Final

from pipelines.common.errors import LibraryError, ParamsError
from pipelines.common.settings import nearest

EXTRA: Final = "scorers"


def library(module: str, work: str, *, extra: str = EXTRA) -> Any:  # noqa: ANN401  modules without types
    """Import a module of an optional library.

    Args:
        module: Name of the module.
        work: What needs it, as in "near-duplicates of texts".
        extra: The extra of pyproject.toml that brings it.

    Raises:
        LibraryError: The library is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise LibraryError(
            f"{work} need the library {error.name!r}, which is not installed; "
            f"run `pip install 'stemma[{extra}]'`"
        ) from error


def check_installed(distributions: Iterable[str], work: str, *, extra: str = EXTRA) -> None:
    """Check that optional libraries are installed, without importing them.

    Args:
        distributions: Names of the packages.
        work: What needs them, as in `library`.
        extra: The extra of pyproject.toml that brings them.

    Raises:
        LibraryError: One is not installed.
    """
    for name in distributions:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError as error:
            raise LibraryError(
                f"{work} need the library {name!r}, which is not installed; "
                f"run `pip install 'stemma[{extra}]'`"
            ) from error


def check_supported(names: Iterable[str], supported: Iterable[str], what: str) -> None:
    """Check that a library supports what the settings name.

    Args:
        names: Names in the settings.
        supported: Names that the library supports.
        what: What is named, as in "language".

    Raises:
        ParamsError: A name is not supported; the message names the nearest that is.
    """
    names_of_library = list(supported)
    for name in names:
        if name not in names_of_library:
            raise ParamsError(f"there is no {what} {name!r}{nearest(name, names_of_library)}")
