"""Stage `report`: all rounds of a data set side by side, for `dvc plots show`.

Depends on the receipts, metrics and verdict counts of the rounds and reads nothing else, so it
costs nothing when no round has changed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from pipelines import receipts, spreadsheet, stage

CODE: Final = ("pipelines/report.py",)


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
    receipts.write_text(place / "history.csv", spreadsheet.written(["round", *columns], rows))
    receipts.write_text(
        place / "pass_rates.csv", spreadsheet.written(PASS_RATES, pass_rates(rounds))
    )


def history(directory: Path) -> list[dict[str, Any]]:
    """The numbers in the metrics files of a data set's rounds, in order of the rounds."""
    found = []
    for place in directory.glob("*/metrics.json"):
        content = receipts.read_json(place)
        numbers = {name: value for name, value in content.items() if isinstance(value, int | float)}
        found.append({"round": int(place.parent.name), **numbers})
    return sorted(found, key=lambda row: int(row["round"]))


def pass_rates(directory: Path) -> list[dict[str, Any]]:
    """How often each expectation passed in each round; an unknown verdict is no pass.

    Returns:
        A row per round and expectation, in order of the rounds, then of the names; `pass_rate` is
        the share of verdicts that passed, and 0 or 1 where the whole round was judged.
    """
    found = []
    for place in directory.glob("*/verdicts.json"):
        for name, about in receipts.read_json(place).items():
            given = sum(about[word] for word in ("passed", "failed", "unknown"))
            rate = round(about["passed"] / given, 6)
            found.append(
                {"round": int(place.parent.name), "expectation": name, **about, "pass_rate": rate}
            )
    return sorted(found, key=lambda row: (row["round"], row["expectation"]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.report")
    parser.add_argument("dataset", help="a key of `datasets` in params.yaml")
    name = parser.parse_args().dataset
    stage.guarded(lambda: run(name))
