"""Calibrations in the lake: `digits/calibration/<suite>/r003-001.json`, its rows beside it.

They are committed to main by a branch of their own and an ordinary merge. They add files with names
of their own and nothing else, so they never meet a round that is being published; two audits at
once take the same number, lakeFS refuses the second one, and it takes the next. A round that
supersedes others leaves them alone. An audit that is killed leaves a branch `tmp-…-calibration-…`
behind, which others must not sweep away: they cannot tell it from one that is at work.
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
    """A calibration that main holds."""

    record: Record
    path: str


def keep(lake: Lake, record: Record, rows: pl.DataFrame) -> Stored:
    """Store a calibration; one that is the newest already is not stored again.

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
    """The newest calibration of the verifier that a record is about."""
    found = all_of(lake, like.dataset, ref)
    return next(
        (each for each in found if each.record.holds_for(like.suite_digest, like.verify)), None
    )


def all_of(lake: Lake, dataset: str, ref: str = refs.MAIN) -> list[Stored]:
    """The calibrations of a data set, newest of each suite first.

    Raises:
        DataError: one cannot be read.
    """
    try:
        listed = [item.path for item in lake.objects(ref, refs.table(dataset, refs.CALIBRATION))]
    except NotFoundError:
        return []
    paths = sorted(filter(NAME.search, listed), key=lambda path: (_number(path), path))
    return [
        Stored(records.parse(lake.read(ref, path, records.MOST), path), path)
        for path in paths[::-1]
    ]


def _next(lake: Lake, record: Record, ref: str) -> str:
    """The path of the next calibration of a suite."""
    place = refs.calibration(record.dataset, record.suite_digest)
    taken = [_number(item.path) for item in lake.objects(ref, place) if NAME.search(item.path)]
    name = "planted" if record.source == "planted" else f"r{record.round:03d}"
    return f"{place}{name}-{max(taken, default=0) + 1:03d}.json"


def _number(path: str) -> int:
    found = NAME.search(path)
    return int(found[1]) if found else 0


def _store(lake: Lake, base: str, path: str, record: Record, rows: pl.DataFrame) -> None:
    suite = {SUITE: record.suite_digest}
    made = StageMetadata("calibrate", record.dataset, record.round, extra=suite)
    about = made.to_metadata()
    message = f"Calibrate the verifier of {record.dataset}: {record.source} audit"
    with staging_branch(lake, f"{record.dataset}-calibration", base) as place:
        data = record.model_dump_json(indent=2).encode() + b"\n"
        lake.write_bytes(place, path, data, "application/json")
        lake.write(place, path.removesuffix(".json") + ".parquet", rows)
        commit = lake.commit(place, message, about)
        lake.merge(commit.id, refs.MAIN, message, about)
