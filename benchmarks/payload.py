"""What does it cost to hold payloads against ids and decisions? `python -m benchmarks.payload`.

A round of texts and one of images are proved as `stemma audit --recompute` proves them, at two
sizes: time must follow the number of rows, and memory must not follow the size of the payload. One
label and one payload are changed beforehand, and exactly these two must be found. Each round is
proved in a process of its own, whose peak of memory is measured; reading the table alone is beside
it.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.measured import Taken, check, machine, measured
from lineage import payload
from lineage.identity import sample_ids
from lineage.proof import payload as proof
from lineage.proof.tables import Tables

KINDS: Final = {"text": "text", "image": "image"}
"""The identity column of each kind of payload."""
SIZES: Final = (250_000, 1_000_000)
QUICK: Final = (2_000, 8_000)
SIDE: Final = 8
PICTURES: Final = 1_000
"""Different images; each is decoded for every row that has it."""
STATUS: Final = Path("/proc/self/status")
WORDS: Final = "some words of a text that goes on for three hundred and fifty letters or so. " * 4
MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """What proving a round took."""

    kind: str
    rows: int
    payload_mib: float
    """Payload in memory; what is stored is smaller."""
    seconds: float
    cpu: float
    reading: float
    """Seconds of reading the table alone."""
    peak_mib: float
    """Peak of the process, less what it had before."""

    @property
    def speed(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds


def main() -> None:
    """Parse the command line, measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.payload", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--rows", type=int, nargs="+", help="sizes of the rounds")
    parser.add_argument("--only", choices=KINDS, help="measure only this kind")
    parser.add_argument("--prove", nargs=2, metavar=("KIND", "DIR"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.prove:
        print(json.dumps(prove(asked.prove[0], Path(asked.prove[1]))))
        return
    sizes = asked.rows or (QUICK if asked.quick else SIZES)
    only = [asked.only] if asked.only else KINDS
    found = [measure(kind, rows) for kind in only for rows in sizes]
    if asked.json:
        rows = [{**asdict(row), "rows_per_second": row.speed} for row in found]
        print(json.dumps({**machine(), "rows": rows}, indent=2))
    else:
        render(found, Console(width=120))


def measure(kind: str, rows: int) -> Row:
    """Make a round, and prove it in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        size = write(kind, rows, Path(folder))
        command = [sys.executable, "-m", "benchmarks.payload", "--prove", kind, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return Row(kind, rows, round(size / MIB, 1), **json.loads(done.stdout))


def write(kind: str, rows: int, folder: Path) -> int:
    """Write samples and decisions, one label and one payload changed; return bytes in memory."""
    identity = [KINDS[kind]]
    frame = pl.DataFrame({"row": range(rows)}).select(
        pl.lit(1, pl.Int32).alias("round"), "row", _content(kind, rows), label=pl.col("row") % 10
    )
    ids, digests = sample_ids(frame, identity), payload.columns_digests(frame, identity)
    decisions = frame.select("round", "row").with_columns(ids, digests)
    decisions.write_parquet(folder / "decisions.parquet")
    changed = frame.with_columns(
        ids,
        pl.when(pl.col("row") == rows // 3).then(-1).otherwise("label").alias("label"),
        pl.when(pl.col("row") == rows // 2)
        .then(pl.col(identity[0]).last())
        .otherwise(identity[0])
        .alias(identity[0]),
    )
    changed.write_parquet(folder / "samples.parquet")
    return int(changed.estimated_size())


def _content(kind: str, rows: int) -> pl.Series:
    if kind == "text":
        numbers = pl.DataFrame({"row": range(rows)})
        return numbers.select(pl.format("{} {}", "row", pl.lit(WORDS)).alias("text")).to_series()
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (PICTURES, SIDE, SIDE), dtype=np.uint8)
    files = []
    for each in pixels:
        buffer = io.BytesIO()
        Image.fromarray(each).save(buffer, "PNG")
        files.append({"bytes": buffer.getvalue(), "path": None})
    dtype = pl.Struct({"bytes": pl.Binary, "path": pl.String})
    return pl.Series("image", files, dtype=dtype).gather(np.arange(rows) % PICTURES)


def prove(kind: str, folder: Path) -> dict[str, Any]:
    """Prove a round, and check that what was changed is found and nothing else."""
    samples, decisions = (
        pl.scan_parquet(folder / f"{name}.parquet") for name in ("samples", "decisions")
    )
    before = _peak()
    held = Tables("d", 1, None, samples, decisions, None, identity=[KINDS[kind]])
    with measured() as taken:
        found = list(proof.prove(held))
    peak = _peak() - before
    places = [(each.check, each.findings["row"].to_list()) for each in found]
    rows = found[0].checked
    check(places == [("payload", [rows // 2]), ("columns", [rows // 3])], str(places))
    reading = _reading(samples)
    return {
        "seconds": round(taken.seconds, 2),
        "cpu": round(taken.cpu, 2),
        "reading": round(reading.seconds, 2),
        "peak_mib": round(peak / MIB, 1),
    }


def _reading(samples: pl.LazyFrame) -> Taken:
    with measured() as taken:
        for _ in payload.blocks(samples, "the samples"):
            pass
    return taken


def _peak() -> int:
    """Bytes; `ru_maxrss` would count the process that started this one."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", STATUS.read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def render(rows: Sequence[Row], console: Console) -> None:
    """Print the rows as a table."""
    table = Table(title=", ".join(f"{name} {value}" for name, value in machine().items()))
    heads = ("payload", "rows", "MiB", "seconds", "CPU s", "rows/s", "reading alone", "peak MiB")
    for head in heads:
        table.add_column(head, justify="left" if head == "payload" else "right")
    for row in rows:
        table.add_row(
            row.kind,
            f"{row.rows:,}",
            f"{row.payload_mib:,}",
            f"{row.seconds:,}",
            f"{row.cpu:,}",
            f"{row.speed:,.0f}",
            f"{row.reading:,}",
            f"{row.peak_mib:,}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
