"""Template engine for HTML pages: every value is escaped, so that foreign text stays text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from lake.visible import visible

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment


def engine(loader: BaseLoader) -> Environment:
    """Make an engine in which every value is escaped and a missing value is an error.

    Characters that cannot be printed are replaced by a visible mark where a template outputs a
    value; line breaks stay.
    """
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  only a page needs it

    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )


def shown(value: object) -> object:
    """Convert a value for output by a template; the HTML that a macro returns stays as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value, lines=True)
    return value
