"""How people look at the lake: the `stemma` command, the data diff, the page, and notebooks.

A notebook uses `stemma.open` and `stemma.diff`; `review.open` is the same as the former. It is
loaded when it is first used, so that the command does not wait for it (docs/decisions/0005).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from review.notebook import open_ref as open  # noqa: A004  named like the built-in on purpose

__all__ = ["open"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  any member of a module
    if name == "open":
        return importlib.import_module("review.notebook").open_ref
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
