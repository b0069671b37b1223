"""`stemma guard REF`: is a round good enough to be learned from, as the limits are now?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from lake.client import Lake
from lineage import guard
from lineage.errors import GuardError
from lineage.guard import Check, GuardResult
from pipelines.gate import evidence
from pipelines.params import Params, load
from pipelines.rounds.context import RoundContext, open_lake
from review.cli import round_refs
from review.cli.output import console, number, print_json, sentence, table
from review.cli.round_refs import RoundRef
from review.errors import Findings

SAME = 1e-9
"""Figures that differ by no more than this, relative to 1, are the same."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The guard's answer about a round now, beside the one that its manifest holds."""

    target: RoundRef
    result: GuardResult
    limits: str
    """Where the limits come from."""
    override: str | None
    """What the settings say, whether a check blocks or not."""
    recorded: GuardResult | None
    problem: str | None
    """Why there is no recorded answer."""

    @property
    def differing(self) -> list[str]:
        """Names of the checks whose figure or verdict is another than recorded."""
        then = {item.name: item for item in self.recorded.checks} if self.recorded else {}
        now = {item.name: item for item in self.result.checks}
        names = [*now, *(name for name in then if name not in now)]
        return [name for name in names if not _same(now.get(name), then.get(name))]

    @property
    def same(self) -> bool | None:
        """Whether the recorded answer is the same; None where there is none."""
        if self.recorded is None:
            return None
        return not self.differing and self.recorded.verdict == self.result.verdict

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "commit": self.target.commit,
            "limits_of": self.limits,
            "override": self.override,
            "now": self.result.to_dict(),
            "recorded": self.recorded.to_dict() if self.recorded else None,
            "problem": self.problem,
            "same": self.same,
            "same_limits": self.recorded.limits == self.result.limits if self.recorded else None,
            "differing": self.differing if self.recorded else [],
        }


def run(*, ref: str, dataset: str | None, as_json: bool) -> None:
    """Judge the rounds at a ref and print every check.

    Raises:
        Findings: a round is blocked.
        NotFoundError: there is no round, or it has not come far enough to be judged.
    """
    params = load()
    lake = open_lake(params)
    found = [judge(params, lake, each) for each in round_refs.find(params, lake, ref, dataset)]
    if as_json:
        print_json({"ref": ref, "rounds": [each.to_dict() for each in found]})
    else:
        out = console()
        for each in found:
            for part in _rendered(each):
                out.print(part)
    blocked = [each for each in found if each.result.blocked]
    if blocked:
        names = "; ".join(
            f"{each.target.key} ({', '.join(each.result.blocking)})" for each in blocked
        )
        raise Findings(f"the guard blocks {names}")


def judge(params: Params, lake: Lake, target: RoundRef) -> Judgement:
    """Judge a round at a commit by the limits of params.yaml.

    Raises:
        NotFoundError: it has not been evaluated.
    """
    content = round_refs.evaluated(lake, target)
    round_, limits = round_refs.settings(params, target)
    settings = round_.settings.publish
    seen = evidence.collect(RoundContext(params, round_, lake), target.commit)
    result = guard.judge(seen, settings.guard)
    recorded, problem = _recorded(content)
    return Judgement(
        target=target,
        result=result.bound_to(target.commit, override=settings.override),
        limits=limits,
        override=settings.override,
        recorded=recorded,
        problem=problem,
    )


def _recorded(content: dict[str, Any]) -> tuple[GuardResult | None, str | None]:
    if content.get("guard") is None:
        return None, "no answer is recorded: the round was not published yet"
    try:
        return guard.read(content["guard"]), None
    except GuardError as error:
        return None, str(error)


def _same(now: Check | None, then: Check | None) -> bool:
    if now is None or then is None:
        return False
    return now.verdict == then.verdict and _same_value(now, then)


def _same_value(now: Check, then: Check) -> bool:
    one, other = now.value, then.value
    if one is None or other is None:
        return one is other
    return abs(one - other) <= SAME * max(1.0, abs(other))


def _rendered(found: Judgement) -> Iterator[RenderableType]:
    result, target = found.result, found.target
    blocking = f" ({', '.join(result.blocking)})" if result.blocking else ""
    yield Text.assemble(
        "\n",
        sentence(f"{target.key} at {target.ref}: {result.verdict}{blocking}", "bold"),
        "\n",
        sentence(f"commit {target.commit[:12]}, {found.limits}"),
    )
    columns = ["check", "value", "limit", "verdict", "recorded", "evidence"]
    yield table("", columns, list(_rows(found)))
    for line in _notes(found):
        yield sentence(line)


def _rows(found: Judgement) -> Iterator[Sequence[object]]:
    then = {item.name: item for item in found.recorded.checks} if found.recorded else {}
    for item in found.result.checks:
        before = then.get(item.name)
        yield [
            item.name,
            "unknown" if item.value is None else number(item.value),
            item.limit,
            item.verdict,
            _before(item, before),
            item.evidence,
        ]


def _before(now: Check, then: Check | None) -> str:
    """The recorded verdict, and the figure where it was another."""
    if then is None:
        return "–"
    value = "unknown" if then.value is None else number(then.value)
    return then.verdict if _same_value(now, then) else f"{then.verdict}: {value}"


def _notes(found: Judgement) -> Iterator[str]:
    then, result = found.recorded, found.result
    if then is None:
        yield found.problem or ""
    else:
        limits = "the same" if then.limits == result.limits else "other"
        judged = f"recorded: {then.verdict}, about commit {then.judged[:12]}, by {limits} limits"
        other = ", ".join(["another answer than now", *found.differing])
        yield f"{judged}; {'the same answer as now' if found.same else other}"
    if then is not None and then.override is not None:
        yield f"published although it was blocked: {' '.join(then.override.split())}"
    if found.override:
        given = " ".join(found.override.split())
        effect = "which lifts the block" if result.override else "which nothing needs: no block"
        yield f"override in the settings: {given} ({effect})"
