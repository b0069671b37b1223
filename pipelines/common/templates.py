"""The engine that fills templates of pages: what comes from outside is text, and nothing else."""

from __future__ import annotations

from jinja2 import BaseLoader, Environment, StrictUndefined
from markupsafe import Markup

from lake.visible import visible


def engine(loader: BaseLoader) -> Environment:
    """An engine in which every value is escaped and a missing one is an error.

    What does not print in a value becomes a mark, once, where a template puts it; line breaks stay.
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
    """A value as a template puts it into a page; what a macro has drawn is HTML and stays."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value, lines=True)
    return value
