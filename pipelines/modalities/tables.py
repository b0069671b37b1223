"""Tables of typed columns: near by Gower's distance, measured by a fixed encoding of real rows.

The identity columns are the content of a sample: numbers, booleans, times and categories, any of
them null. A row may have a class besides, in the column `label`, or a number that the setting
`target` names; the one is what the data is for as classification, the other as regression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.schema import SHOWN
from pipelines.common.errors import DataError
from pipelines.common.settings import StrictModel
from pipelines.contact_sheet import table_picture
from pipelines.features.tables import encoding, gower, kinds
from pipelines.metrics import Labelled, tasks
from pipelines.modalities import labels
from pipelines.modalities.protocol import LABEL, Modality, Pairs, missing

WHOLE: Final = pl.Int64()
REAL: Final = pl.Float64()


class TableSettings(StrictModel):
    """What a table holds besides its content."""

    target: str | None = None
    """A column of numbers that the other columns are to foretell."""
    nulls: tuple[str, ...] = ()
    """Texts that stand for a missing value, such as NA."""


NOTHING: Final = TableSettings()


@dataclass(frozen=True)
class Tables(Modality):
    """A data set of rows with typed columns, and a `label` or a target where rows have one."""

    name: ClassVar[str] = "table"
    version: ClassVar[str] = "table/1"
    Settings: ClassVar[type[StrictModel]] = TableSettings
    near: ClassVar[str] = "Gower distance"
    default_near: ClassVar[float] = gower.NEAR
    csv_types: ClassVar[bool] = True
    whole_picture: ClassVar[bool] = True
    scorers: ClassVar[Mapping[str, Mapping[str, Any]]] = {"table_distance": {}}
    """Agreement needs labels, so it is asked for by name."""
    metrics: ClassVar[tuple[str, ...]] = ("shape", "table_fidelity")
    guard_metrics: ClassVar[tuple[str, ...]] = ("table_neighbours", "classes", "content")
    generator: ClassVar[str] = "interpolation"
    identity: tuple[str, ...]
    settings: TableSettings = NOTHING
    task: str = "table_labels"  # type: ignore[misc]  # the class's, unless there is a target
    second_task: str = "nearest_labels"  # type: ignore[misc]  # likewise

    def __post_init__(self) -> None:
        """Set the task of a target.

        Raises:
            ParamsError: nothing is left to learn from.
        """
        if self.settings.target is not None:
            object.__setattr__(self, "task", "table_target")
            object.__setattr__(self, "second_task", "")

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that are the content, without label and target."""
        return tuple(each for each in self.identity if each not in (LABEL, self.settings.target))

    @property
    def answer(self) -> str:
        """The target, or else the label."""
        return self.settings.target or LABEL

    def columns(self, frame: pl.DataFrame) -> list[str]:
        """Return the identity columns, and the target or the `label` if the frame has it."""
        return list(dict.fromkeys([*self.identity, *self._answer(frame)]))

    def typed(self, source: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Cast whole numbers to 64 bits, others to floats, and categories to texts.

        Raises:
            DataError: a column is missing or of lists, structs or bytes; a number is infinite or
                too large; a label or target is null.
        """
        wanted = [*self.identity, *([self.settings.target] if self.settings.target else ())]
        problem = missing(source, frame, wanted)
        if problem is not None:
            raise DataError(problem)
        if not self.features:
            raise DataError(f"{source}: identity needs a column besides label and target")
        checked = (_typed(source, frame[name], self.settings.nulls) for name in self.features)
        frame = frame.with_columns(checked)
        empty = frame.select(pl.all_horizontal(pl.col(self.features).is_null())).to_series()
        if empty.any():
            raise DataError(f"{source}: row {empty.arg_max()} has no value; leave it out")
        if self.settings.target is not None:
            return frame.with_columns(_target(source, frame[self.settings.target]))
        return frame.with_columns(labels.typed(source, frame[name]) for name in self._answer(frame))

    def place(self) -> pl.Expr:
        """Return null: a row has no file of its own."""
        return pl.lit(None, pl.String)

    def pairs(self, frame: pl.DataFrame, near: float) -> NDArray[np.int64]:
        """Find pairs of rows by Gower's distance: enough of them to link each group."""
        (points,) = gower.points([frame], self.features, frame)
        return gower.linked(points, near)

    def within(self, rows: pl.DataFrame, real: pl.DataFrame, near: float) -> Pairs:
        """Find near real rows by Gower's distance, at most `gower.CLOSEST` of each row."""
        left, right = gower.points([rows, real], self.features, real)
        distances, found = gower.closest(left, right, gower.CLOSEST, near)
        row, at = np.nonzero(found >= 0)
        return row, found[row, at], distances[row, at]

    def readable(self, rows: pl.DataFrame, like: pl.DataFrame) -> pl.Series:  # noqa: ARG002  of the protocol
        """Return whether each row has a value."""
        return rows.select(pl.any_horizontal(pl.col(self.features).is_not_null())).to_series()

    def shown(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the payload unchanged."""
        return frame

    def measured(
        self, real: pl.DataFrame, frames: Mapping[str, pl.DataFrame]
    ) -> Mapping[str, Labelled]:
        """Return points of the encoding that is fixed on real rows; tasks see the rows."""
        points = encoding.fit(real, self.features)
        return {
            name: Labelled(
                points(frame),
                self._labels(frame),
                tasks.weights(frame),
                kinds.records(frame, self.features),
            )
            for name, frame in frames.items()
        }

    def picture(
        self, *, real: pl.DataFrame, accepted: pl.DataFrame, refused: pl.DataFrame, title: str
    ) -> bytes:
        """Draw the distribution of each column, and some rows."""
        columns = self.columns(real)
        parts = {
            "real": real.select(columns),
            "accepted": accepted.select(columns),
            "refused": refused.select(*columns, "reason"),
        }
        return table_picture.of_round(parts, title=title)

    def _answer(self, frame: pl.DataFrame) -> list[str]:
        """Return the column that is to be foretold, if there is one."""
        return [self.answer] if self.answer in frame.columns else []

    def _labels(self, frame: pl.DataFrame) -> NDArray[Any]:
        if self.settings.target is not None:
            return kinds.numbers(frame[self.settings.target])
        return labels.array(frame)


def _typed(source: str, column: pl.Series, nulls: Sequence[str]) -> pl.Series:
    """Cast a column to the type that stands for its kind in the lake."""
    dtype = column.dtype
    if dtype.is_integer():
        return _cast(source, column, WHOLE)
    if dtype.is_float():
        return _finite(source, column)
    if isinstance(dtype, pl.Decimal):
        _cast(source, column.to_physical(), WHOLE)
    if dtype.is_temporal() or dtype == pl.Boolean or isinstance(dtype, pl.Decimal):
        return column
    if dtype == pl.Null or kinds.is_category(dtype):
        texts = column.cast(pl.String)
        return texts.set(texts.is_in([*nulls]).fill_null(value=False), None)
    raise DataError(
        f"{source}: column {column.name!r} is {str(dtype)[:SHOWN]}; a table holds numbers, texts, "
        "booleans and times: leave the column out of identity, or make such columns of it"
    )


def _finite(source: str, column: pl.Series) -> pl.Series:
    """Cast to floats; NaN, which stands for a missing value, becomes null."""
    floats = column.cast(REAL).fill_nan(None)
    infinite = floats.is_infinite().fill_null(value=False)
    if infinite.any():
        raise DataError(f"{source}: column {column.name!r} is infinite in row {infinite.arg_max()}")
    return floats


def _cast(source: str, column: pl.Series, dtype: pl.DataType) -> pl.Series:
    found = column.cast(dtype, strict=False)
    lost = found.is_null() & column.is_not_null()
    if lost.any():
        raise DataError(
            f"{source}: column {column.name!r} has a number of more than 64 bits in row "
            f"{lost.arg_max()}; make the column one of texts"
        )
    return found


def _target(source: str, column: pl.Series) -> pl.Series:
    """Cast a target to a number; each row has one."""
    if not column.dtype.is_numeric():
        raise DataError(
            f"{source}: target {column.name!r} is {str(column.dtype)[:SHOWN]}; it must be a number"
        )
    found = _typed(source, column, ())
    if found.null_count():
        raise DataError(f"{source}: row {found.is_null().arg_max()} has no {column.name!r}")
    return found
