"""What is trained once on rows that come again, as the real ones do in all rounds of a seed."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from pipelines.common.settings import StrictModel
from pipelines.metrics import Labelled
from pipelines.metrics.protocol import Predict
from pipelines.modalities import Modality
from pipelines.modalities.images import Embedder, Images, measured_by

MOST: Final = 4
"""Trained models that are kept."""
_TRAINED: dict[tuple[str, str], Predict] = {}
_EMBEDDERS: dict[str, Embedder | None] = {}
_ROWS: dict[str, Labelled] = {}
AGAIN: Final = ("real", "validation", "previous")
"""Sets of rows that are the same in all rounds of a seed."""


def measured(
    modality: Modality, real: pl.DataFrame, frames: Mapping[str, pl.DataFrame]
) -> Mapping[str, Labelled]:
    """Return rows as figures take them; a network that learns from real images does so once."""
    if not isinstance(modality, Images):
        return modality.measured(real, frames)
    key = _digest(real)
    if key not in _EMBEDDERS:
        _ROWS.clear()
        _EMBEDDERS.clear()
        _EMBEDDERS[key] = modality.embedder(real)
    found: dict[str, Labelled] = {}
    for name, frame in frames.items():
        if name not in AGAIN:
            found |= measured_by(_EMBEDDERS[key], {name: frame})
            continue
        own = _digest(frame)
        if own not in _ROWS:
            _ROWS[own] = measured_by(_EMBEDDERS[key], {name: frame})[name]
        found[name] = _ROWS[own]
    return found


def _digest(rows: pl.DataFrame) -> str:
    return hashlib.sha256(rows.write_ipc(None).getvalue()).hexdigest()


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
