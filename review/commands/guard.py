"""`stemma guard REF`: is a round good enough to be learned from, by the present limits?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from lake.client import Lake
from lineage import guard
from lineage.errors import GuardError
from lineage.evidence import NOT_APPLICABLE, NOT_MEASURED, figure_text, told
from lineage.guard import Check, GuardResult
from pipelines.gate import binding, checks, evidence, rule_changes
from pipelines.gate.rule_changes import RuleChanges
from pipelines.params import Params, load
from pipelines.rounds.context import RoundContext, open_for_command
from review.cli import round_refs
from review.cli.output import make_console, print_json, sentence, table
from review.cli.round_refs import RoundRef
from review.errors import Findings

SAME = 1e-9
"""Relative difference up to which two figures count as the same (absolute below 1)."""
CALIBRATION = ("suite", "place", "digest", "signed_by", "void", "unsigned", "unreadable")
"""What `--json` says of the calibration: the one that was used, and counts of those left out."""

INAPPLICABLE: Final = (NOT_APPLICABLE, NOT_MEASURED)
"""Verdicts on figures that are not there, and that nobody expects."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The guard's answer about a round now, beside the one that its manifest holds."""

    round_ref: RoundRef
    result: GuardResult
    limits: str
    """Where the limits come from."""
    override: str | None
    """The reason for an override in the settings, whether a check blocks or not."""
    recorded: GuardResult | None
    problem: str | None
    """Why there is no recorded answer."""
    calibration: Mapping[str, Any]
    """Which calibration of the verifier was used, and how many were left out."""
    rules: RuleChanges | None = None
    """What changed in the suite and the limits against the round before; None: nothing."""

    @property
    def differing(self) -> list[str]:
        """Names of the recorded checks whose figure or verdict differs now."""
        then = {item.name: item for item in self.recorded.checks} if self.recorded else {}
        now = {item.name: item for item in self.result.checks}
        names = [
            *(name for name in now if name in then),
            *(name for name in then if name not in now),
        ]
        return [name for name in names if not _same(now.get(name), then[name])]

    @property
    def added(self) -> tuple[Check, ...]:
        """The checks that the recorded answer lacks, and that judge a figure now."""
        if self.recorded is None:
            return ()
        then = {item.name for item in self.recorded.checks}
        judged = (item for item in self.result.checks if item.verdict not in INAPPLICABLE)
        return tuple(item for item in judged if item.name not in then)

    @property
    def same(self) -> bool | None:
        """Whether the recorded checks have the same answer now; None where none is recorded."""
        if self.recorded is None:
            return None
        known = tuple(item for item in self.result.checks if item not in self.added)
        now = replace(self.result, checks=known).verdict
        return not self.differing and self.recorded.verdict == now

    def to_dict(self) -> dict[str, Any]:
        """The content of `--json`."""
        return {
            "commit": self.round_ref.commit,
            "limits_of": self.limits,
            "override": self.override,
            "now": self.result.to_dict(),
            "recorded": self.recorded.to_dict() if self.recorded else None,
            "problem": self.problem,
            "same": self.same,
            "same_limits": self.recorded.limits == self.result.limits if self.recorded else None,
            "differing": self.differing if self.recorded else [],
            "added": [item.name for item in self.added],
            "rules": self.rules.to_dict() if self.rules else None,
            "calibration": {name: self.calibration.get(name) for name in CALIBRATION},
        }


def run(*, ref: str, dataset: str | None, as_json: bool) -> None:
    """Judge the rounds at a ref and print every check.

    Raises:
        Findings: a round is blocked.
        NotFoundError: the ref holds no round, or one that was not evaluated yet.
    """
    params = load()
    lake = open_for_command(params)
    judgements = [
        judge(params, lake, judgement) for judgement in round_refs.find(params, lake, ref, dataset)
    ]
    if as_json:
        print_json({"ref": ref, "rounds": [judgement.to_dict() for judgement in judgements]})
    else:
        out = make_console()
        for judgement in judgements:
            for part in _rendered(judgement):
                out.print(part)
    blocked = [judgement for judgement in judgements if judgement.result.blocked]
    if blocked:
        names = "; ".join(
            f"{judgement.round_ref.key} ({', '.join(judgement.result.blocking)})"
            for judgement in blocked
        )
        raise Findings(f"the guard blocks {names}")


def judge(params: Params, lake: Lake, round_ref: RoundRef) -> Judgement:
    """Judge a round at a commit by the limits of params.yaml.

    Raises:
        NotFoundError: it has not been evaluated.
    """
    content = round_refs.evaluated(lake, round_ref)
    round_, limits = round_refs.settings(params, round_ref)
    settings = round_.settings.publish
    ctx = RoundContext(params, round_, lake)
    seen = evidence.collect(ctx, round_ref.commit)
    digests = binding.of_round(ctx, round_ref.commit, content, seen.calibration)
    result = checks.judge(seen, settings)
    recorded, problem = _recorded(content)
    return Judgement(
        round_ref=round_ref,
        result=result.bound_to(round_ref.commit, override=settings.override, digests=digests),
        limits=limits,
        override=settings.override,
        recorded=recorded,
        problem=problem,
        calibration=seen.calibration or {},
        rules=rule_changes.of_round(
            lake, round_ref.commit, round_ref.dataset, round_ref.number, settings
        ),
    )


def _recorded(content: dict[str, Any]) -> tuple[GuardResult | None, str | None]:
    if content.get("guard") is None:
        return None, "no answer is recorded: the round was not published yet"
    try:
        return guard.read(content["guard"]), None
    except GuardError as error:
        return None, str(error)


def _same(now: Check | None, then: Check) -> bool:
    """Whether a check says what it said.

    Earlier releases let a figure pass that was not there; that it is not measured, or not
    applicable, is the same answer in other words.
    """
    if now is None:
        return False
    reworded = then.verdict == "pass" and then.value is None and now.verdict in INAPPLICABLE
    return (now.verdict == then.verdict or reworded) and _same_value(now, then)


def _same_value(now: Check, then: Check) -> bool:
    one, other = now.value, then.value
    if one is None or other is None:
        return one is other
    return abs(one - other) <= SAME * max(1.0, abs(other))


def _rendered(judgement: Judgement) -> Iterator[RenderableType]:
    result, round_ref = judgement.result, judgement.round_ref
    for headline, changes in judgement.rules.headlines if judgement.rules else ():
        yield sentence(f"{headline[:1].upper()}{headline[1:]}:", "bold yellow")
        for change in changes:
            yield sentence(f"  {change}")
    blocking = f" ({', '.join(result.blocking)})" if result.blocking else ""
    yield Text.assemble(
        "\n",
        sentence(f"{round_ref.key} at {round_ref.ref}: {result.verdict}{blocking}", "bold"),
        "\n",
        sentence(f"commit {round_ref.commit[:12]}, {judgement.limits}"),
    )
    columns = ["check", "value", "limit", "verdict", "recorded", "evidence"]
    yield table("", columns, list(_rows(judgement)))
    for line in _notes(judgement):
        yield sentence(line)


def _rows(judgement: Judgement) -> Iterator[Sequence[object]]:
    recorded = (
        {check.name: check for check in judgement.recorded.checks} if judgement.recorded else {}
    )
    for check in judgement.result.checks:
        before = recorded.get(check.name)
        yield [
            check.name,
            _value(check),
            check.limit,
            told(check.verdict, check.value),
            _before(check, before),
            check.evidence,
        ]


def _before(now: Check, recorded: Check | None) -> str:
    """The recorded verdict, with the recorded figure where that differs."""
    if recorded is None:
        return "–"
    verdict = told(recorded.verdict, recorded.value)
    same = _same_value(now, recorded)
    return verdict if same else f"{verdict}: {_value(recorded)}"


def _value(check: Check) -> str:
    return figure_text(check.name, check.value, check.verdict)


def _notes(judgement: Judgement) -> Iterator[str]:
    recorded, result = judgement.recorded, judgement.result
    if recorded is None:
        yield judgement.problem or ""
    else:
        limits = "the same" if recorded.limits == result.limits else "other"
        judged = (
            f"recorded: {recorded.verdict}, about commit {recorded.judged[:12]}, by {limits} limits"
        )
        other = ", ".join(["another answer than now", *judgement.differing])
        yield f"{judged}; {'the same answer as now' if judgement.same else other}"
    if judgement.added:
        named = ", ".join(f"{item.name} ({item.verdict})" for item in judgement.added)
        yield f"new checks since: {named}"
    if recorded is not None and recorded.override is not None:
        yield f"published although it was blocked: {' '.join(recorded.override.split())}"
    if judgement.override:
        given = " ".join(judgement.override.split())
        effect = "which lifts the block" if result.override else "which nothing needs: no block"
        yield f"override in the settings: {given} ({effect})"
