"""What was caught, missed and false, check by check and in all, with limits chosen on other seeds.

Limits are chosen on the even seeds and everything is counted on the odd ones. A chosen limit lies
beyond all rounds without harm: the warning at the most extreme of them, the block as far beyond it
again as it is from the median.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from rich.table import Table

from benchmarks.crafted import bench
from benchmarks.crafted.bench import Group
from benchmarks.crafted.cases import Result
from expectations.calibration import wilson

POINT: Final = 0.01
"""Loss of accuracy of an independent model that is harm."""
RECALL: Final = 0.05
"""Loss of recall in any class that is harm."""
COPIED: Final = 0.02
"""Share of accepted copies that is harm, whatever they cost."""
SIDES: Final[Mapping[str, int]] = {
    "label_errors": 1,
    "downstream_real": 1,
    "downstream_second": 1,
    "downstream_pooled": 1,
    "downstream_likelihood": 1,
    "memorised_ratio": 1,
    "holdout_leaning": 1,
    "holdout_closer": 1,
    "class_share": -1,
    "class_coverage": -1,
    "class_variance": -1,
    "rare_recall": -1,
    "warned_rows": 1,
}
"""Figures that limits are chosen for, and on which side."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What one judgement said of rounds with harm and without."""

    caught: int
    warned: int
    harmful: int
    blocked: int
    false: int
    harmless: int
    """Rounds without harm; `blocked` and `false` of them were blocked and only warned about."""

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as JSON, with intervals."""
        shares = {
            "caught": wilson(self.caught, self.harmful).to_dict(),
            "missed": wilson(self.harmful - self.caught - self.warned, self.harmful).to_dict(),
            "false_blocks": wilson(self.blocked, self.harmless).to_dict(),
            "false_warnings": wilson(self.false, self.harmless).to_dict(),
        }
        return {**asdict(self), "shares": shares}


def harmful(result: Result) -> bool:
    """Tell whether a round does harm: it holds copies, or it costs an independent model something.

    A measured loss counts where its 95 % interval holds none but losses; that of a class, where the
    bench says so, only if each family loses it. A round that the suite stops counts by what it was
    made for.
    """
    group = _group(result)
    if group in ("leak", "copy"):
        return bool(result.stopped) or result.crafted >= COPIED
    if result.stopped:
        return group == "harm"
    families = result.lost.values()
    each = all if bench.load(result.case.data).agreeing else any
    of_class = each(lost.recall >= RECALL and lost.recall_low > 0 for lost in families)
    point = any(lost.accuracy >= POINT and lost.accuracy_low > 0 for lost in families)
    return point or (bool(families) and of_class)


def _group(result: Result) -> Group:
    return bench.load(result.case.data).kinds[result.case.kind].group


def harmless(result: Result) -> bool:
    """Tell whether a round is healthy or in another style, and measured to do no harm."""
    return _group(result) in ("healthy", "style") and not harmful(result)


def verdict(result: Result) -> str:
    """The verdict on a round by suite and guard."""
    if result.stopped:
        return "block"
    said = {said for _, said in result.checks.values()}
    return next((word for word in ("block", "warn") if word in said), "pass")


def counted(results: Iterable[Result], judge: Callable[[Result], str]) -> Counted:
    """Count what a judge says of rounds."""
    bad, good = [], []
    for result in results:
        if harmful(result):
            bad.append(judge(result))
        elif harmless(result):
            good.append(judge(result))
    return Counted(
        bad.count("block"),
        bad.count("warn"),
        len(bad),
        good.count("block"),
        good.count("warn"),
        len(good),
    )


def by_check(results: Sequence[Result]) -> dict[str, Counted]:
    """Count what each check says by itself."""
    names = dict.fromkeys(name for result in results for name in result.checks)
    return {name: counted(results, _said(name)) for name in names}


def _said(name: str) -> Callable[[Result], str]:
    def judge(result: Result) -> str:
        return result.checks.get(name, (None, "pass"))[1]

    return judge


def halves(results: Sequence[Result]) -> tuple[list[Result], list[Result]]:
    """Separate the seeds on which limits are chosen from those on which is counted."""
    return (
        [result for result in results if result.case.seed % 2 == 0],
        [result for result in results if result.case.seed % 2 == 1],
    )


@dataclass(frozen=True, slots=True)
class Chosen:
    """Limits of a figure; `side` is 1 where more is worse."""

    warn: float
    block: float
    side: int

    def says(self, value: float | None) -> str:
        """The verdict on a figure."""
        if value is None:
            return "not measured"
        if self.side * value > self.side * self.block:
            return "block"
        return "warn" if self.side * value > self.side * self.warn else "pass"


def choose(results: Sequence[Result]) -> dict[str, Chosen]:
    """Choose limits for the figures of `SIDES` on rounds without harm."""
    chosen = {}
    for name, side in SIDES.items():
        values = [
            side * value
            for result in results
            if harmless(result)
            for value in (result.checks.get(name, (None, ""))[0],)
            if value is not None
        ]
        if values:
            warn = max(values)
            chosen[name] = Chosen(side * warn, side * (2 * warn - median(values)), side)
    return chosen


def with_chosen(results: Sequence[Result], limits: Mapping[str, Chosen]) -> dict[str, Counted]:
    """Count what chosen limits say of each figure, on other seeds."""

    def judge(name: str) -> Callable[[Result], str]:
        return lambda result: limits[name].says(result.checks.get(name, (None, ""))[0])

    return {name: counted(results, judge(name)) for name in limits}


def record(results: Sequence[Result]) -> dict[str, Any]:
    """Everything that was found, as JSON."""
    choosing, reporting = halves(results)
    limits = choose(choosing)
    return {
        "in_all": counted(reporting, verdict).to_dict(),
        "checks": {name: found.to_dict() for name, found in by_check(reporting).items()},
        "chosen": {
            name: {**asdict(limits[name]), **found.to_dict()}
            for name, found in with_chosen(reporting, limits).items()
        },
        "cases": [
            {
                **result.to_dict(),
                "verdict": verdict(result),
                "harmful": harmful(result),
                "harmless": harmless(result),
            }
            for result in results
        ],
    }


def tables(results: Sequence[Result]) -> list[Table]:
    """Draw what was said of each kind, of each check, and by chosen limits."""
    choosing, reporting = halves(results)
    limits = choose(choosing)
    chosen = with_chosen(reporting, limits)
    return [
        _by_kind(results),
        _counts(
            "checks by the shipped limits, odd seeds",
            {"in all": counted(reporting, verdict), **by_check(reporting)},
        ),
        _counts(
            "figures by limits that were chosen on the even seeds, odd seeds",
            {_named(name, limits[name]): found for name, found in chosen.items()},
        ),
    ]


def _named(name: str, limits: Chosen) -> str:
    sign = ">" if limits.side > 0 else "<"
    return f"{name} warn {sign}{limits.warn:.3g} block {sign}{limits.block:.3g}"


def _by_kind(results: Sequence[Result]) -> Table:
    data = bench.load(results[0].case.data)
    table = Table(title="rounds by kind and strength, all seeds")
    first, *others = data.families
    heads = (f"loss: {first}", *others, "with harm", "block, warn, pass")
    for head in ("kind", "strength", *heads):
        table.add_column(head)
    for name, kind in data.kinds.items():
        for strength in kind.strengths:
            ours = [
                each for each in results if (each.case.kind, each.case.strength) == (name, strength)
            ]
            if ours:
                table.add_row(name, f"{strength:g}", *_kind_cells(ours, data.families))
    return table


def _kind_cells(ours: Sequence[Result], families: Sequence[str]) -> list[str]:
    said = [verdict(result) for result in ours]
    return [
        *(_mean_loss(ours, family) for family in families),
        f"{sum(map(harmful, ours))}/{len(ours)}",
        ", ".join(f"{said.count(word)}" for word in ("block", "warn", "pass")),
    ]


def _mean_loss(ours: Sequence[Result], family: str) -> str:
    lost = [result.lost[family].accuracy for result in ours if family in result.lost]
    return f"{sum(lost) / len(lost):.3f}" if lost else "–"


def _counts(title: str, found: Mapping[str, Counted]) -> Table:
    table = Table(title=title)
    for head in ("check", "caught (95 %)", "warned", "missed", "false blocks (95 %)", "warnings"):
        table.add_column(head)
    for name, each in found.items():
        if each.caught + each.warned + each.blocked + each.false == 0:
            continue
        missed = each.harmful - each.caught - each.warned
        table.add_row(
            name,
            _share(each.caught, each.harmful),
            f"{each.warned}",
            f"{missed}",
            _share(each.blocked, each.harmless),
            f"{each.false}",
        )
    return table


def _share(hits: int, of: int) -> str:
    estimate = wilson(hits, of)
    return f"{hits}/{of} ({estimate.low:.0%} to {estimate.high:.0%})"
