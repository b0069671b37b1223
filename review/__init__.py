"""How people look at the lake: the `stemma` command, the data diff, the page, and notebooks.

A notebook uses `stemma.open` and `stemma.diff`. `review.open` is a former name of `stemma.open`,
which warns, and goes with the next release (docs/releasing.md).
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any, Final

_FORMER: Final = {"open": ("stemma.open", "review.notebook", "open_ref")}
"""Names that were public: what each is called now, and where that is."""


def __getattr__(name: str) -> Any:  # noqa: ANN401  any member of a module
    """Return what a former name meant, with a warning that names the present one."""
    if name not in _FORMER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    present, module, attribute = _FORMER[name]
    warnings.warn(
        f"{__name__}.{name} is called {present} now, and goes with the next release",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(importlib.import_module(module), attribute)
