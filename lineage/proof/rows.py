"""Checks of a round's lineage without other rounds: rows, kinds, weights, and references."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from lineage import edges, schema
from lineage.ancestry.source import Source
from lineage.errors import SchemaError
from lineage.manifest import MixManifest
from lineage.proof.findings import Batch, batch

PARENTS: Final = pl.List(
    pl.Struct(
        {
            "dataset": pl.String,
            "round": pl.Int32,
            "row": pl.Int64,
            "relation": pl.String,
            "weight": pl.Float32,
        }
    )
)
"""`schema.PARENTS` with any word as relation, so that an unknown word becomes a finding."""

UNSOUND: Final = ("rows", "weights", "parents", "order", "mixes")
"""Checks whose findings leave nothing to derive a row from. A kind that contradicts the parents
still does, unless the contradiction is about being real."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Lineage of one round, with what can be checked without other rounds."""

    dataset: str
    round: int
    frame: pl.DataFrame
    """round, row, sample_id, kind (String), parents, generator (whether it has one), trained_on."""
    edges: pl.DataFrame
    """row (of the child), dataset, round, parent_row, relation, weight."""
    mixes: Mapping[str, MixManifest]
    """The mixes that have a manifest, by digest."""
    real: bool
    """Whether the round may hold real rows, and nothing else: round 0, and what says it is one."""


def read(source: Source) -> Rows:
    """Read the lineage of a round, with the columns that the checks need.

    Raises:
        SchemaError: a column is missing or of a type that cannot be read.
    """
    wanted = {name: schema.LINEAGE[name] for name in ("round", "row", "sample_id")}
    wanted |= {"kind": pl.String(), "parents": PARENTS}
    wanted |= {"generator": pl.String(), "trained_on": pl.String()}
    what = f"the lineage of round {source.round} of {source.dataset}"
    frame = collect(
        columns(source.lineage(), pl.Schema(wanted), what).with_columns(
            pl.col("parents").fill_null(pl.lit([], dtype=PARENTS)),
            pl.col("generator").is_not_null(),
        )
    )
    return Rows(source.dataset, source.round, frame, _edges(frame), source.mixes, source.is_real)


def columns(table: pl.LazyFrame, wanted: pl.Schema, what: str) -> pl.LazyFrame:
    """Select columns of a table in their types; a value that does not fit becomes null.

    Raises:
        SchemaError: the table lacks one.
    """
    with schema.readable(what):
        held = table.collect_schema()
    for name, dtype in wanted.items():
        if name not in held:
            raise SchemaError(f"{what} has no column {name!r}; it was not written by a stage")
        if held[name].is_nested() and not dtype.is_nested():  # of a struct, the fields are cast
            raise SchemaError(f"{what} has a column {name!r} of another type than it should")
    return table.select(pl.col(name).cast(dtype, strict=False) for name, dtype in wanted.items())


def collect(table: pl.LazyFrame) -> pl.DataFrame:
    """Collect a table, translating Polars' errors.

    Raises:
        SchemaError: a column is of a type that cannot be read.
    """
    try:
        return table.collect(engine="streaming")
    except schema.UNREADABLE as error:
        first = (str(error).splitlines() or ["no reason given"])[0][: schema.SHOWN]
        raise SchemaError(
            f"a table has a column of another type than it should: {first}"
        ) from error


def prove(rows: Rows) -> Iterator[Batch]:
    """Check the rows of a round, one check after the other."""
    yield _rows(rows)
    yield _kinds(rows)
    yield _generators(rows)
    yield _weights(rows)
    yield _locations(rows)
    yield _order(rows)
    yield _mixes(rows)


def unsound(rows: Rows, batches: Iterable[Batch]) -> pl.Series:
    """List the rows that cannot be derived because of their own kind and inputs.

    Args:
        rows: the lineage of a round.
        batches: what `prove` found there.
    """
    real, zero = pl.col("kind") == "real", pl.lit(rows.real)
    sound = (real == zero) & ~(real & (pl.col("parents").list.len() > 0))
    other = rows.frame.filter(~(sound & _known_kind()).fill_null(value=False))["row"]
    wrong = [batch.findings["row"] for batch in batches if batch.check in UNSOUND]
    return pl.concat([*wrong, other]).drop_nulls().unique()


def _edges(frame: pl.DataFrame) -> pl.DataFrame:
    """Explode the parents of rows into one row per edge."""
    flat = (
        frame.filter(pl.col("parents").list.len() > 0).select("row", "parents").explode("parents")
    )
    return flat.select(
        "row",
        *(
            pl.col("parents").struct.field(name).alias("parent_row" if name == "row" else name)
            for name in ("dataset", "round", "row", "relation", "weight")
        ),
    )


def _rows(rows: Rows) -> Batch:
    twice = pl.col("row").is_duplicated()
    findings = rows.frame.with_columns(
        pl.when(pl.col("row").is_null() | pl.col("round").is_null())
        .then(pl.lit("has no round or row"))
        .when(pl.col("round") != rows.round)
        .then(pl.format("says that it is of round {}", "round"))
        .when(twice)
        .then(pl.lit("stands in the lineage more than once"))
        .alias("detail")
    )
    return _batch("rows", rows, findings)


def _kinds(rows: Rows) -> Batch:
    parents = pl.col("parents")
    is_edit = pl.element().struct.field("relation") == "edited"
    edits = parents.list.eval(is_edit).list.any().fill_null(value=False)
    strange = parents.list.eval(
        ~pl.element().struct.field("relation").is_in(schema.RELATIONS).fill_null(value=False)
    ).list.any()
    real, zero = pl.col("kind") == "real", rows.real
    findings = rows.frame.with_columns(
        pl.when(~_known_kind())
        .then(pl.lit("has no known kind"))
        .when(strange)
        .then(pl.lit("has a parent of no known relation"))
        .when(real & ~pl.lit(zero))
        .then(pl.lit("is real, but not in a round of real data"))
        .when(~real & pl.lit(zero))
        .then(pl.format("is {}, but round {} is real data", "kind", pl.lit(rows.round)))
        .when(real & (parents.list.len() > 0))
        .then(pl.format("is real, but has {} parents", parents.list.len()))
        .when((pl.col("kind") == "edited") & ~edits)
        .then(pl.lit("is edited, but no parent is one that it edits"))
        .when((pl.col("kind") == "synthetic") & edits)
        .then(pl.lit("is synthetic, but edits a parent"))
        .alias("detail")
    )
    return _batch("kinds", rows, findings)


def _generators(rows: Rows) -> Batch:
    real = (pl.col("kind") == "real").fill_null(value=False)
    findings = rows.frame.with_columns(
        pl.when(real & (pl.col("generator") | pl.col("trained_on").is_not_null()))
        .then(pl.lit("is real, but names a generator or a mix"))
        .when(~real & ~pl.col("generator"))
        .then(pl.format("is {}, but names no generator", pl.col("kind").fill_null("of no kind")))
        .alias("detail")
    )
    return _batch("generators", rows, findings)


def _weights(rows: Rows) -> Batch:
    weight = pl.col("weight").cast(pl.Float64)
    wrong = ~(weight.is_finite() & weight.is_between(0, 1)).fill_null(value=False)
    first = weight.filter(wrong).first().cast(pl.String).fill_null("null")
    summed = rows.edges.group_by("row").agg(weight.sum().alias("total"), wrong.any().alias("wrong"))
    heavy = summed.filter(pl.col("wrong") | (pl.col("total") > 1 + edges.TOLERANCE))
    findings = (
        rows.edges.join(heavy, on="row", how="semi")
        .group_by("row")
        .agg(
            pl.when(wrong.any())
            .then(pl.format("gives a parent the weight {}", first))
            .otherwise(pl.format("gives its parents {} in all", weight.sum().round(6)))
            .alias("detail")
        )
    )
    return _batch("weights", rows, _with_ids(rows, findings), checked=len(rows.edges))


def _locations(rows: Rows) -> Batch:
    """Find edges that do not locate the parent; absent parents are found by the graph."""
    location = pl.col("dataset"), pl.col("round"), pl.col("parent_row")
    nowhere = rows.edges.filter(pl.any_horizontal(column.is_null() for column in location))
    detail = pl.lit("names a parent without a data set, round or row").alias("detail")
    return _batch("parents", rows, _with_ids(rows, nowhere.with_columns(detail)), checked=0)


def _order(rows: Rows) -> Batch:
    """Find parents, and rounds of mixes, of the same data set that are not earlier.

    A row that a reviewer edited has a lower row of its own round as the one that it edits.
    """
    late = (pl.col("dataset") == rows.dataset) & (pl.col("round") >= rows.round)
    within = (pl.col("round") == rows.round) & (pl.col("parent_row") < pl.col("row"))
    late &= ~(within & (pl.col("relation") == "edited"))
    parents = rows.edges.filter(late).select(
        "row",
        pl.format("names row {} of round {} as its {}", "parent_row", "round", "relation").alias(
            "detail"
        ),
    )
    last = {
        digest: max(part.round for part in mix.rounds)
        for digest, mix in rows.mixes.items()
        if mix.dataset == rows.dataset
    }
    wrong = [digest for digest, number in last.items() if number >= rows.round]
    trained = rows.frame.filter(pl.col("trained_on").is_in(wrong)).select(
        "row",
        pl.format(
            "was trained on a mix with round {}", pl.col("trained_on").replace_strict(last)
        ).alias("detail"),
    )
    findings = _with_ids(rows, pl.concat([parents, trained]))
    return _batch("order", rows, findings, checked=len(rows.edges))


def _mixes(rows: Rows) -> Batch:
    mix = pl.col("trained_on")
    detail = pl.format("was trained on mix {}, which no manifest describes", mix.str.head(12))
    unknown = ~mix.is_in(list(rows.mixes))
    findings = rows.frame.with_columns(pl.when(unknown).then(detail).alias("detail"))
    return _batch("mixes", rows, findings)


def _known_kind() -> pl.Expr:
    return pl.col("kind").is_in(schema.KINDS).fill_null(value=False)


def _with_ids(rows: Rows, findings: pl.DataFrame) -> pl.DataFrame:
    """Add the sample ids of rows to findings."""
    ids = rows.frame.select("row", "sample_id").join(findings, on="row", how="semi").unique("row")
    return findings.join(ids, on="row", how="left", maintain_order="left")


def _batch(check: str, rows: Rows, findings: pl.DataFrame, *, checked: int | None = None) -> Batch:
    """Make a batch of the rows that have a detail."""
    looked = len(rows.frame) if checked is None else checked
    kept = findings.filter(pl.col("detail").is_not_null()).sort("row", maintain_order=True)
    return batch(check, looked, kept, rows.dataset, rows.round)
