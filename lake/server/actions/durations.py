"""Durations as action files write them, in the notation of Go: `30s`, `1m30s`, `1.5h`, `250ms`."""

from __future__ import annotations

import re
from typing import Final

DEFAULT_SECONDS: Final = 60.0
"""How long a hook may take whose file does not say it, as in lakeFS."""
MAX_SECONDS: Final = 600.0
"""How long a hook may take at most."""
_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)", re.ASCII)
_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_MAX_TEXT: Final = 40


def seconds(text: str) -> float:
    """The seconds of a duration (Go, `time.ParseDuration`).

    Raises:
        ValueError: it is no duration, or none that a hook may have.
    """
    parts = list(_PART.finditer(text)) if len(text) <= _MAX_TEXT else []
    if not parts or "".join(part[0] for part in parts) != text:
        raise ValueError('must be a duration with its unit, such as "30s" or "1m30s"')
    total = sum(float(part[1]) * _SECONDS[part[2]] for part in parts)
    if not 0 < total <= MAX_SECONDS:
        raise ValueError(f"must be more than 0 and at most {MAX_SECONDS / 60:.0f}m")
    return total
