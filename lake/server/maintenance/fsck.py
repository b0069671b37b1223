"""The check of a whole lake: every object, tree block, commit, ref and staged path.

It reads beside the process that serves the lake and changes nothing, so it needs no lock and works
on a copy, and on a lake that cannot be served any more. What a collection removes meanwhile is not
taken for missing: whatever looks wrong must still be referred to when all has been read.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lake.errors import CorruptError, NotFoundError
from lake.home import LakeHome
from lake.server.catalog.database import Database, translated
from lake.server.maintenance.inventory import DAMAGED, MISSING, Survey, Thing
from lake.server.storage.objects import files, sha256_of

SHOWN: Final = 5
"""How many of those that refer to a broken thing are named."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Problem:
    """A thing that is wrong, how, and the first few that refer to it of how many."""

    thing: Thing
    wrong: str
    used_by: tuple[str, ...]
    users: int


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked, how many objects (and their bytes) nothing refers to, what is wrong."""

    objects: int
    object_bytes: int
    blocks: int
    commits: int
    refs: int
    staged: int
    unreferenced: int
    unreferenced_bytes: int
    problems: tuple[Problem, ...]


def check(home: LakeHome, progress: Progress = lambda _done, _total: None) -> Report:
    """Check a lake.

    Args:
        home: its directory.
        progress: is told how many bytes of objects have been read, and of how many.

    Raises:
        NotFoundError: there is no lake.
        CorruptError: the catalog is no database any more.
    """
    if not home.catalog.exists():
        raise NotFoundError(f"there is no lake in {home.path}: name its directory with --home")
    database = Database(home.catalog, read_only=True)
    with translated(), closing(database.connection), _of_text():
        database.connection.text_factory = _text
        survey = Survey(database)
        wrong = {Thing("catalog", said): DAMAGED for said in _unsound(database.connection)}
        survey.look()
        found = dict(files(home.objects))
        wrong |= survey.wrong | _check_objects(found, survey.sizes, progress)
        problems = _blamed(survey, wrong)
    spare = found.keys() - survey.sizes.keys()
    return Report(
        objects=len(found),
        object_bytes=sum(_size(file) for file in found.values()),
        blocks=survey.blocks,
        commits=len(survey.commits),
        refs=survey.refs,
        staged=survey.staged,
        unreferenced=len(spare),
        unreferenced_bytes=sum(_size(found[name]) for name in spare),
        problems=problems,
    )


@contextmanager
def _of_text() -> Iterator[None]:
    """Take SQLite's own words for damage too, where they quote what is no text."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise CorruptError("the lake's catalog is damaged: restore a copy") from error


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _unsound(db: sqlite3.Connection) -> Iterator[str]:
    """What SQLite itself finds wrong."""
    for (said,) in db.execute("PRAGMA integrity_check"):
        if said != "ok":
            yield str(said)
    for table, _, parent, _ in db.execute("PRAGMA foreign_key_check"):
        yield f"a row of {table} has no {parent}"


def _check_objects(
    found: dict[str, Path], sizes: dict[str, int], progress: Progress
) -> dict[Thing, str]:
    """Hash every object's file; those that are missing are wrong too."""
    wrong = {Thing("object", name): MISSING for name in sizes.keys() - found.keys()}
    total, done = sum(_size(file) for file in found.values()), 0
    for name, file in found.items():
        said = _broken(file, name, sizes.get(name))
        if said:
            wrong[Thing("object", name)] = said
        done += _size(file)
        progress(done, total)
    return wrong


def _broken(file: Path, name: str, size: int | None) -> str:
    """What is wrong with an object's file; empty where it is sound."""
    try:
        with file.open("rb") as source:
            sound = sha256_of(source) == name
            length = source.tell()
    except FileNotFoundError:
        return MISSING
    except OSError as error:
        return f"unreadable ({error.strerror})"
    if not sound:
        return DAMAGED
    return DAMAGED if size is not None and size != length else ""


def _blamed(survey: Survey, wrong: dict[Thing, str]) -> tuple[Problem, ...]:
    """The problems, with what refers to each; a missing object to which nothing refers is none."""
    users: defaultdict[Thing, dict[str, None]] = defaultdict(dict)
    if wrong:
        for thing, user in survey.users(wrong):
            users[thing][user] = None
    return tuple(
        Problem(thing, said, tuple(users[thing])[:SHOWN], len(users[thing]))
        for thing, said in sorted(wrong.items())
        if users[thing] or said != MISSING
    )


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # collected meanwhile
        return 0
