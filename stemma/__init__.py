"""What a notebook or a program imports of Stemma.

`stemma.open` opens a version of a data set, `stemma.load` its training mix, `stemma.audit` says
where a sample came from, and `stemma.diff` compares two versions. They are loaded when they are
first used, so `import stemma` costs next to nothing (docs/decisions/0005).
"""

from __future__ import annotations

import importlib
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

from stemma import _packages

if TYPE_CHECKING:
    from pipelines.inquiry.training.data import TrainingData
    from review.notebook import Version
    from review.notebook import audit_sample as audit
    from review.notebook import diff_refs as diff
    from review.notebook import load_ref as load
    from review.notebook import open_ref as open  # noqa: A004  named like the built-in on purpose
    from review.provenance.origins import SampleProvenance

__all__ = [
    "SampleProvenance",
    "TrainingData",
    "Version",
    "__version__",
    "audit",
    "diff",
    "load",
    "open",
]

__version__: Final = metadata.version("stemma")
_LAZY: Final = {
    "SampleProvenance": "SampleProvenance",
    "TrainingData": "TrainingData",
    "Version": "Version",
    "audit": "audit_sample",
    "diff": "diff_refs",
    "load": "load_ref",
    "open": "open_ref",
}
"""What `review.notebook` calls each of them."""


def __getattr__(name: str) -> Any:  # noqa: ANN401  any member of a module
    """Load a function or class when it is first used.

    Raises:
        ImportError: a folder of the user's would be imported in place of one of our packages.
    """
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _packages.check()
    return getattr(importlib.import_module("review.notebook"), _LAZY[name])


def __dir__() -> list[str]:
    """List what is lazily loaded too, for completion in a notebook."""
    return sorted({*globals(), *_LAZY})
