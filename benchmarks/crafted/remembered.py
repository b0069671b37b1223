"""A downstream task that trains once on rows that come again, as the real ones do in all rounds."""

from __future__ import annotations

import hashlib
import pickle
from typing import Any, Final

from pipelines.common.settings import StrictModel
from pipelines.metrics import Labelled
from pipelines.metrics.protocol import Predict

MOST: Final = 4
"""Trained models that are kept."""
_TRAINED: dict[tuple[str, str], Predict] = {}


class Remembered:
    """A task, with the models that it trained last."""

    def __init__(self, task: Any) -> None:  # noqa: ANN401  a plug-in of any settings
        """Wrap a task."""
        self._task = task

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the task has
        """Return what the task has."""
        return getattr(self._task, name)

    def train(self, rows: Labelled, settings: StrictModel) -> Predict:
        """Train, or take what was trained on the same rows."""
        content = (rows.vectors, rows.labels, rows.weights, rows.inputs, rows.neutral)
        key = self._task.name, hashlib.sha256(pickle.dumps(content)).hexdigest()
        if key not in _TRAINED:
            _TRAINED[key] = self._task.train(rows, settings)
            while len(_TRAINED) > MOST:
                _TRAINED.pop(next(iter(_TRAINED)))
        _TRAINED[key] = _TRAINED.pop(key)  # the last that was used is the last to go
        return _TRAINED[key]
