"""What a check of the guard is, when it is one's own: a class behind a protocol.

The guard's built-in checks are rules of `lineage.checks` with limits of their own. One that a
project adds gets the same evidence and the same limits, and says for itself what it found. Running
them is the gate's part (`pipelines.gate.checks`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from lineage.evidence import Evidence, Verdict
from lineage.limits import Limits
from pipelines.common.plugins import Plugin, Registry
from pipelines.common.settings import StrictModel, parse

Own = TypeVar("Own", bound=StrictModel)
"""A check's own settings."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found."""

    value: float | None
    """The figure; None if it could not be computed."""
    verdict: Verdict
    detail: str
    """How the figure came about, for people."""
    limit: str = "none"
    """The limits as text, such as "block <0.5"."""


class GuardCheck(Plugin, Protocol[Own]):
    """A class that judges a round beside the guard's own checks."""

    Settings: type[Own]
    """What can be set for it under `publish.checks` in params.yaml."""

    @abstractmethod
    def judge(self, evidence: Evidence, limits: Limits, settings: Own) -> CheckResult:
        """Judge a round.

        Args:
            evidence: what is known of the round; anything may be missing.
            limits: those of the guard's own checks; `limits.unknown` is the verdict on what is not
                known.
            settings: the check's own.
        """


CHECKS: Final[Registry[GuardCheck[Any]]] = Registry(
    "check", "pipelines.rounds.guard_checks:GuardCheck", {}
)


def settings(checks: Mapping[str, Mapping[str, Any]]) -> dict[str, StrictModel]:
    """The settings of checks that params.yaml adds, by reference.

    Raises:
        ParamsError: there is no such check, or a key is wrong.
    """
    return {
        name: parse(CHECKS.find(name).Settings, dict(given), f"publish.checks.{name}")
        for name, given in checks.items()
    }
