"""Mixes that hold the same rows are trained on once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipelines.common.plugins import NoSettings
from pipelines.metrics import task_figures
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.protocol import Predict


@dataclass
class Counted:
    """A task that says how many rows it has learnt from, and of which weight."""

    trained: list[Labelled] = field(default_factory=list)

    def train(self, rows: Labelled, settings: NoSettings) -> Predict:  # noqa: ARG002  it has none
        self.trained.append(rows)

        def predict(test: Labelled) -> Any:
            weight = 0 if rows.weights is None else rows.weights.sum()
            return np.full(len(test.labels), len(rows.labels) * 10 + weight)

        return predict


def rows(*texts: str, weights: list[float] | None = None) -> Labelled:
    found = None if weights is None else np.array(weights)
    points, labels = np.zeros((len(texts), 2), np.float32), np.array(["a"] * len(texts))
    return Labelled(points, labels, found, np.array(texts, dtype=object))


def test_equal_mixes_are_trained_on_once() -> None:
    task = Counted()
    mixes = {
        "real_only": rows("x", "y"),
        "mix": rows("x", "y", "z"),
        "previous": rows("x", "y"),
        "weighted": rows("x", "y", weights=[1, 2]),
        "turned": rows("y", "x"),
    }
    given = task_figures.answers(task, NoSettings(), mixes, rows("v"))  # type: ignore[arg-type]
    assert [list(each.inputs) for each in task.trained] == [
        ["x", "y"],
        ["x", "y", "z"],
        ["x", "y"],
        ["y", "x"],
    ]
    assert {name: each.said.tolist() for name, each in given.items()} == {
        "real_only": [20],
        "mix": [30],
        "previous": [20],
        "weighted": [23],
        "turned": [20],
    }
