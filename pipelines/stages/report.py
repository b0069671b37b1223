"""Stage `report`: all rounds of a data set side by side, for `dvc plots show`.

Depends on the receipts, metrics and verdict counts of the rounds and reads nothing else, so it
costs nothing when no round has changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from lake import files
from pipelines.common import spreadsheet
from pipelines.common.errors import StaleError
from pipelines.rounds import receipts

MOST: Final = 1 << 53
"""Verdicts of a round that a share is computed of exactly."""

WORDS: Final = ("passed", "failed", "unknown")
PASS_RATES: Final = (
    "round",
    "expectation",
    "severity",
    "level",
    "passed",
    "failed",
    "unknown",
    "pass_rate",
)


def run(dataset: str) -> None:
    """Write `reports/<dataset>/history.csv`, a row per round, and `pass_rates.csv`, in order."""
    rounds, place = receipts.ROOT / dataset, Path("reports") / dataset
    rows = history(rounds)
    columns = sorted({name for row in rows for name in row} - {"round"})
    files.write_text(place / "history.csv", spreadsheet.written(["round", *columns], rows))
    files.write_text(place / "pass_rates.csv", spreadsheet.written(PASS_RATES, pass_rates(rounds)))


def history(directory: Path) -> list[dict[str, Any]]:
    """The numbers in the metrics files of a data set's rounds, in order of the rounds."""
    found = []
    for number, content in _of_rounds(directory, "metrics.json"):
        numbers = {name: value for name, value in content.items() if isinstance(value, int | float)}
        found.append({**numbers, "round": number})
    return sorted(found, key=lambda row: int(row["round"]))


def pass_rates(directory: Path) -> list[dict[str, Any]]:
    """How often each expectation passed in each round; an unknown verdict is no pass.

    Returns:
        A row per round and expectation, in order of the rounds, then of the names; `pass_rate` is
        the share of verdicts that passed, and 0 or 1 where the whole round was judged.

    Raises:
        StaleError: a round's counts are none.
    """
    found = []
    for number, content in _of_rounds(directory, "verdicts.json"):
        for name, about in content.items():
            if not _is_count(about):
                raise StaleError(
                    f"the verdicts of round {number} count {name!r} wrongly in {directory}; remove "
                    "verdicts.json there and run `dvc repro`"
                )
            rate = round(about["passed"] / sum(about[word] for word in WORDS), 6)
            found.append({**about, "round": number, "expectation": name, "pass_rate": rate})
    return sorted(found, key=lambda row: (row["round"], row["expectation"]))


def _of_rounds(directory: Path, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The files of this name in the folders of rounds, with the rounds' numbers."""
    for place in directory.glob(f"*/{name}"):
        number = receipts.number_of(place)
        if number is not None:
            yield number, receipts.read_json(place)


def _is_count(about: object) -> bool:
    """Whether something counts verdicts, at least one."""
    if not isinstance(about, dict):
        return False
    counts = [about.get(word) for word in WORDS]
    whole = all(type(each) is int and 0 <= each <= MOST for each in counts)
    return whole and any(counts)
