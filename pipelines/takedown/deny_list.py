"""The deny-list: what was taken down and must not come back, as main holds it.

Each take-down adds its own entries, `_takedowns/NAME/entries.parquet`, in the merge that takes the
samples from main, so the list is versioned, signed and audited as main is; all entries together are
the list. An entry has the id of the content and its fingerprints (`fingerprints`), and no payload.
Ingest, fit, generate and curate refuse what is on it. Content is compared with entries of its own
modality; ids are compared whatever they are of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import CorruptError, NotFoundError, TooLargeError
from lake.tables import decode, encode
from lineage import schema
from lineage.errors import SchemaError
from lineage.schema import UNREADABLE
from pipelines.common import digests
from pipelines.common.errors import DataError
from pipelines.modalities import Modality
from pipelines.params import Dataset
from pipelines.rounds.real_data import Refuses
from pipelines.takedown import fingerprints

FILE: Final = "entries.parquet"
MAX_BYTES: Final = 1 << 30
"""Limit of the size of the entries of one take-down, in bytes."""
ENTRY: Final = pl.Schema(
    {
        "sample_id": pl.Binary(),
        "dataset": pl.String(),
        "modality": pl.String(),
        **fingerprints.SCHEMA,
    }
)
"""An entry: content that was taken from a data set, and its fingerprints, which may be null."""
REASON: Final = "taken_down"
"""The reason of a decision against a candidate whose content is on the list."""
NEAR_BYTES: Final = tuple(fingerprints.NEAR_BYTES.values())
How = Literal["id", "exact", "near"]
MATCH: Final = pl.Schema(
    {"index": pl.Int64(), "takedown": pl.String(), "sample_id": pl.Binary(), "how": pl.String()}
)
"""A row on the list: its position, and the entry that it matches first."""


@dataclass(frozen=True, slots=True, eq=False)
class DenyList:
    """The entries of all take-downs that a ref holds."""

    entries: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"takedown": pl.String(), **ENTRY})
    )
    """As `ENTRY`, with the name of the take-down first."""

    def __len__(self) -> int:
        """Number of entries."""
        return len(self.entries)

    def matches(
        self, frame: pl.DataFrame, modality: Modality, identity: Sequence[str]
    ) -> pl.DataFrame:
        """Find the rows whose content is on the list.

        Args:
            frame: n rows with sample_id and payload; without the identity columns, ids alone are
                compared.
            modality: the modality of the rows.
            identity: the columns that are their content.

        Returns:
            As `MATCH`, by position, each row once: by its id, or else by its normal form, or else
            by a near fingerprint.
        """
        none = pl.DataFrame(schema=MATCH)
        if frame.is_empty() or self.entries.is_empty():
            return none
        rows = frame.select("sample_id").with_row_index("index").cast({"index": pl.Int64})
        known = self.entries.unique("sample_id", keep="first", maintain_order=True)
        found = [_matched(rows.join(known, on="sample_id"), "id")]
        own = self.entries.filter(pl.col("modality") == modality.name)
        if len(own) and set(identity) <= set(frame.columns):
            rest = rows.join(found[0], on="index", how="anti", maintain_order="left")
            content = frame[rest["index"]]
            made = rest.select("index").hstack(fingerprints.of_rows(content, modality, identity))
            found += [_exact(made, own), _near(made, own, modality.name)]
        return pl.concat(found).unique("index", keep="first", maintain_order=True).sort("index")

    def extended(self, entries: pl.DataFrame) -> DenyList:
        """The list with the entries of a take-down that is not merged yet, as `ENTRY`."""
        more = entries.select(pl.lit("").alias("takedown"), *ENTRY)
        return DenyList(pl.concat([self.entries, more]))

    def refuses(
        self, frame: pl.DataFrame, modality: Modality, identity: Sequence[str]
    ) -> pl.Series:
        """Tell which rows are on the list, [n]; arguments as `matches`."""
        number = pl.int_range(len(frame), dtype=pl.Int64, eager=True)
        return number.is_in(self.matches(frame, modality, identity)["index"].implode())

    def refusing(self, settings: Dataset) -> Refuses:
        """What refuses the rows of a data set that are on the list."""
        modality = settings.modality
        return lambda frame: self.refuses(frame, modality, settings.identity)


EMPTY: Final = DenyList()


def read(lake: Lake, ref: str = refs.MAIN) -> DenyList:
    """Read the deny-list that a ref holds; empty if nothing was taken down.

    Raises:
        DataError: entries cannot be read, so nobody could tell what must not come back.
    """
    try:
        paths = [item.path for item in lake.objects(ref, f"{refs.TAKEDOWNS}/")]
    except NotFoundError:
        return EMPTY
    parts = [
        entries_at(lake, ref, name).select(pl.lit(name).alias("takedown"), *ENTRY)
        for path in sorted(paths)
        if (name := _name(path)) is not None
    ]
    return DenyList(pl.concat(parts)) if parts else EMPTY


def entries_at(lake: Lake, ref: str, name: str) -> pl.DataFrame:
    """Read the entries of one take-down, as `ENTRY`.

    Raises:
        DataError: they are missing, or cannot be read.
    """
    path = refs.takedown(name, FILE)
    try:
        return parse(lake.read(ref, path, MAX_BYTES))
    except (NotFoundError, TooLargeError, DataError) as error:
        raise DataError(
            f"{path} at {ref} is no list of what was taken down; restore it from the merge that "
            "added it (stemma audit --history main)"
        ) from error


def parse(data: bytes) -> pl.DataFrame:
    """Parse the entries of one take-down, as `ENTRY`.

    Raises:
        DataError: they are no table of entries, or a fingerprint has another size.
    """
    try:
        table = decode([data]).collect()
        entries = schema.conform(table, ENTRY, required=("sample_id", "dataset", "modality"))
    except (CorruptError, SchemaError, *UNREADABLE) as error:
        raise DataError("the file is no list of what was taken down") from error
    sizes = {"sample_id": (schema.ID_BYTES,), "exact": (schema.ID_BYTES,), "near": NEAR_BYTES}
    for name, known in sizes.items():
        if not entries[name].drop_nulls().bin.size().is_in(known).all():
            raise DataError(f"the list of what was taken down has a {name} of another size")
    return entries


def encoded(entries: pl.DataFrame) -> bytes:
    """The bytes of the entries of one take-down, in order of their ids."""
    ordered = entries.select(ENTRY.names()).sort("sample_id", "dataset")
    return encode(schema.conform(ordered, ENTRY))


def entries_of(
    frame: pl.DataFrame, dataset: str, modality: Modality, identity: Sequence[str]
) -> pl.DataFrame:
    """Make the entries of samples that are taken down, as `ENTRY`, each content once.

    Args:
        frame: sample_id and payload.
        dataset: the data set that they are taken from.
        modality: its modality.
        identity: the columns that are their content.
    """
    rows = frame.unique("sample_id", keep="first", maintain_order=True)
    made = fingerprints.of_rows(rows, modality, identity)
    named = rows.select(
        pl.col("sample_id").cast(pl.Binary),
        pl.lit(dataset).alias("dataset"),
        pl.lit(modality.name).alias("modality"),
    )
    return named.hstack(made).sort("sample_id")


def digest(entries: pl.DataFrame) -> str:
    """SHA-256 (64 hex digits) of entries, whatever their order."""
    rows = entries.select(ENTRY.names()).unique().sort(ENTRY.names())
    texts = rows.with_columns(pl.col(pl.Binary).bin.encode("hex"))
    return digests.of_json([list(row) for row in texts.iter_rows()])


def _name(path: str) -> str | None:
    """The take-down whose entries are at a path; None for any other path."""
    parts = path.split("/")
    return parts[1] if len(parts) == 3 and parts[2] == FILE else None  # noqa: PLR2004  of a path


def _exact(rows: pl.DataFrame, entries: pl.DataFrame) -> pl.DataFrame:
    known = entries.drop_nulls("exact").unique("exact", keep="first", maintain_order=True)
    named = known.select("exact", "takedown", "sample_id")
    return _matched(rows.drop_nulls("exact").join(named, on="exact"), "exact")


def _near(rows: pl.DataFrame, entries: pl.DataFrame, modality: str) -> pl.DataFrame:
    size = fingerprints.NEAR_BYTES.get(modality, 0)
    fitting = pl.when(pl.col("near").bin.size() == size).then("near").alias("near")
    known = entries.select(fitting)["near"]
    left, right = fingerprints.near_pairs(rows["near"], known, modality)
    return _matched(
        rows[left].select("index").hstack(entries[right].select("takedown", "sample_id")), "near"
    )


def _matched(rows: pl.DataFrame, how: How) -> pl.DataFrame:
    return rows.with_columns(pl.lit(how).alias("how")).select(MATCH.names()).cast(MATCH)
