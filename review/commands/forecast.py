"""`stemma forecast DATASET`: where the rounds lead, under each regime, and what would hold them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.console import RenderableType

from pipelines.inquiry.foresight import forecasting, observed
from pipelines.inquiry.foresight.forecasting import Forecast, HeldAgainst, Point, Remedy
from pipelines.inquiry.foresight.rare import RareClass
from pipelines.inquiry.foresight.regimes import FIGURES, REGIMES, REPLACE, Plan
from pipelines.params import load
from pipelines.rounds.context import open_lake
from review.cli import files
from review.cli.datasets import wanted_dataset
from review.cli.output import make_console, number, plural, print_json, sentence, table
from review.ui import chart_drawing, charts
from review.ui.charts import Chart

NAMES: Final = {
    "real_share": "real share of the mix",
    "variance": "variance of the round",
    "recall": "recall of the round",
    "mix_recall": "recall of the mix",
}
HELD_COLUMNS: Final = ("figure", "round", "regime", "forecast (95 %)", "found", "within")
NOTHING_HELD: Final = "none of the rounds ahead was made by a generator and measured"
NOT_MEASURED: Final = "not measured"
ASSUMED: Final = (
    "intervals hold 95 % of the draws; generator, suite and settings are taken to stay, and no "
    "real rows to come"
)


def run(
    *, dataset: str, rounds: int, after: int | None, pictures: Path | None, as_json: bool
) -> None:
    """Forecast the next rounds of a data set, and print or draw that."""
    params = load()
    settings = params.datasets[wanted_dataset(params, dataset)]
    fit = settings.fit
    plan = Plan(fit.regime, fit.real_weight, fit.sample_size)
    observations = observed.read(open_lake(params), dataset)
    seen = observations if after is None else observations.until(after)
    found = forecasting.forecast(seen, plan, settings.publish.guard, rounds)
    if after is not None:
        found = forecasting.hold(found, observations)
    drawn = [] if pictures is None else list(_draw(found, pictures))
    if as_json:
        print_json(found.to_dict())
        return
    out = make_console()
    for part in _rendered(found, after):
        out.print(part)
    for path in drawn:
        out.print(sentence(f"wrote {path}"), soft_wrap=True)


def _rendered(found: Forecast, after: int | None) -> Iterator[RenderableType]:
    last = found.last + found.ahead
    count = max((len(each) for each in found.observed.values()), default=0)
    yield sentence(
        f"{found.dataset}: {count} {plural('round', count)} so far, {found.ahead} ahead; regime of "
        f"params.yaml: {found.regime}",
        "bold",
    )
    yield table("", ("figure", "regime", "last", f"round {last} (95 %)"), list(_rows(found)))
    if after is not None and not found.held_against:
        yield sentence(f"{NOTHING_HELD}; look farther ahead with --rounds")
    if found.held_against:
        shown = list(map(_held, found.held_against))
        yield table("held against later rounds", HELD_COLUMNS, shown)
        within = sum(each.within for each in found.held_against)
        yield sentence(f"{within} of {len(found.held_against)} figures lie in their intervals")
    for name, why in found.not_measured.items():
        yield sentence(f"{NAMES[name]}: {NOT_MEASURED}, {why}")
    if found.classes:
        columns = ("class", "real rows", "lost by", "1 in 10", "half", "mean", "subsample")
        yield table("rarest classes", columns, [_class(each) for each in found.classes])
        yield sentence(
            f"lost by: chance under replace up to round {last}; then rounds until one line in ten, "
            "half of them have lost it, and the mean of those that lose it, if labels are drawn at "
            "random; subsample: chance that one lacks it. Under accumulate none is lost"
        )
    if found.remedy is not None:
        yield sentence(_advice(found.remedy, last))
    yield sentence(ASSUMED)


def _rows(found: Forecast) -> Iterator[list[object]]:
    for figure in FIGURES:
        seen = found.observed[figure]
        for regime in REGIMES:
            points = found.points.get(regime, {}).get(figure)
            if points or figure in found.not_measured or not found.points:
                value = NOT_MEASURED if not points else _interval(points[-1])
                yield [NAMES[figure], regime, seen[-1][1] if seen else None, value]


def _held(each: HeldAgainst) -> list[object]:
    told = "yes" if each.within else "no"
    figures = (_interval(each.forecast), each.found, told)
    return [NAMES[each.figure], each.round, each.regime, *figures]


def _interval(point: Point) -> str:
    return f"{number(point.value)} ({number(point.low)}–{number(point.high)})"


def _class(each: RareClass) -> list[object]:
    return [
        each.label,
        each.real_rows,
        each.lost_replace,
        each.lost_by_tenth,
        each.lost_by_half,
        None if each.lost_mean is None else round(each.lost_mean),
        each.missing_subsample,
    ]


def _advice(remedy: Remedy, last: int) -> str:
    sure = f"{forecasting.SURE:.0%}".replace("%", " %")
    without = (
        f"recall of the mix is above {number(remedy.limit)}, where the guard warns, in round "
        f"{last} in {remedy.without:.0%} of the draws".replace("%", " %")
    )
    if remedy.fresh == 0:
        return f"{without} as it is"
    fresh = (
        f"no number of new real rows that was tried (up to {forecasting.MOST_FRESH:,}) holds it in "
        f"{sure}"
        if remedy.fresh is None
        else f"{remedy.fresh:,} new real rows a round hold it in {sure}"
    )
    weight = (
        f"no weight of real rows does (up to {forecasting.MOST_WEIGHT:.0f})"
        if remedy.weight is None
        else f"or fit.real_weight: {remedy.weight:.2f}"
    )
    return f"{without}; {fresh}; {weight}"


def _draw(found: Forecast, folder: Path) -> Iterator[Path]:
    """Draw a chart of each figure that has a forecast."""
    with files.translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for figure in FIGURES:
        chart = chart_of(found, figure)
        if chart.points:
            path = folder / f"{figure}.svg"
            files.write(path, [chart_drawing.svg(chart).decode()])
            yield path


def chart_of(found: Forecast, figure: str) -> Chart:
    """The chart of a figure: what was measured, and each regime with its intervals."""
    points = [charts.Point(round_, "measured", value) for round_, value in found.observed[figure]]
    regimes = [name for name in REGIMES if found.points.get(name, {}).get(figure)]
    for regime in sorted(regimes, key=lambda name: name == REPLACE):
        points += [
            charts.Point(each.round, regime, each.value, (each.low, each.high))
            for each in found.points[regime][figure]
        ]
    title = f"{NAMES[figure]}: forecast"
    axis = "share" if figure != "variance" else "ratio to real rows"
    forecast_ = tuple(points) if regimes else ()
    return Chart(figure, title[:1].upper() + title[1:], axis, forecast_)
