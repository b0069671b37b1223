"""What a plug-in will ask of a service, said before anything is asked."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.llm.costs import Estimate
from pipelines.llm.settings import Service


@dataclass(frozen=True, slots=True)
class ServiceCost:
    """Requests to a service, and what they will take."""

    service: Service
    expected: Estimate
    pictures: bool = False
    """Whether it is asked for pictures, which have prices of their own."""
