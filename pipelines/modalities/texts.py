"""Texts, with or without labels: near by shared pieces, measured by topics, for classification.

The identity columns are the content of a sample: one column `text`, or several, such as `prompt`
and `completion`, one of them at least of texts or chats, the others of any type. What scorers,
suites and measures see as `text` is these columns, one below the other (`text_columns`); the lake
holds the columns alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from lineage.schema import SHOWN
from pipelines.common import progress
from pipelines.common.errors import DataError
from pipelines.common.settings import StrictModel
from pipelines.contact_sheet import text_picture
from pipelines.features import embedding, text_meaning, text_similarity
from pipelines.metrics import Labelled, tasks
from pipelines.modalities import labels, text_columns
from pipelines.modalities.protocol import LABEL, Modality, Pairs, missing

TEXT: Final = "text"
VISIBLE: Final = r"[^\s\p{Cc}\p{Cf}\p{Z}]"
"""A character that is more than space, a control or of no width."""
UNLABELLED: Final = ""
"""What stands for the label of a row where a data set has none."""


class TextSettings(StrictModel):
    """What can be set for texts under `ingest`."""

    near_meaning: float | None = Field(None, ge=0, lt=1)
    """Cosine distance of sentence embeddings at or below which two texts are near-duplicates too,
    whatever their words; null: words alone count. Needs the extra `meaning`."""


@dataclass(frozen=True, slots=True)
class Texts(Modality):
    """A data set of texts, in the columns of its identity, and `label` where rows have one."""

    name = "text"
    version = "text/2"
    near = "Jaccard distance"
    default_near = 0.2
    scorers: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "text_duplicates": {},
        "text_overlap": {},
        "text_shape": {},
        "language": {},
    }
    """Topics need labels, so their agreement is asked for by name."""
    metrics = ("shape", "text_variety")
    guard_metrics = ("text_neighbours", "classes", "content")
    task = "text_labels"
    unlabelled_task = "text_likelihood"
    second_task = "nearest_labels"
    generator = "text"
    derived = (TEXT,)
    Settings = TextSettings
    identity: tuple[str, ...]
    settings: TextSettings = field(default_factory=TextSettings)

    def columns(self, frame: pl.DataFrame) -> list[str]:
        """Return the identity columns, and `label` if the frame has it."""
        return [*self.identity, *([LABEL] if LABEL in frame.columns else [])]

    def typed(self, source: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Check the columns, and cast labels to strings; a row without any text is an error."""
        problem = missing(source, frame, self.identity)
        if problem is not None:
            raise DataError(problem)
        self._check(source, frame.schema)
        empty = ~self._text(frame).str.contains(VISIBLE).fill_null(value=False)
        if empty.any():
            raise DataError(f"{source}: row {empty.arg_max()} has no text")
        if LABEL not in frame.columns:
            return frame
        return frame.with_columns(labels.typed(source, frame[LABEL]).cast(pl.String))

    def _check(self, source: str, schema: pl.Schema) -> None:
        """Refuse columns that cannot be part of a text, or among which is none of texts."""
        for column in self.identity:
            problem = text_columns.fault(schema[column])
            if problem is not None:
                kind = str(schema[column])[:SHOWN]
                raise DataError(f"{source}: column {column!r} is {kind}, {problem}")
        if not any(text_columns.is_text(schema[column]) for column in self.identity):
            first = self.identity[0]
            kind = str(schema[first])[:SHOWN]
            others = "" if len(self.identity) == 1 else ", and the others of the identity too"
            raise DataError(
                f"{source}: column {first!r} is {kind}{others}; one column must hold texts, or "
                "chats (lists of objects with role and content)"
            )

    def place(self) -> pl.Expr:
        """Return null: a text has no file of its own."""
        return pl.lit(None, pl.String)

    def pairs(self, frame: pl.DataFrame, near: float) -> NDArray[np.int64]:
        """Find pairs of rows by the shingles that they share, and by meaning where that is set.

        Of many texts of one meaning, only pairs that link all of them are listed.

        Raises:
            LibraryError: `near_meaning` is set, and the model is not installed.
        """
        texts = self._text(frame)
        left, right, _ = text_similarity.pairs(texts, None, threshold=1 - near)
        pairs = np.stack([np.minimum(left, right), np.maximum(left, right)], axis=1)
        if self.settings.near_meaning is None:
            return pairs
        return np.concatenate([pairs, _by_meaning(texts, self.settings.near_meaning)])

    def within(self, rows: pl.DataFrame, real: pl.DataFrame, near: float) -> Pairs:
        """Find near real rows; the distance is 1 minus the Jaccard similarity of shingles."""
        left, right, similar = text_similarity.pairs(
            self._text(rows), self._text(real), threshold=1 - near
        )
        order = np.lexsort((-similar, left))
        return left[order], right[order], 1 - similar[order]

    def readable(self, rows: pl.DataFrame, like: pl.DataFrame) -> pl.Series:  # noqa: ARG002  of the protocol
        """Return whether each row has a text."""
        return self._text(rows).is_not_null()

    def shown(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the column `text` to the payload."""
        return frame.with_columns(self._text(frame).alias(TEXT))

    def measured(
        self, real: pl.DataFrame, frames: Mapping[str, pl.DataFrame]
    ) -> Mapping[str, Labelled]:
        """Return points of latent semantic analysis; the classifier sees the texts."""
        points = embedding.fit(self._array(real))
        return {name: self._labelled(frame, points) for name, frame in frames.items()}

    def picture(
        self, *, real: pl.DataFrame, accepted: pl.DataFrame, refused: pl.DataFrame, title: str
    ) -> bytes:
        """Draw texts on cards."""
        parts = {"real": real, "accepted": accepted, "refused": refused}
        return text_picture.of_round(
            {name: self.shown(part) for name, part in parts.items()}, title=title
        )

    def _text(self, frame: pl.DataFrame) -> pl.Series:
        """Join the identity columns of each row; null where one of texts has no value."""
        parts = [text_columns.rendered(name, frame.schema[name]) for name in self.identity]
        return frame.select(pl.concat_str(parts, separator="\n").alias(TEXT))[TEXT]

    def _array(self, frame: pl.DataFrame) -> NDArray[Any]:
        return np.asarray(self._text(frame).to_list(), dtype=object)

    def _labelled(self, frame: pl.DataFrame, points: Any) -> Labelled:  # noqa: ANN401  a function
        texts = self._array(frame)
        labels = frame[LABEL].to_list() if LABEL in frame.columns else [UNLABELLED] * len(frame)
        label_array = np.asarray(labels, dtype=object).astype(str)
        return Labelled(points(texts), label_array, tasks.weights(frame), texts)


def _by_meaning(texts: pl.Series, near: float) -> NDArray[np.int64]:
    """Link texts of one meaning, [pairs, 2], the lower row first."""
    with progress.bar(len(texts), "embedding texts") as report:
        points = text_meaning.embed(texts, report)
    with progress.bar(len(texts), "comparing texts by meaning") as report:
        return text_meaning.links(points, 1 - near, report)
