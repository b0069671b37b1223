"""Takes rows from the hold-out, after the merge that takes the samples from main.

The parts that hold such rows are written again on main of the hold-out's repository, with a signed
record of what they lack (`pipelines.rounds.held_out_removals`), in one merge for each data set.
Older commits of the repository keep them, as tags keep samples, until they are purged. Whoever is
killed in between runs the same command again: what main's take-downs name and the hold-out still
has is taken first.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lake.tables import encode
from lake.values import ObjectInfo
from lineage import payload
from pipelines.common.errors import StaleError
from pipelines.rounds import held_out_removals, holdout, manifest, tables, trust
from pipelines.rounds.arrivals import reserved
from pipelines.rounds.holdout import HeldOut
from pipelines.rounds.metadata import DATASET, KEY
from pipelines.rounds.purges import PurgedObject, PurgedRow, PurgeRecord
from pipelines.rounds.staging_branch import staging_branch
from pipelines.takedown import record
from pipelines.takedown.found_objects import stored_bytes
from pipelines.takedown.record import TakedownRecord

TABLES = (*holdout.SPLITS, holdout.FINGERPRINTS, reserved.TABLE)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the hold-out that is written again, and the rows that it lacks then."""

    path: str
    before: bytes
    after: bytes
    rows: tuple[PurgedRow, ...]
    taken: int

    def described(self, repository: str) -> PurgedObject:
        """The part as a record names it."""
        return PurgedObject(
            purged=stored_bytes(self.before),
            cleaned=stored_bytes(self.after),
            places=(f"{repository}/{self.path}",),
            whole=False,
            count=len(self.rows),
            rows=self.rows,
        )


def settle(lake: Lake, held_out: Lake, ids: Iterable[str]) -> int:
    """Take what main's take-downs name and the hold-out still has.

    Args:
        lake: the lake.
        held_out: the repository of the hold-out.
        ids: the content that is asked for now; take-downs of other content are left alone.

    Returns:
        How many rows went.
    """
    wanted = set(ids)
    found = [each for each in record.all_of(lake) if wanted & set(each.ids)]
    return sum(remove(lake, held_out, each) for each in found)


def remove(lake: Lake, held_out: Lake, made: TakedownRecord) -> int:
    """Take the rows of a take-down from the hold-outs that its record counts rows of.

    Args:
        lake: the lake.
        held_out: the repository of the hold-out.
        made: the take-down, which main holds.

    Returns:
        How many rows went.

    Raises:
        SigningError: there is no key to sign with.
        StaleError: the hold-out changed meanwhile, or holds rows that no round 0 names.
    """
    ids = pl.Series([bytes.fromhex(one) for one in made.ids], dtype=pl.Binary)
    names = {each.dataset for each in made.holdout}
    return sum(_from_dataset(lake, held_out, made.name, name, ids) for name in sorted(names))


def _from_dataset(lake: Lake, held_out: Lake, takedown: str, dataset: str, ids: pl.Series) -> int:
    real = manifest.read_if_there(lake, refs.MAIN, dataset, 0)
    if "holdout" not in real:
        return 0
    named = holdout.named(dataset, real)
    try:
        start = held_out.resolve(refs.MAIN).id
        parts = list(_parts(held_out, start, dataset, named.identity, ids))
    except NotFoundError:
        return 0
    if not parts:
        return 0
    _check_named(held_out, start, holdout.open_named(held_out, named))
    signer = trust.signer(lake)
    number = 1 + len(held_out.objects(start, refs.takedown(takedown, "")))
    made = PurgeRecord(
        takedown=takedown,
        created=int(time.time()),
        who=signer.name,
        ids=tuple(sorted(one.hex() for one in ids)),
        objects=tuple(each.described(held_out.repository) for each in parts),
    )
    taken = sum(each.taken for each in parts if _counts(each.path, dataset))
    message = f"Take down {taken:,} held-out rows of {dataset}: {takedown}"
    with staging_branch(held_out, f"takedown-{takedown}", start) as staging:
        for each in parts:
            held_out.write_bytes(staging, each.path, each.after, "application/vnd.apache.parquet")
        envelope = held_out_removals.encoded(made, signer)
        place = held_out_removals.path(takedown, number)
        held_out.write_bytes(staging, place, envelope, "application/json")
        entries = {DATASET: dataset, KEY: named.key, record.ENTRY: takedown}
        commit = held_out.commit(staging, message, entries)
        holdout.merge(held_out, commit.id, message, dataset)
    return taken


def _check_named(held_out: Lake, start: str, named: HeldOut) -> None:
    """Refuse to change another hold-out than the one that round 0 names.

    Raises:
        StaleError: main of the hold-out's repository holds another one.
    """
    for table in (*holdout.SPLITS, holdout.FINGERPRINTS):
        prefix = f"{named.named.dataset}/{table}/"
        here, there = (_checksums(held_out, ref, prefix) for ref in (start, named.commit))
        if here != there:
            raise StaleError(
                f"the hold-out of {named.named.dataset} in {held_out.repository} is another one "
                "than round 0 names, so nothing is taken from it; run `dvc repro` or restore it "
                "from a backup, and then the same command again"
            )


def _checksums(lake: Lake, ref: str, prefix: str) -> Mapping[str, str]:
    return {item.path: item.checksum for item in lake.objects(ref, prefix)}


def _parts(
    held_out: Lake, start: str, dataset: str, identity: tuple[str, ...], ids: pl.Series
) -> Iterator[_Part]:
    """The parts that hold such rows, written again without them."""
    for table in TABLES:
        for item in held_out.objects(start, f"{dataset}/{table}/"):
            part = _without(held_out, start, item, identity, ids)
            if part is not None:
                yield part


def _without(
    held_out: Lake, start: str, item: ObjectInfo, identity: tuple[str, ...], ids: pl.Series
) -> _Part | None:
    part, what = held_out.scan_parts(start, [item]), f"{item.path} at {start}"
    goes = tables.collected(part.select("sample_id"), what)["sample_id"].is_in(ids.implode())
    if not goes.any():
        return None
    frame = tables.collected(part, what)
    digested = frame.select("row", "sample_id", payload.columns_digests(frame, identity))
    earlier = held_out_removals.lacking_at(held_out, start, item.path)
    earlier = earlier.select(digested.columns).cast(digested.schema)
    lost = pl.concat([digested.filter(goes), earlier])
    rows = tuple(
        PurgedRow(row=row, sample_id=key.hex(), columns_digest=digest.hex())
        for row, key, digest in lost.sort("row").iter_rows()
    )
    before = held_out.read(start, item.path, item.size)
    return _Part(item.path, before, encode(frame.filter(~goes)), rows, int(goes.sum()))


def _counts(path: str, dataset: str) -> bool:
    """Whether a part holds rows themselves; fingerprints name those of the splits again."""
    return not path.startswith(f"{dataset}/{holdout.FINGERPRINTS}/")
