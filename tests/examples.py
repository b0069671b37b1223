"""Properties that take long for each example: few of them every day, many with the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def few_and_many(few: int, many: int) -> pytest.MarkDecorator:
    """Run a test with its argument `examples` at both numbers; `make test` leaves out the many."""
    return pytest.mark.parametrize("examples", [few, pytest.param(many, marks=pytest.mark.slow)])


def holds(examples: int, check: Callable[..., None], *drawn: st.SearchStrategy[Any]) -> None:
    """Check a property of so many examples.

    Args:
        examples: how many are drawn, others in each run.
        check: raises what the test fails with, given a value of each strategy.
        drawn: strategies.
    """

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.tuples(*drawn))
    def run(values: tuple[Any, ...]) -> None:
        check(*values)

    run()
