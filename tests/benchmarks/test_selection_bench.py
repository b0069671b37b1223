"""One split: the suite's own selection is not warned of, and the rows that it keeps are counted."""

from __future__ import annotations

import math

import pytest

from benchmarks import selection


@pytest.mark.bench
def test_the_suite_of_digits_cuts_no_tail_and_a_narrow_one_keeps_less() -> None:
    found = {case.selection: case for case in selection.cases(4)}
    suite, narrow = found["the suite, real rows"], found["the nearest 50% of these"]
    assert suite.measured
    assert not suite.warned
    assert narrow.warned
    assert narrow.value < 0.75 < suite.value
    assert narrow.accepted <= 0.51 * suite.accepted


def test_the_table_counts_halves_apart_and_leaves_out_what_was_not_measured() -> None:
    found = [
        selection.Case(seed, "s", 100, value, 0.9, value < 0.75)
        for seed, value in enumerate((0.5, 0.8, math.nan, 0.6))
    ]
    assert list(selection.table(found))[2] == "| s | 3 of 4 | 1 of 1 | 1 of 2 | 0.50 to 0.80 |"
