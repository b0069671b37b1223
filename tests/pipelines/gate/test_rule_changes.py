"""Rules that changed between two rounds: what they were, what they are, and which way they went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lineage.limits import Limits
from pipelines.gate import rule_changes
from pipelines.gate.round_rules import Rules

AGREES = {
    "severity": "critical",
    "type": "expect_column_values_to_be_between",
    "columns": ["agreement"],
    "min_value": 0.5,
}


def suite(**expectations: Mapping[str, Any]) -> Rules:
    return Rules(suite=str(sorted(expectations.items())), expectations=expectations)


def phrases(before: Rules, after: Rules) -> list[str]:
    return [str(change) for change in rule_changes.compare(before, after)]


@pytest.mark.parametrize(
    ("parts", "phrase"),
    [
        ({"min_value": 0.4}, "loosened: min_value 0.5 → 0.4"),
        ({"min_value": 0.6}, "tightened: min_value 0.5 → 0.6"),
        ({"min_value": None}, "loosened: min_value 0.5 → none"),
        ({"mostly": 0.9}, "loosened: none → mostly 0.9"),
        ({"max_value": 0.9}, "tightened: none → max_value 0.9"),
        ({"severity": "info"}, "loosened: severity critical → info"),
        ({"columns": ["other"]}, 'changed: columns ["agreement"] → ["other"]'),
        (
            {"severity": "warning", "min_value": 0.9},
            "changed: severity critical, min_value 0.5 → severity warning, min_value 0.9",
        ),
        ({"min_value": "a"}, "changed: min_value 0.5 → a"),
        ({"severity": ["info"]}, 'changed: severity critical → ["info"]'),
    ],
)
def test_an_expectation_that_differs(parts: Mapping[str, Any], phrase: str) -> None:
    before, after = suite(agrees=AGREES), suite(agrees={**AGREES, **parts})
    assert phrases(before, after) == [f"agrees {phrase}"]


def test_expectations_that_come_and_go() -> None:
    agrees = {"severity": "critical", "type": "unlike", "min_value": 0.5}
    before, after = suite(agrees=agrees), suite(unique={"severity": "warning"})
    assert phrases(before, after) == [
        "agrees removed: severity critical, type unlike, min_value 0.5",
        "unique added: severity warning",
    ]
    again = Rules("another order", before.expectations)
    assert phrases(before, again)[0].startswith("digest changed")
    assert phrases(before, before) == []
    assert phrases(before, Rules()) == []  # a round that is not verified yet


def test_limits_that_differ() -> None:
    limits = Limits()
    looser = Limits(
        unknown="warn", real_share_block=None, duplicates_block=0.5, real_share_shallow=9.0
    )
    before, after = Rules(limits=limits), Rules(limits=looser)
    assert phrases(before, after) == [
        "unknown loosened: block → warn",
        "real_share_block loosened: 0.1 → none",
        "real_share_shallow loosened: 1.5 → 9.0",
        "duplicates_block loosened: 0.2 → 0.5",
    ]
    assert [phrase.split()[1] for phrase in phrases(after, before)] == ["tightened:"] * 4
    by_check = Rules(texts={"real_share": "warn <0.25"}), Rules(texts={"real_share": "none"})
    assert phrases(*by_check) == ["real_share changed: warn <0.25 → none"]


def test_added_checks_that_differ() -> None:
    before = Rules(checks={"mine:Check": {"most": 1}, "gone:Check": {}})
    after = Rules(checks={"mine:Check": {"most": 2}, "new:Check": {"limit": "block >3"}})
    assert phrases(before, after) == [
        "check gone:Check removed: none",
        "check mine:Check changed: most 1 → 2",
        "check new:Check added: limit block >3",
    ]
