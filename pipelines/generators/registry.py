"""Generators by name, which is that of their folder."""

from __future__ import annotations

import importlib
from typing import Any, cast

from pipelines.generators.protocol import Generator


def load(name: str) -> Generator:
    """Import a generator; params.yaml has been checked to name one that exists."""
    return cast("Generator", importlib.import_module(f"pipelines.generators.{name}.generator"))


def files(name: str, settings: Any) -> tuple[str, ...]:  # noqa: ANN401  its own section
    """Files outside of a generator's folder that its candidates depend on."""
    own = getattr(load(name), "files", None)
    return () if own is None else tuple(own(settings))
