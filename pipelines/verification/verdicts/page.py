"""The page on which failures are looked at by reason: one file that loads nothing and runs nothing.

Every value is text to the template engine, pictures are written anew, and a policy in the page
forbids scripts, so what a generator made cannot do anything here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import FileSystemLoader

from expectations.reasons import Judged
from pipelines.common import templates
from pipelines.verification.verdicts.examples import Example
from pipelines.verification.verdicts.report import Report

TEMPLATE: Final = "verdicts.html.j2"


def draw(report: Report, examples: Mapping[int, Example]) -> str:
    """Draw the page of a round as HTML.

    Args:
        report: what is told.
        examples: candidates by row; a row that is not there is named without its content.
    """
    engine = templates.engine(FileSystemLoader(Path(__file__).parent))
    engine.filters["figure"] = _figure
    engine.filters["share"] = _share
    failing = [each for each in report.judged if each.verdict != "passed"]
    return engine.get_template(TEMPLATE).render(
        report=report,
        examples=examples,
        failing=failing,
        passing=[each for each in report.judged if each.verdict == "passed"],
        limits=_limits,
    )


def _figure(value: float | None) -> str:
    """A number of four significant digits at most."""
    return "–" if value is None else f"{value:.4g}"


def _share(count: int, whole: int) -> str:
    return f"{100 * count / whole:.1f} %" if whole else "–"


def _limits(judged: Judged) -> str:
    """What was asked for, as the suite names it."""
    return ", ".join(f"{name} {value}" for name, value in judged.limits.items())
