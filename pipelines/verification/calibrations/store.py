"""Keep calibrations in the lake: `digits/calibration/<suite>/r003-001.json`, with its rows.

A calibration is committed to a staging branch and merged into main. It only adds files with names
of their own, so it never conflicts with a round that is being published. If two audits take the
same number at the same time, lakeFS refuses the second merge, and that audit takes the next number.
A round that supersedes others leaves calibrations as they are. An audit that is killed leaves a
branch `tmp-…-calibration-…`, which others must not delete: they cannot tell it from the branch of a
running audit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import polars as pl

from lake import polling, refs
from lake.client import Lake
from lake.errors import ConflictError, NotFoundError
from pipelines.rounds.metadata import SUITE, StageMetadata
from pipelines.rounds.staging_branch import staging_branch
from pipelines.verification.calibrations import records
from pipelines.verification.calibrations.records import Record

ATTEMPTS: Final = 10
NAME: Final = re.compile(r"/(?:planted|r\d+)-(\d+)\.json$")


@dataclass(frozen=True, slots=True)
class Stored:
    """A calibration that is stored on main."""

    record: Record
    path: str


def keep(lake: Lake, record: Record, rows: pl.DataFrame) -> Stored:
    """Store a calibration, unless it equals the newest one of its verifier.

    Raises:
        ConflictError: Others stored theirs at the same time, in every attempt.
    """

    def store() -> Stored:
        base = lake.resolve(refs.MAIN).id
        last = newest(lake, record, base)
        if last is not None and last.record == record:
            return last
        path = _next(lake, record, base)
        _store(lake, base, path, record, rows)
        return Stored(record, path)

    # A conflict means that somebody took the number, or that main moved.
    return polling.repeat(store, on=ConflictError, interval=0, attempts=ATTEMPTS)


def newest(lake: Lake, like: Record, ref: str = refs.MAIN) -> Stored | None:
    """Find the newest calibration of the verifier that a record is about."""
    return next(
        (
            stored
            for stored in all_of(lake, like.dataset, ref)
            if stored.record.holds_for(like.suite_digest, like.verify)
        ),
        None,
    )


def all_of(lake: Lake, dataset: str, ref: str = refs.MAIN) -> list[Stored]:
    """Read the calibrations of a data set, newest first.

    Raises:
        DataError: A calibration cannot be read.
    """
    try:
        listed = [item.path for item in lake.objects(ref, refs.table(dataset, refs.CALIBRATION))]
    except NotFoundError:
        return []
    paths = sorted(filter(NAME.search, listed), key=lambda path: (_number(path), path))
    return [
        Stored(records.parse(lake.read(ref, path, records.MAX_BYTES), path), path)
        for path in paths[::-1]
    ]


def _next(lake: Lake, record: Record, ref: str) -> str:
    """Choose the path of the next calibration of a suite."""
    prefix = refs.calibration(record.dataset, record.suite_digest)
    taken = [_number(item.path) for item in lake.objects(ref, prefix) if NAME.search(item.path)]
    name = "planted" if record.source == "planted" else f"r{record.round:03d}"
    return f"{prefix}{name}-{max(taken, default=0) + 1:03d}.json"


def _number(path: str) -> int:
    match = NAME.search(path)
    return int(match[1]) if match else 0


def _store(lake: Lake, base: str, path: str, record: Record, rows: pl.DataFrame) -> None:
    suite = {SUITE: record.suite_digest}
    made = StageMetadata("calibrate", record.dataset, record.round, extra=suite)
    metadata = made.to_metadata()
    message = f"Calibrate the verifier of {record.dataset}: {record.source} audit"
    with staging_branch(lake, f"{record.dataset}-calibration", base) as branch:
        data = record.model_dump_json(indent=2).encode() + b"\n"
        lake.write_bytes(branch, path, data, "application/json")
        lake.write(branch, path.removesuffix(".json") + ".parquet", rows)
        commit = lake.commit(branch, message, metadata)
        lake.merge(commit.id, refs.MAIN, message, metadata)
