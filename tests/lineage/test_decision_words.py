"""A decision is told by what failed, so that no reason reads as what was found."""

from __future__ import annotations

import pytest

from lineage import decision_words


@pytest.mark.parametrize(
    ("decision", "reasons", "said"),
    [
        ("accepted", [], "accepted"),
        ("rejected", ["label_agrees"], "failed: label_agrees"),
        ("rejected", ["a", "b: unknown", "c"], "failed: a, c; unknown: b"),
        ("rejected", ["b: unknown"], "unknown: b"),
        ("duplicate", ["duplicate"], "duplicate"),
        ("surplus", ["surplus"], "surplus"),
        ("rejected", ["no verdict"], "rejected: nobody judged it"),
        (
            "rejected",
            ["max_accepted"],
            "rejected: as many as curate.max_accepted were accepted before",
        ),
        (None, [], ""),
    ],
)
def test_reasons_read_as_failures(decision: str | None, reasons: list[str], said: str) -> None:
    assert decision_words.told(decision, reasons) == said
