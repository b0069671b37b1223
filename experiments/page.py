"""Writes what experiments found as a page with plots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from experiments import packages, plots
from experiments.experiment import Estimate, Experiment, Finding
from experiments.known_failures import Known
from experiments.running import Outcome

PICTURES: Final = Path("images") / "experiments"
"""Folder of the plots, beside the page."""
HEAD: Final = """# What papers found, found here again

`python -m experiments` ran this with seed {seed}, and wrote the page. Each experiment holds what it
measures against a criterion that can fail; one that fails ends the command with exit code 1, unless
[known_failures.toml](../experiments/known_failures.toml) says why it does. Figures are over
independent repeats, with 95 % intervals. In plots a line is a formula, and points were measured.

DVC keeps figures and curves of every commit, in a project of its own in `experiments/`: there
`dvc metrics diff` and `dvc plots diff` say what changed, and `dvc repro quick` measures again what
a raised version or another seed asks for.
"""
VERDICTS: Final = {True: "holds", False: "**fails**"}


def write(
    outcomes: Sequence[Outcome], missing: Sequence[Experiment], seed: int, known: Known, place: Path
) -> None:
    """Write the page, and a plot for each experiment beside it.

    Args:
        outcomes: what came of each experiment.
        missing: long experiments of which parts are missing.
        seed: of the run.
        known: failures that are known.
        place: the file of the page.
    """
    for outcome in outcomes:
        plot = outcome.experiment.plot(outcome.parts)
        plots.write(plot, place.parent / PICTURES / _file(outcome.experiment))
    sections = [_section(outcome, known) for outcome in outcomes]
    absent = [f"## {each.name}: {each.title}\n\n{_not_run(each)}\n" for each in missing]
    parts = [HEAD.format(seed=seed), _summary(outcomes), *sections, *absent]
    place.write_text("\n".join(parts), encoding="utf-8")


def _not_run(experiment: Experiment) -> str:
    lacking = packages.absent(experiment.needs)
    if lacking:
        return "Not run: " + "; ".join(packages.lack(package) for package in lacking) + "."
    return f"Not run; `python -m experiments {experiment.name}` does."


def _file(experiment: Experiment) -> str:
    return f"{experiment.name}.png"


def _summary(outcomes: Sequence[Outcome]) -> str:
    rows = ["| | finding | paper | criteria that hold |", "|---|---|---|---|"]
    for outcome in outcomes:
        about, held = outcome.experiment, sum(finding.holds for finding in outcome.findings)
        count = f"{held} of {len(outcome.findings)}"
        rows.append(f"| {about.name} | {about.title} | {about.paper} | {count} |")
    return "\n".join(rows) + "\n"


def _section(outcome: Outcome, known: Known) -> str:
    about = outcome.experiment
    rows = ["| figure | ours (95 %) | the paper's | criterion | |", "|---|---|---|---|---|"]
    rows += [_row(about, finding, known) for finding in outcome.findings]
    picture = f"![{about.title}]({(PICTURES / _file(about)).as_posix()})"
    return "\n".join(
        [
            f"## {about.name}: {about.title}\n",
            f"{about.paper}. {about.setup}.\n",
            *rows,
            f"\n{picture}\n",
            *_lists(outcome),
        ]
    )


def _lists(outcome: Outcome) -> list[str]:
    """Write the tables of single parts."""
    lists = outcome.experiment.lists
    return [
        "\n".join(
            [
                f"{each.title}\n",
                f"| {' | '.join(each.heads)} |",
                f"|{'---|' * len(each.heads)}",
                *(f"| {' | '.join(row)} |" for row in each.rows),
                "",
            ]
        )
        for each in (lists(outcome.parts) if lists else ())
    ]


def _row(about: Experiment, finding: Finding, known: Known) -> str:
    theirs = "" if finding.theirs is None else number(finding.theirs)
    reason = known.get((about.name, finding.name))
    verdict = VERDICTS[finding.holds] + (f": {reason}" if reason and not finding.holds else "")
    cells = (finding.name, interval(finding.ours), theirs, finding.criterion, verdict)
    return f"| {' | '.join(cells)} |"


def interval(estimate: Estimate) -> str:
    """Write a figure with its interval."""
    return f"{number(estimate.value)} ({number(estimate.low)} to {number(estimate.high)})"


def number(value: float) -> str:
    """Write a number with four digits that count."""
    return f"{value:.4g}".replace("-", "−")
