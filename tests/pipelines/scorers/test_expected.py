from __future__ import annotations

import pytest

from lineage import leniency
from pipelines.scorers import registry
from pipelines.scorers.protocol import SuggestsExpectations


@pytest.mark.parametrize("name", registry.SCORERS.names())
def test_every_scorer_says_what_can_be_expected_of_its_columns(name: str) -> None:
    scorer = registry.load(name)
    assert isinstance(scorer, SuggestsExpectations)

    expected = scorer.expected(scorer.Settings())

    assert expected
    for each in expected:
        assert each.column in scorer.columns, each
        limits = (each.low, each.high, each.equals, each.values, each.common)
        assert any(limit is not None for limit in limits), each
    assert len({each.name for each in expected}) == len(expected)


def test_what_is_expected_follows_the_settings() -> None:
    scorer = registry.load("text_duplicates")
    assert isinstance(scorer, SuggestsExpectations)
    expected = scorer.expected(scorer.Settings(threshold=0.6))
    assert {each.high for each in expected} == {0.6}
    agreement = registry.load("text_agreement")
    assert isinstance(agreement, SuggestsExpectations)
    assert agreement.expected(agreement.Settings(label="topic"))[0].equals == "topic"


def test_the_guard_knows_warnings_of_rows_that_are_near_to_real_ones_by_name() -> None:
    scorer = registry.load("table_distance")
    assert isinstance(scorer, SuggestsExpectations)
    expected = scorer.expected(scorer.Settings())
    warnings = {each.name for each in expected if each.severity == "warning"}
    assert warnings == set(leniency.NEARNESS)
