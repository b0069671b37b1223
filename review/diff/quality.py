"""Compares metrics, the guard's result and cost of two sides, from manifests of rounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.rounds import manifest
from review.diff.values import Check, Cost, Guard, Interval, Metric

GROUPS: Final = ("accuracy", "difference", "mix", "round")
"""Sections of a round's metrics, the most important first; the figure of a task without labels
stands before them."""
RATE: Final = "_each"
"""Suffix of amounts per sample, which cannot be added."""


def read(lake: Lake, ref: str, dataset: str, number: int | None) -> dict[str, Any]:
    """The manifest of a round; empty where the ref does not hold it."""
    if number is None:
        return {}
    try:
        return manifest.read(lake, ref, dataset, number)
    except NotFoundError:
        return {}


def metrics(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Metric, ...]:
    """Pair the metrics of two manifests that have an interval."""
    old, new = _intervals(before), _intervals(after)
    names = [*new, *(name for name in old if name not in new)]
    return tuple(Metric(name, old.get(name), new.get(name)) for name in names)


def guard(before: Mapping[str, Any], after: Mapping[str, Any]) -> Guard | None:
    """The guard's results in two manifests; None where it has not judged the right one."""
    old, new = before.get("guard") or {}, after.get("guard") or {}
    if not new:
        return None
    recorded = {check["name"]: check for check in old.get("checks", [])}
    checks = [_check(check, recorded.get(check["name"], {})) for check in new.get("checks", [])]
    shown = tuple(check for check in checks if check.after != "pass" or check.before != check.after)
    return Guard(old.get("verdict"), new.get("verdict"), shown if old else _failing(shown))


def cost(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> Cost | None:
    """Cost of the rounds of some manifests; None where none records it."""
    old, new = _stages(before), _stages(after)
    if not old and not new:
        return None
    return Cost(_total(old), _total(new), {name: dict(units) for name, units in new.items()})


def _failing(checks: Iterable[Check]) -> tuple[Check, ...]:
    return tuple(check for check in checks if check.after != "pass")


def _check(new: Mapping[str, Any], old: Mapping[str, Any]) -> Check:
    return Check(
        name=new["name"],
        before=old.get("verdict"),
        after=new.get("verdict"),
        value_before=old.get("value"),
        value_after=new.get("value"),
        limit=new.get("limit"),
        evidence=new.get("evidence"),
    )


def _intervals(manifest_: Mapping[str, Any]) -> dict[str, Interval]:
    intervals = {}
    sections = manifest_.get("metrics") or {}
    judging = [] if "accuracy" in sections else [str(sections.get("task", "accuracy"))]
    for group in (*judging, *GROUPS):
        section = sections.get(group)
        for name, value in (section if isinstance(section, Mapping) else {}).items():
            if isinstance(value, Mapping) and "value" in value:
                ends = (value.get(end) for end in ("value", "low", "high"))
                intervals[f"{group} {name}".replace("_", " ")] = Interval(*ends)
    return intervals


def _stages(manifests: Iterable[Mapping[str, Any]]) -> dict[str, Counter[str]]:
    costs: dict[str, Counter[str]] = {}
    for manifest_ in manifests:
        for stage, units in (manifest_.get("cost") or {}).items():
            amounts = units if isinstance(units, Mapping) else {"seconds": units}
            numbers = {
                name: value
                for name, value in amounts.items()
                if isinstance(value, int | float)
                and not isinstance(value, bool)
                and not name.endswith(RATE)
                and not name.startswith("per_")
            }
            costs.setdefault(stage, Counter()).update(numbers)
    return costs


def _total(stages: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for units in stages.values():
        total.update(units)
    return dict(total)
