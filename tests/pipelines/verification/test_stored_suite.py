"""The suite of a round as the lake stores it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from expectations import suite as suites
from pipelines.verification import stored_suite

ROOT = Path(__file__).resolve().parents[3]
SUITES = sorted((ROOT / "expectations" / "suites").glob("*.json"))


@pytest.mark.parametrize("place", SUITES, ids=lambda path: path.stem)
def test_a_stored_suite_is_the_suite_with_its_arguments_in_order(place: Path) -> None:
    """A verdict's detail names the arguments in the order in which the suite gives them."""
    suite = suites.load(place)
    stored = suites.parse(json.loads(stored_suite.encoded(suite)), "stored")
    assert stored.digest == suite.digest
    orders = [list(rule.kwargs) for rule in suite.rules]
    assert [list(rule.kwargs) for rule in stored.rules] == orders
    assert any(order != sorted(order) for order in orders)
