"""A diff as tables of short cells, which the terminal, Markdown and the page show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from review.cli.output import number, plural
from review.diff import guard_checks
from review.diff.shift import Shift
from review.diff.texts import text
from review.diff.values import DECISIONS, DataDiff, Interval, Metric

SIGNS: Final = {"added": "+", "removed": "−", "changed": "~", "conflict": "!"}
NAMED: Final = 5
"""Categories that a cell lists."""
SHORT: Final = 24
"""Characters of a category that a cell shows."""
SCREEN: Final = 6
"""Rows of a long table that fit a screen."""
METRICS: Final = 4
"""Metrics of the training mix that fit a screen."""


@dataclass(frozen=True, slots=True)
class Section:
    """A table with a title; cells are strings."""

    title: str
    columns: tuple[str, ...]
    rows: list[list[str]]


def warnings(diff: DataDiff) -> list[tuple[str, list[str]]]:
    """What comes first: a sentence, and a list of what belongs to it.

    It is whether the right side is not what would be published, and what changed in the rules.
    """
    unfit = [(str(diff.head), list[str]())] if diff.head and diff.head.wrong else []
    changed = [
        (headline, [str(change) for change in changes])
        for entry in diff.rules
        for headline, changes in entry.headlines
    ]
    return unfit + changed


def sections(diff: DataDiff, *, whole: bool) -> Iterator[Section]:
    """The tables that matter most; those without a row are left out.

    Args:
        diff: the diff.
        whole: show every column and check, but no metrics; else what fits a screen.
    """
    candidates = (
        rounds(diff),
        sides(diff, whole=whole),
        guard(diff, whole=whole),
        columns(diff, whole=whole),
    )
    return (section for section in candidates if section.rows)


def details(diff: DataDiff) -> Iterator[Section]:
    """The tables that only a page has room for."""
    return (section for section in (metrics(diff), generations(diff), cost(diff)) if section.rows)


def sentences(diff: DataDiff, *, whole: bool = False) -> Iterator[str]:
    """Sentences about a diff, one per line."""
    yield "rows: " + changes(diff)
    samples = diff.samples
    if samples and samples.columns:
        named = (f"{name} {count:,}" for name, count in samples.columns.items())
        yield "changed in: " + ", ".join(named)
    if samples and samples.repeated:
        keys = plural("key", samples.repeated)
        yield f"{samples.repeated:,} {keys} more than once: equal rows are paired first"
    yield from _schema(diff)
    if diff.cost and diff.cost.after and not whole:
        yield "cost of the rounds: " + _amounts(diff.cost.after)
    yield f"objects: {objects(diff)}"
    if diff.head is not None and diff.head.wrong is None:
        yield str(diff.head)
    if unshown := guard_checks.unshown(diff.guard, whole=whole):
        yield unshown
    for path in diff.conflicts:
        yield f"conflict: {path} changed on both sides; a merge stops here"
    yield from diff.notes


def rounds(diff: DataDiff) -> Section:
    """Samples and decisions, round by round."""
    counted = (name for entry in diff.rounds for name in entry.decisions)
    names = ("added", "removed", "changed"), tuple(dict.fromkeys((*DECISIONS, *counted)))
    body = [
        [
            str(entry.round),
            *(number(entry.samples[name]) for name in names[0]),
            *(number(entry.decisions.get(name, 0)) for name in names[1]),
            entry.guard or "–",
        ]
        for entry in diff.rounds
    ]
    return Section("", ("round", "samples +", "−", "changed", *names[1], "guard"), body)


def sides(diff: DataDiff, *, whole: bool) -> Section:
    """Size and distance from real data of both sides, and, on a screen, some metrics."""
    left, right = diff.left, diff.right
    if left is None or right is None:
        return Section("", (), [])
    pairs: list[tuple[str, Any, Any]] = [
        ("rounds", span(left.rounds), span(right.rounds)),
        ("samples", left.samples, right.samples),
        ("real share", left.real_share, right.real_share),
        ("real inputs", left.real_inputs, right.real_inputs),
        ("mean depth", left.depth_mean, right.depth_mean),
        ("greatest depth", left.depth_max, right.depth_max),
        ("founder equivalents", left.founders, right.founders),
    ]
    body = [[name, number(old), number(new), change(old, new)] for name, old, new in pairs]
    if not whole:
        shown = _plainest(diff.quality)
        body += [_metric(metric.name, metric.before, metric.after) for metric in shown]
    heads = (f"before {left.commit[:12]}", f"after {right.commit[:12]}")
    return Section("", ("", *heads, "Δ"), body)


def metrics(diff: DataDiff) -> Section:
    """All metrics with their intervals."""
    body = [
        [*_metric(metric.name, metric.before, metric.after), "apart" if metric.apart else ""]
        for metric in diff.quality
    ]
    return Section("Metrics (95 % intervals)", ("", "before", "after", "Δ", "intervals"), body)


def generations(diff: DataDiff) -> Section:
    """Accepted rows by number of generations from real data."""
    if diff.left is None or diff.right is None:
        return Section("", (), [])
    old, new = diff.left.generations, diff.right.generations
    body = [
        [str(generation), *(number(side.get(generation, 0)) for side in (old, new))]
        for generation in sorted({*old, *new})
    ]
    return Section("Generations from real data", ("generation", "before", "after"), body)


def guard(diff: DataDiff, *, whole: bool) -> Section:
    """The guard's checks, the worst first: all that do not pass, or objections alone."""
    body = guard_checks.rows(diff.guard, whole=whole)
    return Section("Guard", ("check", "before", "after", "value", "limit", "evidence"), body)


def columns(diff: DataDiff, *, whole: bool) -> Section:
    """Distributions of columns, the largest shifts first."""
    ranked = sorted(diff.columns, key=lambda shift: (not shift.shifted, -abs(shift.effect or 0.0)))
    body = [_column(shift) for shift in (ranked if whole else ranked[:SCREEN])]
    title = f"Columns: the right side's parts that differ beside {diff.reference}"
    heads = ("column", "before", "after", "nulls", "effect", "size", "p (Holm)", "categories", "")
    shown = [index for index in range(len(heads)) if any(row[index] for row in body)]
    body_shown = [[row[index] for index in shown] for row in body]
    return Section(title, tuple(heads[index] for index in shown), body_shown)


def cost(diff: DataDiff) -> Section:
    """Cost of the differing rounds, by stage."""
    if diff.cost is None:
        return Section("", (), [])
    body = [[name, _amounts(units)] for name, units in sorted(diff.cost.stages.items())]
    total = [_amounts(amounts) or "–" for amounts in (diff.cost.before, diff.cost.after)]
    body.append(["all", total[1]])
    title = f"Cost of the rounds that differ (before: {total[0]})"
    return Section(title, ("stage", "took"), body)


def changes(diff: DataDiff) -> str:
    """A phrase with the number of rows by change."""
    counted = [f"{count:,} {name}" for name, count in diff.changes.items()]
    return ", ".join(counted) or "none differ"


def objects(diff: DataDiff) -> str:
    """A phrase with the number of objects by table and change."""
    texts = []
    for name, counts in sorted(diff.objects.items()):
        signed = (f"{SIGNS[change]}{count}" for change, count in sorted(counts.items()))
        texts.append(f"{name} {' '.join(signed)}")
    return ", ".join(texts) or "none differ"


def span(numbers: Sequence[int]) -> str:
    """Round numbers; consecutive ones are written as a range."""
    if not numbers:
        return "–"
    whole = list(numbers) == list(range(numbers[0], numbers[-1] + 1)) and len(numbers) > 1
    return f"{numbers[0]}–{numbers[-1]}" if whole else ", ".join(map(str, numbers))


def change(old: object, new: object) -> str:
    """The difference of two numbers with its sign; empty unless both are numbers."""
    if not isinstance(old, int | float) or not isinstance(new, int | float):
        return ""
    amount = number(abs(new - old))
    sign = "−" if new < old and amount.strip("0.") else "+"
    return sign + amount


def _plainest(quality: Sequence[Metric]) -> list[Metric]:
    """What training on the mix gives, and the metrics of the mix that changed most.

    A change is measured in widths of the interval, for metrics have no common unit.
    """
    first = [metric for metric in quality if metric.name.endswith(" mix")]
    others = [metric for metric in quality if metric.name.startswith("mix ")]
    return first + sorted(others, key=lambda metric: -metric.moved)[:METRICS]


def _metric(name: str, old: Interval | None, new: Interval | None) -> list[str]:
    values = [side.value if side else None for side in (old, new)]
    return [name, _interval(old), _interval(new), change(*values)]


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return "–"
    ends = "" if interval.low is None else f" [{number(interval.low)}, {number(interval.high)}]"
    return number(interval.value) + ends


def _column(shift: Shift) -> list[str]:
    named = [
        sign
        + ", ".join(text(value, SHORT) for value in values[:NAMED])
        + (f" … ({count:,})" if count > NAMED else "")
        for sign, values, count in (
            ("+", shift.gained, shift.gained_count),
            ("−", shift.lost, shift.lost_count),
        )
        if count
    ]
    p = shift.p_holm
    return [
        shift.column,
        _summary(shift.before),
        _summary(shift.after),
        " → ".join(number(value) for value in shift.absent) if any(shift.absent) else "",
        number(shift.effect),
        shift.size or "–",
        "–" if p is None else "<0.001" if p < 0.001 else number(p),  # noqa: PLR2004  digits shown
        " ".join(named),
        "shifted" if shift.shifted else "",
    ]


def _summary(figures: Any) -> str:  # noqa: ANN401  a mapping of numbers
    if "mean" in figures:
        return f"{figures['mean']:,.4g} ± {figures['sd']:.3g}"
    return f"{figures['distinct']:,} distinct" if "distinct" in figures else "–"


def _schema(diff: DataDiff) -> Iterator[str]:
    for what, names in (("gained", diff.schema.added), ("lost", diff.schema.removed)):
        if names:
            yield f"columns {what}: " + ", ".join(
                f"{name} {dtype}" for name, dtype in names.items()
            )
    for name, (old, new) in diff.schema.retyped.items():
        yield f"column {name}: {old} became {new}"


def _amounts(units: Any) -> str:  # noqa: ANN401  a mapping of numbers
    shown = {unit: value for unit, value in units.items() if value or unit == "seconds"}
    return ", ".join(
        f"{value:,} {unit.replace('_', ' ')}"
        if isinstance(value, int)
        else f"{value:,.4g} {unit.replace('_', ' ')}"
        for unit, value in shown.items()
    )
