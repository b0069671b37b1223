"""What a verdict per row costs, and what the peers take on the same candidates.

The ways take turns on the same candidates, in one process, so that a busy moment meets all of them.
Every result of every turn is compared with ours; one that differs ends the run.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

import polars as pl
from polars.testing import assert_frame_equal
from rich.console import Console
from rich.table import Table

from benchmarks.measured import Taken, check, machine, measured
from benchmarks.verify.peers import FLOOR, JUDGED, OURS, PEERS, Peer, Rows
from benchmarks.verify.world import candidates

PATIENT: Final = 20.0
"""Wall-clock seconds after which a way is not repeated."""
GOALS: Final = (4.0, 2.0)
"""Processor time of ours over that of the floor, at the most rows."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one way took."""

    rows: int
    failures: float
    way: str
    gives: str
    cpu: Sequence[float]
    """Processor seconds, of each turn."""
    seconds: Sequence[float]
    """Wall-clock seconds, of each turn."""


def lines(rows: int, failures: float, repeats: int, limit: float) -> list[Line]:
    """Let all ways verify the same candidates, in turns.

    Args:
        rows: candidates.
        failures: share of them that breaks each bound.
        repeats: turns.
        limit: processor seconds that a way may be expected to take, from a twentieth of the rows;
            one that is slower has no turn.
    """
    frame = candidates(rows, failures)
    truth = OURS.failing(OURS.run(frame))  # the first run of a process imports, too
    small = frame.head(rows // 20)
    expected = {each.name: 20 * _turn(each, small).cpu for each in PEERS}
    taken: dict[str, list[Taken]] = {each.name: [] for each in PEERS}
    for _ in range(repeats):
        for each in PEERS:
            mine = taken[each.name]
            slow = expected[each.name] > limit
            if not slow and not (mine and mine[0].seconds > PATIENT):
                mine.append(_turn(each, frame, truth))
    return [
        Line(
            rows,
            failures,
            each.name,
            each.gives,
            [one.cpu for one in taken[each.name]],
            [one.seconds for one in taken[each.name]],
        )
        for each in PEERS
    ]


def _turn(peer: Peer, frame: pl.DataFrame, truth: Rows | None = None) -> Taken:
    gc.collect()
    with measured() as taken:
        result = peer.run(frame)
    if truth is None:
        return taken
    found = peer.failing(result)
    for name in JUDGED:
        check(found[name].equals(truth[name]), f"{peer.name} finds other rows by {name}")
    if peer is FLOOR:
        assert_frame_equal(result, OURS.run(frame))
    return taken


def render(found: Sequence[Line], console: Console) -> None:
    """Print a table of all ways, and whether the goals are met."""
    table = Table(title=", ".join(f"{name} {value}" for name, value in machine().items()))
    for head in ("rows", "failures", "way", "each row gets", "CPU s", "seconds", "CPU / floor"):
        table.add_column(head, justify="right" if head[0] in "rfCs" else "left")
    for each in found:
        table.add_row(
            f"{each.rows:,}", f"{each.failures:.0%}", each.way, each.gives, *_figures(each, found)
        )
    console.print(table)
    for each in found:
        if each.way == OURS.name and each.rows == max(line.rows for line in found):
            console.print(_verdict(each, found))


def _figures(line: Line, found: Sequence[Line]) -> tuple[str, str, str]:
    if not line.cpu:
        return "over the limit", "", ""
    return (
        f"{median(line.cpu):.3f}",
        f"{median(line.seconds):.3f}",
        f"{ratio(line, found):.2f} ×",
    )


def ratio(line: Line, found: Sequence[Line]) -> float:
    """Processor time over that of the floor, medians of turns on the same candidates."""
    place = (line.rows, line.failures, FLOOR.name)
    floor = next(each for each in found if (each.rows, each.failures, each.way) == place)
    return median(line.cpu) / median(floor.cpu)


def _verdict(line: Line, found: Sequence[Line]) -> str:
    ours = ratio(line, found)
    goals = (f"≤ {goal:.0f} × {'met' if ours <= goal else 'missed'}" for goal in GOALS)
    return f"{line.rows:,} rows, {line.failures:.0%} failures: {ours:.2f} ×; {', '.join(goals)}"


def record(found: Sequence[Line]) -> Mapping[str, Any]:
    """The same as JSON."""
    each = ({**asdict(line), "ratio": ratio(line, found) if line.cpu else None} for line in found)
    return {"machine": machine(), "lines": [*each]}
