"""Bytes into a commit: large shards and many small files, beside cp, md5sum and `dvc add`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from benchmarks import peers
from benchmarks.measured import Goal, Row, Taken, check, measured
from benchmarks.served import Plain, Served, serving
from lake.batches import SIZE as BATCH
from lake.client import connect

_MIB: Final = 1 << 20

StageFiles = Callable[[Served, list[Path]], None]
"""Stages files on the branch `main`, each under its name."""


def shards(scratch: Path, *, count: int, mib: int) -> Iterator[Row]:
    """Write shards of some MiB, commit them, and compare with the peers."""
    folder = _random_files(scratch / "shards", count, mib * _MIB)
    base, digests = _peers(folder, scratch)
    goals = [
        Goal("0.5 × dvc add", 0.5 * base["dvc add"].seconds),
        Goal("1.5 × (cp + md5sum)", 1.5 * (base["cp"].seconds + base["md5sum"].seconds)),
    ]
    work = f"{count} shards of {mib} MiB into a commit"
    ways: list[tuple[str, str, StageFiles, list[Goal]]] = [
        ("shards", "Lake.write_bytes: staged file and link, one by one", _link_each, goals),
        ("shards-pair", "Lake.write_bytes, two threads", _link_pair, goals),
        ("shards-http", "upload through the API (lakefs SDK)", _upload_sdk, []),
    ]
    for key, way, stage, row_goals in ways:
        taken = _committed(scratch / f"lake-{key}", folder, digests, stage)
        yield Row(key, work, way, taken, count, base, row_goals)
    shutil.rmtree(folder)


def small(scratch: Path, *, count: int, size: int) -> Iterator[Row]:
    """Write many small objects, commit them, and compare with the peers."""
    folder = _random_files(scratch / "small", count, size)
    base, digests = _peers(folder, scratch)
    goals = [Goal("dvc add", base["dvc add"].seconds)]
    work = f"{count:,} objects of {size:,} B into a commit"
    ways: list[tuple[str, str, StageFiles]] = [
        ("small-batch", "Lake.write_many: staged files, 1,000 linked at once", _link_batches),
        ("small-link", "Lake.write_bytes: staged file and link, 8 threads", _link_many),
        ("small-http", "upload through the API, 8 kept connections", _upload_plain),
    ]
    for key, way, stage in ways:
        taken = _committed(scratch / f"lake-{key}", folder, digests, stage)
        yield Row(key, work, way, taken, count, base, goals)
    shutil.rmtree(folder)


def _random_files(folder: Path, count: int, size: int) -> Path:
    """A folder of files with random bytes."""
    folder.mkdir()
    for number in range(count):
        (folder / f"part-{number:06d}").write_bytes(os.urandom(size))
    return folder


def _peers(folder: Path, scratch: Path) -> tuple[dict[str, Taken], dict[str, str]]:
    hashed, digests = peers.hashed(folder)
    base = {
        "cp": peers.copied(folder, scratch),
        "cp, sync": peers.synced(folder, scratch),
        "md5sum": hashed,
        "dvc add": peers.added(folder, scratch),
    }
    return base, digests


def _committed(home: Path, folder: Path, digests: dict[str, str], stage: StageFiles) -> Taken:
    """Time staging and committing on a new lake; every object must be in the commit."""
    files = sorted(folder.iterdir())
    with serving(home) as served:
        with measured(served.pid) as taken:
            stage(served, files)
            commit = served.lake.commit("main", "benchmark", {})
        committed = {
            item.path: (item.checksum, item.size) for item in served.lake.objects(commit.id)
        }
        last = served.lake.read(commit.id, files[-1].name)
    expected = {file.name: (digests[file.name], file.stat().st_size) for file in files}
    check(
        committed == expected,
        f"{len(committed)} of {len(files)} objects are in the commit as written",
    )
    check(last == files[-1].read_bytes(), f"{files[-1].name} does not read as it was written")
    shutil.rmtree(home)
    return taken


def _link_each(served: Served, files: list[Path]) -> None:
    for file in files:
        served.lake.write_bytes("main", file.name, file.read_bytes())


def _link_pair(served: Served, files: list[Path]) -> None:
    _parallel(2, files, lambda file: _link_each(served, [file]))


def _link_many(served: Served, files: list[Path]) -> None:
    _parallel(8, files, lambda file: _link_each(served, [file]))


def _link_batches(served: Served, files: list[Path]) -> None:
    for start in range(0, len(files), 5 * BATCH):
        part = files[start : start + 5 * BATCH]
        served.lake.write_many("main", {file.name: file.read_bytes() for file in part})


def _upload_sdk(served: Served, files: list[Path]) -> None:
    remote = connect(served.remote, served.lake.repository)
    for file in files:
        remote.write_bytes("main", file.name, file.read_bytes())


def _upload_plain(served: Served, files: list[Path]) -> None:
    plain = Plain(served.remote)

    def upload(file: Path) -> None:
        plain.ask("POST", "/branches/main/objects", file.read_bytes(), path=file.name)

    _parallel(8, files, upload)


def _parallel(threads: int, files: list[Path], work: Callable[[Path], None]) -> None:
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, files):
            pass
