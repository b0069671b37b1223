"""Verification of a merge of a calibration: an audit made it, and it brought nothing else.

The guard reads a calibration as the merge that brought it left it, if the merge is signed and names
its bytes (`pipelines.verification.calibrations.merges`). Here the history is asked for more: the
merge added one record and its rows, and the record counts what the rows say.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from lake.errors import CorruptError, NotFoundError, TooLargeError
from lake.tables import decode
from lineage.schema import UNREADABLE
from pipelines.common.errors import DataError
from pipelines.gate.merges import Merge
from pipelines.rounds import attestation, path_scope
from pipelines.rounds.metadata import SUITE, StageMetadata
from pipelines.rounds.trust import Trust
from pipelines.verification.calibrations import merges
from pipelines.verification.calibrations.merges import RECORD, ROWS, Stored
from pipelines.verification.calibrations.records import Record, Tally

MAX_BYTES: Final = 1 << 28
"""Greatest size of the file with the audited rows."""


def of_calibration(merge: Merge, trusted: Trust | None) -> str | None:
    """Verify that a merge brought one calibration, as an audit stored it.

    Args:
        merge: a merge that added files to the calibrations of a data set, and did nothing else.
        trusted: the trusted keys, of which one must have signed what was made since signing began;
            None: signatures are not verified.

    Returns:
        Why verification failed, in one sentence; None: the merge brought exactly one calibration.
    """
    metadata = merge.commit.metadata
    made = StageMetadata.from_commit(merge.commit)
    if made is None or made.stage != merges.STAGE:
        return "it brings a calibration that no audit stored"
    earlier = trusted is None or trusted.is_earlier(merge.commit.id)
    if RECORD not in metadata and not earlier:
        return "it names no digest of the calibration that it brings"
    signed = trusted and attestation.signer_of(merge.lake, metadata, trusted)
    if not earlier and signed is None:
        return f"the merge of a calibration {attestation.unsigned(metadata)}"
    try:
        brought = merges.read(merge.lake, merge.commit)
    except (DataError, NotFoundError, TooLargeError) as error:
        return f"it brings a calibration that cannot be used: {error}"
    return _scope(merge, brought) or _record(made, brought[0].record) or _rows(merge, brought[0])


def _scope(merge: Merge, brought: list[Stored]) -> str | None:
    """The merge added one record and its rows."""
    if not brought:
        return "it brings no record of a calibration"
    path = brought[0].path
    expected = {path, merges.rows_path(path)}
    for item in merge.changes:
        if item.kind != "added" or item.path not in expected:
            return f"it brings the calibration {path}, and {path_scope.verb(item)} {item.path}"
    missing = expected - {item.path for item in merge.changes}
    return f"it brings a calibration without {min(missing)}" if missing else None


def _record(made: StageMetadata, record: Record) -> str | None:
    """The record is about the round and the suite that the metadata name."""
    stated = (made.dataset, made.round, made.extra.get(SUITE))
    if stated == (record.dataset, record.round, record.suite_digest):
        return None
    return f"it brings a calibration of round {record.round} of {record.dataset}, and names another"


def _rows(merge: Merge, stored: Stored) -> str | None:
    """The rows are those that the merge names, and the record counts what they say."""
    path = merges.rows_path(stored.path)
    try:
        data = merge.lake.read(merge.commit.id, path, MAX_BYTES)
        if merge.commit.metadata.get(ROWS, merges.sha256(data)) != merges.sha256(data):
            return f"{path} is not the table that it names"
        counted = tallies(decode([data]).collect())
    except (NotFoundError, TooLargeError, CorruptError, *UNREADABLE):
        return f"{path}, which it brings, cannot be read"
    suite = stored.record.suite
    if counted.pop(None) == suite.tally and counted == dict(suite.kinds):
        return None
    return f"{stored.path} counts other rows than {path} holds"


def tallies(rows: pl.DataFrame) -> dict[str | None, Tally]:
    """Count audited rows by kind of planted error; None: all rows.

    Args:
        rows: right, kept and kind; rows without a verdict do not count.
    """
    judged = rows.drop_nulls(["right", "kept"])
    right, wrong = judged.filter("right"), judged.filter(~pl.col("right"))
    parts: dict[str | None, pl.DataFrame] = {None: wrong}
    parts |= {str(kind): part for (kind,), part in _by_kind(wrong).items()}
    correct = {"correct": len(right), "correct_kept": int(right["kept"].sum())}
    return {
        kind: Tally(**correct, wrong=len(part), wrong_kept=int(part["kept"].sum()))
        for kind, part in parts.items()
    }


def _by_kind(wrong: pl.DataFrame) -> dict[tuple[object, ...], pl.DataFrame]:
    return wrong.drop_nulls("kind").partition_by("kind", as_dict=True)
