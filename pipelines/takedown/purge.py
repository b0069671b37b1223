"""Purge: what was taken down goes from every version of the lake, and from the project's caches.

Every object of the lake is decoded and searched, whatever commits refer to it. Those that hold what
was taken down, or what was made from it by explicit parents, are written again without it. A signed
record says which objects stand for which (`pipelines.rounds.purges`); then the lake reads the
cleaned ones in one step (`lake.purging`), and the project's own files follow.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic

import polars as pl

from lake import purging, refs
from lake.client import Lake
from lake.errors import CorruptError, NotFoundError
from lake.home import LakeHome
from lake.purging import Drafts
from lake.values import Purged
from lineage.ancestry import walks
from pipelines import modalities
from pipelines.rounds import ancestry_index, manifest, purges, trust
from pipelines.rounds.purges import PurgeRecord
from pipelines.takedown import (
    content,
    deny_list,
    found_objects,
    lake_files,
    occurrences,
    record,
    search,
)
from pipelines.takedown.content import Shape, Wanted
from pipelines.takedown.found_objects import File, FoundObject
from pipelines.takedown.lake_files import LakeFile
from pipelines.takedown.record import TakedownRecord

Progress = Callable[[int, int], None]
"""Is told how many bytes were searched, and of how many."""

RECORD: Final = re.compile(r"(^|/)(_takedowns/[^/]+/record|rounds/[0-9]{3,}|head)\.json\Z")
"""Paths of records."""


@dataclass(slots=True, eq=False)
class PurgePlan(Generic[File]):
    """What a purge would write again, and what could not be read."""

    takedown: TakedownRecord
    wanted: Wanted
    objects: list[FoundObject[File]] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    spared: list[str] = field(default_factory=list)
    """Records that quote some of it. The lake cannot be read without them, so they stay; a
    verification, which no longer has the content, does not recognise a quoted part."""
    searched: int = 0
    """Files that were searched."""


def plan(
    lake: Lake, files: Sequence[File], name: str, drafts: Drafts | None, tell: Progress
) -> PurgePlan[File]:
    """Find the objects of a lake that hold what was taken down.

    Args:
        lake: the lake.
        files: its objects.
        name: of the take-down.
        drafts: keeps the cleaned objects; None: it is only a search.
        tell: is told how far it is.

    Raises:
        DataError: main holds no such take-down.
    """
    takedown = record.read(lake, refs.MAIN, name)
    equal = _equal_alone(entries_of(lake, name))
    wanted = Wanted(ids_of(lake, takedown), shapes_of(lake, takedown.main), equal)
    if any(shape.modality.name == content.WHOLE for shape in wanted.shapes):
        half: Progress = lambda done, total: tell(done, 2 * total)  # noqa: E731  of two searches
        texts = {
            text for found in search_all(files, wanted, half) for text in _texts(found, wanted)
        }
        wanted = Wanted(wanted.ids, wanted.shapes, equal, frozenset(texts))
        rest: Progress = lambda done, total: tell(total + done, 2 * total)  # noqa: E731
    else:
        rest = tell
    made: PurgePlan[File] = PurgePlan(takedown, wanted)
    for file, data, found in search_all(files, wanted, rest):
        made.searched += 1
        made.unread += [(f"{file.places[0]}: {place}", why) for place, why in found.unread]
        hits = found.hits()
        if hits and all(map(is_record, file.places)):
            made.spared.append(file.places[0])
        elif hits:
            made.objects.append(
                found_objects.cleaned(file, data, found, name, shapes=wanted.shapes, drafts=drafts)
            )
    return made


def is_record(path: str) -> bool:
    """Tell whether an object is a manifest, a head file or the record of a take-down."""
    return RECORD.search(path) is not None


def carry_out(lake: Lake, held_out: Lake, home: LakeHome, made: PurgePlan[LakeFile]) -> PurgedLake:
    """Purge what a plan found; the record of it is signed and stored first.

    Raises:
        SigningError: there is no key to sign with.
        LakeError: the lake refuses, or does not answer.
    """
    signer = trust.signer(lake)
    done = PurgeRecord(
        takedown=made.takedown.name,
        created=int(time.time()),
        who=signer.name,
        ids=tuple(sorted(one.hex() for one in made.wanted.ids)),
        objects=tuple(item.record() for item in made.objects),
        unread=tuple(f"{place} {why}" for place, why in made.unread),
    )
    if not made.objects:
        return PurgedLake(done, None)
    envelope = purges.encoded(done, signer)

    def unfinished(earlier: PurgeRecord) -> bool:
        return lake_files.unpurged(home, (item.purged.sha256 for item in earlier.objects))

    for repository in (lake, held_out):
        try:
            purges.keep(repository, done, envelope, unfinished)
        except NotFoundError:  # a project without a hold-out
            if repository is lake:
                raise
    cleaned = (
        purging.Cleaned(item.stored.sha256, item.draft, item.removed)
        for item in made.objects
        if item.draft is not None
    )
    statement = hashlib.sha256(envelope).hexdigest()
    return PurgedLake(done, purging.purge(home.path, done.takedown, statement, cleaned))


@dataclass(frozen=True, slots=True, eq=False)
class PurgedLake:
    """What a purge did in the lake."""

    record: PurgeRecord
    purged: Purged | None
    """None where nothing was found."""


def ids_of(lake: Lake, takedown: TakedownRecord) -> frozenset[bytes]:
    """Ids of what was taken down, and of all that was made from it by explicit parents."""
    index = ancestry_index.open_at(lake, takedown.main)
    direct = walks.descendants(index, occurrences.numbers(index, takedown.ids)).direct
    ids = {bytes.fromhex(one) for one in takedown.ids}
    return frozenset({*ids, *index.nodes(direct)["sample_id"]})


def shapes_of(lake: Lake, commit: str) -> tuple[Shape, ...]:
    """How the data sets of a commit are made."""
    names = sorted({path.partition("/")[0] for path in _manifests(lake, commit)})
    found = []
    for name in names:
        real = manifest.read(lake, commit, name, 0)
        identity = tuple(real.get("identity", ["image"]))
        found.append(Shape(name, modalities.recorded(real), identity))
    return tuple(found)


def entries_of(lake: Lake, name: str) -> deny_list.DenyList:
    """The entries of one take-down."""
    entries = deny_list.entries_at(lake, refs.MAIN, name)
    named = entries.select(pl.lit(name).alias("takedown"), *deny_list.ENTRY)
    return deny_list.DenyList(named)


def _equal_alone(entries: deny_list.DenyList) -> deny_list.DenyList:
    """Entries without near fingerprints: a near-duplicate is not purged."""
    return deny_list.DenyList(entries.entries.with_columns(pl.lit(None, pl.Binary).alias("near")))


def _manifests(lake: Lake, commit: str) -> Iterator[str]:
    return (item.path for item in lake.objects(commit) if item.path.endswith("/rounds/000.json"))


def search_all(
    files: Sequence[File], wanted: Wanted, tell: Progress
) -> Iterator[tuple[File, bytes, search.Found]]:
    """Search files of a lake; one whose bytes the lake does not give is found as unread."""
    total, done = sum(file.size for file in files), 0
    for file in files:
        try:
            data = file.read()
        except CorruptError as error:
            yield file, b"", search.Found([], [], [("", f"cannot be read ({error})")])
        else:
            yield file, data, search.find(data, wanted)
        done += file.size
        tell(done, total)


def _texts(searched: tuple[File, bytes, search.Found], wanted: Wanted) -> Iterator[str]:
    """The texts of the rows that a search recognised."""
    _, _, found = searched
    for table in found.tables:
        for shape in wanted.shapes:
            if table.fits and set(shape.identity) <= set(table.frame.columns):
                rows = table.frame.filter(table.rows.is_not_null())
                yield from content.texts_of(rows, shape) if len(rows) else ()
