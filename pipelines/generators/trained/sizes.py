"""Sizes of a training: its steps by the number of rows, and shapes that a manifest may name."""

from __future__ import annotations

import math
from typing import Protocol, TypeGuard


class Steps(Protocol):
    """Settings of a training whose steps grow with the root of the rows."""

    @property
    def steps(self) -> int:
        """Optimiser steps on `reference_rows` rows."""

    @property
    def reference_rows(self) -> int:
        """The rows that `steps` are for."""


def scaled_steps(settings: Steps, rows: int) -> int:
    """Optimiser steps for a training mix of `rows` rows."""
    return max(1, round(settings.steps * math.sqrt(rows / settings.reference_rows)))


def is_shape(value: object) -> TypeGuard[list[int]]:
    """Return whether a value is the shape of an image: [h, w] or [h, w, 3], all above 0."""
    if not isinstance(value, list) or not all(type(each) is int and each > 0 for each in value):
        return False
    return value[2:] in ([], [3]) and len(value) > 1
