"""The words of Stemma with what they mean, for the page and `stemma explain`.

They are read from `glossary.md` beside this module, which is a page of the documents too
(`docs/glossary.md`): a heading of the second level is a term, the paragraph below says what it is,
and the line that begins with "See also" names others.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from review.errors import UsageError

FILE: Final = Path(__file__).with_name("glossary.md")
SEE_ALSO: Final = "See also: "
_TERM: Final = re.compile(r"^## ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Term:
    """A word, and what it means."""

    name: str
    meaning: str
    """Some sentences, in which names of settings are between backticks."""
    related: tuple[str, ...]
    """Names of other terms."""


@cache
def terms() -> Mapping[str, Term]:
    """Read all terms, by name."""
    _, *sections = _TERM.split(FILE.read_text(encoding="utf-8"))
    found = map(_parsed, sections)
    return {term.name: term for term in found}


def find(word: str) -> Term:
    """Find a term, also in capital letters, in the plural, or with `_` between its words.

    Raises:
        UsageError: there is none.
    """
    known = terms()
    name = " ".join(word.replace("_", " ").lower().split())
    term = known.get(name) or known.get(name.removesuffix("s"))
    if term is None:
        near = difflib.get_close_matches(name, known, n=1)
        tail = f"did you mean {near[0]!r}?" if near else "`stemma explain` lists what it has"
        raise UsageError(f"the glossary has no {word[:60]!r}; {tail}")
    return term


def _parsed(section: str) -> Term:
    name, *paragraphs = (" ".join(part.split()) for part in section.strip().split("\n\n"))
    related = [part for part in paragraphs if part.startswith(SEE_ALSO)]
    listed = "".join(related).removeprefix(SEE_ALSO).removesuffix(".")
    meaning = " ".join(part for part in paragraphs if part not in related)
    return Term(name, meaning, tuple(filter(None, listed.split(", "))))
