"""The sheet on which a person says which candidates are right: drawn, written, read back.

The sample is stratified by whether the suite keeps a candidate and by the label that was asked for,
in proportion to the strata. So every candidate has the same chance, and shares in the sample stand
for shares among the candidates without weights. That assumes two things: rounding, and the one row
that even the rarest stratum gets, matter little beside the size of the sample; and rows that the
person left blank are like those that were answered. The intervals treat the sample as simple random
and are, if anything, too wide.

What is foreign in a sheet is text to a spreadsheet, and is read back as it was (`spreadsheet`).
Beside `audits/digits-r003.csv` stands `audits/digits-r003.json`, which says what was asked, so that
answers about other rows are found out.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from expectations.errors import CalibrationError
from lake import documents, files
from lake.documents import DocumentError
from pipelines.common import spreadsheet

COLUMNS: Final = ("round", "row", "sample_id", "asked", "truth", "note")
READ: Final = ("round", "row", "sample_id", "truth", "note")
"""Those that are read back; what was asked is known of the candidates."""
ANSWERS: Final = {"right": True, "wrong": False}
LARGEST: Final = (1 << 63) - 1
"""Of rows."""
MAX_BYTES: Final = 1 << 26
"""Of a sheet; more is no sheet."""
STRATUM: Final = ("kept", "asked")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a sheet asks about."""

    dataset: str
    round: int
    commit: str
    """The verify commit whose candidates were drawn from."""
    suite_digest: str
    """Of the suite whose verdicts were drawn by."""
    rows: tuple[int, ...]


def draw(candidates: pl.DataFrame, rows: int, seed: int) -> pl.DataFrame:
    """Draw the candidates that a person is asked about.

    Args:
        candidates: round, row, asked, kept, and more.
        rows: how many; each stratum gives at least one.
        seed: of the choice.

    Returns:
        The drawn rows of `candidates`, in order of `row`, which says nothing about verdicts.
    """
    random = np.random.default_rng(seed)
    order = pl.Series("order", random.random(len(candidates)))
    strata = candidates.group_by(STRATUM).agg(pl.len().alias("size")).sort(STRATUM)
    quota = _quota(strata["size"].to_numpy(), min(rows, len(candidates)))
    wanted = strata.with_columns(pl.Series("quota", quota)).drop("size")
    return (
        candidates.with_columns(order)
        .join(wanted, on=STRATUM, how="left", nulls_equal=True, maintain_order="left")
        .filter(pl.col("order").rank("ordinal").over(STRATUM) <= pl.col("quota"))
        .drop("order", "quota")
        .sort("row")
    )


def write(place: Path, drawn: pl.DataFrame, asked: Asked) -> None:
    """Write the sheet and what it asks about.

    Args:
        place: of the CSV file.
        drawn: round, row, sample_id, asked.
        asked: what the answers will be held against.
    """
    sheet = drawn.select("round", "row", pl.col("sample_id").bin.encode("hex"), "asked")
    files.write_json(beside(place), asdict(asked))
    files.write_text(place, spreadsheet.written(COLUMNS, sheet.iter_rows(named=True)))


def beside(place: Path) -> Path:
    """Where it stands what a sheet asks about."""
    return place.with_suffix(".json")


def read_asked(place: Path) -> Asked:
    """Read what a sheet asks about.

    Raises:
        CalibrationError: it is not there, or is not what was written.
    """
    path = beside(place)
    try:
        return _asked(documents.read_json(path))
    except FileNotFoundError as error:
        raise CalibrationError(
            f"there is no {path}, which says what {place.name} asks about; put it back beside the "
            "sheet, or draw another one"
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        said = f": it {error}" if isinstance(error, DocumentError) else ""
        raise CalibrationError(f"{path} is not what was written with {place.name}{said}") from error


def _asked(content: Mapping[str, Any]) -> Asked:
    found = Asked(**{**content, "rows": tuple(content["rows"])})
    if not all(type(each) is int and 0 <= each <= LARGEST for each in (found.round, *found.rows)):
        raise TypeError("rows and rounds are whole numbers")
    if not all(isinstance(each, str) for each in (found.dataset, found.commit, found.suite_digest)):
        raise TypeError("what was drawn from is named by texts")
    return found


def read(place: Path, asked: Asked, candidates: pl.DataFrame) -> pl.DataFrame:
    """Read the answers of a sheet.

    Args:
        place: of the CSV file.
        asked: what it asks about.
        candidates: round, row, sample_id, asked of the round's candidates as they are now.

    Returns:
        round, row, sample_id, asked, truth, note, right (null: left blank), in order of `row`.

    Raises:
        CalibrationError: the file is no sheet, or a row of it cannot be an answer; names the row.
    """
    found = _parse(place, candidates["asked"])
    _refuse(found, ~pl.col("row").is_in(asked.rows), place, "was not asked about")
    _refuse(found, pl.col("round") != asked.round, place, f"is not of round {asked.round}")
    _refuse(found, pl.col("row").is_duplicated(), place, "comes more than once")
    known = candidates.select("row", "asked", pl.col("sample_id").alias("known"))
    joined = found.join(known, on="row", how="left", maintain_order="left")
    other = joined["sample_id"].str.to_lowercase() != joined["known"].bin.encode("hex")
    said = "has another sample_id than the round's candidate; the round was made anew: draw again"
    _refuse(joined.with_columns(other.alias("other")), pl.col("other").fill_null(True), place, said)
    answered = joined.with_columns(_right(candidates["asked"]).alias("right"))
    unclear = pl.col("right").is_null() & (pl.col("truth").str.strip_chars() != "")
    labels = candidates["asked"].drop_nulls().unique().sort().to_list()
    _refuse(answered, unclear, place, f"has a truth that is no answer; write {_words(labels)}")
    if not answered["right"].is_not_null().any():
        raise CalibrationError(f"{place}: no row has a truth; write {_words(labels)}")
    return answered.select(
        pl.col("round").cast(pl.Int32),
        "row",
        pl.col("known").alias("sample_id"),
        "asked",
        "truth",
        "note",
        "right",
    ).sort("row")


def _quota(sizes: np.ndarray[tuple[int], np.dtype[np.uint32]], rows: int) -> list[int]:
    """How many rows of each stratum: in proportion, at least one, by largest remainders."""
    ideal = sizes * (rows / sizes.sum())
    quota = np.floor(ideal).astype(np.int64)
    left = rows - int(quota.sum())
    quota[np.argsort(-(ideal - quota), kind="stable")[:left]] += 1
    return [int(each) for each in np.minimum(np.maximum(quota, 1), sizes)]


def _parse(place: Path, labels: pl.Series) -> pl.DataFrame:
    """The columns of a sheet: rows and rounds as numbers, truths and notes as they were meant."""
    try:
        lines = spreadsheet.read(files.read_bytes(place, MAX_BYTES).decode("utf-8-sig"))
    except OSError as error:
        raise CalibrationError(f"{place} cannot be read as a sheet: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CalibrationError(f"{place} cannot be read as CSV; correct it") from error
    for name in COLUMNS[:-1]:
        if lines and name not in lines[0][1]:
            raise CalibrationError(f"{place} has no column {name!r}; keep the columns of the sheet")
    meant = _Truths.of(labels)
    rows = [
        {
            **{name: row[name].strip() for name in ("round", "row", "sample_id")},
            "truth": meant.read(row["truth"]),
            "note": spreadsheet.text(row.get("note", "")),
        }
        for _, row in lines
    ]
    texts = pl.DataFrame(rows, schema=dict.fromkeys(READ, pl.String))
    numbers = texts.with_columns(pl.col("round", "row").cast(pl.Int64, strict=False))
    bad = numbers.select(pl.any_horizontal(pl.col("round", "row").is_null()))[:, 0]
    if bad.any():
        at = bad.arg_max() or 0
        raise CalibrationError(
            f"{place}: line {lines[at][0]} has round {texts['round'][at]!r} and row "
            f"{texts['row'][at]!r}, which are no numbers"
        )
    return numbers


@dataclass(frozen=True, slots=True)
class _Truths:
    """What a person can mean by a truth: right, wrong, or a label, exactly or but for its ends."""

    labels: frozenset[str]
    trimmed: Mapping[str, str]
    """Labels by what is left of them without blanks at their ends, where only one is left so."""

    @classmethod
    def of(cls, labels: pl.Series) -> _Truths:
        known = frozenset(labels.drop_nulls().unique().to_list())
        times = Counter(label.strip() for label in known)
        return cls(known, {each.strip(): each for each in known if times[each.strip()] == 1})

    def read(self, cell: str) -> str:
        """The label, or the word, that a cell means; as it is where it means none."""
        said = spreadsheet.text(cell)
        typed = cell in self.labels and said not in self.labels  # one that begins with apostrophes
        found = cell if typed else said
        word = found.strip()
        if found in self.labels or not word:
            return found
        return word.lower() if word.lower() in ANSWERS else self.trimmed.get(word, word)


def _right(labels: pl.Series) -> pl.Expr:
    """Whether the candidate is what was asked for; null: not answered, or in no known word.

    The words mean themselves even where a label is called so.
    """
    said = pl.col("truth").str.to_lowercase()
    is_label = pl.col("truth").is_in(labels.drop_nulls().unique().implode())
    return (
        pl.when(said.is_in(list(ANSWERS)))
        .then(said == "right")
        .when(is_label)
        .then(pl.col("truth") == pl.col("asked"))
        .otherwise(None)
    )


def _refuse(found: pl.DataFrame, wrong: pl.Expr, place: Path, why: str) -> None:
    """Stop at the first row that is wrong."""
    bad = found.filter(wrong)
    if not bad.is_empty():
        truth = f" (truth {bad['truth'][0]!r})" if "truth" in why else ""
        raise CalibrationError(f"{place}: row {bad['row'][0]}{truth} {why}")


def _words(labels: Sequence[str]) -> str:
    few = f" or one of {', '.join(labels)}" if 0 < len(labels) <= 30 else ""  # noqa: PLR2004
    return f"right, wrong{few}"
