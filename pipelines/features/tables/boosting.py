"""Gradient boosting on rows of a table: a class or a number from columns of any kind.

scikit-learn's histogram-based trees (Ke et al. 2017, LightGBM) take numbers, categories and nulls
as they are. Trees are grown from one seed, in one thread, and without a part of the rows set aside
to stop early, so that the same rows give the same trees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.common.errors import DataError
from pipelines.features.tables import kinds

LEVELS: Final = 254
"""Most categories of a column that trees tell apart; the least frequent count as null."""
LEAVES: Final = 50
"""A leaf has at least one of so many rows, and from 2 to 20."""
FOLDS: Final = 5

Records = NDArray[np.void]
Weights = NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """How records become a matrix: the categories of each column, most frequent first."""

    fields: tuple[str, ...]
    levels: tuple[tuple[str, ...] | None, ...]
    """By field; None of numbers."""

    def matrix(self, rows: Records) -> NDArray[np.float64]:
        """Return [n, p] numbers; NaN for null, and for categories that were not seen."""
        columns = [
            rows[field]
            if levels is None
            else np.asarray([codes.get(value, np.nan) for value in rows[field]], dtype=np.float64)
            for field, levels, codes in zip(self.fields, self.levels, self._codes(), strict=True)
        ]
        return np.stack(columns, axis=1)

    def _codes(self) -> list[dict[str, int]]:
        return [{level: at for at, level in enumerate(levels or ())} for levels in self.levels]

    @property
    def categorical(self) -> list[bool]:
        """Tell which columns are categories."""
        return [levels is not None for levels in self.levels]


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """Trees that know the class of a row, or the only class that there was."""

    levels: Levels
    classes: NDArray[Any]
    model: Any

    def probabilities(self, rows: Records) -> NDArray[np.float64]:
        """Return the probability of each class for each row, [n, classes]."""
        if self.model is None:
            return np.ones((len(rows), 1))
        found: NDArray[np.float64] = self.model.predict_proba(self.levels.matrix(rows))
        return found

    def labels(self, rows: Records) -> NDArray[Any]:
        """Return the most probable class of each row, [n]."""
        best: NDArray[Any] = self.classes[self.probabilities(rows).argmax(axis=1)]
        return best


@dataclass(frozen=True, slots=True, eq=False)
class Regressor:
    """Trees that know a number of a row."""

    levels: Levels
    model: Any

    def values(self, rows: Records) -> NDArray[np.float64]:
        """Return the number of each row, [n]."""
        found: NDArray[np.float64] = self.model.predict(self.levels.matrix(rows))
        return found


def classifier(rows: Records, labels: NDArray[Any], weights: Weights = None) -> Classifier:
    """Train trees on labelled rows.

    Args:
        rows: n records.
        labels: [n].
        weights: [n], or None where all rows count the same.

    Raises:
        DataError: there is no row.
    """
    levels, (classes, codes) = _levels(rows), np.unique(labels, return_inverse=True)
    if len(classes) == 1:
        return Classifier(levels, classes, None)
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415  slow to import

    model = HistGradientBoostingClassifier(**_settings(levels, len(rows)))
    return Classifier(levels, classes, _fitted(model, levels.matrix(rows), codes, weights))


def regressor(rows: Records, target: NDArray[np.float64], weights: Weights = None) -> Regressor:
    """Train trees on rows with a number each.

    Args:
        rows: n records.
        target: [n].
        weights: [n], or None where all rows count the same.

    Raises:
        DataError: there is no row.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415  slow to import

    levels = _levels(rows)
    model = HistGradientBoostingRegressor(**_settings(levels, len(rows)))
    return Regressor(levels, _fitted(model, levels.matrix(rows), target, weights))


def unseen(rows: Records, labels: NDArray[Any], seed: int) -> tuple[NDArray[Any], Any]:
    """Classify each row by trees that were not trained on it.

    Args:
        rows: n records.
        labels: [n].
        seed: of the folds.

    Returns:
        The classes, sorted, and the probability of each for each row, [n, classes]; 0 for a class
        that the trees of a fold did not see.
    """
    classes = np.unique(labels)
    found = np.zeros((len(rows), len(classes)))
    for fold in folds(labels, seed):
        trained = classifier(rows[~fold], labels[~fold])
        found[np.ix_(fold, np.searchsorted(classes, trained.classes))] = trained.probabilities(
            rows[fold]
        )
    return classes, found


def folds(labels: NDArray[Any], seed: int) -> list[NDArray[np.bool_]]:
    """Split rows into `FOLDS` parts with like shares of each class: [n] of true for each part.

    Raises:
        DataError: there are fewer rows than two.
    """
    if len(labels) < 2:  # noqa: PLR2004  one row cannot be split
        raise DataError("there are fewer than two real rows; a classifier needs more")
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    place = np.empty(len(labels), dtype=np.int64)
    place[order] = np.arange(len(labels)) % min(FOLDS, len(labels))
    return [place == fold for fold in range(min(FOLDS, len(labels)))]


def _levels(rows: Records) -> Levels:
    if not len(rows):
        raise DataError("there is no row to train on")
    fields = rows.dtype.names or ()
    return Levels(fields, tuple(_levels_of(rows, field) for field in fields))


def _levels_of(rows: Records, field: str) -> tuple[str, ...] | None:
    """Return the categories of a column; None of numbers.

    Numbers that are all null have no place to cut, which the library does not take: they count as
    a column without any category.
    """
    if not kinds.is_ordered(rows, field):
        return _by_count(rows[field])
    return () if np.isnan(rows[field]).all() else None


def _by_count(values: NDArray[Any]) -> tuple[str, ...]:
    known = [value for value in values if value is not None]
    texts, counts = np.unique(np.asarray(known, dtype=str), return_counts=True)
    return tuple(texts[np.argsort(-counts, kind="stable")][:LEVELS].tolist())


def _fitted(model: Any, matrix: NDArray[np.float64], answers: Any, weights: Weights) -> Any:  # noqa: ANN401  an untyped library
    """Train a model in one thread, so that sums do not depend on the number of processors."""
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  slow to import

    with threadpool_limits(1, user_api="openmp"):
        return model.fit(matrix, answers, weights)


def _settings(levels: Levels, count: int) -> dict[str, Any]:
    return {
        "categorical_features": levels.categorical,
        "early_stopping": False,
        "random_state": 0,
        "min_samples_leaf": min(20, max(2, count // LEAVES)),
        "max_iter": 100,
    }
