"""How settings name a network that others trained: `efficientnet-lite0`, `timm:NAME[@FILE]`.

Nothing heavy is imported here, because params.yaml is read by every command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

EFFICIENTNET: Final = "efficientnet-lite0"
TIMM: Final = "timm:"
NAME: Final = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?")
"""Of a model of timm, with the tag of its weights where it has one."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A network and where its weights are."""

    model: str
    """The name of a model of timm; empty: EfficientNet-Lite0."""
    weights: Path | None = None
    """A file of the user's; None: those that belong to the model."""

    @classmethod
    def of(cls, text: str) -> Reference:
        """Read a reference.

        Raises:
            ValueError: it names no network.
        """
        if text == EFFICIENTNET:
            return cls("")
        model, at, weights = text.removeprefix(TIMM).partition("@")
        named = text.startswith(TIMM) and NAME.fullmatch(model) is not None
        if not named or (at and not weights):
            raise ValueError(
                f"is {text!r}, which names no features; write pixels, learned, {EFFICIENTNET}, "
                f"{TIMM}MODEL or {TIMM}MODEL@FILE with the model's weights"
            )
        return cls(model, Path(weights) if weights else None)

    def __str__(self) -> str:
        """Write the reference as settings do."""
        if not self.model:
            return EFFICIENTNET
        return f"{TIMM}{self.model}" + (f"@{self.weights}" if self.weights else "")
