"""Text in a spreadsheet: never a formula, and the same again when it is read back."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.common import spreadsheet

SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
BEFORE = " '\"\t\r\n;\0\xa0\u200b\ufeff"
nasty = st.text(st.sampled_from(SIGNS + BEFORE + "a1,")) | st.text()
FORMULAS = (
    "=1+1",
    "+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    '"=1',
    "'=1",
    "\u200b=1",
    "\uff1d1",
    "x;=1",
    "x\t=1",
    "x\n=1",
    "x;;' =1",
)


@given(st.lists(st.lists(nasty, min_size=2, max_size=2), max_size=4))
@example([["=1", "'=1"], ["''=1", "'"], ["\t", "'\t"], ["a\rb", "a\r\nb"], [" s ", "\0"]])
def test_what_was_written_is_read_back(rows: list[list[str]]) -> None:
    content = spreadsheet.written(("a", "=b"), [{"a": a, "=b": b} for a, b in rows])
    read = [
        [spreadsheet.text(row["a"]), spreadsheet.text(row["=b"])]
        for _, row in spreadsheet.read(content)
    ]
    assert read == [row for row in rows if any(row)]


@given(nasty)
def test_no_cell_begins_as_a_formula_wherever_it_is_cut(text: str) -> None:
    cell = spreadsheet.cell(text)
    for part in re.split(r"[;\t\r\n]", cell):
        bare = part.lstrip(' "\0\xa0\u200b\ufeff')
        assert not bare.startswith(tuple(SIGNS)), cell
    assert not cell.startswith(("\t", "\r", "\n"))


@pytest.mark.parametrize("text", FORMULAS)
def test_known_formulas_are_texts(text: str) -> None:
    assert spreadsheet.cell(text) != text
    assert spreadsheet.text(spreadsheet.cell(text)) == text


@pytest.mark.parametrize("text", ["", "a=b", "it's", "'tis", "''", "a, -1", "1", "0.5", "2024-01"])
def test_what_is_no_formula_stays(text: str) -> None:
    assert spreadsheet.cell(text) == spreadsheet.text(text) == text


def test_numbers_are_numbers_and_what_is_missing_is_empty() -> None:
    rows = [{"n": -1.5, "x": None}, {"n": 3}]
    assert spreadsheet.written(("n", "x"), rows) == "n,x\n-1.5,\n3,\n"


def test_any_reader_of_csv_finds_the_same_cells() -> None:
    rows = [{"a": f'x,"{sign}"\r\ny', "b": f"{sign}z"} for sign in SIGNS]
    content = spreadsheet.written(("a", "b"), rows)
    cells = list(csv.DictReader(io.StringIO(content, newline="")))
    assert [row["a"] for row in cells] == [spreadsheet.cell(row["a"]) for row in rows]


def test_semicolons_and_short_rows_are_read() -> None:
    assert spreadsheet.read("a;b\r\n1;=2\r\n3\r\n\r\n") == [
        (2, {"a": "1", "b": "=2"}),
        (3, {"a": "3", "b": ""}),
    ]


@pytest.mark.parametrize("content", ["", "\n", "a,b\n1,2,3\n", 'a\n"1'])
def test_what_is_no_table_is_refused(content: str) -> None:
    with pytest.raises(csv.Error):
        spreadsheet.read(content)
