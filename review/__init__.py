"""HOW people look at it: the `stemma` command, the data diff, reports, the page, notebooks.

In a notebook, `review.open("digits-v3")` has the tables of a version as lazy frames; it is loaded
when it is asked for, since the command must not wait for it (docs/decisions/0005).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from review.notebook import open_ref as open  # noqa: A004  as of a file

__all__ = ["open"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  of a module
    if name == "open":
        return importlib.import_module("review.notebook").open_ref
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
