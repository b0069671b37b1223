"""Charts say the same in words as in the picture, and leave out what nobody measured."""

from __future__ import annotations

from typing import Any

import pytest

from review.ui import charts


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
        "Downstream score on real validation data. "
        "trained on the mix: round 1 0.900 (0.850 to 0.950), round 3 0.800; "
        "trained on real data: round 3 0.700"
    )


@pytest.mark.slow
def test_both_themes_are_drawn_with_all_series() -> None:
    entries = entry(1) | {
        "cost": {"fit": {"seconds": 3.0}, "verify": {"seconds": 1}, "judge": {"usd": 2}}
    }
    (chart,) = charts.of_rounds([entries])
    assert list(chart.series) == ["fit", "verify"]
    drawn = {theme: charts.svg(chart, theme).decode() for theme in charts.THEMES}
    for theme, svg in drawn.items():
        assert svg.startswith("<svg")
        assert ">verify</text>" in svg
        assert str(charts.THEMES[theme]["hues"][0]) in svg
        assert "http://www.w3.org/" in svg
        assert svg.count("http") == svg.count("http://www.w3.org/")  # nothing is loaded
