"""The data diff: what one version of data changes in another, as a value.

`diff` compares a data set between two refs of the lake, `diff_table` any Parquet table under a
prefix between two refs, `diff_files` two files or folders. The lake compares objects by checksum,
so parts that both sides hold are never opened for the row diff.

The columns of the right side's differing parts are compared with those of the left side's differing
parts, or, where parts were only added, with the whole left side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lake.values import Change
from pipelines.gate import rule_changes
from pipelines.verification.verdicts import report
from review.diff import candidates, quality, sources
from review.diff.sources import Sources
from review.diff.table import TableDiff, table
from review.diff.values import ORDER, DataDiff
from review.diff.versions import version

OCCURRENCE: Final = ("round", "row")
SAMPLE: Final = (*OCCURRENCE, "sample_id")
"""Columns of a sample that are not its payload."""
TABLES: Final = ("samples", "decisions", "verdicts", "lineage")
"""Tables whose rows are compared."""


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
    ours = lake.resolve(left).id
    changes = list(lake.diff(ours, after, prefix=f"{dataset}/", three_dot=not two_dot))
    keyed = tuple(key) if key else ("sample_id",)
    samples, rows = _compare(lake, before, after, dataset, keyed, columns=columns)
    numbers = _rounds(changes)
    old, new = (version(lake, commit, dataset, numbers) for commit in (before, after))
    return replace(
        _assembled(dataset, keyed, samples, rows, _objects(changes, f"{dataset}/")),
        conflicts=[change.path for change in changes if change.kind == "conflict"],
        rounds=[new.change(number, rows) for number in numbers],
        left=old.side(),
        right=new.side(),
        quality=quality.metrics(old.last, new.last),
        guard=quality.guard(old.last, new.last),
        cost=quality.cost(old.manifests.values(), new.manifests.values()),
        rules=rule_changes.of_rounds(lake, after, dataset, numbers),
        notes=tuple(side.distance.problem for side in (old, new) if side.distance.problem),
        open_candidates=partial(report.candidates, lake, after, dataset),
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
    """The commits to compare: that of left, or the merge base of both, and that of right."""
    ours, after = lake.resolve(left).id, lake.resolve(right).id
    return ours if two_dot else lake.merge_base(after, ours), after


def datasets(lake: Lake, left: str, right: str, *, two_dot: bool = False) -> list[str]:
    """Names of the data sets in which two refs differ, in order."""
    ours, theirs = lake.resolve(left).id, lake.resolve(right).id
    changes = lake.diff(ours, theirs, three_dot=not two_dot)
    return refs.datasets(change.path for change in changes)


def _of_table(name: str, parts: Sources, key: Sequence[str], *, columns: bool) -> DataDiff:
    table_diff = table(parts, key, columns=columns)
    empty = {"change": pl.String(), "left_at": pl.Int64(), "right_at": pl.Int64()}
    changes = table_diff.row_changes
    rows = changes.rows if changes else pl.DataFrame(schema=empty)
    return _assembled(name, tuple(key), table_diff, rows, _of_parts(parts))


def _assembled(
    name: str,
    key: tuple[str, ...],
    table_diff: TableDiff,
    rows: pl.DataFrame,
    objects: dict[str, dict[str, int]],
) -> DataDiff:
    """The diff of a table by itself, without what the rounds of a data set add to it."""
    return DataDiff(
        dataset=name,
        key=key,
        objects=objects,
        changes=_counts(rows),
        samples=table_diff.row_changes,
        schema=table_diff.schema,
        columns=table_diff.columns,
        reference=table_diff.reference,
        rows=rows,
        before=table_diff.before,
        after=table_diff.after,
    )


def _compare(
    lake: Lake, before: str, after: str, dataset: str, key: tuple[str, ...], *, columns: bool
) -> tuple[TableDiff, pl.DataFrame]:
    """Compare the samples of two commits, and list samples and candidates that differ."""
    parts = {
        name: sources.in_lake(lake, before, after, refs.table(dataset, name)) for name in TABLES
    }
    samples = table(parts["samples"], key, columns=columns, passed_over=SAMPLE)
    return samples, _rows(parts, samples, key)


def _rounds(changes: Iterable[Change]) -> list[int]:
    """Numbers of the rounds in which an object differs."""
    numbers = {refs.round_of(change.path) for change in changes}
    return sorted(number for number in numbers if number is not None)


def _rows(parts: Mapping[str, Sources], samples: TableDiff, key: Sequence[str]) -> pl.DataFrame:
    """Samples and candidates that differ, in the order of `ORDER`."""
    changed, decided = candidates.decisions(parts["decisions"])
    refused = decided.filter("new", pl.col("decision") != "accepted").select(
        pl.lit("refused").alias("change"), *SAMPLE
    )
    frames = [
        _with_occurrence(samples, key),
        refused,
        changed,
        candidates.verdicts(parts["verdicts"], parts["lineage"]),
        candidates.parents(parts["lineage"]),
    ]
    reasons = decided.select(*SAMPLE, "decision", "reasons")
    rank = pl.col("change").replace_strict(ORDER, list(range(len(ORDER))), return_dtype=pl.Int8)
    joined = pl.concat(frames, how="diagonal_relaxed").join(
        reasons, on=list(SAMPLE), how="left", nulls_equal=True
    )
    return joined.sort(rank, *OCCURRENCE, maintain_order=True)


def _with_occurrence(samples: TableDiff, key: Sequence[str]) -> pl.DataFrame:
    """The samples that differ, with the occurrence of the right side, or else of the left."""
    occurrence = {"round": pl.Int32(), "row": pl.Int64(), "sample_id": pl.Binary()}
    positions = {"columns": pl.List(pl.String), "left_at": pl.Int64(), "right_at": pl.Int64()}
    if samples.row_changes is None:
        return pl.DataFrame(schema={"change": pl.String(), **occurrence, **positions})
    rows = samples.row_changes.rows
    sides = [
        frame.select(pl.col(name).cast(dtype) for name, dtype in occurrence.items())
        .with_row_index("position")
        .with_columns(pl.col("position").cast(pl.Int64))
        .collect()
        for frame in (samples.before, samples.after)
    ]
    old, new = (
        rows.select(pl.col(name).alias("position")).join(
            side, on="position", how="left", maintain_order="left"
        )
        for name, side in zip(("left_at", "right_at"), sides, strict=True)
    )
    on_right = rows["right_at"].is_not_null()
    values = [
        pl.select(pl.when(on_right).then(new[name]).otherwise(old[name]).alias(name))
        for name in occurrence
    ]
    kept = rows.select("change", *(name for name in key if name not in occurrence))
    return pl.concat([kept, *values, rows.select(*positions)], how="horizontal")


def _counts(rows: pl.DataFrame) -> dict[str, int]:
    counted = dict(rows.group_by("change").len().iter_rows())
    return {name: counted[name] for name in ORDER if name in counted}


def _objects(changes: Iterable[Change], prefix: str) -> dict[str, dict[str, int]]:
    """Number of objects by table and change."""
    counted: dict[str, dict[str, int]] = {}
    for change in changes:
        name = change.path.removeprefix(prefix).partition("/")[0]
        kinds = counted.setdefault(name, {})
        kinds[change.kind] = kinds.get(change.kind, 0) + 1
    return counted


def _of_parts(parts: Sources) -> dict[str, dict[str, int]]:
    """Number of parts by change; a part of the same name on both sides is changed."""
    left, right = {*parts.left.differing}, {*parts.right.differing}
    kinds = {"added": right - left, "removed": left - right, "changed": left & right}
    counted = {change: len(names) for change, names in kinds.items() if names}
    return {"parts": counted} if counted else {}
