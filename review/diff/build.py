"""The data diff: what one version of data changes in another, as a value.

`diff` compares a data set between two refs of the lake, `diff_table` any Parquet under a prefix
between two refs, `diff_files` two files or folders. The lake compares objects by checksum, so parts
that both sides hold are never opened for the row diff.

The columns of what the right side brings are compared with the left side's parts that differ, or,
where there are none because parts were only added, with all that the left side holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lake.values import Change
from review.diff import candidates, quality, sources
from review.diff.sources import Sources
from review.diff.table import TableDiff, table
from review.diff.values import ORDER, DataDiff
from review.diff.versions import version

OCCURRENCE: Final = ("round", "row")
SAMPLE: Final = (*OCCURRENCE, "sample_id")
"""What each sample has beside its payload."""
TABLES: Final = ("samples", "decisions", "verdicts", "lineage")
"""Whose rows are compared."""


def diff(
    lake: Lake,
    left: str,
    right: str,
    dataset: str,
    *,
    two_dot: bool = False,
    key: Sequence[str] | None = None,
    columns: bool = True,
) -> DataDiff:
    """Compare a data set between two refs.

    Args:
        lake: the lake.
        left: branch, tag or commit; the side is the merge base of both unless `two_dot`.
        right: branch, tag or commit.
        dataset: the data set.
        two_dot: compare tree with tree, instead of what right changed since it forked.
        key: columns by which samples are the same; None: the sample id, that is the content.
        columns: whether to compare the distributions of columns too.

    Raises:
        NotFoundError: a ref is not in the lake.
        UsageError: the samples have no such key.
    """
    before, after = commits(lake, left, right, two_dot=two_dot)
    prefix = f"{dataset}/"
    changes = list(lake.diff(left, right, prefix=prefix, three_dot=not two_dot))
    keyed = tuple(key) if key else ("sample_id",)
    parts = {
        name: sources.in_lake(lake, before, after, refs.table(dataset, name)) for name in TABLES
    }
    found = table(parts["samples"], keyed, columns=columns, passed_over=SAMPLE)
    rows = _rows(parts, found, keyed)
    numbers = sorted({each for item in changes if (each := refs.round_of(item.path)) is not None})
    old, new = (version(lake, commit, dataset, numbers) for commit in (before, after))
    return DataDiff(
        dataset=dataset,
        key=keyed,
        objects=_objects(changes, prefix),
        conflicts=[each.path for each in changes if each.kind == "conflict"],
        rounds=[new.change(number, rows) for number in numbers],
        left=old.side(),
        right=new.side(),
        changes=_counts(rows),
        samples=found.samples,
        schema=found.schema,
        columns=found.columns,
        reference=found.reference,
        quality=quality.metrics(old.last, new.last),
        guard=quality.guard(old.last, new.last),
        cost=quality.cost(old.manifests.values(), new.manifests.values()),
        notes=tuple(each.far.problem for each in (old, new) if each.far.problem),
        rows=rows,
        before=found.before,
        after=found.after,
        made=partial(candidates.made, lake, after, dataset),
    )


def diff_table(
    lake: Lake,
    left: str,
    right: str,
    prefix: str,
    key: Sequence[str],
    *,
    two_dot: bool = False,
    columns: bool = True,
) -> DataDiff:
    """Compare the Parquet parts under a prefix between two refs; arguments as `diff`.

    Raises:
        NotFoundError: a ref is not in the lake, or neither side has a table there.
        UsageError: a side lacks the key.
    """
    before, after = commits(lake, left, right, two_dot=two_dot)
    parts = sources.in_lake(lake, before, after, prefix)
    if not any((*side.differing, *side.equal) for side in (parts.left, parts.right)):
        raise NotFoundError(f"there is no table under {prefix} at {left} or {right}")
    return _of_table(prefix, parts, key, columns=columns)


def diff_files(left: Path, right: Path, key: Sequence[str], *, columns: bool = True) -> DataDiff:
    """Compare two Parquet files, or two folders of them.

    Raises:
        UsageError: a side has no Parquet file, or lacks the key.
    """
    return _of_table(str(right), sources.on_disk(left, right), key, columns=columns)


def commits(lake: Lake, left: str, right: str, *, two_dot: bool) -> tuple[str, str]:
    """The commits that are compared: left's, or where the two parted, and right's."""
    after = lake.resolve(right).id
    return lake.resolve(left).id if two_dot else lake.merge_base(right, left), after


def datasets(lake: Lake, left: str, right: str, *, two_dot: bool = False) -> list[str]:
    """Data sets in which two refs differ, by name."""
    found = lake.diff(left, right, three_dot=not two_dot)
    return sorted({each.path.partition("/")[0] for each in found})


def _of_table(name: str, parts: Sources, key: Sequence[str], *, columns: bool) -> DataDiff:
    found = table(parts, key, columns=columns)
    empty = {"change": pl.String(), "left_at": pl.Int64(), "right_at": pl.Int64()}
    rows = found.samples.rows if found.samples else pl.DataFrame(schema=empty)
    return DataDiff(
        dataset=name,
        key=tuple(key),
        objects=_of_parts(parts),
        conflicts=[],
        rounds=[],
        left=None,
        right=None,
        changes=_counts(rows),
        samples=found.samples,
        schema=found.schema,
        columns=found.columns,
        reference=found.reference,
        quality=(),
        guard=None,
        cost=None,
        notes=(),
        rows=rows,
        before=found.before,
        after=found.after,
    )


def _rows(parts: Mapping[str, Sources], found: TableDiff, key: Sequence[str]) -> pl.DataFrame:
    """Samples and candidates that differ, in the order of `ORDER`."""
    changed, decided = candidates.decisions(parts["decisions"])
    refused = decided.filter("new", pl.col("decision") != "accepted").select(
        pl.lit("refused").alias("change"), *SAMPLE
    )
    told = [
        _placed(found, key),
        refused,
        changed,
        candidates.verdicts(parts["verdicts"], parts["lineage"]),
        candidates.parents(parts["lineage"]),
    ]
    about = decided.select(*SAMPLE, "decision", "reasons")
    rank = pl.col("change").replace_strict(ORDER, list(range(len(ORDER))), return_dtype=pl.Int8)
    joined = pl.concat(told, how="diagonal_relaxed").join(
        about, on=list(SAMPLE), how="left", nulls_equal=True
    )
    return joined.sort(rank, *OCCURRENCE, maintain_order=True)


def _placed(found: TableDiff, key: Sequence[str]) -> pl.DataFrame:
    """The samples that differ with their occurrence: that of the right side, else of the left."""
    kinds = {"round": pl.Int32(), "row": pl.Int64(), "sample_id": pl.Binary()}
    places = {"columns": pl.List(pl.String), "left_at": pl.Int64(), "right_at": pl.Int64()}
    if found.samples is None:
        return pl.DataFrame(schema={"change": pl.String(), **kinds, **places})
    rows = found.samples.rows
    told = [
        frame.select(pl.col(name).cast(kind) for name, kind in kinds.items())
        .with_row_index("at")
        .with_columns(pl.col("at").cast(pl.Int64))
        .collect()
        for frame in (found.before, found.after)
    ]
    old, new = (
        rows.select(pl.col(name).alias("at")).join(side, on="at", how="left", maintain_order="left")
        for name, side in zip(("left_at", "right_at"), told, strict=True)
    )
    here = rows["right_at"].is_not_null()
    occurrence = [
        pl.select(pl.when(here).then(new[name]).otherwise(old[name]).alias(name)) for name in kinds
    ]
    kept = rows.select("change", *(name for name in key if name not in kinds))
    return pl.concat([kept, *occurrence, rows.select(*places)], how="horizontal")


def _counts(rows: pl.DataFrame) -> dict[str, int]:
    counted = dict(rows.group_by("change").len().iter_rows())
    return {name: counted[name] for name in ORDER if name in counted}


def _objects(changes: Iterable[Change], prefix: str) -> dict[str, dict[str, int]]:
    counted: dict[str, dict[str, int]] = {}
    for each in changes:
        name = each.path.removeprefix(prefix).partition("/")[0]
        kinds = counted.setdefault(name, {})
        kinds[each.kind] = kinds.get(each.kind, 0) + 1
    return counted


def _of_parts(parts: Sources) -> dict[str, dict[str, int]]:
    """Parts by change; a part of one name on both sides is changed."""
    left, right = {*parts.left.differing}, {*parts.right.differing}
    kinds = {"added": right - left, "removed": left - right, "changed": left & right}
    counted = {kind: len(names) for kind, names in kinds.items() if names}
    return {"parts": counted} if counted else {}
