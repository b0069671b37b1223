"""The names in a template of a generator, such as `a {label}`: names alone, nothing of them."""

from __future__ import annotations

import string
from collections.abc import Iterator


def fields(template: str) -> Iterator[str]:
    """List what a template names.

    Raises:
        ValueError: it is no template, or says more of a name than the name.
    """
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"the template {template!r} cannot be read: {error}") from error
    for _, name, form, conversion in parsed:
        if name is None:
            continue
        if form or conversion or not name.isidentifier():
            raise ValueError(
                f"the template {template!r} may hold names of columns, such as {{text}} or "
                "{label}, and {{ for a brace"
            )
        yield name
