"""A summary as Markdown, HTML or JSON; blanks stand out, and foreign texts stay texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Final

from lake.visible import escape_json, visible
from pipelines.common.markdown import escaped
from pipelines.inquiry.eu_summary import template
from pipelines.inquiry.eu_summary.filled import FilledField, Summary

TITLE: Final = "Public summary of training content"
BLANK: Final = "To be written"
MORE: Final = "To be added"
STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "dt{font-weight:600;margin-top:1rem}dd{margin:0}"
    ".blank{background:#fff3c4;color:#222;padding:.1rem .4rem}"
)


def markdown(summary: Summary) -> str:
    """Render Markdown."""
    return "\n".join([*_markdown(summary), ""])


def html(summary: Summary) -> str:
    """Render a page of HTML that runs and loads nothing."""
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{TITLE}</title><style>{STYLE}</style></head><body>"
    )
    return "\n".join([head, *_html(summary), "</body></html>", ""])


def as_json(summary: Summary) -> str:
    """Render JSON."""
    return escape_json(json.dumps(summary.to_dict(), indent=2, ensure_ascii=False)) + "\n"


FORMATS: Final[Mapping[str, Callable[[Summary], str]]] = {
    "md": markdown,
    "json": as_json,
    "html": html,
}


def _about(summary: Summary) -> tuple[str, ...]:
    content = summary.content
    law = (
        "Article 53(1)(d) of Regulation (EU) 2024/1689; sections of the AI Office's template "
        f"({template.VERSION}). Filled in from lineage; {summary.blanks} fields are blank, because "
        "a lake cannot know them, and what is filled in is to be confirmed."
    )
    mix = f"Training mix of {content.dataset} at {content.ref}, commit {content.commit}."
    version = f"{BLANK}: the version of this summary, links to earlier ones, date of last update."
    return mix, version, law


def _sections(summary: Summary) -> Iterator[tuple[str, str, str, list[FilledField]]]:
    """Yield part, number and title of each section, with its fields."""
    for number, (title, _) in template.SECTIONS.items():
        part = f"{number[0]}. {template.PARTS[number[0]]}"
        yield part, number, title, [each for each in summary.fields if each.section == number]


def _markdown(summary: Summary) -> Iterator[str]:
    yield f"# {TITLE}"
    for line in _about(summary):
        yield ""
        yield escaped(line)
    last = ""
    for part, number, title, fields in _sections(summary):
        if part != last:
            yield from ("", f"## {part}")
        last = part
        yield from ("", f"### {number} {title}", "")
        for field in fields:
            yield f"- **{field.title}**"
            yield from (f"  - {escaped(line)}" for line in field.known)
            if field.write:
                yield f"  - *{MORE if field.known else BLANK}: {field.write}*"


def _html(summary: Summary) -> Iterator[str]:
    yield f"<h1>{TITLE}</h1>"
    yield from (f"<p>{_shown(line)}</p>" for line in _about(summary))
    last = ""
    for part, number, title, fields in _sections(summary):
        if part != last:
            yield f"<h2>{part}</h2>"
        last = part
        yield f"<h3>{number} {title}</h3><dl>"
        for field in fields:
            yield f"<dt>{field.title}</dt>"
            yield from (f"<dd>{_shown(line)}</dd>" for line in field.known)
            if field.write:
                words = f"{MORE if field.known else BLANK}: {field.write}"
                yield f'<dd class="blank">{escape(words)}</dd>'
        yield "</dl>"


def _shown(line: str) -> str:
    return escape(visible(line))
