"""How values of a result are shown."""

from __future__ import annotations

import io

import pyarrow as pa
import pytest

from review.commands import sql
from review.errors import QueryRefusedError, UsageError
from review.sql import cells


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (100.0, "100"),
        (123_456_789.5, "123,456,789.5"),
        (0.001, "0.001"),
        (1.25e-9, "1.25e-09"),
        (-1e-9, "-1e-09"),
        (1e300, "1e+300"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (None, "–"),
        (True, "true"),
    ],
)
def test_a_number_is_shown_as_what_it_is(value: object, shown: str) -> None:
    assert cells.cell(value) == shown


@pytest.mark.parametrize(
    ("value", "kind"),
    [(2**31 - 1, pa.date32()), (2**63 - 1, pa.timestamp("us"))],
)
def test_a_time_that_python_does_not_know_is_refused(value: int, kind: pa.DataType) -> None:
    width = pa.int32() if kind == pa.date32() else pa.int64()
    batch = pa.record_batch([pa.array([value], width).cast(kind)], names=["t"])
    with pytest.raises(QueryRefusedError, match="CAST"):
        list(cells.rows(iter([batch])))


def test_a_type_that_parquet_lacks_is_a_sentence() -> None:
    schema = pa.schema([("i", pa.month_day_nano_interval())])
    with pytest.raises(UsageError, match="interval: select that column as CAST"):
        sql.FORMATS[".parquet"](io.BytesIO(), schema, iter(()))
