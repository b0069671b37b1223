"""`stemma explain TERM`: what a word of the page, the terminal and the documents means."""

from __future__ import annotations

from dataclasses import asdict

from review import glossary
from review.cli.output import make_console, print_json, sentence, table
from review.glossary import Term


def run(*, term: str | None, as_json: bool) -> None:
    """Print what a term means, or all terms.

    Raises:
        UsageError: the glossary does not have it.
    """
    if term is None:
        found = list(glossary.terms().values())
        if as_json:
            print_json([asdict(each) for each in found])
        else:
            body = [[each.name, each.meaning] for each in found]
            make_console().print(table("", ["term", "what it means"], body))
        return
    one = glossary.find(term)
    if as_json:
        print_json(asdict(one))
        return
    out = make_console()
    out.print(sentence(f"{one.name}: {one.meaning}"), soft_wrap=True)
    if one.related:
        out.print(sentence(_related(one)), soft_wrap=True)


def _related(term: Term) -> str:
    return f"see also: {', '.join(term.related)}"
