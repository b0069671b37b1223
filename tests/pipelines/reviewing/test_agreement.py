"""Krippendorff's alpha, held against his own example and against what it is by definition."""

from __future__ import annotations

import pytest

from pipelines.reviewing import agreement
from pipelines.reviewing.decisions import of_records
from tests.pipelines.reviewing.test_record import kept

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: four observers.
UNITS = (
    *("111", "2232", "3333", "3333", "2222", "1234"),
    *("4444", "1121", "2222", "555", "11", "3"),
)


def test_alpha_is_that_of_the_paper() -> None:
    assert agreement.alpha(UNITS) == pytest.approx(0.743, abs=5e-4)


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (["aa", "bb"], 1.0),
        (["ab", "ab"], -0.5),
        (["aa", "ab", "bb"], 1 - 5 * 2 / 18),
        (["aa", "aa"], None),
        (["a", "b"], None),
        ([], None),
    ],
)
def test_alpha_of_small_tables(units: list[str], expected: float | None) -> None:
    assert agreement.alpha(units) == (None if expected is None else pytest.approx(expected))


def test_the_last_decision_of_each_reviewer_on_a_sample_counts() -> None:
    records = [
        kept("ada", "reject"),
        kept("ada", "accept"),
        kept("bob", "accept"),
        kept("ada", "relabel", row=8, label="1"),
        kept("bob", "relabel", row=8, label="2"),
        kept("ada", "reject", row=9),
        kept("bob", "reject", row=9),
        kept("bob", "withdraw", row=9),
    ]
    found = agreement.of_table(of_records(records).table)
    assert found is not None
    assert (found.samples, found.reviewers) == (2, 2)
    assert found.alpha == pytest.approx(1 - 3 * 2 / (16 - 6))
    assert agreement.of_table(of_records(records[:2]).table) is None


def test_who_corrects_another_column_does_not_agree() -> None:
    records = [
        kept("ada", "correct", texts={"title": "new"}),
        kept("bob", "correct", texts={"body": "new"}),
    ]
    found = agreement.of_table(of_records(records).table)
    assert found is not None
    assert found.alpha == pytest.approx(0)
