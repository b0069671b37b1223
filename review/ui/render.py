"""Renders pages from templates: values are escaped, and numbers look as in the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse

from lineage import decision_words
from lineage.evidence import UNOBJECTIONABLE, figure_text, severity, told
from pipelines.common import templates
from pipelines.rounds import measured_rows
from review import glossary
from review.cli.output import number, plural, when
from review.ui import app_state

HERE: Final = Path(__file__).parent
PROGRAMS: Final = ("code", "tests")
"""Columns of programs, as the scorer `code` calls them where nothing else is set."""
FENCED: Final = re.compile(r"^((?:```|~~~).*?(?:^(?:```|~~~)[ \t]*$|\Z))", re.MULTILINE | re.DOTALL)
"""A block of code in Markdown, with its fences; one that is not closed goes to the end."""
MOODS: Final = {
    "good": ("published", "pass", "passed", "accepted"),
    "odd": ("warn", "warning", "duplicate", "surplus", "unknown", "override", "overridden"),
    "bad": ("block", "blocked", "rejected", "failed", "critical"),
    "live": ("in progress", "judged"),
}


def _engine() -> Environment:
    engine = templates.engine(PackageLoader("review.ui"))
    engine.filters |= {
        "number": number,
        "figure": figure,
        "observed": observed,
        "verdict": lambda check: told(check["verdict"], check["value"]),
        "worst_first": worst_first,
        "count": lambda value: f"{value:,}",
        "plural": plural,
        "short": lambda value: str(value)[:12],
        "not_passed": not_passed,
        "objections": objections,
        "decided": lambda item: decision_words.told(item.decision, item.reasons),
        "measured_on": measured_rows.sentence,
        "mood": mood,
        "words": lambda value: str(value).replace("_", " "),
        "meaning": lambda name: glossary.terms()[name].meaning.replace("`", ""),
        "explained": lambda name: name in glossary.terms(),
        "day": day,
        "segments": segments,
    }
    return engine


def figure(check: Mapping[str, Any]) -> str:
    """Format the figure of a check."""
    return figure_text(check["name"], check["value"], check["verdict"])


def observed(value: float | None) -> str:
    """Format what an expectation observed, with four digits; a whole number has no others."""
    return "–" if value is None else f"{value:.4g}"


def worst_first(checks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Sort checks by their verdicts, and keep the order of the guard otherwise."""
    return sorted(checks, key=lambda check: severity(check["verdict"]))


def not_passed(checks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The checks that did not pass; one without a figure did not, whatever an old answer says."""
    return [each for each in checks if told(each["verdict"], each["value"]) != "pass"]


def objections(checks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The checks that object to a round."""
    return [each for each in checks if each["verdict"] not in UNOBJECTIONABLE]


def mood(word: str | None) -> str:
    """The class of a word with a meaning, which gives its colour."""
    return next((name for name, words in MOODS.items() if word in words), "calm")


def segments(text: str, column: str) -> list[tuple[bool, str]]:
    """Split a text into code and prose, in order: whether a piece is code, and the piece.

    Args:
        text: the text, in which Markdown's fences enclose code.
        column: the column that it is of; one of programs is code as a whole.
    """
    if column in PROGRAMS:
        return [(True, text)]
    pieces = ((bool(at % 2), piece) for at, piece in enumerate(FENCED.split(text)))
    return [(is_code, piece) for is_code, piece in pieces if piece]


def day(seconds: int) -> str:
    """Format Unix seconds as a date and time, with its zone."""
    return when(seconds)


ENGINE: Final = _engine()


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401
    """Render a template as a response."""
    datasets = list(app_state.of(request).params.datasets)
    visitor = request.state.visitor
    context = {
        "request": request,
        "datasets": datasets,
        "csrf": visitor.csrf,
        "visitor": visitor,
        "reviewers": [each.name for each in app_state.of(request).session.reviewers],
        "shared": len(app_state.of(request).session.visitors) > 1,
    }
    text = ENGINE.get_template(template).render(context | values)
    return HTMLResponse(text, status_code=status, headers={"Vary": "HX-Request"})


def partial(request: Request) -> bool:
    """Whether htmx requests only a part of the page that the browser already shows."""
    headers = request.headers
    return "hx-request" in headers and "hx-history-restore-request" not in headers
