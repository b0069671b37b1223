"""Checks of a line of rounds: what drift leaves, how long a class lasts, how many generators."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lineage.evidence import Evidence, PastRound
from lineage.limits import Limits
from pipelines.rounds.guard_checks import CheckResult
from pipelines.rounds.optional_checks import lines
from tests.lineage.digits import HEALTHY, SIZE, evidence

LIMITS = Limits()
REPLACED = evidence("replace", 3)


def past(number: int, regime: str = "replace", rows: Any = 4, **more: Any) -> PastRound:
    mix = {"regime": regime, "rows": rows, "real_share": 0.0, **more}
    return PastRound(number, "diffusion", mix, {})


def budget(about: Evidence, warn: float = 0.95) -> CheckResult:
    return lines.DriftBudget().judge(about, LIMITS, lines.DriftBudgetSettings(warn=warn))


def test_the_budget_is_of_all_mixes_since_real_rows() -> None:
    history = [past(0, "accumulate", 100), past(1), past(2, rows=2), past(3, rows=9)]
    found = budget(replace(REPLACED, history=history))
    by_hand = (1 - 1 / 4) * (1 - 1 / 2) * (1 - 1 / SIZE)  # its own mix is that of the evidence
    assert found.value == pytest.approx(by_hand)
    assert found.verdict == "warn"
    large = [past(1, rows=1000), past(2, rows=1000), past(3)]
    assert budget(replace(REPLACED, history=large)).verdict == "pass"


def test_a_line_begins_anew_where_real_rows_came() -> None:
    history = [past(1, rows=2), past(2, real_share=1.0), past(3)]
    assert budget(replace(REPLACED, history=history)).value == pytest.approx(1 - 1 / SIZE)


def test_where_real_rows_stay_nothing_is_lost_by_drift() -> None:
    assert budget(replace(HEALTHY, history=[past(1)])).verdict == "not applicable"
    assert budget(REPLACED).verdict == "not measured"
    odd = [past(1, rows="many"), past(2, rows=None), past(3)]
    assert budget(replace(REPLACED, history=odd)).value == pytest.approx(1 - 1 / SIZE)


def rare(tenth: float | None, about: Evidence = REPLACED) -> CheckResult:
    names = {"share": 0.05, "tenth": tenth, "median": 26.0, "mean": 63.0}
    figures = {f"rare_class_{name}": {"value": value} for name, value in names.items()}
    return lines.RareClass().judge(
        replace(about, metrics={"round": figures}), LIMITS, lines.RareClassSettings()
    )


def test_of_a_sampled_mix_a_class_is_followed_at_the_size_of_the_whole() -> None:
    many = replace(REPLACED, mix=REPLACED.mix.model_copy(update={"rows": 1_000_000}))
    figures = {"rare_class_share": {"value": 0.01}, "rare_class_tenth": {"value": 2.0}}
    said = {"round": figures, "sampled": {"rows": 200, "of": {"mix": 1_000_000}}}
    found = lines.RareClass().judge(replace(many, metrics=said), LIMITS, lines.RareClassSettings())
    assert (found.value, found.verdict) == (None, "pass")
    assert "1,000,000 rows" in found.detail
    assert "within more rounds than were followed" in found.detail


def test_a_class_that_one_line_in_ten_soon_loses_is_warned_of() -> None:
    found = rare(2.0)
    assert (found.value, found.verdict) == (2.0, "warn")
    assert "within 2 rounds, half of them within 26 rounds" in found.detail
    assert rare(12.0).verdict == "pass"
    outlasts = rare(None)
    assert (outlasts.value, outlasts.verdict) == (None, "pass")
    assert rare(8.0, HEALTHY).verdict == "not applicable"
    unmeasured = lines.RareClass().judge(REPLACED, LIMITS, lines.RareClassSettings())
    assert unmeasured.verdict == "not measured"


def generators(*kinds: str) -> CheckResult:
    history = [PastRound(number, kind, {}, {}) for number, kind in enumerate(kinds)]
    return lines.EffectiveGenerators().judge(
        replace(HEALTHY, history=history), LIMITS, lines.EffectiveGeneratorsSettings(warn=1.5)
    )


def test_generators_count_by_their_weight_in_the_generated_part_of_the_mix() -> None:
    two = generators("", "diffusion", "gan")
    assert (two.value, two.verdict) == (pytest.approx(2), "pass")
    assert two.detail.endswith("diffusion 0.50, gan 0.50")
    one = generators("", "gan", "gan")
    assert (one.value, one.verdict) == (1, "warn")
    assert generators("", "", "").verdict == "not applicable"
    unread = lines.EffectiveGenerators().judge(
        HEALTHY, LIMITS, lines.EffectiveGeneratorsSettings(warn=1.5)
    )
    assert unread.verdict == "not measured"
