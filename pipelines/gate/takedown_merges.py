"""Verification of a merge of a take-down: it took what its record says, and nothing else.

The rows that had to go are found again in the family tree of main before it: every occurrence of
the named content, and all that was made from it. Each part of samples must then be the one before
without these rows, bit for bit, and every other object must be as it was. The entries of the
deny-list are made again from what was taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import CorruptError, NotFoundError, TooLargeError
from lineage.ancestry import walks
from lineage.errors import GuardError, SchemaError
from lineage.schema import UNREADABLE
from pipelines.common.errors import DataError
from pipelines.gate import merges, takedown_guard
from pipelines.gate.merges import SHORT, Merge, MergeVerification
from pipelines.generators import exchanges
from pipelines.rounds import ancestry_index, attestation, path_scope, purges, tables
from pipelines.rounds.trust import Trust
from pipelines.takedown import deny_list, entries, occurrences, plan, record, removal
from pipelines.takedown.record import TakedownRecord, TouchedRound

DAMAGED = (
    DataError,
    NotFoundError,
    TooLargeError,
    CorruptError,
    SchemaError,
    GuardError,
    *UNREADABLE,
)
"""Errors of a merge that is not what a take-down leaves."""


@dataclass(frozen=True, slots=True, eq=False)
class _Taken:
    """A merge of a take-down, its record, and the rows that it lists."""

    merge: Merge
    record: TakedownRecord
    rows: pl.DataFrame

    @property
    def lake(self) -> Lake:
        return self.merge.lake

    def of_round(self, dataset: str, number: int) -> pl.DataFrame:
        """The listed rows of a round."""
        return self.rows.filter((pl.col("dataset") == dataset) & (pl.col("round") == number))


def of_takedown(merge: Merge, trusted: Trust | None) -> MergeVerification:
    """Verify that a merge took from main what its record says, and nothing else.

    Args:
        merge: a merge that changes `_takedowns/`.
        trusted: the trusted keys, of which one must have signed; None: signatures are not verified.
    """
    signer = None
    if trusted is not None:
        signer = attestation.signer_of(merge.lake, merge.commit.metadata, trusted)
        if signer is None:
            return MergeVerification(
                f"the merge of a take-down {attestation.unsigned(merge.commit.metadata)}"
            )
    return MergeVerification(_fault(merge), signer=signer)


def _fault(merge: Merge) -> str | None:
    """Why a merge is no take-down as its record describes it, in one sentence; None if it is."""
    try:
        taken = _read(merge)
        if isinstance(taken, str):
            return taken
        return next(_faults(taken), None)
    except DAMAGED as error:
        return f"it brings a take-down that cannot be verified: {error}"


def _read(merge: Merge) -> _Taken | str:
    """The take-down that a merge brings, or why it brings none."""
    metadata, lake, commit = merge.commit.metadata, merge.lake, merge.commit.id
    name = metadata.get(record.ENTRY, "")
    if not record.NAME.match(name):
        return f"it changes {merge.changes[0].path}, and its metadata names no take-down"
    found = record.read(lake, commit, name)
    if record.sha256(record.encoded(found)) != metadata.get(record.RECORD):
        return f"its {record.RECORD} is not that of {refs.takedown(name, record.FILE)}"
    for file, digest in ((record.ROWS, found.rows_digest), (deny_list.FILE, found.entries_digest)):
        data = lake.read(commit, refs.takedown(name, file), deny_list.MAX_BYTES)
        if record.sha256(data) != digest:
            return f"its record names another {file}"
    return _Taken(merge, found, record.rows(lake, commit, name))


def _faults(taken: _Taken) -> Iterator[str]:
    """Everything that is wrong with a take-down, the cheapest to find first."""
    checks = (_since(taken), _scope(taken), merges.altered(taken.merge))
    yield from filter(None, checks)
    yield from _selected(taken)
    for each in taken.record.rounds:
        yield from _round(taken, each)
    yield from _listed(taken)
    yield from takedown_guard.faults(taken.record, taken.rows)


def _since(taken: _Taken) -> str | None:
    """The commit that it was planned at is in main's history."""
    main, before = taken.record.main, taken.merge.before
    try:
        known = taken.lake.merge_base(main, before) == main
    except NotFoundError:
        known = False
    return None if known else f"it was planned at {main[:SHORT]}, which main does not hold"


def _scope(taken: _Taken) -> str | None:
    """It changed what its record says, and nothing else."""
    name, rounds = taken.record.name, taken.record.rounds
    expected = dict.fromkeys(
        (refs.takedown(name, file) for file in (record.FILE, record.ROWS, deny_list.FILE)), "added"
    )
    for each in rounds:
        expected |= dict.fromkeys(each.changed, "changed") | dict.fromkeys(each.removed, "removed")
        expected[refs.head(each.dataset)] = "changed"
    actual = {item.path: item for item in taken.merge.changes}
    for path, item in actual.items():
        if expected.get(path) != item.kind:
            return f"it {path_scope.verb(item)} {path}, which its record does not say"
    missing = sorted(expected.keys() - actual.keys())
    return f"its record says that {missing[0]} was {expected[missing[0]]}" if missing else None


def _selected(taken: _Taken) -> Iterator[str]:
    """The rows are those of the named content, and what was made from them."""
    lake, main = taken.lake, taken.record.main
    index = ancestry_index.open_at(lake, main)
    samples = occurrences.held_samples(lake, main)
    starts = occurrences.numbers(index, taken.record.ids)
    direct = walks.descendants(index, starts, include_indirect=False).direct
    named, made = (
        occurrences.nodes(lake, main, index, numbers, samples) for numbers in (starts, direct)
    )
    expected = plan.rows_of(named, made)
    columns = record.ROW.names()
    left = expected.join(taken.rows, on=columns, how="anti")
    more = taken.rows.join(expected, on=columns, how="anti")
    if not left.is_empty():
        yield f"it leaves {_row(left)}, which {_why(left)}"
    if not more.is_empty():
        yield f"it takes {_row(more)}, which was not named and was made from nothing that was"


def _round(taken: _Taken, each: TouchedRound) -> Iterator[str]:
    """A round is as it was before, without its rows, bit for bit."""
    what = f"round {each.round} of {each.dataset}"
    rows = taken.of_round(each.dataset, each.round)
    samples = rows.filter("sample")
    causes = dict(samples.group_by("cause").len().iter_rows())
    if (causes.get("named", 0), causes.get("direct", 0)) != (each.named, each.direct):
        yield f"its record counts other rows of {what} than it lists"
    changed: set[str] = set()
    for table, gone in (("samples", samples["row"]), (exchanges.TABLE, rows["row"])):
        for path, same in _parts(taken, each, table, gone):
            changed.add(path)
            if not same:
                yield f"{path} is not what it was without the rows of the take-down"
    pages = refs.partition(each.dataset, refs.DOCS, each.round)
    shown = {item.path for item in taken.lake.objects(taken.record.main, pages)}
    if changed != set(each.changed) or shown != set(each.removed):
        yield f"it changes other objects of {what} than it had to"
    if each.payload is not None:
        commit, prefix = taken.merge.commit.id, refs.partition(each.dataset, "samples", 0)
        left = taken.lake.scan(commit, prefix)
        since = purges.lacking_at(taken.lake, commit, prefix)
        identity = entries.identity_of(taken.lake, taken.record.main, each.dataset)
        if removal.payload_digest(left, identity, each.dataset, since) != each.payload:
            yield f"its record states another payload of {what} than is left"


def _parts(
    taken: _Taken, each: TouchedRound, table: str, gone: pl.Series
) -> Iterator[tuple[str, bool]]:
    """The parts that held rows which had to go, and whether each is the same without them."""
    lake, main, now = taken.lake, taken.record.main, taken.merge.commit.id
    prefix = refs.partition(each.dataset, table, each.round)
    after = {item.path: item for item in lake.objects(now, prefix)}
    lost = purges.of_lake(lake)
    for item in lake.objects(main, prefix) if len(gone) else ():
        if not item.path.endswith(".parquet"):
            continue
        before = tables.collected(lake.scan_parts(main, [item]), f"{item.path} at {main}")
        kept = removal.without(before, gone)
        purged = lost.lacking([item.checksum])["row"].is_in(gone.implode()).any()
        if len(kept) == len(before) and not purged:
            continue
        there = after.get(item.path)
        if there is None:
            yield item.path, False
            continue
        held = tables.collected(lake.scan_parts(now, [there]), f"{item.path} at {now}")
        yield item.path, held.schema == kept.schema and held.equals(kept)


def _listed(taken: _Taken) -> Iterator[str]:
    """Rounds that lost samples are recorded, and the deny-list has exactly what was taken."""
    sampled = set(taken.rows.filter("sample").select("dataset", "round").unique().iter_rows())
    unsaid = sampled - {(each.dataset, each.round) for each in taken.record.rounds}
    for dataset, number in sorted(unsaid):
        yield f"it lists samples of round {number} of {dataset}, which its record does not touch"
    found = taken.record
    expected = entries.of_rows(
        taken.lake, found.main, found.ids, sorted(found.policies), taken.rows
    )
    denied = deny_list.entries_at(taken.lake, taken.merge.commit.id, found.name)
    if any(one.takedown == found.name for one in purges.of_lake(taken.lake).records):
        # The content of which fingerprints were made is gone: ids are compared, and what is left.
        left = expected.filter(pl.any_horizontal(pl.col("exact", "near").is_not_null()))
        strange = left.join(denied, on=deny_list.ENTRY.names(), how="anti", nulls_equal=True)
        if set(denied["sample_id"]) != set(expected["sample_id"]) or len(strange):
            yield "its part of the deny-list is not that of what it took"
        return
    if not _same_entries(taken, expected, denied):
        yield "its part of the deny-list is not that of what it took"


def _same_entries(taken: _Taken, expected: pl.DataFrame, denied: pl.DataFrame) -> bool:
    """Whether entries are those of what was taken.

    Of held-out rows, which are in no table of the lake, the ids are compared: their fingerprints
    were made from the hold-out, which has them no more.
    """
    found = taken.record
    alone = [bytes.fromhex(one) for one in found.ids] if found.holdout else []
    bare = pl.all_horizontal(pl.col("exact", "near").is_null())
    held = expected.filter(pl.col("sample_id").is_in(alone), bare)["sample_id"]
    of_held = pl.col("sample_id").is_in(held.implode())
    same_ids = set(held) == set(denied.filter(of_held)["sample_id"])
    parts = [deny_list.digest(each.filter(~of_held)) for each in (expected, denied)]
    return same_ids and parts[0] == parts[1]


def _row(rows: pl.DataFrame) -> str:
    """Name the first of some rows."""
    dataset, number, row = rows.row(0)[:3]
    count = "1 row" if len(rows) == 1 else f"{len(rows):,} rows"
    return f"{count}, the first row {row} of round {number} of {dataset}"


def _why(rows: pl.DataFrame) -> str:
    return "was named" if rows["cause"][0] == "named" else "was made from what was named"
