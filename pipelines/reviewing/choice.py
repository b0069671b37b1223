"""What a reviewer decides about samples, before it is checked and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.reviewing.record import Action


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reviewer decides about samples, and why."""

    action: Action
    reason: str
    label: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    reviewer: str | None = None
    """Name of the reviewer; None: the user of the lake."""
    where: str | None = None
    """The condition by which the samples were selected."""
