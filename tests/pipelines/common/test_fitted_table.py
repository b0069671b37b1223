"""A table takes the form that fits, and breaks no number and no word."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from pipelines.common.fitted_table import FittedTable

COLUMNS = ("round", "state", "tag", "commit", "made", "figure", "evidence")
ROWS = [
    ("0", "published", "digits-v0", "b530168602e2", "1,797", "0.987", ""),
    ("12", "in progress", "digits-r012", "9d3de61ceed2", "600", "–", "a mean depth of 1.54 rows"),
]


def drawn(
    width: int,
    rows: Sequence[Sequence[str]] = ROWS,
    spare: tuple[str, ...] = (),
    columns: Sequence[str] = COLUMNS,
) -> str:
    made = FittedTable(
        Text("digits"),
        [Text(name) for name in columns],
        [[Text(cell) for cell in row] for row in rows],
        spare,
    )
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(made)
    return out.getvalue()


def words(text: str) -> set[str]:
    return set(re.sub(r"[│┃┏┓┡┩└┘━─┳╇┴]", " ", text).split())


@pytest.mark.parametrize("width", [160, 100, 80, 70, 60, 45, 40])
def test_every_word_is_whole_in_every_form(width: int) -> None:
    text = drawn(width)
    assert max(map(len, text.splitlines())) <= width
    wanted = {word for row in [COLUMNS, *ROWS] for cell in row for word in cell.split()}
    assert wanted <= words(text)


def test_it_has_a_frame_where_it_fits_and_a_line_for_each_cell_where_nothing_else_does() -> None:
    assert "┏" in drawn(160)
    assert "┏" not in drawn(80)
    assert "round" in drawn(80).splitlines()[1]
    stacked = drawn(40)
    assert re.search(r"^commit +b530168602e2 *$", stacked, re.MULTILINE)
    assert "\n\n" in re.sub(" +\n", "\n", stacked)  # between rows


def test_columns_are_spared_one_after_the_other_and_named() -> None:
    one = drawn(74, spare=("commit", "made"))
    assert "b530168602e2" not in one
    assert "1,797" in one
    assert "left out: commit (a wider terminal or --json has them)" in one
    both = drawn(66, spare=("commit", "made"))
    assert "1,797" not in both
    assert "left out: commit, made" in both


CELL = st.lists(st.text("xyz", min_size=1, max_size=14), max_size=6).map(" ".join)


@given(st.lists(st.tuples(*[CELL] * len(COLUMNS)), min_size=1, max_size=3), st.integers(50, 120))
def test_any_table_fits(rows: list[tuple[str, ...]], width: int) -> None:
    text = drawn(width, rows)
    assert max(map(len, text.splitlines())) <= width
    assert {word for row in rows for cell in row for word in cell.split()} <= words(text)


@pytest.mark.parametrize("width", [20, 40, 80])
def test_headings_wider_than_the_terminal_leave_room_for_values(width: int) -> None:
    names = [f"avg(CASE WHEN {'x' * 90} THEN {number} END)" for number in range(6)]
    text = drawn(width, [[f"{number}.125" for number in range(6)]], columns=names)
    assert {f"{number}.125" for number in range(6)} <= words(text)
    assert max(map(len, text.splitlines())) <= width
