"""Which models a round's manifest names, whatever the manifest holds."""

from __future__ import annotations

import pytest

from review.commands.made_by import models


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({"model": "gpt", "served": ["gpt-1", "gpt-2"]}, {"gpt", "gpt-1", "gpt-2"}),
        ({"model": "local", "weights": "gemma", "served": []}, {"local", "gemma"}),
        ({"services": [{"model": "a"}, {"model": "b", "weights": "w"}]}, {"a", "b", "w"}),
        ({"steps": [{"model": "c"}, {"model": None}]}, {"c"}),
        ({"model": 3, "served": "gpt", "services": {"model": "x"}, "steps": [4]}, set()),
        (None, set()),
        ([], set()),
    ],
)
def test_models_are_those_that_were_asked_or_answered(environment: object, names: set[str]) -> None:
    assert models(environment) == names
