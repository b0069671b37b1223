"""Stage `report`: tables over all rounds of a data set, for `dvc plots show`.

The stage depends only on the receipts, metrics and verdict counts of the rounds, so DVC skips it
when no round has changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from lake import files
from pipelines.common import spreadsheet
from pipelines.common.errors import StaleError
from pipelines.rounds import receipts

MAX_VERDICTS: Final = 1 << 53
"""Largest number of verdicts for which a share is computed exactly in float64."""

VERDICTS: Final = ("passed", "failed", "unknown")
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
    """Write `history.csv` (a row per round) and `pass_rates.csv` to `reports/<dataset>`."""
    rounds, folder = receipts.ROOT / dataset, Path("reports") / dataset
    rows = history(rounds)
    columns = sorted({name for row in rows for name in row} - {"round"})
    files.write_text(folder / "history.csv", spreadsheet.written(["round", *columns], rows))
    files.write_text(folder / "pass_rates.csv", spreadsheet.written(PASS_RATES, pass_rates(rounds)))


def history(directory: Path) -> list[dict[str, Any]]:
    """The numbers in the metrics files of a data set's rounds, sorted by round."""
    rows = []
    for number, content in _of_rounds(directory, "metrics.json"):
        numbers = {name: value for name, value in content.items() if isinstance(value, int | float)}
        rows.append({**numbers, "round": number})
    return sorted(rows, key=lambda row: int(row["round"]))


def pass_rates(directory: Path) -> list[dict[str, Any]]:
    """The pass rate of each expectation in each round; an unknown verdict counts as not passed.

    Returns:
        A row per round and expectation, sorted by both; `pass_rate` is the share of verdicts that
        passed, which is 0 or 1 for an expectation about the whole round.

    Raises:
        StaleError: the counts of a round are damaged.
    """
    rows = []
    for number, content in _of_rounds(directory, "verdicts.json"):
        for name, counts in content.items():
            if not _is_count(counts):
                raise StaleError(
                    f"the verdicts of round {number} count {name!r} wrongly in {directory}; remove "
                    "verdicts.json there and run `dvc repro`"
                )
            rate = round(counts["passed"] / sum(counts[verdict] for verdict in VERDICTS), 6)
            rows.append({**counts, "round": number, "expectation": name, "pass_rate": rate})
    return sorted(rows, key=lambda row: (row["round"], row["expectation"]))


def _of_rounds(directory: Path, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The content of the files of this name in the folders of rounds, with the round numbers."""
    for file in directory.glob(f"*/{name}"):
        number = receipts.number_of(file)
        if number is not None:
            yield number, receipts.read_json(file)


def _is_count(content: object) -> bool:
    """Tell whether a value is a valid count of verdicts, with at least one verdict."""
    if not isinstance(content, dict):
        return False
    counts = [content.get(verdict) for verdict in VERDICTS]
    valid = all(type(count) is int and 0 <= count <= MAX_VERDICTS for count in counts)
    return valid and any(counts)
