"""The written guidelines of a data set's reviewers, as a part of the page.

`review.guidelines` in params.yaml names a Markdown file of the project. It is rendered without HTML
of its own, without images, and with links to https, http and mailto alone.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markupsafe import Markup

from pipelines.params import Params

MAX_BYTES: Final = 1 << 18
"""Largest file that is shown, in bytes."""
LINKS: Final = ("https://", "http://", "mailto:")


class _Engine(MarkdownIt):
    """Renders Markdown; a link to anything else than `LINKS` stays text."""

    def validateLink(self, url: str) -> bool:  # noqa: N802  the library's name
        """Whether an address becomes a link."""
        return url.strip().lower().startswith(LINKS)


def of_dataset(params: Params, dataset: str) -> Markup | None:
    """Render the guidelines of a data set; None where it has none.

    A file that cannot be shown is replaced by a sentence that says why.
    """
    settings = params.datasets.get(dataset)
    name = settings.review.guidelines if settings is not None else None
    if name is None:
        return None
    path = Path(name)
    root = Path.cwd().resolve()
    if not path.resolve().is_relative_to(root):
        return _said(f"{name} is not in this project; move the guidelines into it")
    try:
        facts = path.stat()
        if facts.st_size > MAX_BYTES:
            return _said(f"{name} has {facts.st_size:,} bytes; the limit is {MAX_BYTES:,}")
        return _rendered(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return _said(f"{name}, the file with the guidelines, is not there or is no text")


@lru_cache(maxsize=8)
def _rendered(text: str) -> Markup:
    engine = _Engine("commonmark", {"html": False}).enable("table").disable("image")
    return Markup(engine.render(text))  # noqa: S704  HTML of the text is escaped by the engine


def _said(sentence: str) -> Markup:
    return Markup("<p>{}.</p>").format(sentence)
