"""One engine in a process of its own: `python -m benchmarks.diff.worker ENGINE LEFT RIGHT TIMES`.

Prints JSON: what it found, seconds of wall clock and processor each time, and its peak memory.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from benchmarks.diff.engines import ENGINES


def main() -> None:
    """Run, and tell."""
    name, left, right, times = sys.argv[1:]
    taken = []
    found = None
    for _ in range(int(times)):
        cpu, wall = time.process_time(), time.perf_counter()
        found = ENGINES[name](Path(left), Path(right))
        taken.append([time.perf_counter() - wall, time.process_time() - cpu])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"found": found, "taken": taken, "peak": peak}))


if __name__ == "__main__":
    main()
