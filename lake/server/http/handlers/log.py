"""The handler of the log: commits reachable from a ref, filtered by what they changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import dropwhile, islice
from typing import Final

from lake.errors import InvalidError
from lake.server.catalog.commits import Commit
from lake.server.catalog.diff import diff
from lake.server.catalog.pagination import Page, page
from lake.server.http import representations
from lake.server.http.requests import Answer, Call, Services

_FILTERS: Final = ("objects", "prefixes", "since", "stop_at")


def log_commits(lake: Services, call: Call) -> Answer:
    """Commits reachable from a ref, newest first."""
    start = lake.versions.place(call.repository, call.path["ref"]).commit
    after, first_parent = call.query.get("after", ""), call.flag("first_parent")
    if any(call.query.get(name) for name in _FILTERS):
        found = lake.versions.log(call.repository, start, first_parent=first_parent)
        if after:
            found = islice(dropwhile(lambda item: item.id != after, found), 1, None)
        taken = page(_filtered(lake, call, found), call.amount(), lambda item: item.id)
    else:
        taken = lake.versions.log_page(
            call.repository, start, after, call.amount(), first_parent=first_parent
        )
    if call.flag("limit"):
        taken = Page(taken.items, None)
    return Answer(200, representations.listing(taken, representations.commit))


def _filtered(lake: Services, call: Call, found: Iterator[Commit]) -> Iterator[Commit]:
    if stop := call.query.get("stop_at"):
        found = _up_to(found, lake.versions.place(call.repository, stop).commit.id)
    if moment := call.query.get("since"):
        since = _nanoseconds(moment)
        found = (item for item in found if item.created >= since)
    objects, prefixes = call.repeated.get("objects", ()), call.repeated.get("prefixes", ())
    if objects or prefixes:
        found = (item for item in found if _changed(lake, call, item, objects, prefixes))
    return found


def _changed(
    lake: Services, call: Call, commit: Commit, objects: Iterable[str], prefixes: Iterable[str]
) -> bool:
    """Tell whether a commit itself changed one of the paths; merges only bring changes in."""
    if len(commit.parents) != 1:
        return False
    before = lake.versions.commit(call.repository, commit.parents[0])
    if before.root == commit.root:
        return False
    old, new = lake.versions.tree(before), lake.versions.tree(commit)
    for path in objects:
        was, now = old.get(path), new.get(path)
        if was is not now and (was is None or not was.same(now)):
            return True
    return any(next(diff(old, new, prefix), None) is not None for prefix in prefixes)


def _up_to(found: Iterable[Commit], last: str) -> Iterator[Commit]:
    for commit in found:
        yield commit
        if commit.id == last:
            return


def _nanoseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidError(f"since: {text!r} is not a date and time (RFC 3339)") from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return int(aware.timestamp()) * 10**9
    except (OverflowError, ValueError) as error:
        raise InvalidError(f"since: {text!r} is out of range") from error
