"""Classifiers of scorers that train once on the real rows, which are the same in all rounds."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest import mock

from pipelines.features import text_classifier
from pipelines.features.tables import boosting

MOST: Final = 2
"""Trained classifiers that are kept."""
TRAIN: Final = ((text_classifier, "train"), (boosting, "classifier"))
_TRAINED: dict[str, Any] = {}


@contextmanager
def classifiers() -> Iterator[None]:
    """Let classifiers of texts and of tables train once on the same rows."""
    with ExitStack() as stack:
        for module, name in TRAIN:
            stack.enter_context(mock.patch.object(module, name, _once(getattr(module, name))))
        yield


def _once(train: Callable[..., Any]) -> Callable[..., Any]:
    def trained(*content: object) -> Any:  # noqa: ANN401  any classifier
        key = hashlib.sha256(pickle.dumps((train.__module__, content))).hexdigest()
        if key not in _TRAINED:
            _TRAINED[key] = train(*content)
            while len(_TRAINED) > MOST:
                _TRAINED.pop(next(iter(_TRAINED)))
        return _TRAINED[key]

    return trained
