"""What the project builds on, run here: `python -m experiments`.

    python -m experiments [NAME …] [--all] [--fetch] [--json] [--seed N]

Without names it runs the experiments that take seconds, and writes docs/experiments.md with its
plots; `--all` runs the long ones besides, which go on with the parts that are missing. Some read a
package of data, which `--fetch` fetches; without it they are not run, and the page has what was
measured last. It ends with exit code 1 for each criterion that fails, unless known_failures.toml
says why it does.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from experiments import known_failures, packages, page, registry, running
from experiments.experiment import Experiment
from experiments.running import Outcome

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "experiments.md"
KEPT: Final = Path(__file__).with_name("results")
"""Folder of the parts of long experiments; they are committed, so that the page can be written
again without hours of work."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run experiments, print what they found, and return the exit code."""
    asked = _parse(arguments)
    known = known_failures.read()
    experiments = [registry.load(name) for name in asked.names or registry.MODULES]
    if asked.fetch:
        packages.fetch(each for experiment in experiments for each in experiment.needs)
    outcomes: list[Outcome] = []
    missing: list[Experiment] = []
    for experiment in experiments:
        lacking = packages.absent(experiment.needs)
        for package in lacking:
            print(f"{experiment.name} is not run: {packages.lack(package)}", file=sys.stderr)
        if lacking or (experiment.long and not asked.all and not asked.names):
            found = running.from_kept(experiment, asked.seed, asked.kept)
        else:
            found = running.run(experiment, asked.seed, asked.kept)
        outcomes += [found] if found else []
        missing += [] if found else [experiment]
    said = known_failures.unexpected(outcomes, known)
    if asked.json:
        content = {
            "seed": asked.seed,
            "experiments": [outcome.to_dict() for outcome in outcomes],
            "not_run": [experiment.name for experiment in missing],
            "unexpected": said,
        }
        print(json.dumps(content, indent=2))
    else:
        _render(outcomes, Console(width=150))
    if not asked.names:
        page.write(outcomes, missing, asked.seed, known, asked.page)
    for sentence in said:
        print(sentence, file=sys.stderr)
    return 1 if said else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(registry.MODULES))
    parser.add_argument("--all", action="store_true", help="run those that take minutes as well")
    parser.add_argument("--fetch", action="store_true", help="fetch packages of data they need")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--seed", type=int, default=0, help="of all draws (0)")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page that is written")
    parser.add_argument("--kept", type=Path, default=KEPT, help="folder of parts of long ones")
    found = parser.parse_args(arguments)
    unknown = [name for name in found.names if name not in registry.MODULES]
    if unknown:
        parser.error(
            f"no experiment is called {unknown[0]}; there are {', '.join(registry.MODULES)}"
        )
    return found


def _render(outcomes: Sequence[Outcome], console: Console) -> None:
    for outcome in outcomes:
        about = outcome.experiment
        table = Table(
            title=f"{about.name}: {about.title}, {outcome.seconds:.1f} s", title_justify="left"
        )
        for head in ("figure", "ours (95 %)", "the paper's", "criterion", ""):
            table.add_column(head)
        for each in outcome.findings:
            theirs = "" if each.theirs is None else page.number(each.theirs)
            verdict = "holds" if each.holds else "FAILS"
            table.add_row(each.name, page.interval(each.ours), theirs, each.criterion, verdict)
        console.print(table)


if __name__ == "__main__":
    sys.exit(main())
