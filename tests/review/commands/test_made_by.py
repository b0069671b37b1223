"""Which models a round's manifest names, whatever the manifest holds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lake.errors import NotFoundError
from review.commands import made_by
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


def test_a_model_that_was_named_and_made_nothing_is_not_said_to_be_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = {"environment": {"services": [{"model": "silent"}, {"model": "gpt"}]}}
    monkeypatch.setattr("review.commands.made_by.manifest.read_if_there", lambda *_: named)
    monkeypatch.setattr(made_by, "_of_segment", lambda *_: np.empty(0, dtype=np.int64))
    lake: Any = None
    index: Any = SimpleNamespace(segments=[SimpleNamespace(dataset="talk", round=1)])
    with pytest.raises(NotFoundError, match="name the model 'silent', and no row was made by it"):
        made_by.rows(lake, "c" * 64, index, "silent")
    with pytest.raises(NotFoundError, match="no round names the model 'other'; named are: gpt, si"):
        made_by.rows(lake, "c" * 64, index, "other")
