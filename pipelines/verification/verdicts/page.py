"""Draw the page that shows failures by reason: a single file without scripts or external content.

The template engine escapes every value, pictures are written anew, and a policy in the page forbids
scripts, so generated content cannot act here.
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
        report: The verdicts, grouped.
        examples: Candidates by row; a row without an example is named without its content.
    """
    engine = templates.engine(FileSystemLoader(Path(__file__).parent))
    engine.filters["figure"] = _figure
    engine.filters["share"] = _share
    failing = [rule for rule in report.judged if rule.verdict != "passed"]
    return engine.get_template(TEMPLATE).render(
        report=report,
        examples=examples,
        failing=failing,
        passing=[rule for rule in report.judged if rule.verdict == "passed"],
        limits=_limits,
    )


def _figure(value: float | None) -> str:
    """Write a number with at most four significant digits."""
    return "–" if value is None else f"{value:.4g}"


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %" if total else "–"


def _limits(judged: Judged) -> str:
    """Write the limits of an expectation, as the suite names them."""
    return ", ".join(f"{name} {value}" for name, value in judged.limits.items())
