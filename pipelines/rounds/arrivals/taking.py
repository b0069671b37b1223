"""Which rows of a source are new, and to which split each of them goes.

A row is known if the lake or the hold-out has its content, and then it stays where it is. A new row
goes with what it is near to: to the hold-out if that holds a near-duplicate of it, to training if
training does, and else where the keyed hash of its group sends it, as in round 0
(`lineage.splits`). Content that a generator made is not real, whatever a source calls it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from lake import files
from lineage import splits
from lineage.identity import sample_ids
from lineage.splits import TRAIN
from pipelines.common import console
from pipelines.common.errors import DataError
from pipelines.generators.real import RealGenerate
from pipelines.params import Dataset
from pipelines.rounds import ingest_report, real_data, receipts
from pipelines.rounds.real_data import Refuses, refuses_none
from pipelines.sources import marks, personal_data
from pipelines.sources import read as sources
from pipelines.sources.account import Account
from pipelines.sources.marks import MarkedPolicy, Marks
from pipelines.sources.personal_data import PersonalData

ID: Final = "sample_id"
LABEL: Final = "label"
SHOWN: Final = 40
"""Characters of a value that a sentence shows."""
NAMED: Final = 5
"""Labels that a sentence names."""


@dataclass(frozen=True, slots=True)
class Known:
    """The real rows that there are before a round."""

    train: pl.DataFrame
    """round, row, sample_id, payload."""
    held_out: pl.DataFrame
    """split, sample_id and content, without answers."""
    generated: pl.DataFrame
    """sample_id of all candidates that generators made."""
    refused: pl.DataFrame
    """sample_id of real rows that came before and were not accepted."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the rows of a source."""

    read: int
    known: int
    """Rows that are there already."""
    repeated: int
    """Rows that repeat a new one."""
    generated: int
    """Rows with content that a generator made, which are left out."""
    refused: int
    """Real rows that an earlier round did not accept, which are left out."""
    changed: int
    """Known training rows whose other columns, such as the label, differ; they stay as they are."""
    train: int
    held_out: int
    gone: int
    """Real rows that the source does not give; they stay."""
    denied: int = 0
    """Rows that were taken down, which are left out."""

    def to_dict(self) -> dict[str, int]:
        """Convert to JSON values; rows that were taken down are named where there are some."""
        every = {name: getattr(self, name) for name in self.__slots__}
        return every if self.denied else {name: every[name] for name in every if name != "denied"}


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The new rows of a source."""

    train: pl.DataFrame
    """row, sample_id, payload."""
    lineage: pl.DataFrame
    """row, sample_id, source, licence of these."""
    held_out: pl.DataFrame
    """split, row, sample_id, payload."""
    origin: str
    licence: str | None
    counts: Counts
    labels: pl.DataFrame
    """label (String), train, validation, test of the new rows."""
    unknown_labels: Mapping[str, int]
    """New rows by label that no real row has had."""
    account: Account
    personal: PersonalData
    marks: Marks = marks.NONE
    marked: MarkedPolicy = "warn"

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return {
            "source": self.origin,
            "rows": self.counts.to_dict(),
            "labels": self.labels.head(ingest_report.MOST_LABELS).to_dicts(),
            "unknown_labels": dict(self.unknown_labels),
            "left_out": [each.to_dict() for each in self.account.left_out],
            "notes": list(self.account.notes),
            "passed_over": list(self.account.passed_over),
            "personal_data": self.personal.to_dict(),
            **marks.section(self.marks, self.marked),
        }


def take(
    settings: Dataset, wanted: RealGenerate, known: Known, refuses: Refuses = refuses_none
) -> Arrivals:
    """Read a source and take its new rows.

    Args:
        settings: of the data set.
        wanted: the source.
        known: the real rows that there are.
        refuses: tells which rows were taken down; they are left out and counted.

    Raises:
        DataError: the source cannot be read, or a column is of another type than in round 0.
    """
    modality, ingest = settings.modality, settings.ingest
    columns = replace(settings.columns, aliases=wanted.columns)
    given = sources.read(wanted.source, modality, wanted.settings, columns)
    marks.check(wanted.source, given.marks, ingest.marked)
    payload, personal = personal_data.scan(wanted.source, given.frame, ingest.pii)
    payload = _typed(wanted.source, payload, known.train, texts=modality.csv_types)
    rows = payload.with_columns(sample_ids(payload, settings.identity).alias(ID))
    place = rows.select(ID, real_data.place(modality, given.name, settings.columns.id))
    there = pl.concat([known.train.select(ID), known.held_out.select(ID)])
    distinct = rows.unique(ID, keep="first", maintain_order=True)
    new = distinct.join(there, on=ID, how="anti", maintain_order="left")
    allowed = new.filter(~refuses(new))
    made = allowed.join(known.generated, on=ID, how="semi")
    others = allowed.join(made, on=ID, how="anti", maintain_order="left")
    real = others.join(known.refused, on=ID, how="anti", maintain_order="left")
    assigned = real.with_columns(_split(settings, real, known).alias("split"))
    train = _numbered(assigned.filter(pl.col("split") == TRAIN).drop("split"))
    held = _numbered(assigned.filter(pl.col("split") != TRAIN))
    licence = wanted.licence or ingest.licence or given.licence
    return Arrivals(
        train=train,
        lineage=train.select("row", ID)
        .join(place.unique(ID, keep="first"), on=ID, how="left", maintain_order="left")
        .with_columns(pl.lit(licence, pl.String).alias("licence")),
        held_out=held.select("split", pl.exclude("split")),
        origin=given.name,
        licence=licence,
        counts=Counts(
            read=len(rows),
            known=len(rows.join(there, on=ID, how="semi")),
            repeated=len(rows.join(there, on=ID, how="anti")) - len(new),
            generated=len(made),
            refused=len(others) - len(real),
            changed=_changed(rows, known.train, settings.identity),
            train=len(train),
            held_out=len(held),
            gone=len(there.unique(ID).join(rows, on=ID, how="anti")),
            denied=len(new) - len(allowed),
        ),
        labels=ingest_report.labels(assigned),
        unknown_labels=_unknown_labels(assigned, known.train),
        account=given.account,
        personal=personal,
        marks=given.marks,
        marked=ingest.marked,
    )


def tell(arrivals: Arrivals) -> None:
    """Print what was taken from a source."""
    for line in lines(arrivals):
        console.line(line)


def lines(arrivals: Arrivals) -> Iterator[str]:
    """Say what was taken from a source, and what was not."""
    counts = arrivals.counts
    yield (
        f"read {counts.read:,} rows of {arrivals.origin}: {counts.known:,} are known, "
        f"{counts.train:,} are new for training, {counts.held_out:,} are new and held out"
    )
    told = {
        "repeated": "rows repeat a new one and are left out",
        "generated": "rows are left out, because a generator made their content in a round",
        "refused": "rows are left out, because an earlier round of real data did not accept them",
        "changed": "known rows have another label or kept column now; the lake keeps what it has",
        "denied": "rows are left out, because they were taken down",
        "gone": f"real rows that the lake holds are not in {arrivals.origin}; they stay",
    }
    for name, words in told.items():
        if count := getattr(counts, name):
            yield f"{count:,} {words}"
    if arrivals.unknown_labels:
        first = list(arrivals.unknown_labels.items())[:NAMED]
        named = [f"{name!r} {rows:,}" for name, rows in first]
        yield (
            f"labels that no real row had before: {', '.join(named)}; a suite with a set of labels "
            "refuses them"
        )
    yield from (each.sentence() for each in arrivals.account.left_out)
    yield from arrivals.account.notes
    if arrivals.account.passed_over:
        yield f"columns not used: {', '.join(arrivals.account.passed_over)}"
    if arrivals.personal.columns:
        yield arrivals.personal.sentence()
    if arrivals.marks.counts:
        yield arrivals.marks.sentence(arrivals.marked)


def write(dataset: str, number: int, arrivals: Arrivals) -> None:
    """Write what was taken beside the receipts of the round."""
    files.write_json(receipts.path(dataset, number, ingest_report.FILE), arrivals.to_dict())


def _typed(source: str, payload: pl.DataFrame, like: pl.DataFrame, *, texts: bool) -> pl.DataFrame:
    """Give columns the types that they have in round 0, where no value changes by that.

    Args:
        source: its name, for errors.
        payload: the rows.
        like: rows of round 0.
        texts: Whole numbers in a column of texts are categories that were guessed to be numbers.
    """
    return payload.with_columns(
        _cast(source, payload[name], like.schema[name], texts=name == LABEL or texts)
        for name in payload.columns
        if name in like.columns
    )


def _cast(source: str, values: pl.Series, dtype: pl.DataType, *, texts: bool) -> pl.Series:
    if values.dtype == dtype:
        return values
    numbers = values.dtype.is_numeric() and dtype.is_numeric()
    names = texts and values.dtype.is_integer() and dtype == pl.String
    if numbers or names or values.null_count() == len(values):
        cast = values.cast(dtype, strict=False)
        if cast.null_count() == values.null_count() and (names or (cast == values).all()):
            return cast
    raise DataError(
        f"{source}: column {values.name!r} is {values.dtype}, and {dtype} in round 0"
        f"{_first_other(values, dtype)}; write it as there, or add the whole source as another "
        "data set if it has really become another column"
    )


def _first_other(values: pl.Series, dtype: pl.DataType) -> str:
    """Name the first value that a type does not hold, where the type tells."""
    if values.dtype.is_nested() or dtype.is_nested():
        return ""
    try:
        held = values.cast(dtype, strict=False)
    except pl.exceptions.PolarsError:
        return ""
    lost = values.is_not_null() & held.is_null()
    if values.dtype.is_numeric() and dtype.is_numeric():
        lost |= (held != values).fill_null(value=False)
    row = lost.arg_max() if lost.any() else None
    return "" if row is None else f" (row {row} has {str(values[row])[:SHOWN]})"


def _split(settings: Dataset, rows: pl.DataFrame, known: Known) -> pl.Series:
    """Assign new rows to splits."""
    modality, ingest = settings.modality, settings.ingest
    if rows.is_empty():
        return pl.Series("split", [], dtype=pl.String)
    there = (rows, known.train, known.held_out)
    columns = [name for name in rows.columns if all(name in each.columns for each in there)]
    together = pl.concat((each.select(columns) for each in there), how="vertical_relaxed")
    groups = splits.groups(together[ID], modality.pairs(together, ingest.near))
    shares = {"validation": ingest.validation, "test": ingest.test}
    new = groups.head(len(rows))
    assigned = splits.assign(rows[ID], new, shares, key=ingest.split_key)
    train = pl.repeat(TRAIN, len(known.train), dtype=pl.String, eager=True)
    followed = (
        pl.DataFrame(
            {
                "group": groups.tail(len(groups) - len(rows)),
                "followed": pl.concat([train, known.held_out["split"]]),
            }
        )
        .sort(pl.col("followed") == TRAIN, "followed")
        .unique("group", keep="first", maintain_order=True)
    )
    both = pl.DataFrame({"group": new, "split": assigned}).join(
        followed, on="group", how="left", maintain_order="left"
    )
    return both.select(pl.coalesce("followed", "split").alias("split")).to_series()


def _changed(rows: pl.DataFrame, train: pl.DataFrame, identity: Sequence[str]) -> int:
    """Count known training rows of which a column that no id covers is another now."""
    names = [name for name in rows.columns if name in train.columns and name not in (*identity, ID)]
    if not names:
        return 0
    both = rows.unique(ID, keep="first").join(train.unique(ID, keep="first"), on=ID, suffix="_then")
    differs = (pl.col(name).ne_missing(pl.col(f"{name}_then")) for name in names)
    return len(both.filter(pl.any_horizontal(differs)))


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    number = pl.int_range(pl.len(), dtype=pl.Int64).alias("row")
    return rows.select(number, ID, pl.exclude(ID))


def _unknown_labels(rows: pl.DataFrame, train: pl.DataFrame) -> dict[str, int]:
    if LABEL not in rows.columns or LABEL not in train.columns:
        return {}
    other = rows.join(train.select(LABEL).unique(), on=LABEL, how="anti", nulls_equal=True)
    counted = other[LABEL].cast(pl.String).value_counts(sort=True)
    return {str(name): int(rows) for name, rows in counted.iter_rows()}
