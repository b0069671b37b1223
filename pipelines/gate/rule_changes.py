"""What changed in the rules of a round, against those of the published round before it.

A round passes because its suite and the guard's limits let it pass. Whoever loosens these can let
anything pass, and no figure shows it. So whoever reviews a round is told first what changed in its
suite, in the guard's limits, and in the checks that params.yaml adds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from lake import refs
from lake.client import Lake
from lineage.checks import RULES
from pipelines.gate import round_rules
from pipelines.gate.round_rules import Rules
from pipelines.params import Publish
from pipelines.rounds import history

Part = Literal["suite", "limits"]
How = Literal["added", "removed", "loosened", "tightened", "changed"]
PARTS: Final[tuple[Part, ...]] = ("suite", "limits")
LEVELS: Final = ("warn", "block")
ORDERS: Final = {
    "severity": ("info", "warning", "critical"),
    "unknown": ("pass", "warn", "block"),
    "calibration_missing": ("pass", "warn", "block"),
    "style": ("warn", "block"),
}
"""Values from the loosest to the strictest, of rules that are words."""
LOWER: Final = frozenset(
    ["min_value", *(f"{rule.least}_{level}" for rule in RULES if rule.least for level in LEVELS)]
)
"""Rules that are lower bounds; without one, everything passes."""
UPPER: Final = frozenset(
    [
        "max_value",
        "real_share_shallow",
        *(f"{rule.most}_{level}" for rule in RULES if rule.most for level in LEVELS),
    ]
)
"""Rules that are upper bounds; without one, everything passes."""
MOSTLY: Final = "mostly"
"""Share of rows that must meet an expectation: all of them if it is not given."""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule that changed: an expectation of the suite, a limit of the guard, an added check."""

    part: Part
    name: str
    how: How
    before: str | None
    """What it was, as text; of an expectation, only what differs. None if it was added."""
    after: str | None
    """What it is; None if it was removed."""

    def __str__(self) -> str:
        """A phrase such as "label_agrees loosened: mostly 0.9 → 0.5"."""
        before, after = self.before, self.after
        if before is None or after is None:
            return f"{self.name} {self.how}: {after if before is None else before}"
        argument = before.partition(" ")[0]
        only = ", " not in before and ", " not in after
        shown = after.removeprefix(f"{argument} ") if only else after
        return f"{self.name} {self.how}: {before} → {shown}"


@dataclass(frozen=True, slots=True)
class RuleChanges:
    """The rules of a round that changed against those of the published round before it."""

    dataset: str
    round: int
    previous: int
    changes: tuple[RuleChange, ...]

    @property
    def headlines(self) -> Iterator[tuple[str, list[RuleChange]]]:
        """For the suite and for the limits, if they changed: a sentence, and the changes."""
        for part in PARTS:
            changes = [change for change in self.changes if change.part == part]
            if changes:
                which = f"{self.dataset}-{self.round} beside {self.dataset}-{self.previous}"
                yield f"the {part} changed in this round ({which})", changes

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return asdict(self)


def of_round(
    lake: Lake, commit: str, dataset: str, number: int, settings: Publish | None = None
) -> RuleChanges | None:
    """Compare the rules of a round with those of the published round before it.

    Args:
        lake: the lake.
        commit: id of a commit that holds the round.
        dataset: the data set.
        number: the round.
        settings: settings by which the guard judges it; None: those by which it was judged.

    Returns:
        None if nothing changed, or if main holds no synthetic round before it.

    Raises:
        DataError: a manifest or a suite is not what a stage writes.
    """
    held = history.published(lake, dataset)
    previous = max((other for other in held if 0 < other < number), default=None)
    if previous is None:
        return None
    before = round_rules.read(lake, held[previous].commit, dataset, previous)
    after = round_rules.read(lake, commit, dataset, number, settings)
    changes = tuple(compare(before, after))
    return RuleChanges(dataset, number, previous, changes) if changes else None


def of_rounds(
    lake: Lake, commit: str, dataset: str, numbers: Iterable[int]
) -> tuple[RuleChanges, ...]:
    """The changed rules of those rounds of a commit whose rules changed, as they were judged."""
    held = {
        refs.round_of(item.path) for item in lake.objects(commit, refs.table(dataset, "rounds"))
    }
    changed = (of_round(lake, commit, dataset, number) for number in numbers if number in held)
    return tuple(filter(None, changed))


def compare(before: Rules, after: Rules) -> Iterator[RuleChange]:
    """Yield the rules that differ: expectations, then limits, then added checks."""
    if after.suite and before.suite != after.suite:
        yield from _suite(before, after)
    if before.limits is not None and after.limits is not None:
        old, new = (side.limits.model_dump(mode="json") for side in (before, after) if side.limits)
        yield from _limits(old, new)
    elif before.texts and after.texts:
        yield from _limits(before.texts, after.texts)
    yield from _entries("limits", before.checks, after.checks, "check ")


def _suite(before: Rules, after: Rules) -> Iterator[RuleChange]:
    changes = list(_entries("suite", before.expectations, after.expectations))
    yield from changes
    if not changes:
        yield RuleChange("suite", "digest", "changed", before.suite[:12], after.suite[:12])


def _limits(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[RuleChange]:
    for name in {**old, **new}:
        if old.get(name) != new.get(name):
            how = _how({_direction(name, old.get(name), new.get(name))})
            yield RuleChange("limits", name, how, _text(old.get(name)), _text(new.get(name)))


def _entries(
    part: Part,
    old: Mapping[str, Mapping[str, Any]],
    new: Mapping[str, Mapping[str, Any]],
    prefix: str = "",
) -> Iterator[RuleChange]:
    """Expectations or checks that differ, those that were removed first."""
    for name in [*(name for name in old if name not in new), *new]:
        ours, theirs, shown = old.get(name), new.get(name), f"{prefix}{name}"
        if ours is None or theirs is None:
            how: How = "added" if ours is None else "removed"
            yield RuleChange(part, shown, how, _listed(ours), _listed(theirs))
        elif ours != theirs:
            differing = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
            directions = {_direction(key, ours.get(key), theirs.get(key)) for key in differing}
            sides = [_listed(side, differing) for side in (ours, theirs)]
            yield RuleChange(part, shown, _how(directions), *sides)


def _how(directions: set[int | None]) -> How:
    """How a rule changed all in all: some of its parts may be looser and others stricter."""
    if directions == {1}:
        return "tightened"
    return "loosened" if directions == {-1} else "changed"


def _direction(name: str, old: object, new: object) -> int | None:
    """1 if a rule became stricter, -1 if it became looser; None if its name does not tell."""
    order = ORDERS.get(name, ())
    if old in order and new in order:
        return 1 if order.index(str(new)) > order.index(str(old)) else -1
    if name in LOWER or name == MOSTLY:
        return _compared(old, new, 1.0 if name == MOSTLY else -math.inf)
    if name in UPPER:
        direction = _compared(old, new, math.inf)
        return None if direction is None else -direction
    return None


def _compared(old: object, new: object, missing: float) -> int | None:
    """The sign of the difference of two numbers, where None stands for another number."""
    ours, theirs = (missing if side is None else side for side in (old, new))
    if not isinstance(ours, int | float) or not isinstance(theirs, int | float):
        return None
    return (theirs > ours) - (theirs < ours)


def _listed(entry: Mapping[str, Any] | None, names: Iterable[str] | None = None) -> str | None:
    """The values of an expectation or a check as text: "severity warning, mostly 0.9"."""
    if entry is None:
        return None
    pairs = [(name, entry[name]) for name in names or entry if name in entry]
    return ", ".join(f"{name} {_text(value)}" for name, value in pairs) or "none"


def _text(value: object) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
