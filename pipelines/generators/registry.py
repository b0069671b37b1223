"""Generators by name, which is that of their folder."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Final, cast

from lake import files as local
from pipelines.common.errors import ParamsError
from pipelines.generators.protocol import Generator

MOST: Final = 1 << 20
"""Bytes of a prompt."""


def load(name: str) -> Generator:
    """Import a generator; params.yaml has been checked to name one that exists."""
    return cast("Generator", importlib.import_module(f"pipelines.generators.{name}.generator"))


def files(name: str, settings: Any) -> tuple[str, ...]:  # noqa: ANN401  its own section
    """Files outside of a generator's folder that its candidates depend on.

    Raises:
        ParamsError: one is no regular file, no text, or larger than what a person writes.
    """
    own = getattr(load(name), "files", None)
    found = () if own is None else tuple(own(settings))
    for each in found:
        try:
            local.read_text(Path(each), MOST)
        except FileNotFoundError:
            continue  # who reads it says what could be named instead
        except OSError as error:
            raise ParamsError(f"{each} cannot be read: {error.strerror}") from error
    return found
