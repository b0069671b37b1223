"""Versions of large lakes: commit, diff, listing and log, and how they grow with the lake.

The lakes are staged in process, through the server's own catalog, because no bytes are measured;
what is measured goes through the client and a served lake, as in use.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.measured import Row, Taken, check, measured
from benchmarks.served import REPOSITORY, Served, serving
from lake.home import LakeHome
from lake.server.__main__ import open_lake
from lake.server.catalog.commits import CommitMessage
from lake.server.catalog.entries import Entry
from lake.server.http.app_state import AppState

MESSAGE: Final = CommitMessage("benchmark", "benchmark", {})
CHANGED: Final = 100
REPEATS: Final = 5
_STEP: Final = 100_000
_IN_FOLDER: Final = 100


def scaled(scratch: Path, size: int, *, whole: bool) -> Iterator[Row]:
    """Commit and diff of 100 changed objects in a lake of some size; `whole`: also all of it."""
    home = scratch / f"lake-{size}"
    _prepare(LakeHome(home), size, whole=whole)
    with serving(home) as served:
        if whole:
            yield from _whole(served, size)
        yield from _changed(served, size)
    shutil.rmtree(home)


def logged(scratch: Path, count: int) -> Iterator[Row]:
    """The whole log of many commits, page by page."""
    home = scratch / "lake-log"
    _prepare(LakeHome(home), 0, whole=False)
    lake = open_lake(LakeHome(home))
    with lake.catalog.database.change():
        for _ in range(count - 1):
            lake.versions.commit_staged(REPOSITORY, "main", MESSAGE, allow_empty=True)
    with serving(home) as served:
        with measured(served.pid) as taken:
            ids = {commit.id for commit in served.lake.log("main")}
        check(len(ids) == count, f"{len(ids)} of {count} commits are in the log")
    shutil.rmtree(home)
    yield Row("log", f"log of {count:,} commits", "Lake.log, 1,000 a page", taken, count)


def _prepare(home: LakeHome, size: int, *, whole: bool) -> None:
    """Make a lake of this size: staged on `fresh` if `whole`, else committed."""
    home.path.mkdir()
    lake = open_lake(home)
    lake.versions.create_repository(
        REPOSITORY, f"local://{REPOSITORY}", "main", "benchmark", read_only=False
    )
    first = lake.versions.head(REPOSITORY, "main").id
    if whole:
        lake.catalog.refs.create("branches", REPOSITORY, "fresh", first)
        lake.catalog.stage(REPOSITORY, "fresh", staged_entries(range(size)))
    for start in range(0, size, _STEP):
        part = staged_entries(range(start, min(start + _STEP, size)))
        lake.catalog.stage(REPOSITORY, "main", part)
        lake.versions.commit_staged(REPOSITORY, "main", MESSAGE, allow_empty=False)
    for number in range(REPEATS if size else 0):
        _stage_changes(lake, f"changed-{number}", size, number)
    lake.catalog.database.connection.close()


def _stage_changes(lake: AppState, branch: str, size: int, number: int) -> None:
    """Cut a branch from main and stage changes that are spread over the whole lake."""
    head = lake.versions.head(REPOSITORY, "main").id
    lake.catalog.refs.create("branches", REPOSITORY, branch, head)
    changed = range(number, size, size // CHANGED)
    lake.catalog.stage(REPOSITORY, branch, staged_entries(changed, f"{number + 1:x}"))


def staged_entries(numbers: range, mark: str = "0") -> dict[str, Entry | None]:
    """Objects to stage; another mark stands for other bytes."""
    return {
        f"data/folder-{number // _IN_FOLDER:05d}/part-{number:07d}.parquet": Entry(
            f"{mark:0>2}{number:062x}", f"{mark:0>2}{number:030x}", 20_000, 1_700_000_000, "a/b"
        )
        for number in numbers
    }


def _whole(served: Served, size: int) -> Iterator[Row]:
    """Commit everything that is staged; list it with a delimiter and whole."""
    with measured(served.pid) as taken:
        commit = served.lake.commit("fresh", "benchmark", {})
    staged = "staged in process, Lake.commit"
    yield Row("commit-whole", f"commit with {size:,} staged objects", staged, taken, size)
    yield _list_with_delimiter(served, commit.id, size)
    with measured(served.pid) as taken:
        objects = served.lake.objects(commit.id)
    check(len(objects) == size, f"{len(objects)} of {size} objects are listed")
    check(objects == served.lake.objects("main"), "two commits of the same objects differ")
    way = "Lake.objects, 1,000 a page"
    yield Row("list", f"list of {size:,} objects, whole", way, taken, size)


def _list_with_delimiter(served: Served, ref: str, size: int) -> Row:
    from lakefs import Reference  # noqa: PLC0415  slow to import

    reference = Reference(REPOSITORY, ref, client=served.lake.connection.client)
    with measured(served.pid) as taken:
        names = [
            line.path for line in reference.objects(prefix="data/", delimiter="/", max_amount=size)
        ]
    expected = [f"data/folder-{number:05d}/" for number in range(-(-size // _IN_FOLDER))]
    check(names == expected, f"{len(names)} of {len(expected)} common prefixes are listed")
    work = f"list of {size:,} objects with a delimiter: {len(expected):,} prefixes"
    return Row("list-delimiter", work, "lakefs SDK, 1,000 a page", taken, size)


def _changed(served: Served, size: int) -> Iterator[Row]:
    """Commit and diff branches that differ from main in 100 objects; medians."""
    commits: list[Taken] = []
    diffs: list[Taken] = []
    for number in range(REPEATS):
        branch = f"changed-{number}"
        with measured(served.pid) as taken:
            served.lake.commit(branch, "benchmark", {})
        commits.append(taken)
        with measured(served.pid) as taken:
            changes = list(served.lake.diff("main", branch))
        diffs.append(taken)
        kinds = {change.kind for change in changes}
        check(
            len(changes) == CHANGED and kinds == {"changed"},
            f"the diff has {len(changes)} changes",
        )
    of = f"of {CHANGED} changed objects in a lake of {size:,}"
    way = f"staged in process, Lake.commit, median of {REPEATS}"
    yield Row(f"commit-{size}", f"commit {of}", way, _median(commits), CHANGED)
    way = f"Lake.diff, median of {REPEATS}"
    yield Row(f"diff-{size}", f"diff {of}", way, _median(diffs), CHANGED)


def _median(all_taken: list[Taken]) -> Taken:
    return Taken(
        median(taken.seconds for taken in all_taken), median(taken.cpu for taken in all_taken)
    )
