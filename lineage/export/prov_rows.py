"""Records of PROV-JSON that come by the row: samples, their generation, derivation, membership.

Each kind of record is a pass over the columns that it needs, a batch at a time, so that a document
of any length takes the memory of one batch. Nothing here looks at a row by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

import polars as pl

from lineage import schema
from lineage.export import fragments, names
from lineage.export.values import Round

BATCH: Final = 1 << 13
"""Rows that are rendered at once."""
WINDOW: Final = 16 * BATCH
"""Rows that are read at once; columns are small beside their text, and files may be far away."""
MADE_BY: Final = ("generator", "trained_on", "attribution", "shard")
"""Columns that identify a generation within a round."""
COLUMNS: Final = {
    "entity": (
        *("row", "sample_id", "kind", "source", "licence", "prompt_digest"),
        *("real_inputs", "real_roots", "depth_mean", "depth_min", "depth_max"),
    ),
    "wasGeneratedBy": ("row", "kind", *MADE_BY, "seed"),
    "wasDerivedFrom": ("row", "parents"),
    "hadMember": ("row",),
}
"""Columns of lineage that each kind of record needs."""
LETTERS: Final = {
    "wasGeneratedBy": "g",
    "wasDerivedFrom": "d",
    "hadMember": "m",
    "wasAssociatedWith": "a",
    "wasInfluencedBy": "f",
}
"""Letters of blank names of relations, such as `_:d17`; PROV-JSON keys relations by names."""
SAMPLE: Final = fragments.member(
    "prov:type", pl.lit('{"$":"stemma:Sample","type":"xsd:QName"}', pl.String)
)

Table = TypeVar("Table", pl.DataFrame, pl.LazyFrame)
Batches = Callable[[int, int], pl.Series]
"""Renders the batch that starts at a row; relations are numbered from the second argument on."""


class Window:
    """A frame that is read in windows, from front to back."""

    def __init__(self, frame: pl.LazyFrame) -> None:
        """Start before the first row."""
        self._frame = frame
        self._start = -WINDOW
        self._rows = pl.DataFrame()

    def rows(self, start: int) -> pl.DataFrame:
        """Return the batch that starts at a row."""
        if start >= self._start + WINDOW:
            self._start = start
            self._rows = self._frame.slice(start, WINDOW).collect()
        return self._rows.slice(start - self._start, BATCH)


class Rows(Protocol):
    """A source of records by the row."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def kinds(self) -> Sequence[str]:
        """Kinds of records that it yields."""

    def batches(self, record_kind: str) -> Batches:
        """Open the columns that records of a kind need."""


@dataclass(frozen=True, slots=True, eq=False)
class RoundRows:
    """The rows of one round as a source of records."""

    round: Round
    rows: int
    real: int
    """Number of real rows."""
    generations: pl.DataFrame
    """number, `MADE_BY`, rows, seed (null where it differs from row to row)."""

    @property
    def kinds(self) -> Sequence[str]:
        """All kinds of records, without membership where nothing is decided yet."""
        return [
            record_kind
            for record_kind in COLUMNS
            if self.round.decided or record_kind != "hadMember"
        ]

    def batches(self, record_kind: str) -> Batches:
        """Open the columns that records of a kind need."""
        window = Window(self.round.rows().select(COLUMNS[record_kind]))
        decide = self._decide() if record_kind in {"entity", "hadMember"} else None
        make = {
            "entity": self._samples,
            "wasGeneratedBy": self._generation,
            "wasDerivedFrom": self._derivation,
            "hadMember": self._membership,
        }[record_kind]

        def batch(start: int, number: int) -> pl.Series:
            rows = window.rows(start)
            return make(decide(rows) if decide else rows, number)

        return batch

    def _decide(self) -> Callable[[pl.DataFrame], pl.DataFrame]:
        """Open the decisions of the round; return what joins them to a batch of rows."""
        decided = self.round.decided_rows()
        if decided is None:
            decision = pl.lit("accepted" if self.round.decided else None, pl.String)
            return lambda rows: rows.with_columns(decision.alias("decision"))
        decisions = decided.collect()

        def decide(rows: pl.DataFrame) -> pl.DataFrame:
            within = pl.col("row").is_between(rows["row"].min(), rows["row"].max())
            near = decisions.filter(within)
            return rows.join(near, on="row", how="left", maintain_order="left")

        return decide

    def _samples(self, rows: pl.DataFrame, _number: int) -> pl.Series:
        typed = rows.with_columns(pl.col("kind").cast(pl.String))
        members = [SAMPLE, fragments.own("sample_id", fragments.hexadecimal(pl.col("sample_id")))]
        members += [
            fragments.own(name, fragments.text(pl.col(name))) for name in ("kind", "decision")
        ]
        members += [
            fragments.own(name, fragments.typed(pl.col(name), datatype))
            for name, datatype in (
                ("real_inputs", "xsd:float"),
                ("real_roots", "xsd:float"),
                ("depth_mean", "xsd:float"),
                ("depth_min", "xsd:int"),
                ("depth_max", "xsd:int"),
            )
        ]
        members += [
            fragments.own(name, fragments.text(pl.col(name))) for name in ("source", "licence")
        ]
        members += [fragments.own("prompt_digest", fragments.hexadecimal(pl.col("prompt_digest")))]
        key = (self._own(""), pl.col("row").cast(pl.String))
        return fragments.lines(typed, fragments.record(key, members))

    def _generation(self, rows: pl.DataFrame, number: int) -> pl.Series:
        """Render the generation, or the ingestion, that each sample came from."""
        by_generation = self.generations.rename({"seed": "common"}).drop("rows")
        joined = rows.join(
            by_generation, on=MADE_BY, how="left", nulls_equal=True, maintain_order="left"
        ).with_columns(pl.col("kind") == "real")
        made = pl.concat_str(pl.lit("generation/"), pl.col("number").cast(pl.String))
        activity = pl.when("kind").then(pl.lit("ingestion")).otherwise(made)
        own_seed = pl.when(pl.col("common").is_null()).then(pl.col("seed"))
        members = [
            fragments.member("prov:entity", self._name(pl.col("row"))),
            fragments.member("prov:activity", fragments.name(self._own(""), activity)),
            fragments.own("seed", fragments.typed(own_seed, "xsd:long")),
        ]
        return fragments.relations(joined, LETTERS["wasGeneratedBy"], number, members)

    def _derivation(self, rows: pl.DataFrame, number: int) -> pl.Series:
        """Render each explicit parent, with relation and weight."""
        edges = _edges(rows)
        relation = pl.col("relation").cast(pl.String)
        derivation_type = (
            pl.when(relation == "edited")
            .then(pl.lit("prov:Revision"))
            .otherwise(pl.lit("stemma:Seed"))
        )
        members = [
            fragments.member("prov:generatedEntity", self._name(pl.col("child"))),
            fragments.member("prov:usedEntity", fragments.name(*_occurrence_name(edges))),
            fragments.member("prov:type", fragments.typed(derivation_type, "xsd:QName")),
            fragments.own("relation", fragments.text(relation)),
            fragments.own("weight", fragments.typed(pl.col("weight"), "xsd:float")),
        ]
        return fragments.relations(edges, LETTERS["wasDerivedFrom"], number, members)

    def _membership(self, rows: pl.DataFrame, number: int) -> pl.Series:
        """Render the membership of the accepted samples."""
        accepted = rows.filter(pl.col("decision") == "accepted")
        members = [
            fragments.member("prov:collection", fragments.name(self._own("accepted"))),
            fragments.member("prov:entity", self._name(pl.col("row"))),
        ]
        return fragments.relations(accepted, LETTERS["hadMember"], number, members)

    def _own(self, what: str) -> str:
        return names.within(self.round.dataset, self.round.number, what)

    def _name(self, row: pl.Expr) -> pl.Expr:
        return fragments.name(self._own(""), row.cast(pl.String))


@dataclass(frozen=True, slots=True, eq=False)
class Outside:
    """Parents in rounds that are not exported, of which only the name is known."""

    occurrences: pl.DataFrame
    """dataset, round, row."""

    @property
    def rows(self) -> int:
        """Number of parents."""
        return len(self.occurrences)

    @property
    def kinds(self) -> Sequence[str]:
        """Kinds of records: entities only."""
        return ("entity",)

    def batches(self, _kind: str) -> Batches:
        """Open the names."""

        def batch(start: int, _number: int) -> pl.Series:
            occurrences = self.occurrences.slice(start, BATCH)
            return fragments.lines(
                occurrences, fragments.record(_occurrence_name(occurrences), [SAMPLE])
            )

        return batch


def survey(round_: Round) -> RoundRows:
    """Read a round once: count its rows, and list the generations that made them."""
    groups = (
        round_.rows()
        .group_by((pl.col("kind") == "real").alias("real"), *MADE_BY)
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            pl.when(pl.col("seed").n_unique() == 1).then(pl.col("seed").first()).alias("seed"),
        )
        .collect(engine="streaming")
    )
    made = groups.filter(~pl.col("real")).drop("real")
    order = ("shard", "generator", "trained_on", "attribution")
    return RoundRows(
        round=round_,
        rows=int(groups["rows"].sum()),
        real=int(groups.filter("real")["rows"].sum()),
        generations=made.sort(order, nulls_last=True).with_row_index("number"),
    )


def outside(rounds: Sequence[RoundRows]) -> Outside:
    """Find the parents of exported rows that are in no exported round."""
    exported = pl.DataFrame(
        [(round_rows.round.dataset, round_rows.round.number) for round_rows in rounds],
        schema={"dataset": pl.String, "round": pl.Int32},
        orient="row",
    ).lazy()
    parts = [
        _edges(round_rows.round.rows().select("row", "parents"))
        .select("dataset", "round", "row")
        .join(exported, on=["dataset", "round"], how="anti")
        .unique()
        .collect(engine="streaming")
        for round_rows in rounds
    ]
    empty = pl.DataFrame(schema=schema.OCCURRENCE.to_schema())
    return Outside(pl.concat([empty, *parts]).unique().sort("dataset", "round", "row"))


def _edges(rows: Table) -> Table:
    """Explode parents into one row per edge: child, dataset, round, row, relation, weight."""
    return (
        rows.filter(pl.col("parents").list.len() > 0)
        .select(pl.col("row").alias("child"), pl.col("parents"))
        .explode("parents")
        .unnest("parents")
    )


def _occurrence_name(rows: pl.DataFrame) -> tuple[pl.Expr | str, ...]:
    """Build the name of the occurrence in dataset, round, row."""
    datasets = rows["dataset"].unique().to_list()
    dataset = pl.col("dataset").replace_strict(
        datasets, [names.local(str(name)) for name in datasets], return_dtype=pl.String
    )
    number, row = (pl.col(column).cast(pl.String) for column in ("round", "row"))
    return "lake:", dataset, "/", number, "/", row
