"""What of a project nothing refers to, and what could be made again.

A round is referred to by params.yaml, by a receipt or by `dvc.lock`, in this checkout or in what
git's branches, tags and experiments lead to. What is found is only said here; `removal` removes it.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.common.errors import StaleError
from pipelines.generation import kept_shards
from pipelines.rounds import ancestry_index, file_digests, model_store, receipts
from pipelines.rounds.context import PRIVATE, PURGE
from pipelines.scorers import cache as scores
from pipelines.sources.remote import leftovers as fetched
from review.diff import distance
from review.disk.named import Named
from review.disk.removal import REMOVED

REPORTS: Final = Path("reports")
DRAFTS: Final = (Path("rounds"), model_store.ROOT, REPORTS, PRIVATE)
"""Folders whose files are written in one step, by a draft beside each."""
ABANDONED_SECONDS: Final = 3600.0
"""Age from which a draft is one that a killed command left."""
_DRAFT: Final = re.compile(r"\.(?:.+\.)?[0-9a-f]{16}")
_NUMBER: Final = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Leftover:
    """Files and folders of one kind that may go."""

    part: str
    why: str
    paths: tuple[Path, ...]


def find(named: Named, *, caches: bool) -> list[Leftover]:
    """Find what may go of the project in this directory.

    Args:
        named: the rounds that something refers to.
        caches: also what is computed again where it is missing.
    """
    finders: list[tuple[str, str, Callable[[], Iterator[Path]]]] = [
        ("models", "of rounds that nothing names", lambda: _rounds(model_store.ROOT, named)),
        ("pages", "of rounds that nothing names", lambda: _rounds(REPORTS, named)),
        ("fetched data", "of sources as they were before", lambda: iter(fetched.unnamed())),
        ("shards", "of rounds that nothing names or that were committed", lambda: _shards(named)),
        ("drafts", "that killed commands left", _drafts),
        ("purges", "that were killed", _purges),
        ("removed before", "by a cleaning that was stopped", lambda: _inside(REMOVED)),
    ]
    if caches:
        finders.append(("caches", "made again where they are missing", lambda: _caches(named)))
    found = [Leftover(part, why, tuple(sorted(paths()))) for part, why, paths in finders]
    return [each for each in found if each.paths]


def common(first: Iterable[Leftover], second: Iterable[Leftover]) -> Iterator[Leftover]:
    """What two searches found, by part."""
    paths = {each.part: {*each.paths} for each in second}
    for each in first:
        both = tuple(path for path in each.paths if path in paths.get(each.part, ()))
        yield Leftover(each.part, each.why, both)


def _rounds(root: Path, named: Named) -> Iterator[Path]:
    """Folders `<dataset>/<n>` of rounds that nothing names; links to others are left alone."""
    for path in () if root.is_symlink() else root.glob("*/*"):
        is_round = _NUMBER.fullmatch(path.name) and str(int(path.name)) == path.name
        is_own = path.is_dir() and not (path.is_symlink() or path.parent.is_symlink())
        if is_round and is_own and (path.parent.name, int(path.name)) not in named.rounds:
            yield path


def _shards(named: Named) -> Iterator[Path]:
    """Kept shards of a round that nothing names, or whose receipt says that they are committed."""
    for place in _inside(kept_shards.ROOT):
        round_ = kept_shards.round_of(place)
        if round_ is None or round_ not in named.rounds or _committed_key(*round_) == place.name:
            yield place


def _committed_key(dataset: str, number: int) -> str | None:
    try:
        return receipts.read(dataset, number, "generate").input_key
    except StaleError:
        return None


def _drafts() -> Iterator[Path]:
    before = time.time() - ABANDONED_SECONDS
    for root in DRAFTS:
        for folder, folders, names in os.walk(root):
            for name in (*names, *folders):
                path = Path(folder) / name
                if _DRAFT.fullmatch(name) and _is_old(path, before):
                    yield path
            folders[:] = [name for name in folders if not _DRAFT.fullmatch(name)]


def _purges() -> Iterator[Path]:
    """Folders in which a purge of a served lake kept cleaned objects until it was killed."""
    before = time.time() - ABANDONED_SECONDS
    yield from (path for path in PRIVATE.glob(f"{PURGE}*") if _is_old(path, before))


def _is_old(path: Path, before: float) -> bool:
    """Whether a file or folder was last changed before a moment; what is gone is not."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return status.st_mtime < before and not stat.S_ISLNK(status.st_mode)


def _caches(named: Named) -> Iterator[Path]:
    others = {*_shards(named)}
    yield from (path for path in _inside(kept_shards.ROOT) if path not in others)
    for root in (scores.PLACE, distance.KEPT, ancestry_index.CACHE):
        yield from _inside(root)
    yield from file_digests.DATABASE.parent.glob(f"{file_digests.DATABASE.name}*")


def _inside(root: Path) -> Iterator[Path]:
    return iter(list(root.iterdir()) if root.is_dir() else [])
