"""Projects for pages that say what commands do: those of the flow tests."""

from __future__ import annotations

from tests.flow.conftest import (
    _nobodys_lake,
    _unchanged,
    blocked,
    copied,
    made_blocked,
    programs,
    published,
    unchanged,
)

__all__ = [
    "_nobodys_lake",
    "_unchanged",
    "blocked",
    "copied",
    "made_blocked",
    "programs",
    "published",
    "unchanged",
]
