"""Labelling sheets: which candidates they ask about, and which answers they refuse."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from expectations.errors import CalibrationError
from pipelines.common import spreadsheet
from pipelines.verification.calibrations import sheets
from pipelines.verification.calibrations.sheets import ANSWERS, LabellingRequest


def candidates(rows: int = 200) -> pl.DataFrame:
    """Four labels; every tenth candidate is refused, and one of a label of its own."""
    frame = pl.DataFrame({"row": range(rows)}, schema={"row": pl.Int64})
    return frame.select(
        pl.lit(3, pl.Int32).alias("round"),
        "row",
        pl.Series("sample_id", [hashlib.sha256(b"%d" % row).digest() for row in range(rows)]),
        pl.when(pl.col("row") == 5)
        .then(pl.lit("rare"))
        .otherwise((pl.col("row") % 4).cast(pl.String))
        .alias("asked"),
        (pl.col("row") % 10 != 0).alias("kept"),
    )


def write(folder: Path, rows: int = 20) -> tuple[Path, LabellingRequest]:
    drawn = sheets.draw(candidates(), rows, seed=1)
    request = LabellingRequest("digits", 3, "c" * 64, "s" * 64, tuple(drawn["row"].to_list()))
    path = folder / "audits" / "digits-r003.csv"
    sheets.write(path, drawn, request)
    return path, request


def change(path: Path, **columns: pl.Expr) -> None:
    pl.read_csv(path, infer_schema=False).with_columns(**columns).write_csv(path)


def read(path: Path, request: LabellingRequest) -> pl.DataFrame:
    return sheets.read(path, request, candidates())


@pytest.mark.parametrize("rows", [12, 40, 100, 500])
def test_a_sample_has_each_stratum_in_proportion_and_at_least_once(rows: int) -> None:
    everything = candidates()
    drawn = sheets.draw(everything, rows, seed=7)
    assert drawn["row"].is_sorted()
    assert drawn["row"].n_unique() == len(drawn)
    by = list(sheets.STRATUM)
    strata = everything.group_by(by).len().join(drawn.group_by(by).len(), on=by, how="left")
    share = min(rows, 200) / 200
    for size, count in strata.select("len", "len_right").iter_rows():
        assert count is not None
        assert count == pytest.approx(max(size * share, 1), abs=1)
    assert abs(len(drawn) - min(rows, 200)) <= len(strata)


def test_every_candidate_has_the_same_chance() -> None:
    seen = pl.concat(sheets.draw(candidates(), 60, seed=seed) for seed in range(300))
    counted = seen.group_by("row").len().filter(pl.col("row") != 5)
    assert counted["len"].min() == pytest.approx(90, abs=40)
    assert counted["len"].max() == pytest.approx(90, abs=40)
    assert sheets.draw(candidates(), 60, 1).equals(sheets.draw(candidates(), 60, 1))


def test_a_sheet_says_nothing_of_verdicts(tmp_path: Path) -> None:
    path, _ = write(tmp_path)
    sheet = pl.read_csv(path, infer_schema=False)
    assert tuple(sheet.columns) == sheets.COLUMNS
    assert (sheet["truth"] == "").all()


def test_answers_are_words_or_labels(tmp_path: Path) -> None:
    path, request = write(tmp_path)
    label = pl.when(pl.col("asked") == "0").then(pl.lit("0")).otherwise(pl.lit("2"))
    change(path, truth=label, note=pl.lit('a "note", here'))
    answers = read(path, request)
    assert (answers["right"] == answers["asked"].is_in(["0", "2"])).all()
    assert answers["note"].to_list() == ['a "note", here'] * len(answers)
    change(path, truth=pl.when(pl.col("asked") == "0").then(pl.lit(" WRONG")), note=pl.lit(""))
    answers = read(path, request)
    assert (answers["right"].is_null() == (answers["asked"] != "0")).all()
    assert not answers["right"].drop_nulls().any()


def test_a_spreadsheet_may_write_it_in_its_own_way(tmp_path: Path) -> None:
    path, request = write(tmp_path)
    change(path, truth=pl.lit("right"), sample_id=pl.col("sample_id").str.to_uppercase())
    text = path.read_text(encoding="utf-8").replace(",", ";").replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read(path, request)["right"].all()


def test_rows_may_be_left_out_or_blank(tmp_path: Path) -> None:
    path, request = write(tmp_path)
    pl.read_csv(path, infer_schema=False).head(5).with_columns(truth=pl.lit("wrong")).write_csv(
        path
    )
    assert len(read(path, request)) == 5


THIRD = pl.int_range(pl.len()) == 2


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("row", "10000", "row 10000 was not asked about"),
        ("row", "x", "line 4 has round '3' and row 'x', which are no numbers"),
        ("round", "2", r"row \d+ is not of round 3"),
        ("sample_id", "ab" * 32, r"row \d+ has another sample_id"),
        ("sample_id", "", r"row \d+ has another sample_id"),
        ("truth", "perhaps", r"row \d+ \(truth 'perhaps'\) has a truth that is no answer"),
        ("truth", "right!", r"write right, wrong or one of 0, 1, 2, 3, rare"),
    ],
)
def test_an_answer_that_cannot_be_names_its_row(
    tmp_path: Path, column: str, value: str, message: str
) -> None:
    path, request = write(tmp_path)
    change(path, truth=pl.lit("right"))
    put = pl.when(THIRD).then(pl.lit(value)).otherwise(pl.col(column))
    change(path, **{column: put})
    with pytest.raises(CalibrationError, match=message):
        read(path, request)


def test_a_note_without_an_answer_is_not_dropped(tmp_path: Path) -> None:
    path, request = write(tmp_path)
    rows = pl.read_csv(path)["row"].to_list()
    first = pl.col("row") == str(rows[0])
    change(path, truth=pl.when(first).then(pl.lit("")).otherwise(pl.lit("right")))
    change(path, note=pl.when(first).then(pl.lit(" ")).otherwise(pl.lit("")))
    assert read(path, request)["right"].null_count() == 1
    change(path, note=pl.when(first).then(pl.lit("dark")).otherwise(pl.lit("")))
    said = f"row {rows[0]} has a note and no truth; write right, wrong or one of .*, or take the"
    with pytest.raises(CalibrationError, match=said):
        read(path, request)


HOSTILE = ("=1+1", "+x", "-1", "@x", "'=1+1", "''", "\tx", " spaced ", "a;=1", 'say "so"', "x\r\ny")


def labelled(labels: Sequence[str]) -> pl.DataFrame:
    """A candidate of each label, all kept."""
    frame = candidates(len(labels)).with_columns(pl.Series("asked", labels))
    return frame.with_columns(pl.lit(value=True).alias("kept"))


def fill(path: Path, truths: Sequence[str], notes: Sequence[str] | None = None) -> None:
    """Fill in a sheet as a program does that knows how cells are written."""
    lines = [row for _, row in spreadsheet.read(path.read_text(encoding="utf-8"))]
    for index, row in enumerate(lines):
        row |= {"truth": truths[index], "note": notes[index] if notes else ""}
    path.write_text(spreadsheet.written(sheets.COLUMNS, lines), encoding="utf-8", newline="")


def drawn_from(folder: Path, sample: pl.DataFrame) -> tuple[Path, LabellingRequest]:
    request = LabellingRequest("digits", 3, "c" * 64, "s" * 64, tuple(sample["row"].to_list()))
    sheets.write(folder / "s.csv", sample, request)
    return folder / "s.csv", request


@given(
    labels=st.lists(st.text(min_size=1, max_size=6) | st.sampled_from(HOSTILE), min_size=1,
                    max_size=8),
    note=st.text(max_size=6),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
@example(labels=list(HOSTILE), note="=note")
@example(labels=["cat", "cat ", " cat", "dog"], note="")
def test_any_label_is_a_truth_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, labels: list[str], note: str
) -> None:
    labels = [label for label in labels if label.strip() and label.strip().lower() not in ANSWERS]
    assume(labels)
    sample = labelled(labels)
    path, request = drawn_from(tmp_path_factory.mktemp("sheet"), sample)
    fill(path, labels, [note] * len(labels))
    answers = sheets.read(path, request, sample)
    assert answers["truth"].to_list() == answers["asked"].to_list() == labels
    assert answers["right"].all()
    assert answers["note"].to_list() == [note] * len(labels)


def test_nothing_of_a_sheet_is_a_formula(tmp_path: Path) -> None:
    path, _ = drawn_from(tmp_path, labelled(HOSTILE))
    with path.open(encoding="utf-8", newline="") as file:
        shown = [row["asked"] for row in csv.DictReader(file)]
    assert [spreadsheet.text(label) for label in shown] == list(HOSTILE)
    assert not [label for label in shown if label.lstrip().startswith(("=", "+", "-", "@"))]


def test_a_truth_may_lack_the_blanks_of_its_label_where_one_is_meant(tmp_path: Path) -> None:
    sample = labelled([" spaced ", "cat", "cat "])
    path, request = drawn_from(tmp_path, sample)
    fill(path, ["spaced", " RIGHT ", "cat"])
    answers = sheets.read(path, request, sample)
    assert answers["right"].to_list() == [True, True, False]
    assert answers["truth"].to_list() == [" spaced ", "right", "cat"]
    fill(path, [" cat ", "", ""])
    with pytest.raises(CalibrationError, match=r"truth 'cat'\) has a truth that is no answer"):
        sheets.read(path, request, labelled([" spaced ", "cat ", " cat"]))


def test_a_label_that_begins_with_an_apostrophe_may_be_typed(tmp_path: Path) -> None:
    sample = labelled(["'=1", "'tis"])
    path, request = drawn_from(tmp_path, sample)
    text = path.read_text(encoding="utf-8")
    typed = text.replace("''=1,,", "''=1,'=1,").replace("'tis,,", "'tis,'tis,")
    assert typed.count(",'=1,") == typed.count(",'tis,'tis,") == 1
    path.write_text(typed, encoding="utf-8")
    assert sheets.read(path, request, sample)["right"].all()


def test_a_row_twice_is_refused(tmp_path: Path) -> None:
    path, request = write(tmp_path)
    sheet = pl.read_csv(path, infer_schema=False).with_columns(truth=pl.lit("right"))
    pl.concat([sheet, sheet.head(1)]).write_csv(path)
    with pytest.raises(CalibrationError, match=rf"row {sheet['row'][0]} comes more than once"):
        read(path, request)


def test_what_is_no_sheet_is_refused(tmp_path: Path) -> None:
    path, request = write(tmp_path)
    with pytest.raises(CalibrationError, match="no row has a truth"):
        read(path, request)
    path.write_text("row,truth\n1,right\n", encoding="utf-8")
    with pytest.raises(CalibrationError, match="no column 'round'"):
        read(path, request)
    for broken in (b"", b"\xff\xfe\x00", b'round,row\n"1'):
        path.write_bytes(broken)
        with pytest.raises(CalibrationError):
            read(path, request)


def test_what_was_asked_stands_beside_the_sheet(tmp_path: Path) -> None:
    path, request = write(tmp_path)
    assert sheets.read_request(path) == request
    sheets.request_path(path).write_text("[]", encoding="utf-8")
    with pytest.raises(CalibrationError, match="is not what was written"):
        sheets.read_request(path)
    sheets.request_path(path).unlink()
    with pytest.raises(CalibrationError, match="draw another one"):
        sheets.read_request(path)
