"""The glossary is one page: the terminal and the page of `stemma ui` read it, and it is whole."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from review import glossary
from review.ui import render
from tests import commands

ROOT = Path(__file__).resolve().parents[2]
TERM = re.compile(r'parts\.term\("([^"]+)"')
NAMES = re.compile(r"for name in \(([^)]+)\) %}\{\{ parts\.term")


def test_terms_are_sorted_and_say_what_they_are() -> None:
    terms = glossary.terms()
    assert list(terms) == sorted(terms)
    assert len(terms) > 30
    for term in terms.values():
        assert re.fullmatch(r"[A-Z].*[^.]\.", term.meaning), term
        assert glossary.SEE_ALSO not in term.meaning
        assert {*term.related} <= {*terms}, term
        assert term.name not in term.related


def test_the_document_is_the_file_that_is_read() -> None:
    assert (ROOT / "docs" / "glossary.md").resolve() == glossary.FILE.resolve()


def test_every_word_that_a_page_explains_is_there() -> None:
    texts = [path.read_text() for path in (render.HERE / "templates").glob("*.j2")]
    named = {name for text in texts for name in TERM.findall(text)}
    listed = [part for text in texts for part in NAMES.findall(text)]
    named |= {name for part in listed for name in re.findall(r'"([^"]+)"', part)}
    drawn = re.search(
        r"set drawn = (\{.*?\}) %", (render.HERE / "templates/rounds.html.j2").read_text()
    )
    assert drawn is not None
    named |= {name for names in json.loads(drawn[1]).values() for name in names}
    assert len(named) > 12
    assert named <= {*glossary.terms()}


@pytest.mark.parametrize("word", ["real share", "real_share", "Real Share", "real shares"])
def test_a_word_is_found_however_it_is_written(word: str) -> None:
    assert glossary.find(word).name == "real share"


def test_the_terminal_explains_a_word_and_names_the_nearest() -> None:
    told = commands.stemma("explain", "flagged", "--json")
    assert json.loads(told.out)["meaning"] == glossary.find("flagged").meaning
    assert "see also: accepted, severity" in commands.stemma("explain", "flagged").out
    wrong = commands.stemma("explain", "flaged")
    assert (wrong.code, "did you mean 'flagged'?" in wrong.err) == (2, True)
    unknown = commands.stemma("explain", "xyzzy")
    assert (unknown.code, "`stemma explain` lists what it has" in unknown.err) == (2, True)
    listed = json.loads(commands.stemma("explain", "--json").out)
    assert [each["name"] for each in listed] == list(glossary.terms())
