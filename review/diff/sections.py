"""A diff as tables of short cells, which the terminal, Markdown and the page all show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from review.cli.output import number, plural
from review.diff.shift import Shift
from review.diff.texts import text
from review.diff.values import DataDiff, Interval, Metric

SIGNS: Final = {"added": "+", "removed": "−", "changed": "~", "conflict": "!"}
NAMED: Final = 5
"""Categories that a cell names."""
SHORT: Final = 24
"""Characters by which a cell names one."""
SCREEN: Final = 6
"""Rows of a table that a screen shows, where a table may be long."""
METRICS: Final = 4
"""Of the training mix, that a screen shows."""


@dataclass(frozen=True, slots=True)
class Section:
    """A table with a title; cells are strings."""

    title: str
    columns: tuple[str, ...]
    rows: list[list[str]]


def sections(found: DataDiff, *, whole: bool) -> Iterator[Section]:
    """The tables that matter most; those without a row are left out.

    Args:
        found: the diff.
        whole: every column and check, and metrics elsewhere; else what fits a screen.
    """
    made = (
        rounds(found),
        sides(found, whole=whole),
        guard(found, whole=whole),
        columns(found, whole=whole),
    )
    return (each for each in made if each.rows)


def details(found: DataDiff) -> Iterator[Section]:
    """The tables that only a page has room for."""
    return (each for each in (metrics(found), generations(found), cost(found)) if each.rows)


def sentences(found: DataDiff, *, whole: bool = False) -> Iterator[str]:
    """What a diff says in a line each."""
    yield "rows: " + changes(found)
    samples = found.samples
    if samples and samples.columns:
        named = (f"{name} {count:,}" for name, count in samples.columns.items())
        yield "changed in: " + ", ".join(named)
    if samples and samples.repeated:
        keys = plural("key", samples.repeated)
        yield f"{samples.repeated:,} {keys} more than once: equal rows are paired first"
    yield from _schema(found)
    if found.cost and found.cost.after and not whole:
        yield "cost of the rounds: " + _amounts(found.cost.after)
    yield f"objects: {objects(found)}"
    for path in found.conflicts:
        yield f"conflict: {path} changed on both sides; a merge stops here"
    yield from found.notes


def rounds(found: DataDiff) -> Section:
    """Samples and decisions, round by round."""
    names = ("added", "removed", "changed"), ("accepted", "rejected", "duplicate")
    body = [
        [
            str(each.round),
            *(number(each.samples[name]) for name in names[0]),
            *(number(each.decisions[name]) for name in names[1]),
            each.guard or "–",
        ]
        for each in found.rounds
    ]
    return Section("", ("round", "samples +", "−", "changed", *names[1], "guard"), body)


def sides(found: DataDiff, *, whole: bool) -> Section:
    """How much there is and how far it is from real data, and, on a screen, how good."""
    left, right = found.left, found.right
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
        shown = _plainest(found.quality)
        body += [_metric(each.name, each.before, each.after) for each in shown]
    heads = (f"before {left.commit[:12]}", f"after {right.commit[:12]}")
    return Section("", ("", *heads, "Δ"), body)


def metrics(found: DataDiff) -> Section:
    """Every metric with its interval."""
    body = [
        [*_metric(each.name, each.before, each.after), "apart" if each.apart else ""]
        for each in found.quality
    ]
    return Section("Metrics (95 % intervals)", ("", "before", "after", "Δ", "intervals"), body)


def generations(found: DataDiff) -> Section:
    """Accepted rows by generations from real data."""
    if found.left is None or found.right is None:
        return Section("", (), [])
    old, new = found.left.generations, found.right.generations
    body = [
        [str(each), *(number(side.get(each, 0)) for side in (old, new))]
        for each in sorted({*old, *new})
    ]
    return Section("Generations from real data", ("generation", "before", "after"), body)


def guard(found: DataDiff, *, whole: bool) -> Section:
    """The guard's checks that do not pass, or did not say the same before."""
    checks = found.guard.checks if found.guard else ()
    shown = checks if whole else [each for each in checks if each.after != "pass"][:SCREEN]
    body = [
        [
            each.name,
            *(side or "–" for side in (each.before, each.after)),
            number(each.value_after),
            each.limit or "–",
            each.evidence or "",
        ]
        for each in shown
    ]
    return Section("Guard", ("check", "before", "after", "value", "limit", "evidence"), body)


def columns(found: DataDiff, *, whole: bool) -> Section:
    """Distributions of columns, the plainest shifts first."""
    ranked = sorted(found.columns, key=lambda each: (not each.shifted, -abs(each.effect or 0.0)))
    body = [_column(each) for each in (ranked if whole else ranked[:SCREEN])]
    title = f"Columns: the right side's parts that differ beside {found.reference}"
    heads = ("column", "before", "after", "nulls", "effect", "size", "p (Holm)", "categories", "")
    kept = [at for at in range(len(heads)) if any(row[at] for row in body)]
    told = [[row[at] for at in kept] for row in body]
    return Section(title, tuple(heads[at] for at in kept), told)


def cost(found: DataDiff) -> Section:
    """What the rounds that differ took, by stage."""
    if found.cost is None:
        return Section("", (), [])
    body = [[name, _amounts(units)] for name, units in sorted(found.cost.stages.items())]
    total = [_amounts(each) or "–" for each in (found.cost.before, found.cost.after)]
    body.append(["all", total[1]])
    title = f"Cost of the rounds that differ (before: {total[0]})"
    return Section(title, ("stage", "took"), body)


def changes(found: DataDiff) -> str:
    """Rows by change, in words."""
    counted = [f"{count:,} {name}" for name, count in found.changes.items()]
    return ", ".join(counted) or "none differ"


def objects(found: DataDiff) -> str:
    """Objects by table and change."""
    told = (
        f"{name} {' '.join(f'{SIGNS[kind]}{count}' for kind, count in sorted(kinds.items()))}"
        for name, kinds in sorted(found.objects.items())
    )
    return ", ".join(told) or "none differ"


def span(numbers: Sequence[int]) -> str:
    """Round numbers, a whole run as its ends."""
    if not numbers:
        return "–"
    whole = list(numbers) == list(range(numbers[0], numbers[-1] + 1)) and len(numbers) > 1
    return f"{numbers[0]}–{numbers[-1]}" if whole else ", ".join(map(str, numbers))


def change(old: object, new: object) -> str:
    """The difference of two numbers with its sign."""
    if not isinstance(old, int | float) or not isinstance(new, int | float):
        return ""
    told = number(abs(new - old))
    sign = "−" if new < old and told.strip("0.") else "+"
    return sign + told


def _plainest(quality: Sequence[Metric]) -> list[Metric]:
    """Accuracy after training on the mix, and the metrics of the mix that changed most.

    A change is measured in widths of the interval, for metrics have no common unit.
    """
    first = [each for each in quality if each.name == "accuracy mix"]
    others = [each for each in quality if each.name.startswith("mix ")]
    return first + sorted(others, key=lambda each: -each.moved)[:METRICS]


def _metric(name: str, old: Interval | None, new: Interval | None) -> list[str]:
    values = [each.value if each else None for each in (old, new)]
    return [name, _interval(old), _interval(new), change(*values)]


def _interval(found: Interval | None) -> str:
    if found is None:
        return "–"
    ends = "" if found.low is None else f" [{number(found.low)}, {number(found.high)}]"
    return number(found.value) + ends


def _column(found: Shift) -> list[str]:
    named = [
        sign
        + ", ".join(text(each, SHORT) for each in values[:NAMED])
        + (f" … ({count:,})" if count > NAMED else "")
        for sign, values, count in (
            ("+", found.gained, found.gained_count),
            ("−", found.lost, found.lost_count),
        )
        if count
    ]
    p = found.p_holm
    return [
        found.column,
        _summary(found.before),
        _summary(found.after),
        " → ".join(number(each) for each in found.nulls) if any(found.nulls) else "",
        number(found.effect),
        found.size or "–",
        "–" if p is None else "<0.001" if p < 0.001 else number(p),  # noqa: PLR2004  digits shown
        " ".join(named),
        "shifted" if found.shifted else "",
    ]


def _summary(figures: Any) -> str:  # noqa: ANN401  a mapping of numbers
    if "mean" in figures:
        return f"{figures['mean']:,.4g} ± {figures['sd']:.3g}"
    return f"{figures['distinct']:,} distinct" if "distinct" in figures else "–"


def _schema(found: DataDiff) -> Iterator[str]:
    for what, names in (("gained", found.schema.added), ("lost", found.schema.removed)):
        if names:
            yield f"columns {what}: " + ", ".join(f"{name} {kind}" for name, kind in names.items())
    for name, (old, new) in found.schema.retyped.items():
        yield f"column {name}: {old} became {new}"


def _amounts(units: Any) -> str:  # noqa: ANN401  a mapping of numbers
    shown = {unit: value for unit, value in units.items() if value or unit == "seconds"}
    return ", ".join(
        f"{value:,} {unit.replace('_', ' ')}"
        if isinstance(value, int)
        else f"{value:,.4g} {unit.replace('_', ' ')}"
        for unit, value in shown.items()
    )
