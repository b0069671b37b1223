"""The guard: is a round good enough to be learned from?

Collapse cannot be seen sample by sample: under `replace` every candidate looks better each round
while the set of them shrinks. So the guard judges the round and the next training mix as wholes:
how far from real data they are, what they copied or leaked, what they are worth downstream, and
whether their shape is still that of real data. It never raises for bad data; a figure that is
missing gets the verdict that the limits give to the unknown, and one that the data cannot have,
such as a loss of accuracy on rows without labels, is not applicable.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, NamedTuple

from lineage import digests
from lineage.checks import RULES, check, worst
from lineage.errors import GuardError
from lineage.evidence import NOT_APPLICABLE, NOT_MEASURED, Check, Evidence, told
from lineage.limits import Limits

__all__ = ["Check", "Evidence", "GuardResult", "Row", "headline", "judge", "read", "rows"]

OVERRIDE: Final = "override"


class Row(NamedTuple):
    """One check as plain values, for whoever draws a table."""

    check: str
    value: float | None
    """The figure; None if it could not be computed."""
    verdict: str
    limit: str
    evidence: str


@dataclass(frozen=True, slots=True)
class GuardResult:
    """The guard's answer about a round."""

    dataset: str
    round: int
    checks: tuple[Check, ...]
    limits: str
    """Digest of the limits that the round was judged by."""
    judged: str = ""
    """Id of the commit that was judged; empty until the answer is bound to one."""
    override: str | None = None
    """The reason to publish the round although a check blocks; None without an override."""
    bound: Mapping[str, str] = field(default_factory=dict)
    """Digests of what the answer is about, by name; empty in answers of earlier releases."""

    @property
    def blocking(self) -> tuple[str, ...]:
        """Names of the checks that block, overridden or not."""
        return tuple(item.name for item in self.checks if item.verdict == "block")

    @property
    def not_applicable(self) -> tuple[str, ...]:
        """Names of the checks of figures that the data cannot have."""
        return tuple(item.name for item in self.checks if item.verdict == NOT_APPLICABLE)

    @property
    def not_measured(self) -> tuple[str, ...]:
        """Names of the checks of figures that were not measured."""
        return tuple(item.name for item in self.checks if item.verdict == NOT_MEASURED)

    @property
    def blocked(self) -> bool:
        """Whether the round must not be published."""
        return bool(self.blocking) and self.override is None

    @property
    def verdict(self) -> str:
        """The worst verdict of all checks; "override" where a block is overridden."""
        if self.blocking and self.override is not None:
            return OVERRIDE
        return worst([item.verdict for item in self.checks])

    @property
    def digest(self) -> str:
        """SHA-256 of everything else in the answer, as 64 hex digits."""
        return digests.of_json(self._content())

    def bound_to(
        self,
        commit: str,
        *,
        override: str | None = None,
        digests: Mapping[str, str] | None = None,
    ) -> GuardResult:
        """Return the same answer, bound to the commit that was judged.

        Args:
            commit: id of the commit that was judged.
            digests: digests of what was judged, by name.
            override: a reason to publish all the same. It is kept only where a check blocks; an
                empty reason is none.
        """
        reason = (override or "").strip()
        kept = reason if reason and self.blocking else None
        return replace(self, judged=commit, override=kept, bound=dict(digests or {}))

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON, with its digest."""
        return {**self._content(), "digest": self.digest}

    def _content(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset,
            "round": self.round,
            "verdict": self.verdict,
            "blocking": list(self.blocking),
            "override": self.override,
            "judged": self.judged,
            "limits": self.limits,
            "checks": [asdict(item) for item in self.checks],
            **({"not_applicable": list(self.not_applicable)} if self.not_applicable else {}),
            **({"not_measured": list(self.not_measured)} if self.not_measured else {}),
            **({"bound": dict(self.bound)} if self.bound else {}),
        }


def judge(evidence: Evidence, limits: Limits) -> GuardResult:
    """Judge the evidence about a round by limits.

    Args:
        evidence: what is known; anything may be missing.
        limits: when to warn and when to block.
    """
    checks = tuple(check(rule, evidence, limits) for rule in RULES)
    return GuardResult(evidence.dataset, evidence.round, checks, limits.digest)


def read(content: Any) -> GuardResult:  # noqa: ANN401  JSON
    """Read an answer back from what `to_dict` returned.

    Everything that follows from the checks is computed again, the digest too.

    Raises:
        GuardError: it is no answer, or not the one that it was written as.
    """
    try:
        result = GuardResult(
            dataset=content["dataset"],
            round=content["round"],
            checks=tuple(Check(**item) for item in content["checks"]),
            limits=content["limits"],
            judged=content["judged"],
            override=content["override"],
            bound=dict(content.get("bound", {})),
        )
        unaltered = _is_answer(result) and bool(result.to_dict() == content)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise GuardError("what is recorded is no answer of the guard; judge the round") from error
    if not unaltered:
        raise GuardError("the guard's recorded answer was altered: it has another digest")
    return result


def _is_answer(result: GuardResult) -> bool:
    """Whether each part has its type; whoever forges an answer can also write its digest.

    Raises:
        OverflowError: a figure is no number that can be computed with.
    """
    texts = (
        result.dataset,
        result.limits,
        result.judged,
        result.override or "",
        *result.bound,
        *result.bound.values(),
    )
    numbers = [item.value for item in result.checks if item.value is not None]
    return (
        type(result.round) is int
        and all(isinstance(text, str) for text in texts)
        and all(type(number) in {int, float} and math.isfinite(number) for number in numbers)
        and all(
            isinstance(text, str)
            for item in result.checks
            for text in (item.name, item.limit, item.verdict, item.evidence)
        )
    )


def rows(result: GuardResult, *, include_passing: bool = False) -> list[Row]:
    """List the checks as plain values, in the order in which the guard makes them.

    Args:
        result: the guard's answer.
        include_passing: list the checks that pass as well.
    """
    return [
        Row(check.name, check.value, told(check.verdict, check.value), check.limit, check.evidence)
        for check in result.checks
        if include_passing or check.verdict != "pass"
    ]


def headline(result: GuardResult) -> str:
    """Summarise the answer in one line: round, verdict, what blocks or does not apply, override."""
    verdict = f"guard on round {result.round} of {result.dataset}: {result.verdict}"
    blocking = f" ({', '.join(result.blocking)})" if result.blocking else ""
    overridden = f"; overridden: {' '.join(result.override.split())}" if result.override else ""
    count = len(result.not_applicable)
    inapplicable = f"; {count} not applicable" if count else ""
    missing = len(result.not_measured)
    unmeasured = f"; {missing} not measured" if missing else ""
    return f"{verdict}{blocking}{inapplicable}{unmeasured}{overridden}"
