"""Stage `report`: all rounds of a data set side by side, for `dvc plots show`.

Depends on the receipts and metrics of the rounds and reads nothing else, so it costs nothing when
no round has changed.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from pathlib import Path
from typing import Any, Final

from pipelines import receipts, stage

CODE: Final = ("pipelines/report.py",)


def run(dataset: str) -> None:
    """Write `reports/<dataset>/history.csv`: one row per round, in order."""
    rows = history(receipts.ROOT / dataset)
    columns = sorted({name for row in rows for name in row} - {"round"})
    text = io.StringIO()
    writer = csv.DictWriter(text, ["round", *columns], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    receipts.write_text(Path("reports") / dataset / "history.csv", text.getvalue())


def history(directory: Path) -> list[dict[str, Any]]:
    """The numbers in the metrics files of a data set's rounds, in order of the rounds."""
    found = []
    for place in directory.glob("*/metrics.json"):
        content = json.loads(place.read_text(encoding="utf-8"))
        numbers = {name: value for name, value in content.items() if isinstance(value, int | float)}
        found.append({"round": int(place.parent.name), **numbers})
    return sorted(found, key=lambda row: int(row["round"]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipelines.report")
    parser.add_argument("dataset", help="a key of `datasets` in params.yaml")
    name = parser.parse_args().dataset
    stage.guarded(lambda: run(name))
