"""What DVC keeps of an experiment: its figures as metrics, its curves as a plot.

    python -m experiments.tracked NAME [--seed N]

Stages of experiments/dvc.yaml run this. It writes metrics/NAME.json and plots/NAME.json beside
this module. An experiment that is long, or needs packages of data, is concluded from the parts
that are kept, and none of it is run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from experiments import registry, running
from experiments.experiment import Estimate, HeatMap, Plot, Points, SmallMultiples
from experiments.running import Outcome
from lake import files

FOLDER: Final = Path(__file__).parent
DIGITS: Final = 6
"""Digits that count of what is written, so that processors agree."""
Curves = Iterator[tuple[str, str, int, Points]]
"""Panel, name and number of the repeat of each curve, and its points."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run or conclude an experiment, and write its metrics and its plot."""
    parser = argparse.ArgumentParser(prog="python -m experiments.tracked", description=__doc__)
    parser.add_argument("name", metavar="NAME", choices=registry.MODULES)
    parser.add_argument("--seed", type=int, default=0, help="of all draws (0)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where it is written")
    asked = parser.parse_args(arguments)
    experiment, kept = registry.load(asked.name), FOLDER / "results"
    if experiment.long or experiment.needs:
        outcome = running.from_kept(experiment, asked.seed, kept)
    else:
        outcome = running.run(experiment, asked.seed, kept)
    if outcome is None:
        sys.exit(
            f"{asked.name} has no parts of seed {asked.seed} in experiments/results; "
            f"run `python -m experiments {asked.name} --seed {asked.seed}` first"
        )
    write(outcome, asked.folder)
    return 0


def write(outcome: Outcome, folder: Path) -> None:
    """Write metrics and plot of an experiment to their folders; a point has a line of its own."""
    file = f"{outcome.experiment.name}.json"
    files.write_json(folder / "metrics" / file, metrics(outcome))
    rows = ",\n".join(json.dumps(each) for each in points(outcome))
    files.write_text(folder / "plots" / file, f"[\n{rows}\n]\n")


def metrics(outcome: Outcome) -> dict[str, Any]:
    """Figures by finding, and how many criteria hold."""
    held = sum(finding.holds for finding in outcome.findings)
    figures = {finding.name: _figure(finding.ours) for finding in outcome.findings}
    return {"criteria": len(outcome.findings), "criteria that hold": held, "figures": figures}


def _figure(estimate: Estimate) -> Mapping[str, float]:
    return {each: rounded(getattr(estimate, each)) for each in ("value", "low", "high")}


def points(outcome: Outcome) -> list[dict[str, Any]]:
    """Points of the plot, each with its panel, its curve and the number of its repeat."""
    plot = outcome.experiment.plot(outcome.parts)
    if isinstance(plot, HeatMap):
        found = _cells(plot)
    else:
        found = _marks(plot) if isinstance(plot, Plot) else _panels(plot)
    return [
        {"panel": panel, "curve": curve, "repeat": repeat, "x": rounded(x), "y": rounded(y)}
        for panel, curve, repeat, points_of_curve in found
        for x, y in points_of_curve
    ]


def _marks(plot: Plot) -> Curves:
    for kind, curves in (("", plot.marks), (" (formula)", plot.lines)):
        yield from ((plot.y, name + kind, 1, each) for name, each in curves.items())


def _cells(plot: HeatMap) -> Curves:
    """Rows of a map as curves; columns are numbered where they are no numbers."""
    columns = list(dict.fromkeys(x for x, *_ in plot.cells))
    places = {x: float(x) if x.isdecimal() else float(at) for at, x in enumerate(columns)}
    for row in dict.fromkeys(y for _, y, _ in plot.cells):
        yield plot.value, row, 1, [(places[x], value) for x, y, value in plot.cells if y == row]


def _panels(plot: SmallMultiples) -> Curves:
    for (figure, subject), curves in plot.panels.items():
        for name, repeats in curves.items():
            for number, each in enumerate(repeats, start=1):
                yield f"{figure}, {subject}", name, number, each


def rounded(value: float) -> float:
    """Round a number to the digits that count."""
    return float(f"{value:.{DIGITS}g}")


if __name__ == "__main__":
    sys.exit(main())
