"""Stage `report`: tables over all rounds of a data set, and the headline of its last round.

`dvc plots show` draws the tables, and `dvc metrics show` and `dvc exp show` list the headline: few
figures, beside those of other data sets. All figures of a round are in its `metrics.json`.

The stage depends only on the receipts, metrics and verdict counts of the rounds, so DVC skips it
when no round has changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lake import files
from pipelines.common import spreadsheet
from pipelines.common.errors import StaleError
from pipelines.project import plots_script
from pipelines.rounds import receipts

MAX_VERDICTS: Final = 1 << 53
"""Largest number of verdicts for which a share is computed exactly in float64."""

TRAINED: Final = ("macro_f1", "accuracy", "r2")
"""Figures by which models are judged that learnt from the mix and from real data alone."""
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
    """Write `history.csv`, `pass_rates.csv` and `headline.json` to `reports/<dataset>`."""
    rounds, folder = receipts.ROOT / dataset, Path("reports") / dataset
    rows = history(rounds)
    columns = sorted({name for row in rows for name in row} - {"round"})
    files.write_text(folder / "history.csv", spreadsheet.written(["round", *columns], rows))
    files.write_text(folder / "pass_rates.csv", spreadsheet.written(PASS_RATES, pass_rates(rounds)))
    files.write_json(folder / "headline.json", {dataset: headline(rows, _last_guard(rounds))})
    plots_script.write()


def history(directory: Path) -> list[dict[str, Any]]:
    """The numbers in the metrics files of a data set's rounds, sorted by round."""
    rows = []
    for number, content in _of_rounds(directory, "metrics.json"):
        numbers = {name: value for name, value in content.items() if isinstance(value, int | float)}
        rows.append({**numbers, "round": number})
    return sorted(rows, key=lambda row: int(row["round"]))


def headline(rows: Sequence[Mapping[str, Any]], answer: Mapping[str, Any]) -> dict[str, Any]:
    """The few figures by which the last round is compared with others.

    Args:
        rows: as `history` gives them.
        answer: of the guard on the last round; empty: it was not judged.

    Returns:
        The round, the guard's verdict, the figure of a model trained on the mix
        beside one trained on real data alone, and shares of real data.
    """
    if not rows:
        return {"round": 0}
    last = rows[-1]
    trained = (name for name in TRAINED if f"{name}_mix" in last and f"{name}_real_only" in last)
    name = next(trained, None)
    figures = {} if name is None else {name: f"{name}_mix", "real_only": f"{name}_real_only"}
    figures |= {"recall": "recall_round", "real_share": "real_share"}
    head = {"round": last["round"], "guard": answer.get("verdict", "not judged")}
    return head | {name: last[figure] for name, figure in figures.items() if figure in last}


def _last_guard(directory: Path) -> Mapping[str, Any]:
    """The guard's answer on the last round that was evaluated; empty where it did not judge it."""
    evaluated = dict(_of_rounds(directory, "metrics.json"))
    judged = dict(_of_rounds(directory, "guard.json"))
    return judged.get(max(evaluated, default=0), {})


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
