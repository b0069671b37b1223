"""Generators by name, which is that of their folder."""

from __future__ import annotations

import importlib
from typing import cast

from pipelines.generators.protocol import Generator


def load(name: str) -> Generator:
    """Import a generator; params.yaml has been checked to name one that exists."""
    return cast("Generator", importlib.import_module(f"pipelines.generators.{name}.generator"))
