"""What a verdict per row costs beside its peers: `python -m benchmarks.verify`."""

from __future__ import annotations

import argparse
import json
from typing import Final

from rich.console import Console

from benchmarks.measured import extra
from pipelines.common.progress import track

ROWS: Final = (10_000, 100_000, 1_000_000)
FAILURES: Final = (0.01, 0.4)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verify", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS))
    parser.add_argument("--failures", type=float, nargs="+", default=list(FAILURES))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=float, default=150.0, help="CPU seconds of one way")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with extra("benchmarks"):
        from benchmarks.verify import turns  # noqa: PLC0415  needs the peers
    works = [(rows, share) for rows in asked.rows for share in asked.failures]
    found: list[turns.Line] = []
    for rows, share in track(works, "verify"):
        found += turns.lines(rows, share, asked.repeats, asked.limit)
    if asked.json:
        print(json.dumps(turns.record(found), indent=2))
    else:
        turns.render(found, Console(width=140))


if __name__ == "__main__":
    main()
