"""`stemma lake ls`, `cat` and `log`: what is in a lake, for people without lakeFS's `lakectl`.

A place is REPOSITORY/REF/PATH, with or without `lakefs://` before it. It is looked up in the lake
of the project in this directory, or in that of a directory that is named.
"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from lake import settings
from lake.client import browsing
from lake.client.connection import Connection
from lake.settings import Embedded, Remote
from lake.visible import visible
from pipelines.common import console
from pipelines.rounds import moved_commits, purges
from review.cli.output import make_console, number, print_json, table
from review.errors import UsageError

SCHEME: Final = "lakefs://"
_SHOWN_LETTERS: Final = 12


def run(*, place: str, home: Path | None, as_json: bool) -> None:
    """List repositories, the branches and tags of one, or what is right under a path."""
    where = _lake(home)
    repository, ref, path = _split(place)
    if not repository:
        _print(_repositories(browsing.connection(where)), as_json=as_json)
    elif not ref:
        _print(_refs(where, repository), as_json=as_json)
    else:
        _print(_level(where, repository, ref, path), as_json=as_json)


def cat(*, place: str, home: Path | None, as_json: bool) -> None:
    """Print the bytes of an object; on a terminal, only text, with marks for what does not print.

    Raises:
        UsageError: the place is no object's, or its bytes are not for a terminal or for JSON.
    """
    repository, ref, path = _split(place)
    if not path:
        raise UsageError(f"{place} is no object: name REPOSITORY/REF/PATH")
    lake = moved_commits.opened(_lake(home), repository)
    takedown = purges.purged_by(lake, ref)(path)
    if takedown is not None:
        console.line(
            f"{path} is not what was written: the take-down {takedown} purged it, in whole or in "
            "part, and the lake gives what was left of it"
        )
    pieces = browsing.pieces(lake.connection, repository, lake.on_server(ref), path)
    if as_json:
        text = "".join(_texts(place, pieces))
        print_json({"place": place, "text": text, "takedown": takedown})
    elif sys.stdout.isatty():
        for text in _texts(place, pieces):
            sys.stdout.write(visible(text, lines=True))
    else:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()


def log(*, place: str, amount: int, home: Path | None, as_json: bool) -> None:
    """Print the commits of a ref, newest first."""
    repository, ref, path = _split(place)
    if not ref or path:
        raise UsageError(f"{place} is no ref: name REPOSITORY/REF")
    commits = islice(moved_commits.opened(_lake(home), repository).log(ref), amount)
    rows = [
        {
            "commit": commit.id,
            "date": f"{datetime.fromtimestamp(commit.created, UTC):%Y-%m-%d %H:%M:%S}",
            "committer": commit.committer,
            "message": commit.message,
        }
        for commit in commits
    ]
    if as_json:
        print_json(rows)
        return
    body = [(row["commit"][:_SHOWN_LETTERS], *list(row.values())[1:]) for row in rows]
    make_console().print(table("", ("commit", "date", "committer", "message"), body))


def _lake(home: Path | None) -> Remote | Embedded:
    """The lake in a directory, or that of the project in this one."""
    if home is None:
        return settings.resolve(Path.cwd())
    if not (home / "catalog.db").exists():
        raise UsageError(f"there is no lake in {home}")
    return Embedded(home.absolute())


def _split(place: str) -> tuple[str, str, str]:
    repository, _, rest = place.removeprefix(SCHEME).partition("/")
    ref, _, path = rest.partition("/")
    return repository, ref, path


def _texts(place: str, pieces: Iterator[bytes]) -> Iterator[str]:
    """Pieces of an object as text, a letter that two pieces share with the second.

    Raises:
        UsageError: it is no text.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in pieces:
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise UsageError(f"{place} is no text in UTF-8: send it to a file (> FILE)") from error


def _repositories(lake: Connection) -> Iterator[dict[str, Any]]:
    for item in browsing.repositories(lake):
        yield {"repository": item.id, "default branch": item.default_branch}


def _refs(where: Remote | Embedded, repository: str) -> Iterator[dict[str, Any]]:
    lake = moved_commits.opened(where, repository)
    for kind, refs in (("branch", lake.branches()), ("tag", lake.tags())):
        for name, commit in refs.items():
            yield {"ref": name, "type": kind, "commit": commit[:_SHOWN_LETTERS]}


def _level(
    where: Remote | Embedded, repository: str, ref: str, path: str
) -> Iterator[dict[str, Any]]:
    lake = moved_commits.opened(where, repository)
    for item in browsing.level(lake.connection, repository, lake.on_server(ref), path):
        is_object = item.path_type == "object"
        yield {"path": item.path, "bytes": item.size_bytes if is_object else None}


def _print(rows: Iterator[dict[str, Any]], *, as_json: bool) -> None:
    listed = list(rows)
    if as_json:
        print_json(listed)
    elif listed:
        body = [[_cell(value) for value in row.values()] for row in listed]
        make_console().print(table("", list(listed[0]), body))


def _cell(value: object) -> object:
    return number(value) if value is None or isinstance(value, int) else value
