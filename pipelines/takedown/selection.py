"""Which samples a take-down is about: ids, a file of ids, or a condition, as sorted whole ids.

An id may be shortened to its first 8 hex digits. It is looked up in the lineage of a commit, among
all candidates of all data sets, and in the hold-out, whose rows no lineage names. A condition is
one SQL expression over the samples of each data set: their columns (without files of images), where
they come from, and what they are. It is evaluated by Polars, which reads and never writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from lake.client import Lake
from lake.errors import NotFoundError
from lineage import id_prefixes, schema
from lineage.ancestry.index import Ancestry
from lineage.errors import QueryError
from pipelines.common.errors import StaleError, TakedownError
from pipelines.rounds import holdout, manifest, tables
from pipelines.rounds.arrivals import reserved
from pipelines.rounds.holdout import HeldOut

OURS: Final = ("sample_id", "dataset", "round", "row", "kind", "source", "licence")
"""Columns that a condition can name beside those of the samples."""
EVERY: Final = (1 << 31) - 1
"""A round that no other follows."""
SHOWN: Final = 20
"""Ids and columns that an error names."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The samples that a take-down is about."""

    ids: tuple[str, ...]
    """Whole ids, 64 hex digits each, sorted, each once."""
    unmatched: tuple[str, ...] = ()
    """Ids that were given and that nothing holds."""
    ambiguous: Mapping[str, int] = field(default_factory=dict)
    """Number of contents by shortened id, where it matches several; all of them are selected."""

    @property
    def binary(self) -> pl.Series:
        """The ids as the tables hold them."""
        return pl.Series("sample_id", [bytes.fromhex(one) for one in self.ids], dtype=pl.Binary)


def parse(words: Iterable[str], text: str = "", name: str = "") -> dict[str, str]:
    """Collect ids from arguments and from the lines of a file, where `#` begins a comment.

    Args:
        words: ids.
        text: content of a file with an id a line.
        name: of the file, for errors.

    Returns:
        By id where it was given, which an error begins with.

    Raises:
        QueryError: a text cannot be the beginning of an id.
    """
    given = {word.strip().lower(): "" for word in words}
    lines = enumerate((line.partition("#")[0].strip().lower() for line in text.splitlines()), 1)
    given |= {line: f"{name}, line {number}: " for number, line in lines if line}
    for prefix, where in given.items():
        try:
            id_prefixes.parse(prefix)
        except QueryError as error:
            raise QueryError(f"{where}{error}") from error
    return given


def read_file(path: Path) -> str:
    """Read a file of ids.

    Raises:
        TakedownError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise TakedownError(f"{path} cannot be read: {why}") from error


def find(index: Ancestry, prefixes: Iterable[str], held_out: pl.DataFrame) -> Selection:
    """Look up ids in the lineage of a commit and in the hold-out.

    Args:
        index: the family tree of the commit.
        prefixes: ids, shortened or whole.
        held_out: sample_id of the held-out rows of all data sets, and of what was taken down.

    Raises:
        TakedownError: nothing holds any of them.
        QueryError: a text cannot be the beginning of an id.
    """
    hidden = sorted(key.hex() for key in held_out["sample_id"].unique())
    found: set[str] = set()
    unmatched, ambiguous = [], {}
    for prefix in prefixes:
        nodes = index.nodes(index.find(prefix))
        ids = {key.hex() for key in nodes["sample_id"].unique()}
        ids |= {one for one in hidden if one.startswith(prefix)}
        found |= ids
        if not ids:
            unmatched.append(prefix)
        elif len(ids) > 1:
            ambiguous[prefix] = len(ids)
    if not found:
        raise TakedownError(f"nothing in the lake or its hold-out has {_named(unmatched, 'id')}")
    return Selection(tuple(sorted(found)), tuple(unmatched), ambiguous)


def where(
    lake: Lake,
    commit: str,
    condition: str,
    names: Sequence[str],
    held_out: Mapping[str, HeldOut] | None = None,
    *,
    later: Mapping[str, pl.DataFrame] | None = None,
) -> Selection:
    """Select the samples that meet a condition.

    Args:
        lake: the lake.
        commit: id of a commit.
        condition: one SQL expression that is true or false of a row, such as "label = 3 AND source
            LIKE 'letters/%'".
        names: the data sets to look in; one without a column that the condition names has none.
        held_out: the hold-outs of the data sets, where these are searched too; their rows have no
            kind, source and licence, and no row of theirs is in a round.
        later: their held-out rows of later real rounds, as `reserved_rows`, likewise.

    Raises:
        TakedownError: it is no such expression, no data set has the columns, or nothing meets it.
    """
    expression = _parsed(condition)
    wanted = set(expression.meta.root_names())
    ids: set[str] = set()
    known: dict[str, list[str]] = {}
    for dataset in names:
        held = _held_out((held_out or {}).get(dataset), (later or {}).get(dataset))
        for rows in _samples(lake, commit, dataset, held):
            known.setdefault(dataset, list(rows.collect_schema().names()))
            if wanted <= set(rows.collect_schema().names()):
                ids |= _meeting(rows, expression, condition, dataset)
    if not any(wanted <= set(columns) for columns in known.values()):
        listed = "; ".join(f"{name}: {', '.join(columns)}" for name, columns in known.items())
        missing = ", ".join(sorted(wanted)) or "no column"
        raise TakedownError(f"no data set has the columns of the condition ({missing}); {listed}")
    if not ids:
        raise TakedownError(f"no sample meets the condition {condition!r}")
    return Selection(tuple(sorted(ids)))


def _parsed(condition: str) -> pl.Expr:
    try:
        return pl.sql_expr(condition)
    except (pl.exceptions.PolarsError, UnicodeError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it cannot be read"
        raise TakedownError(
            f"the condition {condition!r} is not one SQL expression: {reason}; give one such as "
            "\"label = 3 AND source LIKE 'letters/%'\""
        ) from error


def _meeting(rows: pl.LazyFrame, expression: pl.Expr, condition: str, dataset: str) -> set[str]:
    try:
        answer = rows.select("sample_id", expression.alias("met")).collect()
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise TakedownError(
            f"the condition {condition!r} cannot be evaluated on {dataset}: {reason}; name the "
            "data set that is meant with --dataset"
        ) from error
    if answer.schema["met"] != pl.Boolean:
        raise TakedownError(
            f"the condition {condition!r} is {answer.schema['met']}, and not true or false of a row"
        )
    return set(answer.filter("met")["sample_id"])


def _held_out(held_out: HeldOut | None, later: pl.DataFrame | None) -> Iterable[pl.DataFrame]:
    """The tables of a data set's held-out rows: of round 0 by split, then of later real rounds."""
    if held_out is not None:
        yield from (held_out.table(name) for name in holdout.SPLITS)
    if later is not None:
        yield later.drop("split")


def _samples(
    lake: Lake, commit: str, dataset: str, held_out: Iterable[pl.DataFrame]
) -> Iterable[pl.LazyFrame]:
    """The samples of a data set as a condition sees them, then its held-out rows."""
    samples = tables.read(lake, commit, dataset, "samples")
    lineage = tables.read(lake, commit, dataset, "lineage").select(
        "round", "row", pl.col("kind").cast(pl.String), "source", "licence"
    )
    yield _public(samples.join(lineage, on=["round", "row"], how="left"), dataset)
    nothing = [pl.lit(None, pl.String).alias(name) for name in ("kind", "source", "licence")]
    for frame in held_out:
        rows = frame.lazy().with_columns(pl.lit(None, pl.Int32).alias("round"), *nothing)
        yield _public(rows, dataset)


def _public(rows: pl.LazyFrame, dataset: str) -> pl.LazyFrame:
    """Name the data set, write ids as hex digits, and leave out bytes."""
    named = rows.with_columns(
        pl.lit(dataset).alias("dataset"), pl.col("sample_id").bin.encode("hex")
    )
    there = named.collect_schema()
    hidden = [name for name, dtype in there.items() if _holds_bytes(dtype)]
    others = [name for name in there.names() if name not in (*OURS, *hidden)]
    return named.select(*OURS, *others)


def _holds_bytes(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.Struct):
        return any(_holds_bytes(pl.Series(dtype=each.dtype).dtype) for each in dtype.fields)
    if isinstance(dtype, pl.List | pl.Array):
        return _holds_bytes(pl.Series(dtype=dtype.inner).dtype)
    return dtype == pl.Binary


def hold_outs(lake: Lake, held_out: Lake, commit: str, names: Iterable[str]) -> dict[str, HeldOut]:
    """Open the hold-outs of data sets, as round 0 at a commit names them; those that are there.

    Args:
        lake: the lake.
        held_out: the repository of the hold-out.
        commit: id of a commit.
        names: the data sets.
    """
    found = {}
    for dataset in names:
        try:
            named = holdout.named(dataset, manifest.read(lake, commit, dataset, 0))
            found[dataset] = holdout.open_named(held_out, named)
        except (NotFoundError, StaleError, LookupError):
            continue
    return found


def held_out_ids(found: Mapping[str, HeldOut]) -> pl.DataFrame:
    """List the held-out rows of data sets: dataset, split, sample_id."""
    columns = {"dataset": pl.String, "split": pl.String, "sample_id": pl.Binary}
    parts = [
        held.fingerprints().select(
            pl.lit(dataset).alias("dataset"), pl.col("split").cast(pl.String), "sample_id"
        )
        for dataset, held in found.items()
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=columns)


def reserved_rows(
    lake: Lake, held_out: Lake, commit: str, names: Iterable[str]
) -> dict[str, pl.DataFrame]:
    """Read the held-out rows of later real rounds that are there, by data set, as they are kept."""
    found = {}
    for dataset in names:
        try:
            rows = reserved.read(lake, held_out, commit, dataset, EVERY)
        except (NotFoundError, StaleError, LookupError):
            continue
        if len(rows):
            found[dataset] = rows
    return found


def reserved_ids(found: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """List the held-out rows of later real rounds, as `held_out_ids`."""
    nothing = held_out_ids({})
    parts = [
        rows.select(pl.lit(dataset).alias("dataset"), "split", "sample_id").cast(nothing.schema)
        for dataset, rows in found.items()
    ]
    return pl.concat([nothing, *parts])


def held_out_rows(
    found: Mapping[str, HeldOut], later: Mapping[str, pl.DataFrame], chosen: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Read the payload of held-out rows.

    Args:
        found: the hold-outs of data sets.
        later: their rows of later real rounds.
        chosen: dataset, split, sample_id of the rows.

    Returns:
        sample_id and payload by data set, of those that have such rows.
    """
    rows: dict[str, pl.DataFrame] = {}
    for dataset in chosen["dataset"].unique().sort():
        ids = chosen.filter(pl.col("dataset") == dataset)["sample_id"]
        tables_of = [found[dataset].table(name) for name in holdout.SPLITS if dataset in found]
        tables_of += [later[dataset]] if dataset in later else []
        parts = [
            each.filter(pl.col("sample_id").is_in(ids.implode())).drop("row", "split", strict=False)
            for each in tables_of
        ]
        rows[dataset] = pl.concat(parts, how="diagonal_relaxed")
    return rows


def _named(ids: Sequence[str], noun: str) -> str:
    shown = ", ".join(one[: schema.SHOWN] for one in ids[:SHOWN])
    more = f" and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else ""
    return f"{noun} {shown}{more}" if len(ids) == 1 else f"one of the {noun}s {shown}{more}"
