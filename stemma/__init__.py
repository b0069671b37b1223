"""What a notebook or a program imports of Stemma.

`stemma.open` opens a version of a data set, `stemma.diff` compares two of them. Both are loaded
when they are first used, so `import stemma` costs next to nothing (docs/decisions/0005).
"""

from __future__ import annotations

import importlib
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

from stemma import _packages

if TYPE_CHECKING:
    from review.notebook import diff_refs as diff
    from review.notebook import open_ref as open  # noqa: A004  named like the built-in on purpose

__all__ = ["__version__", "diff", "open"]

__version__: Final = metadata.version("stemma")
_LAZY: Final = {"diff": "diff_refs", "open": "open_ref"}


def __getattr__(name: str) -> Any:  # noqa: ANN401  any member of a module
    """Load a function when it is first used.

    Raises:
        ImportError: a folder of the user's would be imported in place of one of our packages.
    """
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _packages.check()
    return getattr(importlib.import_module("review.notebook"), _LAZY[name])


def __dir__() -> list[str]:
    """List the lazily loaded functions too, for completion in a notebook."""
    return sorted({*globals(), *_LAZY})
