"""Tables are compared with what is made again, row by row, whatever they hold."""

from __future__ import annotations

import polars as pl
import pytest

from lineage import schema
from lineage.errors import SchemaError
from lineage.proof.again import Comparison, differences, typed

MADE = pl.DataFrame(
    {
        "row": [0, 1, 2],
        "word": ["a", "b", None],
        "figure": [0.1, 0.2, float("nan")],
        "reasons": [["x"], [], None],
        "id": [b"\1" * 32, b"\2" * 32, None],
        "parents": [[{"row": 1, "weight": 0.5}], [], None],
    }
)
BY = Comparison("the source", close=("figure",))


def found(held: pl.DataFrame, by: Comparison = BY) -> list[tuple[int | None, str]]:
    return list(differences(held, MADE, by).iter_rows())


def put(row: int, **values: object) -> pl.DataFrame:
    at = pl.col("row") == row
    return MADE.with_columns(
        pl.when(at).then(pl.lit(value, MADE.schema[name])).otherwise(name).alias(name)
        for name, value in values.items()
    )


def test_equal_tables_have_no_differences() -> None:
    assert found(MADE) == []
    assert found(MADE.sort("row", descending=True)) == []
    assert found(put(0, figure=0.1 + 1e-12)) == []


@pytest.mark.parametrize(
    ("held", "row", "detail"),
    [
        (put(1, word="c"), 1, "word is c, the source gives b"),
        (put(1, word=None), 1, "word is none, the source gives b"),
        (put(2, word="c"), 2, "word is c, the source gives none"),
        (put(0, figure=0.1001), 0, "figure is 0.1001, the source gives 0.1"),
        (put(0, figure=None), 0, "figure is none, the source gives 0.1"),
        (put(2, figure=1.0), 2, "figure is 1.0, the source gives NaN"),
        (put(0, reasons=["x", "y"]), 0, "reasons is x, y, the source gives x"),
        (put(0, reasons=[]), 0, "reasons is none, the source gives x"),
        (put(1, id=b"\3" * 32), 1, "id is 030303030303, the source gives 020202020202"),
        (
            put(0, parents=[{"row": 1, "weight": 0.75}]),
            0,
            "parents is not what the source gives",
        ),
        (
            put(1, word="c", id=None),
            1,
            "word is c, the source gives b; id is none, the source gives 020202020202",
        ),
        (MADE.filter(pl.col("row") != 1), 1, "is missing, the source gives it"),
        (
            pl.concat([MADE, MADE.head(1).with_columns(row=pl.lit(7, pl.Int64))]),
            7,
            "stands there, the source gives no such row",
        ),
        (pl.concat([MADE, MADE.head(1)]), 0, "stands there more than once"),
    ],
)
def test_each_difference_is_described(held: pl.DataFrame, row: int, detail: str) -> None:
    assert found(held) == [(row, detail)]


def test_a_key_of_two_columns_names_the_other_one() -> None:
    made = pl.DataFrame({"row": [None, 0, 0], "rule": ["r", "r", "s"], "verdict": ["passed"] * 3})
    by = Comparison("the suite", key=("row", "rule"))
    held = made.with_columns(verdict=pl.Series(["failed", "passed", "failed"]))
    assert list(differences(held, made, by).iter_rows()) == [
        (None, "r: verdict is failed, the suite gives passed"),
        (0, "s: verdict is failed, the suite gives passed"),
    ]
    assert differences(made, made, by).is_empty()


def test_a_column_may_have_any_name() -> None:
    made = MADE.rename({"word": "{} {{", "figure": "held", "reasons": "held 0", "id": "made"})
    held = made.with_columns(pl.lit("z").alias("{} {{"))
    details = differences(held, made, BY)["detail"].to_list()
    assert details[0] == "{} {{ is z, the source gives a"


def test_tables_of_earlier_releases_lack_columns_that_came_later() -> None:
    earlier = schema.DECISIONS.to_frame().drop("columns_digest")
    assert typed(earlier.lazy(), schema.DECISIONS, "it").collect_schema() == schema.DECISIONS
    with pytest.raises(SchemaError, match="it has no column 'decision'"):
        typed(earlier.drop("decision").lazy(), schema.DECISIONS, "it")
