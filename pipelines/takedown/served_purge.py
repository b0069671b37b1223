"""Purge of a lake that another server serves, where no tombstone stands for an object.

Cleaned objects are committed to the branch of purges, where Stemma reads them in the place of the
purged ones, and to the branches that hold these. Then the bytes that old versions alone hold go
where the user names the store and may write to it; for other clients than Stemma, innocent rows of
these objects go with them out of old versions. What the store keeps, the server's own garbage
collection has to remove, by rules that are composed here. Main is left as it is: it changes by
signed merges alone, and a take-down has taken the rows from it already.

A signed record of all that is kept first. A purge that is killed is run again, and adds to it.
"""

from __future__ import annotations

import mimetypes
import time
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from lake import blockstore, refs, tables
from lake.blockstore import Blockstore
from lake.client import Lake, retention
from lake.client.retention import Retention
from lake.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    LakeError,
    NotFoundError,
    UnauthorizedError,
)
from lake.migration.plan import reachable
from pipelines.common.signing import Signer
from pipelines.rounds import purges, trust
from pipelines.rounds.purges import PurgedObject, PurgeRecord
from pipelines.rounds.staging_branch import delete_stale, staging_branch
from pipelines.takedown import served_objects
from pipelines.takedown.found_objects import FoundObject
from pipelines.takedown.purge import PurgePlan
from pipelines.takedown.served_objects import RECORDS, WAITS, ServedObject, Survey

Found = FoundObject[ServedObject]

BEGUN: Final = "the purge was begun, and not finished"
KEPT_DAYS: Final = 36_500
"""Days for which branches without a rule keep objects, where one has to be written: for good."""
SHORTEST_DAYS: Final = 1
"""Days of a rule by which old versions give an object up."""
ON_MAIN: Final = "it changes by signed merges alone"
IMPORTED: Final = "it was imported, so its bytes are a file of yours: remove it there"
OF_RECORDS: Final = "it holds signed records"


@dataclass(slots=True, eq=False)
class ServedPurge:
    """What a purge did in a lake that another server serves."""

    record: PurgeRecord
    committed: dict[str, int] = field(default_factory=dict)
    """Objects that were written again, by branch and repository."""
    removed: list[Found] = field(default_factory=list)
    """Objects whose bytes were removed underneath."""
    left: dict[str, str] = field(default_factory=dict)
    """By physical address, why the store still has the bytes of an object."""
    rules: dict[str, Retention] = field(default_factory=dict)
    """By repository, rules by which garbage collection removes what waits for it."""
    lost: dict[str, int] = field(default_factory=dict)
    """By repository, objects of old versions that go by these rules and hold nothing of it."""


def carry_out(
    lakes: Sequence[Lake],
    made: PurgePlan[ServedObject],
    survey: Survey,
    store: Blockstore | None,
) -> ServedPurge:
    """Purge what a plan found, as far as that can be done from here.

    Args:
        lakes: the repository of the samples, and that of the hold-out.
        made: the plan, whose drafts are kept.
        survey: the lake as it was when it was planned.
        store: the store under the server; None: only its garbage collection removes bytes.

    Raises:
        SigningError: there is no key to sign with.
        LakeError: the lake refuses, or does not answer.
    """
    signer = trust.signer(lakes[0])
    gone = {item.checksum for item in survey.gone}
    if not made.objects:
        if _has_waited(lakes[0], made.takedown.name, gone):
            _keep(lakes, _record(made, signer, {}), signer, gone)
        return ServedPurge(_record(made, signer, {}))
    addresses = [item.file.address for item in made.objects]
    _keep(lakes, _record(made, signer, dict.fromkeys(addresses, BEGUN)), signer, gone)
    done = ServedPurge(_record(made, signer, {}))
    for lake in lakes:
        _stand_in(lake, made)
    refused = _write_again(lakes, made, done)
    held = served_objects.held_now(lakes)
    for item in made.objects:
        holders = held.get(item.file.address, [])
        if holders:
            named = (f"{name} ({refused[name]})" if name in refused else name for name in holders)
            done.left[item.file.address] = f"held by {', '.join(named)}"
        else:
            _remove(store, item, done)
    done.record = _record(made, signer, done.left)
    _keep(lakes, done.record, signer, gone)
    waiting = [item for item in made.objects if item.file.address in done.left]
    for lake in lakes:
        _rules(done, lake, survey, held, waiting)
    return done


def _has_waited(lake: Lake, name: str, gone: Container[str]) -> bool:
    """Whether a record says of an object that the store still has it, which it has not any more."""
    records = (one for one in purges.of_lake(lake).records if one.takedown == name)
    return any(item.left and item.purged.md5 in gone for one in records for item in one.objects)


def _record(made: PurgePlan[ServedObject], signer: Signer, left: Mapping[str, str]) -> PurgeRecord:
    return PurgeRecord(
        takedown=made.takedown.name,
        created=int(time.time()),
        who=signer.name,
        ids=tuple(sorted(one.hex() for one in made.wanted.ids)),
        objects=tuple(item.record(left.get(item.file.address, "")) for item in made.objects),
        unread=tuple(f"{place} {why}" for place, why in made.unread),
    )


def _keep(lakes: Sequence[Lake], record: PurgeRecord, signer: Signer, gone: Container[str]) -> None:
    """Store a record, with what earlier ones of the take-down say, in their place.

    Args:
        lakes: the repositories.
        record: the record of this run.
        signer: signs it.
        gone: checksums (MD5) of objects whose bytes the store does not have any more.
    """
    known = [one for one in purges.of_lake(lakes[0]).records if one.takedown == record.takedown]
    objects: dict[str, PurgedObject] = {
        item.purged.sha256: item.model_copy(update={"left": ""} if item.purged.md5 in gone else {})
        for one in known
        for item in one.objects
    }
    objects |= {item.purged.sha256: item for item in record.objects}
    ids = {*record.ids, *(key for one in known for key in one.ids)}
    whole = record.model_copy(
        update={"objects": tuple(objects.values()), "ids": tuple(sorted(ids))}
    )
    envelope = purges.encoded(whole, signer)
    for lake in lakes:
        try:
            purges.keep(lake, whole, envelope, lambda _: True)
        except NotFoundError:  # a project without a hold-out
            if lake is lakes[0]:
                raise


def _stand_in(lake: Lake, made: PurgePlan[ServedObject]) -> None:
    """Commit cleaned objects to the branch of purges, by the checksums of the purged ones."""
    items = [item for item in made.objects if _commits(item.file, lake)]
    if not items:
        return
    with _merged(lake, refs.PURGED, made.takedown.name, len(items)) as staging:
        for item in items:
            _write(lake, staging, f"{refs.CLEANED}{item.stored.md5}", item)
    lake.forget_cleaned()


def _write_again(
    lakes: Sequence[Lake], made: PurgePlan[ServedObject], done: ServedPurge
) -> dict[str, str]:
    """Commit cleaned objects to the branches that hold the purged ones.

    Returns:
        Why a branch still holds some, by branch and repository.
    """
    by_branch: defaultdict[tuple[str, str], list[Found]] = defaultdict(list)
    for item in made.objects:
        for place in item.file.branches:
            by_branch[place].append(item)
    refused = {}
    for (repository, branch), items in sorted(by_branch.items()):
        (lake,) = (each for each in lakes if each.repository == repository)
        name = f"{branch} of {repository}"
        if branch == refs.MAIN or (branch in RECORDS and not _stand_ins(items, repository, branch)):
            refused[name] = ON_MAIN if branch == refs.MAIN else OF_RECORDS
            continue
        try:
            done.committed[name] = _commit(lake, branch, items, made.takedown.name)
        except (ConflictError, InvalidError, ForbiddenError, UnauthorizedError) as error:
            refused[name] = str(error)
    return refused


def _stand_ins(items: Sequence[Found], repository: str, branch: str) -> bool:
    """Whether a branch holds them in the place of objects that were purged before, and only so."""
    paths = (path for item in items for path in item.file.branches[repository, branch])
    return all(path.startswith(refs.CLEANED) for path in paths)


def _commit(lake: Lake, branch: str, items: Sequence[Found], name: str) -> int:
    """Merge a commit with cleaned objects into a branch; return how many paths it changed.

    Raises:
        ConflictError: the branch moved meanwhile, or has changes that nobody committed.
        InvalidError: as lakeFS has it for such changes.
        ForbiddenError: these keys may not write there.
    """
    held = {item.path: item.address for item in lake.objects(lake.resolve(branch).id, stored=True)}
    places = [
        (item, path)
        for item in items
        for path in sorted(item.file.branches[lake.repository, branch])
        if held.get(path) == item.file.address
    ]
    if not places:
        raise ConflictError("it is among uncommitted changes: commit or reset them first")
    with _merged(lake, branch, name, len(places)) as staging:
        for item, path in places:
            _write(lake, staging, path, item)
    return len(places)


@contextmanager
def _merged(lake: Lake, branch: str, name: str, count: int) -> Iterator[str]:
    """Make a branch to write on, whose one commit is merged into another branch at the end."""
    own = f"purge-{name}"
    delete_stale(lake, own)
    with staging_branch(lake, own, branch) as staging:
        yield staging
        message = f"Purge for the take-down {name}: {count:,} objects"
        made = lake.commit(staging, message, {})
        lake.merge(made.id, branch, message, {})


def _write(lake: Lake, staging: str, path: str, item: Found) -> None:
    if item.draft is not None:
        place = item.file.path
        lake.write_bytes(staging, path, item.draft.read_bytes(), _content_type(place))


def _content_type(path: str) -> str:
    if path.endswith(tables.SUFFIX):
        return tables.CONTENT_TYPE
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def is_imported(address: str, namespace: str) -> bool:
    """Whether an object of a bucket is one that the server refers to, and did not write itself.

    Args:
        address: the object's physical address.
        namespace: where the server keeps the objects of the repository.
    """
    in_bucket = address.startswith(blockstore.BUCKET)
    return in_bucket and not address.startswith(f"{namespace.rstrip('/')}/")


def _remove(store: Blockstore | None, item: Found, done: ServedPurge) -> None:
    """Remove the bytes of an object underneath, or say why they stay."""
    address = item.file.address
    if store is None:
        done.left[address] = WAITS
        return
    try:
        if is_imported(address, item.file.lake.namespace()):
            done.left[address] = IMPORTED
            return
        blockstore.remove(store, address, item.stored.md5)
    except LakeError as error:
        done.left[address] = str(error)
    else:
        done.removed.append(item)


def _rules(
    done: ServedPurge, lake: Lake, survey: Survey, held: Container[str], waiting: Sequence[Found]
) -> None:
    """Compose rules by which old versions of a repository give objects up, where some wait."""
    named = {item.file.address for item in waiting}
    mine = [(item, _commits(item, lake)) for item in survey.objects]
    commits = {id_ for item, ids in mine if item.address in named for id_ in ids}
    if not commits:
        return
    before = retention.read(lake) or Retention(KEPT_DAYS)
    behind = {branch: {*reachable(lake, [head])} for branch, head in lake.branches().items()}
    covered = set[str]().union(*behind.values())
    default = before.default if commits <= covered else SHORTEST_DAYS
    kept = {} if default == before.default else dict.fromkeys(behind, before.default)
    given_up = {branch: SHORTEST_DAYS for branch, ids in behind.items() if ids & commits}
    rules = Retention(default, {**kept, **before.branches, **given_up})
    safe = set[str]().union(*(ids for branch, ids in behind.items() if branch not in given_up))
    done.rules[lake.repository] = rules
    done.lost[lake.repository] = sum(
        bool(ids)
        and item.address not in held
        and item.address not in named
        and not ids & safe
        and (default == SHORTEST_DAYS or ids <= covered)
        for item, ids in mine
    )


def _commits(item: ServedObject, lake: Lake) -> set[str]:
    """The commits of a repository that hold an object."""
    return {commit for repository, commit in item.commits if repository == lake.repository}
