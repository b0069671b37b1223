"""Metrics, the guard's answer and cost before and after, from the manifests of rounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.rounds import manifest
from review.diff.values import Check, Cost, Guard, Interval, Metric

GROUPS: Final = ("accuracy", "difference", "mix", "round")
"""Sections of a round's metrics, the ones for the reader first."""


RATE: Final = "_each"
"""How amounts end that are per sample, which do not add up."""


def read(lake: Lake, ref: str, dataset: str, number: int | None) -> dict[str, Any]:
    """The manifest of a round; empty where the ref does not hold it."""
    if number is None:
        return {}
    try:
        return manifest.read(lake, ref, dataset, number)
    except NotFoundError:
        return {}


def metrics(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Metric, ...]:
    """Metrics of two manifests side by side, those that come with an interval."""
    old, new = _intervals(before), _intervals(after)
    names = [*new, *(name for name in old if name not in new)]
    return tuple(Metric(name, old.get(name), new.get(name)) for name in names)


def guard(before: Mapping[str, Any], after: Mapping[str, Any]) -> Guard | None:
    """The guard's answers of two manifests; None where it has not judged the right one."""
    old, new = before.get("guard") or {}, after.get("guard") or {}
    if not new:
        return None
    was = {each["name"]: each for each in old.get("checks", [])}
    found = [_check(each, was.get(each["name"], {})) for each in new.get("checks", [])]
    told = tuple(each for each in found if each.after != "pass" or each.before != each.after)
    return Guard(old.get("verdict"), new.get("verdict"), told if old else _failing(told))


def cost(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> Cost | None:
    """What the rounds of some manifests took; None where none says so."""
    old, new = _stages(before), _stages(after)
    if not old and not new:
        return None
    return Cost(_total(old), _total(new), {name: dict(units) for name, units in new.items()})


def _failing(checks: Iterable[Check]) -> tuple[Check, ...]:
    return tuple(each for each in checks if each.after != "pass")


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


def _intervals(about: Mapping[str, Any]) -> dict[str, Interval]:
    found = {}
    sections = about.get("metrics") or {}
    for group in GROUPS:
        section = sections.get(group)
        for name, value in (section if isinstance(section, Mapping) else {}).items():
            if isinstance(value, Mapping) and "value" in value:
                ends = (value.get(end) for end in ("value", "low", "high"))
                found[f"{group} {name}".replace("_", " ")] = Interval(*ends)
    return found


def _stages(manifests: Iterable[Mapping[str, Any]]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for about in manifests:
        for stage, units in (about.get("cost") or {}).items():
            amounts = units if isinstance(units, Mapping) else {"seconds": units}
            known = {
                name: value
                for name, value in amounts.items()
                if isinstance(value, int | float)
                and not isinstance(value, bool)
                and not name.endswith(RATE)
                and not name.startswith("per_")
            }
            found.setdefault(stage, Counter()).update(known)
    return found


def _total(stages: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for units in stages.values():
        total.update(units)
    return dict(total)
