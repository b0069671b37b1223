"""Keep calibrations in the lake: `digits/calibration/<suite>/r003-001.json`, with its rows.

A calibration is committed to a staging branch and merged into main. It only adds files with names
of their own, so it never conflicts with a round that is being published. If two audits take the
same number at the same time, lakeFS refuses the second merge, and that audit takes the next number.
A round that supersedes others leaves calibrations as they are. An audit that is killed leaves a
branch `tmp-…-calibration-…`, which others must not delete: they cannot tell it from the branch of a
running audit.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from lake import polling, refs
from lake.client import Lake
from lake.errors import ConflictError
from lake.tables import CONTENT_TYPE, encode
from pipelines.rounds import attestation, merged_files
from pipelines.rounds.merged_files import File
from pipelines.rounds.metadata import SUITE, StageMetadata
from pipelines.verification.calibrations import agreement, merges, records
from pipelines.verification.calibrations.merges import Stored
from pipelines.verification.calibrations.records import Record

ATTEMPTS: Final = 10


def keep(lake: Lake, record: Record, rows: pl.DataFrame) -> Stored:
    """Store a calibration, unless record and answers equal the newest one of its verifier.

    A sheet's record is kept with the agreement of those who filled in sheets of its candidates.

    Raises:
        ConflictError: Others stored theirs at the same time, in every attempt.
        SigningError: There is no key to sign with.
    """

    def store() -> Stored:
        base = lake.resolve(refs.MAIN).id
        compared = agreement.compared(lake, record, rows, base)
        last = newest(lake, compared, base)
        if last is not None and last.record == compared and _same_answers(lake, last, rows):
            return last
        return _store(lake, base, compared, rows)

    # A conflict means that somebody took the number, or that main moved.
    return polling.repeat(store, on=ConflictError, interval=0, attempts=ATTEMPTS)


def newest(lake: Lake, like: Record, ref: str = refs.MAIN) -> Stored | None:
    """Find the newest calibration that counts of the verifier that a record is about."""
    return next(
        (
            stored
            for stored in merges.all_of(lake, like.dataset, ref).counting
            if stored.record.holds_for(like.suite_digest, like.verify)
        ),
        None,
    )


def _same_answers(lake: Lake, last: Stored, rows: pl.DataFrame) -> bool:
    """Whether a stored calibration holds these rows; a record counts them and does not name them.

    One whose rows cannot be read does not.
    """
    found = agreement.answers_of(lake, last)
    if found is None:
        return False
    given = rows.select(agreement.ANSWERS)
    return found.sort(agreement.KEY).equals(given.sort(agreement.KEY))


def _store(lake: Lake, base: str, record: Record, rows: pl.DataFrame) -> Stored:
    """Commit record and rows, and merge them into main with their digests, signed."""
    path = _next(lake, record, base)
    data, table = records.encoded(record), encode(rows)
    digests = {merges.RECORD: merges.sha256(data), merges.ROWS: merges.sha256(table)}
    extra = {SUITE: record.suite_digest, merges.PATH: path, **digests}
    made = StageMetadata(merges.STAGE, record.dataset, record.round, extra=extra)
    entries = attestation.seal(lake, made.to_metadata())
    merge = merged_files.merge(
        lake,
        refs.MAIN,
        {path: File(data), merges.rows_path(path): File(table, CONTENT_TYPE)},
        f"Calibrate the verifier of {record.dataset}: {record.source} audit",
        entries,
        start=base,
        staging=f"{record.dataset}-calibration",
    )
    signer = entries[attestation.SIGNER]
    return Stored(record, path, digests[merges.RECORD], signer, merge.id, merge.committer)


def _next(lake: Lake, record: Record, ref: str) -> str:
    """Choose the path of the next calibration of a suite."""
    prefix = refs.calibration(record.dataset, record.suite_digest)
    taken = [merges.number(item.path) for item in lake.objects(ref, prefix)]
    name = "planted" if record.source == "planted" else f"r{record.round:03d}"
    return f"{prefix}{name}-{max(taken, default=0) + 1:03d}.json"
