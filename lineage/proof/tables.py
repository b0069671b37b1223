"""Checks that the tables of a round agree: lineage, decisions, samples and verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from lineage import curation, schema
from lineage.ancestry.source import Source
from lineage.proof.findings import Batch, batch
from lineage.proof.rows import collect, columns
from lineage.review_decisions import ACCEPT, REVIEWED

DECIDED: Final = pl.Schema({**schema.SAMPLE_KEY, "decision": pl.String()})
TAKEN: Final = pl.Schema({name: schema.SAMPLE_KEY[name] for name in ("row", "sample_id")})
JUDGED: Final = ("row", "expectation", "severity", "verdict")
ACCEPTED: Final = "accepted"


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """The tables that a commit holds of one round of a data set; None for an absent table."""

    dataset: str
    round: int
    source: Source | None
    """The lineage, with the mixes that the manifest describes."""
    samples: pl.LazyFrame | None
    decisions: pl.LazyFrame | None
    verdicts: pl.LazyFrame | None
    identity: Sequence[str] = ()
    """Identity columns of the data set, as the manifest of its real data names them."""
    payload: str | None = None
    """Digest of the payload of real data, as its manifest states it; None: it states none."""
    taken: pl.DataFrame | None = None
    """Row and sample_id of the rows that were taken down, whose samples must be gone."""
    purged: pl.DataFrame | None = None
    """Rows that were purged from the samples, and are known by their digests alone: row, sample_id,
    columns_digest (which may be null), takedown (its name)."""
    reviewed: pl.LazyFrame | None = None
    """What reviewers decided, as `review_decisions.REVIEWED`."""

    @property
    def what(self) -> str:
        """The round as text."""
        return f"round {self.round} of {self.dataset}"


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """The keys of the tables of a round: round, row, sample_id; decisions with `decision`."""

    lineage: pl.DataFrame
    samples: pl.DataFrame
    decisions: pl.DataFrame
    real: bool
    """Whether this is round 0, where every row is accepted without a decision."""
    decided: bool
    """Whether the round has decisions, or has samples as if it had."""
    taken: pl.DataFrame
    """row, sample_id of rows that were taken down."""

    @property
    def accepted(self) -> pl.DataFrame:
        """Accepted rows: row, sample_id."""
        rows = self.lineage if self.real else self.decisions.filter(pl.col("decision") == ACCEPTED)
        return rows.select("row", "sample_id")


def read(tables: Tables) -> Keys:
    """Read the keys of the tables of a round.

    Raises:
        SchemaError: a table lacks a column.
    """
    real = tables.round == 0
    lineage = tables.source.lineage() if tables.source else None
    samples = _keys(tables.samples, schema.SAMPLE_KEY, f"the samples of {tables.what}")
    if tables.purged is not None:
        gone = tables.purged.select(pl.lit(tables.round).alias("round"), "row", "sample_id")
        samples = pl.concat([samples, gone.cast(schema.SAMPLE_KEY)])
    return Keys(
        lineage=_keys(lineage, schema.SAMPLE_KEY, f"the lineage of {tables.what}"),
        samples=samples,
        decisions=_keys(tables.decisions, DECIDED, f"the decisions of {tables.what}"),
        real=real,
        decided=real or tables.decisions is not None or tables.samples is not None,
        taken=TAKEN.to_frame() if tables.taken is None else tables.taken,
    )


def prove(tables: Tables, keys: Keys) -> Iterator[Batch]:
    """Check that the tables of a round have the same rows and the same ids."""
    round_id = tables.dataset, tables.round
    for name in ("decisions", "samples"):
        yield batch("rows", len(getattr(keys, name)), _twice(getattr(keys, name), name), *round_id)
    if keys.decided:
        yield batch("decisions", len(keys.lineage), _decisions(keys), *round_id)
    yield batch("sample_ids", len(keys.lineage), _ids(keys), *round_id)


def judged(tables: Tables, keys: Keys) -> Iterator[Batch]:
    """Find accepted rows without verdicts, or with a critical one that did not pass.

    Rows that a reviewer accepted or made are left out: what they override, decisions say.
    """
    if keys.real or not keys.decided:
        return
    round_id = tables.dataset, tables.round
    accepted = keys.accepted.join(_by_reviewers(tables), on="row", how="anti")
    wanted = pl.Schema({name: schema.VERDICTS[name] for name in JUDGED})
    given = wanted.to_frame().lazy() if tables.verdicts is None else tables.verdicts
    verdicts = columns(given, wanted, f"the verdicts of {tables.what}")
    seen = collect(verdicts.select("row").unique())
    unseen = accepted.join(seen, on="row", how="anti").sort("row")
    without = _with_detail(unseen, pl.lit("is accepted without a verdict"))
    yield batch("verdicts", len(accepted), without, *round_id)
    against = collect(verdicts.filter(curation.critical(), curation.not_passed()))
    findings = _with_detail(_against(accepted, against), pl.format("is accepted, but {}", "said"))
    yield batch("critical", len(accepted), findings, *round_id)


def _by_reviewers(tables: Tables) -> pl.DataFrame:
    """The rows that reviewers accepted, or made of candidates: row."""
    if tables.reviewed is None:
        return pl.DataFrame(schema={"row": pl.Int64})
    wanted = pl.Schema(
        {name: REVIEWED[name] for name in ("row", "action", "applied", "edited_row")}
    )
    given = columns(tables.reviewed, wanted, f"the reviews of {tables.what}")
    rows = collect(given.filter("applied"))
    accepted = rows.filter(pl.col("action") == ACCEPT)["row"]
    return pl.DataFrame({"row": pl.concat([accepted, rows["edited_row"].drop_nulls()]).unique()})


def _keys(table: pl.LazyFrame | None, wanted: pl.Schema, what: str) -> pl.DataFrame:
    return wanted.to_frame() if table is None else collect(columns(table, wanted, what))


def _twice(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    again = rows.filter(pl.col("row").is_duplicated())
    detail = pl.lit(f"stands in the {name} more than once").alias("detail")
    return again.sort("row").with_columns(detail)


def _decisions(keys: Keys) -> pl.DataFrame:
    """Find rows that one table has and another has not."""
    word = pl.lit(ACCEPTED) if keys.real else pl.col("decision")
    accepted = (word == ACCEPTED).fill_null(value=False)
    held, sampled = pl.col("held").is_not_null(), pl.col("sampled").is_not_null()
    taken = pl.col("taken").is_not_null()
    detail = (
        pl.when(~held & sampled)
        .then(pl.lit("is a sample, but not in the lineage"))
        .when(~held)
        .then(pl.lit("is decided on, but not in the lineage"))
        .when(~word.is_in(schema.OUTCOMES))
        .then(pl.format("has the decision {}, which is none", word))
        .when(sampled & taken)
        .then(pl.lit("was taken down, but is a sample"))
        .when(accepted & ~sampled & ~taken)
        .then(pl.lit("is accepted, but not among the samples"))
        .when(sampled & ~accepted)
        .then(pl.format("is a sample, but its decision is {}", word.fill_null("missing")))
        .when(word.is_null())
        .then(pl.lit("has no decision"))
    )
    together = _once(keys.lineage).with_columns(pl.lit(value=True).alias("held"))
    gone = keys.lineage.join(keys.taken, on=["row", "sample_id"], how="semi")
    others = ((keys.samples, "sampled"), (keys.decisions, "decided"), (gone, "taken"))
    for rows, name in others:
        other = _once(rows).with_columns(pl.lit(value=True).alias(name))
        together = together.join(other, on="row", how="full", coalesce=True)
    findings = together.select("row", detail.alias("detail")).filter(pl.col("detail").is_not_null())
    ids = pl.concat(
        table.select("row", "sample_id").join(findings, on="row", how="semi")
        for table in (keys.lineage, keys.samples, keys.decisions)
    ).unique("row", keep="first", maintain_order=True)
    return findings.join(ids, on="row", how="left").sort("row")


def _once(rows: pl.DataFrame) -> pl.DataFrame:
    """Make rows unique, without their ids."""
    keyed = rows.filter(pl.col("row").is_not_null()).drop("round", "sample_id")
    return keyed.unique("row") if keyed["row"].is_duplicated().any() else keyed


def _ids(keys: Keys) -> pl.DataFrame:
    """Find rows whose sample id differs between tables, or is no digest."""
    size = pl.col("sample_id").bin.size()
    none = keys.lineage.filter((size != schema.ID_BYTES).fill_null(value=True))
    parts = [_with_detail(none, pl.lit("has a sample id that is no SHA-256 digest"))]
    for name in ("samples", "decisions"):
        both = keys.lineage.join(getattr(keys, name), on="row", how="inner", suffix="_there")
        other = both.filter(pl.col("sample_id").ne_missing(pl.col("sample_id_there")))
        there = pl.col("sample_id_there").bin.encode("hex").str.head(12).fill_null("none")
        detail = pl.format(f"is another content in the {name}: {{}}", there)
        parts.append(_with_detail(other, detail))
    return pl.concat(parts).sort("row", maintain_order=True)


def _against(accepted: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Find critical verdicts on accepted rows, and on the whole round if it has any: `said`."""
    word = pl.format("{} {}", "expectation", pl.col("verdict").fill_null("unknown"))
    messages = verdicts.group_by("row").agg(word.sort().str.join(", ").alias("said"))
    rows = messages.join(accepted, on="row", how="left")
    is_whole = pl.col("row").is_null() & pl.lit(not accepted.is_empty())
    return rows.filter(is_whole | pl.col("sample_id").is_not_null()).sort("row")


def _with_detail(rows: pl.DataFrame, detail: pl.Expr) -> pl.DataFrame:
    return rows.select("row", "sample_id", detail.cast(pl.String).alias("detail"))
