"""Projects for pages that say what commands do: those of the flow tests."""

from __future__ import annotations

from tests.flow.conftest import _nobodys_lake, _unchanged, copied, programs, published, unchanged

__all__ = ["_nobodys_lake", "_unchanged", "copied", "programs", "published", "unchanged"]
