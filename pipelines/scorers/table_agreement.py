"""Does a classifier trained on real rows of a table see the label that a row has?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.common.settings import StrictModel
from pipelines.features.tables import boosting, kinds
from pipelines.scorers import columns, digests
from pipelines.scorers.expected import Expected, Quantile
from pipelines.scorers.protocol import DataType, Given, Scorer

COLUMNS: Final = {"predicted_class": pl.String, "label_probability": pl.Float64}


class TableAgreementSettings(StrictModel):
    """Name of the column with the label."""

    label: str = "label"
    """Column of the labels."""


class TableAgreement(Scorer[TableAgreementSettings]):
    """The label that gradient boosting on real rows sees, and how likely it finds the row's own."""

    name = "table_agreement"
    version = "table_agreement/1"
    needs = ("label",)
    reads_content = True
    rowwise = True
    Settings = TableAgreementSettings
    columns = COLUMNS

    def column_types(
        self, given: Given, settings: TableAgreementSettings
    ) -> Mapping[str, DataType]:
        """Give the predicted label the type that labels have: a whole number, or a name."""
        return {**COLUMNS, "predicted_class": given.real.schema[settings.label]}

    def model_digest(self, given: Given, settings: TableAgreementSettings) -> str:
        """Digest the rows that the classifier learns from, and the libraries that train it."""
        return digests.of_values(
            real=digests.of_frame(given.real, [*given.content, settings.label]),
            seed=given.seed,
            libraries=digests.versions("scikit-learn", "numpy"),
        )

    def expected(self, settings: TableAgreementSettings) -> tuple[Expected, ...]:  # noqa: ARG002  of the protocol
        """Expect a label that is about as likely as those of real rows."""
        return (Expected("label_likely", "label_probability", low=Quantile(0.01)),)

    def score(
        self, candidates: pl.DataFrame, given: Given, settings: TableAgreementSettings
    ) -> pl.DataFrame:
        """Classify each candidate by trees that are trained on the real rows.

        Args:
            candidates: round, row, content and label.
            given: content and label of the real rows.
            settings: name of the label's column.

        Returns:
            round, row, predicted_class, label_probability (of the label that the row has; 0 where
            no real row has it).

        Raises:
            DataError: there is no real row.
        """
        trained = given.once((self.name, settings), lambda: _trained(given, settings))
        found = trained.probabilities(kinds.records(candidates, given.content))
        return _scores(candidates, trained.classes, found, given, settings)

    def score_real(self, given: Given, settings: TableAgreementSettings) -> pl.DataFrame:
        """Classify each real row by trees that were not trained on it.

        Raises:
            DataError: there are fewer real rows than two.
        """
        rows = kinds.records(given.real, given.content)
        labels = given.real[settings.label].to_numpy()
        classes, found = boosting.unseen(rows, labels, given.seed)
        return _scores(given.real, classes, found, given, settings)


def _trained(given: Given, settings: TableAgreementSettings) -> boosting.Classifier:
    labels = given.real[settings.label].to_numpy()
    return boosting.classifier(kinds.records(given.real, given.content), labels)


def _scores(
    rows: pl.DataFrame,
    classes: NDArray[Any],
    found: NDArray[np.float64],
    given: Given,
    settings: TableAgreementSettings,
) -> pl.DataFrame:
    own = rows[settings.label].to_numpy()
    place = np.searchsorted(classes, own).clip(max=len(classes) - 1)
    chance = np.where(classes[place] == own, found[np.arange(len(rows)), place], 0.0)
    label, probability = COLUMNS
    known = rows[settings.label].is_not_null().to_numpy()
    return columns.scores(
        rows,
        {label: given.real.schema[settings.label], probability: pl.Float64},
        {label: classes[found.argmax(axis=1)], probability: chance},
        dict.fromkeys(COLUMNS, known),
    )
