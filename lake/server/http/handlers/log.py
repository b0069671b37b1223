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
from lake.server.http.app_state import AppState
from lake.server.http.requests import Request, Result

_FILTERS: Final = ("objects", "prefixes", "since", "stop_at")


def log_commits(app: AppState, request: Request) -> Result:
    """Commits reachable from a ref, newest first."""
    start = app.versions.resolve(request.repository, request.path["ref"]).commit
    after, first_parent = request.query.get("after", ""), request.flag("first_parent")
    if any(request.query.get(name) for name in _FILTERS):
        commits = app.versions.log(request.repository, start, first_parent=first_parent)
        if after:
            commits = islice(dropwhile(lambda item: item.id != after, commits), 1, None)
        matches = page(_filter(app, request, commits), request.page_size(), lambda item: item.id)
    else:
        matches = app.versions.log_page(
            request.repository, start, after, request.page_size(), first_parent=first_parent
        )
    if request.flag("limit"):
        matches = Page(matches.items, None)
    return Result(200, representations.listing(matches, representations.commit))


def _filter(app: AppState, request: Request, commits: Iterator[Commit]) -> Iterator[Commit]:
    if stop := request.query.get("stop_at"):
        commits = _up_to(commits, app.versions.resolve(request.repository, stop).commit.id)
    if text := request.query.get("since"):
        since = _nanoseconds(text)
        commits = (item for item in commits if item.created >= since)
    objects, prefixes = request.repeated.get("objects", ()), request.repeated.get("prefixes", ())
    if objects or prefixes:
        commits = (item for item in commits if _changed(app, request, item, objects, prefixes))
    return commits


def _changed(
    app: AppState,
    request: Request,
    commit: Commit,
    objects: Iterable[str],
    prefixes: Iterable[str],
) -> bool:
    """Whether a commit itself changed one of the paths; merges only bring changes in."""
    if len(commit.parents) != 1:
        return False
    parent = app.versions.commit(request.repository, commit.parents[0])
    if parent.root == commit.root:
        return False
    old, new = app.versions.tree(parent), app.versions.tree(commit)
    for path in objects:
        before, after = old.get(path), new.get(path)
        if before is not after and (before is None or not before.same(after)):
            return True
    return any(next(diff(old, new, prefix), None) is not None for prefix in prefixes)


def _up_to(commits: Iterable[Commit], last: str) -> Iterator[Commit]:
    for commit in commits:
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
