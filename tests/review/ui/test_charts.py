"""Charts say the same in words as in the picture, and leave out what nobody measured."""

from __future__ import annotations

from typing import Any

import pytest

from review.ui import chart_drawing, charts


def entry(number: int, **metrics: Any) -> dict[str, Any]:
    return {"round": number, "metrics": metrics, "cost": {}}


def test_a_chart_without_a_figure_is_left_out() -> None:
    assert charts.of_rounds([]) == []
    assert charts.of_rounds([entry(0), entry(1, accuracy={"mix": {"value": None}})]) == []


def test_a_chart_is_told_in_words() -> None:
    entries = [
        entry(1, accuracy={"mix": {"value": 0.9, "low": 0.85, "high": 0.95}}),
        entry(2),
        entry(3, accuracy={"mix": {"value": 0.8}, "real_only": {"value": 0.7}}),
    ]
    (chart,) = charts.of_rounds(entries)
    assert chart.name == "downstream"
    assert chart.numbers == [1, 3]
    assert chart.alternative == (
        "Accuracy on real validation data; higher is better. "
        "trained on the mix: round 1 0.900 (0.850 to 0.950), round 3 0.800; "
        "trained on real data: round 3 0.700"
    )


@pytest.mark.slow
def test_one_drawing_has_both_themes_and_all_series() -> None:
    entries = entry(1) | {
        "cost": {"fit": {"seconds": 3.0}, "verify": {"seconds": 1}, "judge": {"usd": 2}}
    }
    (chart,) = charts.of_rounds([entries])
    assert list(chart.series) == ["fit", "verify"]
    svg = chart_drawing.svg(chart).decode()
    assert svg.startswith("<svg")
    assert ">verify</text>" in svg
    assert "<title>fit, round 1: 3.000</title>" in svg
    for theme in chart_drawing.THEMES.values():
        assert str(theme["hues"][0]) in svg
    assert "http://www.w3.org/" in svg
    assert svg.count("http") == svg.count("http://www.w3.org/")  # nothing is loaded


def judged(limits: dict[str, str]) -> dict[str, Any]:
    return {"checks": [{"name": name, "limit": limit} for name, limit in limits.items()]}


def test_the_figure_is_the_one_that_the_guard_judges() -> None:
    both = {"mix": {"value": 0.9}, "real_only": {"value": 0.92}}
    f1 = {"mix": {"value": 0.7, "low": 0.6, "high": 0.8}, "real_only": {"value": 0.75}}
    limits = {"downstream_real": "warn >0.005, block >0.01"}
    made = entry(1, task="macro_f1", accuracy=both, macro_f1=f1) | {"guard": judged(limits)}
    (chart,) = charts.of_rounds([made])
    assert (chart.title, chart.axis) == ("Macro-f1 on real validation data", "macro-f1")
    assert [point.value for point in chart.points] == [0.7, 0.75]
    assert {name: points[0].value for name, points in chart.rows.items()} == {
        "trained on the mix": 0.7,
        "trained on real data": 0.75,
        "trained on the mix, blocks below": pytest.approx(0.74),
    }
    assert chart.legend == "Higher is better; dotted: limit of the guard."


def test_limits_and_real_rows_are_lines_that_say_their_figures() -> None:
    shape = {"variance": {"value": 0.7, "null": 1.1}, "recall": {"value": 0.4, "null": 0.8}}
    limits = {
        "recall_round": "warn <0.5",
        "variance_round": "warn <0.75 >1.25, block <0.6 >1.5",
        "real_share": "warn <0.25, block <0.1",
    }
    made = entry(2, round=shape, summary={"real_share": 0.3}) | {"guard": judged(limits)}
    coverage, diversity, distance = charts.of_rounds([made])
    assert [(each.name, each.value) for each in coverage.guides] == [
        ("real rows", 0.8),
        ("warns below", 0.4),
    ]
    assert [(each.name, each.value) for each in diversity.guides] == [
        ("real rows", 1.1),
        ("blocks below", pytest.approx(0.66)),
        ("blocks above", pytest.approx(1.65)),
    ]
    assert [(each.name, each.value) for each in distance.guides] == [("blocks below", 0.1)]
    assert coverage.legend == (
        "Higher is better; dashed: what real rows have; dotted: limit of the guard."
    )
    assert "round 2 1.650" in diversity.alternative


@pytest.mark.slow
def test_marks_say_their_figures_where_a_pointer_rests() -> None:
    points = (charts.Point(2, "the round", 0.7, (0.6, 0.8)),)
    guides = (charts.Guide(2, "the round", charts.LIMIT, "blocks above", 1.65),)
    svg = chart_drawing.svg(charts.Chart("c", "t", "a", points, guides)).decode()
    assert "<title>the round, round 2: 0.700 (0.600 to 0.800)</title>" in svg
    assert "<title>the round, blocks above, round 2: 1.650</title>" in svg
