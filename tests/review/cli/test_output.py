"""What is printed: nothing raw, whoever printed it, and JSON that says the same."""

from __future__ import annotations

import json

import polars as pl
import pytest
from rich.panel import Panel
from rich.text import Text
from rich.tree import Tree

from lake.visible import visible
from review.cli import output
from tests.lake.test_visible import hidden

NASTY = "\x1b]0;t\x07\0\x7f\x9b\u202e\u2028\n\r\ue000 [bold]x[/nothing] :smile:"


def test_cells_titles_and_heads_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    output.make_console().print(output.table(f"a {NASTY}", [f"b {NASTY}"], [[f"c {NASTY}"], [3]]))
    printed = capsys.readouterr().out
    assert not hidden(printed, but="\n")
    assert all(f"{letter} {visible(NASTY)}" in printed for letter in "abc")


@pytest.mark.parametrize(
    "raw", [NASTY, Text(NASTY), Tree(NASTY), Panel(NASTY), Text.assemble((NASTY, "bold"))]
)
def test_a_console_shows_nothing_raw_of_what_nobody_marked(
    raw: object, capsys: pytest.CaptureFixture[str]
) -> None:
    output.make_console().print(raw)
    printed = capsys.readouterr().out
    assert not hidden(printed, but="\n")
    assert "\\u{1b}]0;t" in printed


def test_words_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    output.make_console().print("wrote [bold]x[/nothing] :smile:")
    assert capsys.readouterr().out == "wrote [bold]x[/nothing] :smile:\n"


def test_json_is_ascii_and_faithful(capsys: pytest.CaptureFixture[str]) -> None:
    content = {"text": NASTY, NASTY: ["é", "\U0001f600", "\ud83d"]}
    output.print_json(content)
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert not hidden(printed, but="\n")
    assert json.loads(printed) == content


def test_rows_of_json_are_ascii_and_faithful(capsys: pytest.CaptureFixture[str]) -> None:
    frame = pl.DataFrame({"n": [1, 2], f"x{NASTY}": [f"é\U0001f600{NASTY}", None]})
    output.print_json_rows({"ref": NASTY}, "rows", [frame.head(0), frame, frame.tail(1)])
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert not hidden(printed, but="\n")
    assert json.loads(printed) == {"ref": NASTY, "rows": [*frame.to_dicts(), frame.to_dicts()[1]]}


def test_no_blank_line_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    out = output.make_console()
    out.print(Text.assemble("\n", ("bold", "bold"), " and\nplain"))
    out.print("\nthe next part")
    assert capsys.readouterr().out == "bold and\nplain\n\nthe next part\n"
    output.make_console().print("\n\nfirst")
    assert capsys.readouterr().out == "first\n"
