"""The same work by other libraries: texts of a file filtered, and texts of a service checked.

- `datatrove` filters candidates of a Parquet file by length, by word 5-grams of held-out rows and
  by MinHash near-duplicates, on its local executor, and writes Parquet. Ours is a round of the
  generator `file` with the scorers `text_shape`, `text_overlap` and `text_duplicates`: generate,
  verify and curate, with scores, verdicts and lineage of each row in a lake. With it is installed
  `datatrove[io,processing] spacy lighteval`, of which lighteval is what its index of held-out rows
  asks for.
- NVIDIA's Data Designer asks a service that answers at once, and checks the length of each text.
  Ours is a round of the generator `text` with the same scorers as a round of texts has.

Each runs in a process of its own, imports and all, in the interpreter that has it.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
from rich.console import Console
from rich.table import Table

from benchmarks.measured import measured
from benchmarks.scale import measuring, project, service, watched
from benchmarks.scale.rows import KINDS

WORKERS: Final = Path(__file__).with_name("peer_workers.py")
STAGES: Final = ("generate", "verify", "curate")
"""Ours, of which each does a part of the work."""
COPIED: Final = 50
"""One of so many candidates is a copy of the one before."""
HELD_OUT: Final = 5
"""One of so many real rows is held out of training."""
FILES: Final = 4
"""Files that the candidates of datatrove are in, so that it can use as many workers."""
MIB: Final = 1 << 20
DATATROVE, DATA_DESIGNER = "datatrove", "data_designer"


@dataclass(frozen=True, slots=True)
class Beside:
    """One way to do a piece of work."""

    work: str
    way: str
    rows: int
    kept: int
    seconds: float
    cpu: float
    """Processor seconds, those of the service left out."""
    peak_mib: float
    """Greatest resident memory of all of its processes at once."""


class PeerError(Exception):
    """A peer cannot be measured."""


@dataclass(frozen=True, slots=True)
class Peers:
    """What was measured, and what no interpreter has."""

    rows: Sequence[Beside]
    left_out: Mapping[str, str]
    """Why a peer is left out, by its name."""

    def record(self) -> dict[str, Any]:
        """The JSON form."""
        return {"rows": [asdict(row) for row in self.rows], "left_out": dict(self.left_out)}


def measure(sizes: Sequence[int], real: int, pythons: Sequence[str]) -> Peers:
    """Measure ours and the peers on the same rows, in turns."""
    found: list[Beside] = []
    left_out: dict[str, str] = {}
    for rows in sizes:
        for peer, work in ((DATATROVE, _filtered), (DATA_DESIGNER, _asked)):
            try:
                for row in work(rows, real, pythons):
                    found.append(row)  # noqa: PERF402  kept where the next one fails
            except PeerError as error:  # what was measured before is kept
                left_out[peer] = str(error)
    return Peers(found, left_out)


def _filtered(rows: int, real: int, pythons: Sequence[str]) -> Iterator[Beside]:
    """Filter candidates of files by length, held-out rows and near-duplicates."""
    work = "texts of a file, filtered"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "candidates").mkdir()
        made = with_copies(KINDS["texts"](range(real, real + rows)))
        number = pl.int_range(pl.len()).cast(pl.String).alias("number")
        numbered = made.with_columns(number)
        each = -(-rows // FILES)
        for at in range(FILES):
            part = numbered.slice(at * each, each)
            part.write_parquet(folder / "candidates" / f"{at}.parquet")
        held_out = KINDS["texts"](range(real // HELD_OUT))
        held_out.write_parquet(folder / "held_out.parquet")
        yield _ours(work, project.FILED, rows, real, made)
        theirs = _of_first(pythons, DATATROVE, 1, folder, {})
        yield Beside(work, f"{DATATROVE}, 1 worker", rows, *theirs)


def with_copies(made: pl.DataFrame) -> pl.DataFrame:
    """Let one of 50 texts be a copy of the one before."""
    number = pl.int_range(pl.len())
    copied = pl.when(number % COPIED == COPIED - 1).then(pl.col("text").shift(1))
    return made.with_columns(copied.otherwise(pl.col("text")).alias("text"))


def _asked(rows: int, real: int, pythons: Sequence[str]) -> Iterator[Beside]:
    """Ask a service for texts, and check them."""
    work = "texts of a service, checked"
    yield _ours(work, project.ASKED, rows, real)
    with tempfile.TemporaryDirectory() as scratch, service.answering() as (address, _):
        theirs = _of_first(pythons, DATA_DESIGNER, rows, Path(scratch), service.access(address))
        yield Beside(work, DATA_DESIGNER, rows, *theirs)


def _of_first(
    pythons: Sequence[str], library: str, amount: int, folder: Path, env: dict[str, str]
) -> tuple[int, float, float, float]:
    """Run a library in the first interpreter that has it.

    Raises:
        PeerError: none has it, or it fails.
    """
    for python in pythons:
        command = [python, "-P", str(WORKERS), library, str(amount)]
        with measured() as taken:
            done = watched.run(command, folder, {**os.environ, "HOME": str(folder), **env})
        if done.returncode == os.EX_UNAVAILABLE:
            continue
        if done.returncode:
            raise PeerError(f"it failed: {done.err[-2000:]}")
        kept = int(done.out.strip().splitlines()[-1])
        peak = round(done.peak_all / MIB, 1)
        return kept, round(taken.seconds, 2), round(done.own_cpu, 2), peak
    raise PeerError("no interpreter of --peers has it")


def _ours(work: str, kind: str, rows: int, real: int, made: pl.DataFrame | None = None) -> Beside:
    """Do the work as a round, of candidates that are made or asked for here."""
    with measuring.scratch(None) as folder, measuring.service_of(kind) as env:
        project.write(folder, kind, real, rows)
        if made is not None:
            made.write_parquet(folder / project.CANDIDATES)
        measuring.prepare(folder, "fit", env)
        done = measuring.Work(kind, rows, real)
        found = [measuring.measured(folder, done, name, env) for name in STAGES]
        receipt = folder / "rounds" / project.DATASET / "1" / "curate.json"
        kept = json.loads(receipt.read_text(encoding="utf-8"))["rows"]["accepted"]
    return Beside(
        work,
        "ours",
        rows,
        kept,
        round(sum(row.seconds for row in found), 2),
        round(sum(row.whole_cpu for row in found), 2),
        max(row.all_mib for row in found),
    )


def render(peers: Peers, console: Console) -> None:
    """Print the ways of each work beside each other."""
    table = Table()
    for head in ("work", "way", "rows", "kept", "seconds", "CPU s", "ratio", "peak MiB"):
        table.add_column(head, justify="left" if head in ("work", "way") else "right")
    first = {(row.work, row.rows): row for row in reversed(peers.rows)}
    for row in peers.rows:
        ratio = row.cpu / first[row.work, row.rows].cpu
        table.add_row(
            row.work,
            row.way,
            f"{row.rows:,}",
            f"{row.kept:,}",
            f"{row.seconds:,}",
            f"{row.cpu:,}",
            f"{ratio:.2f}",
            f"{row.peak_mib:,.0f}",
        )
    console.print(table)
    for name, reason in peers.left_out.items():
        console.print(f"{name} is left out: {reason}", markup=False)
