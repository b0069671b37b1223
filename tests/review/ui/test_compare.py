"""Versions to choose from are in the order of their numbers."""

from __future__ import annotations

from review.ui import compare


def test_versions_are_in_the_order_of_their_numbers() -> None:
    names = ["digits-v10", "digits-v2", "digits-v3.1", "digits-v3", "digits-v3.10", "digits-v3.2"]
    assert compare._in_order(names) == [
        "digits-v2",
        "digits-v3",
        "digits-v3.1",
        "digits-v3.2",
        "digits-v3.10",
        "digits-v10",
    ]
    lines = ["digits-r010", "digits-r003-replace", "digits-r003"]
    assert compare._in_order(lines) == ["digits-r003", "digits-r003-replace", "digits-r010"]
