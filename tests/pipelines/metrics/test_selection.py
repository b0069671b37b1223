"""What a selection leaves of the rare rows that there were to choose from, beside random ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from expectations.measures import features
from lineage.guard import Evidence
from lineage.limits import Limits
from pipelines.common.plugins import NoSettings
from pipelines.metrics import Labelled, Metric
from pipelines.metrics.protocol import MetricRequest
from pipelines.metrics.selection import Selection, of_tail
from pipelines.rounds.selection_tail import SelectionTail, SelectionTailSettings
from tests.lineage.digits import HEALTHY

WIDE = 6


def rows(seed: int, count: int) -> Labelled:
    points = np.random.default_rng(seed).normal(size=(count, WIDE)).astype(np.float32)
    return Labelled(points, np.zeros(count, dtype=np.int64))


REAL, HELD, MADE = rows(1, 400), rows(2, 200), rows(3, 600)
RARITY = features.fit(REAL.vectors).rarity(MADE.vectors)


def measured(accepted: NDArray[Any], made: Labelled | None = MADE) -> Mapping[str, Metric]:
    kept = MADE.at(accepted)
    n = min(200, len(kept.labels))
    request = MetricRequest(
        real=REAL,
        validation=HELD.at(np.arange(n)),
        sets={"accepted": kept.at(np.arange(n)), "mix": REAL.at(np.arange(n))},
        features=features.fit(REAL.vectors),
        null_draws=5,
        bootstrap=200,
        seed=9,
        whole={"accepted": kept} | ({} if made is None else {"candidates": made}),
    )
    return Selection().measure(request, NoSettings())["accepted"]


def judged(found: Mapping[str, Metric]) -> tuple[str, str]:
    figures = {"round": {name: metric.to_dict() for name, metric in found.items()}}
    evidence: Evidence = replace(HEALTHY, metrics=figures)
    result = SelectionTail().judge(evidence, Limits(), SelectionTailSettings())
    return result.verdict, result.detail


def test_a_suite_that_refuses_rare_rows_is_warned_of_and_a_random_one_is_not() -> None:
    strict = np.flatnonzero(np.quantile(RARITY, 0.4) > RARITY)
    random = np.sort(np.random.default_rng(4).permutation(600)[:540])
    cut, fair = measured(strict), measured(random)
    assert cut["selection_tail"].value == 0
    assert cut["selection_tail"].high < cut["selection_tail"].null_low
    assert cut["selection_coverage"].value < cut["selection_coverage"].null_low <= 0
    assert judged(cut)[0] == "warn"
    tail = fair["selection_tail"]
    assert tail.low < 1 < tail.high
    assert tail.null == pytest.approx(1, abs=0.02)
    assert judged(fair)[0] == "pass"
    assert judged(fair)[1].count("0.") >= 10  # acceptance of each tenth


def test_acceptance_is_told_by_tenths_of_rarity() -> None:
    made, kept = np.full(10, 50), np.asarray([50] * 9 + [10])
    found = of_tail(made, kept, 200, 1)
    assert found.value == pytest.approx((10 / 460) / 0.1)
    assert found.to_dict()["acceptance"] == [1.0] * 9 + [0.2]
    none = of_tail(np.asarray([50] * 9 + [0]), np.asarray([50] * 9 + [0]), 200, 1)
    assert none.to_dict()["acceptance"][-1] is None
    assert none.to_dict()["value"] is None


def test_everything_accepted_is_exactly_what_there_was() -> None:
    found = measured(np.arange(600))
    assert found["selection_tail"].value == pytest.approx(1)
    assert found["selection_coverage"].value == 0
    assert judged(found)[0] == "pass"


def test_without_candidates_nothing_is_measured_and_nothing_passes() -> None:
    assert all(np.isnan(each.value) for each in measured(np.arange(100), None).values())
    verdict, told = judged(measured(np.arange(100), None))
    assert verdict == "not measured"
    assert "evaluate.metrics names no `selection`" in told


def test_what_is_recorded_of_tenths_may_be_anything() -> None:
    entry = {**measured(np.arange(600))["selection_tail"].to_dict(), "acceptance": ["x", None]}
    evidence = replace(HEALTHY, metrics={"round": {"selection_tail": entry}})
    result = SelectionTail().judge(evidence, Limits(), SelectionTailSettings())
    assert result.verdict == "pass"
    assert "acceptance" not in result.detail
