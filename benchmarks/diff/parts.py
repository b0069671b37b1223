"""A table in a lake of which a tenth of the parts changed: with the help of checksums, without."""

from __future__ import annotations

from pathlib import Path

from benchmarks.diff import world
from benchmarks.measured import Taken, check, measured
from benchmarks.served import serving
from lake.client import Lake
from review.diff.build import diff_table
from review.diff.rows import compare


def measured_parts(scratch: Path, count: int, rows: int, repeats: int) -> tuple[Taken, Taken]:
    """Time the diff of two refs, and that of all rows of both; both must find the edits."""
    with serving(scratch / "parts") as served:
        edits = _filled(served.lake, count, rows)
        best = [Taken(float("inf")), Taken(float("inf"))]
        for _ in range(repeats):
            for at, way in enumerate((_skipping, _whole)):
                with measured(served.pid) as taken:
                    counts = way(served.lake)
                check(counts == (edits.removed, edits.changed, edits.added), f"{counts}: {edits}")
                best[at] = min(best[at], taken, key=lambda each: each.seconds)
    return best[0], best[1]


def _filled(lake: Lake, count: int, rows: int) -> world.Edits:
    old = [world.rows(at * rows, rows, 3) for at in range(count)]
    for at, frame in enumerate(old):
        lake.write("main", f"t/part-{at:05d}.parquet", frame)
    lake.commit("main", "benchmark", {})
    lake.set_branch("edited", str(lake.head("main")))
    total = world.Edits()
    for at in range(0, count, 10):
        new, edits = world.edited(old[at], 4)
        total += edits
        lake.write("edited", f"t/part-{at:05d}.parquet", new)
    lake.commit("edited", "benchmark", {})
    return total


def _skipping(lake: Lake) -> tuple[int, int, int]:
    found = diff_table(lake, "main", "edited", "t/", ["id"], columns=False).samples
    return (found.removed, found.changed, found.added) if found else (0, 0, 0)


def _whole(lake: Lake) -> tuple[int, int, int]:
    found = compare(lake.scan("main", "t/"), lake.scan("edited", "t/"), ["id"])
    return found.removed, found.changed, found.added
