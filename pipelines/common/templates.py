"""Template engine for HTML pages: every value is escaped, so that foreign text stays text."""

from __future__ import annotations

from jinja2 import BaseLoader, Environment, StrictUndefined
from markupsafe import Markup

from lake.visible import visible


def engine(loader: BaseLoader) -> Environment:
    """Make an engine in which every value is escaped and a missing value is an error.

    Characters that cannot be printed are replaced by a visible mark where a template outputs a
    value; line breaks stay.
    """
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
