"""Labelling sheets: CSV files in which a person marks which candidates of a sample are right.

The sample is stratified by whether the suite keeps a candidate and by the label that was asked for,
in proportion to the strata. So every candidate has the same chance to be drawn, and shares in the
sample estimate shares among the candidates without weights. This assumes that rounding, and the one
row that even the rarest stratum gets, matter little for the size of the sample; and that rows that
the person left blank are like those that were answered. The intervals treat the sample as a simple
random one and are, if anything, too wide.

Foreign content of a sheet is text to a spreadsheet, and is read back unchanged
(`pipelines.common.spreadsheet`). The file `audits/digits-r003.json` beside `audits/digits-r003.csv`
holds the labelling request, so that answers about other rows are detected.
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
"""Columns that are read back; the label that was asked for is known from the candidates."""
ANSWERS: Final = {"right": True, "wrong": False}
LARGEST: Final = (1 << 63) - 1
"""Greatest number of a row or round."""
MAX_BYTES: Final = 1 << 26
"""Greatest size of a sheet."""
STRATUM: Final = ("kept", "asked")
"""Columns by which the sample is stratified."""


@dataclass(frozen=True, slots=True)
class LabellingRequest:
    """Which candidates a labelling sheet asks a person about."""

    dataset: str
    round: int
    commit: str
    """The verify commit whose candidates were sampled."""
    suite_digest: str
    """Digest of the suite whose verdicts stratify the sample."""
    rows: tuple[int, ...]


def draw(candidates: pl.DataFrame, rows: int, seed: int) -> pl.DataFrame:
    """Draw a stratified sample of candidates for a labelling sheet.

    Args:
        candidates: Columns round, row, asked, kept, and others.
        rows: Size of the sample; each stratum contributes at least one row.
        seed: Seed of the sample.

    Returns:
        The drawn rows of `candidates` in the order of `row`, which tells nothing about verdicts.
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


def write(path: Path, drawn: pl.DataFrame, request: LabellingRequest) -> None:
    """Write a labelling sheet and its request.

    Args:
        path: Path of the CSV file.
        drawn: Columns round, row, sample_id, asked.
        request: The request, with which the answers will be compared.
    """
    sheet = drawn.select("round", "row", pl.col("sample_id").bin.encode("hex"), "asked")
    files.write_json(request_path(path), asdict(request))
    files.write_text(path, spreadsheet.written(COLUMNS, sheet.iter_rows(named=True)))


def request_path(sheet: Path) -> Path:
    """The path of the file that holds the request of a sheet."""
    return sheet.with_suffix(".json")


def read_request(sheet: Path) -> LabellingRequest:
    """Read the request of a sheet.

    Raises:
        CalibrationError: The request is missing, or is not what was written.
    """
    path = request_path(sheet)
    try:
        return _request(documents.read_json(path))
    except FileNotFoundError as error:
        raise CalibrationError(
            f"there is no {path}, which says what {sheet.name} asks about; put it back beside the "
            "sheet, or draw another one"
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        reason = f": it {error}" if isinstance(error, DocumentError) else ""
        raise CalibrationError(
            f"{path} is not what was written with {sheet.name}{reason}"
        ) from error


def _request(content: Mapping[str, Any]) -> LabellingRequest:
    request = LabellingRequest(**{**content, "rows": tuple(content["rows"])})
    numbers = (request.round, *request.rows)
    if not all(type(number) is int and 0 <= number <= LARGEST for number in numbers):
        raise TypeError("rows and rounds are whole numbers")
    names = (request.dataset, request.commit, request.suite_digest)
    if not all(isinstance(name, str) for name in names):
        raise TypeError("the data set, the commit and the suite are named by texts")
    return request


def read(path: Path, request: LabellingRequest, candidates: pl.DataFrame) -> pl.DataFrame:
    """Read the answers of a labelling sheet.

    Args:
        path: Path of the CSV file.
        request: The request of the sheet.
        candidates: Columns round, row, sample_id, asked of the round's candidates as they are now.

    Returns:
        round, row, sample_id, asked, truth, note, right (null: left blank), in the order of `row`.

    Raises:
        CalibrationError: The file is no sheet, or a row of it is no answer; the message names it.
    """
    return checked(_parse(path, candidates["asked"]), request, candidates, str(path))


def checked(
    rows: pl.DataFrame, request: LabellingRequest, candidates: pl.DataFrame, path: str
) -> pl.DataFrame:
    """Hold answers against what was asked, and against the candidates as they are now.

    Args:
        rows: round, row, sample_id (hex digits), truth, note.
        request: what was asked.
        candidates: as of `read`.
        path: what an error calls the sheet.

    Returns:
        As of `read`.

    Raises:
        CalibrationError: a row is no answer, or has a note and no truth, or no row is answered;
            the message names it.
    """
    _refuse(rows, ~pl.col("row").is_in(request.rows), path, "was not asked about")
    _refuse(rows, pl.col("round") != request.round, path, f"is not of round {request.round}")
    _refuse(rows, pl.col("row").is_duplicated(), path, "comes more than once")
    current = candidates.select("row", "asked", pl.col("sample_id").alias("current_id"))
    joined = rows.join(current, on="row", how="left", maintain_order="left")
    other = joined["sample_id"].str.to_lowercase() != joined["current_id"].bin.encode("hex")
    reason = "has another sample_id than the round's candidate; the round was made anew: draw again"
    _refuse(joined, pl.lit(other.fill_null(value=True)), path, reason)
    answered = joined.with_columns(_right(candidates["asked"]).alias("right"))
    unclear = pl.col("right").is_null() & (pl.col("truth").str.strip_chars() != "")
    labels = candidates["asked"].drop_nulls().unique().sort().to_list()
    _refuse(answered, unclear, path, f"has a truth that is no answer; write {_choices(labels)}")
    if not answered["right"].is_not_null().any():
        raise CalibrationError(f"{path}: no row has a truth; write {_choices(labels)}")
    noted = pl.col("right").is_null() & (pl.col("note").str.strip_chars() != "")
    reason = f"has a note and no truth; write {_choices(labels)}, or take the note away"
    _refuse(answered, noted, path, reason)
    return answered.select(
        pl.col("round").cast(pl.Int32),
        "row",
        pl.col("current_id").alias("sample_id"),
        "asked",
        "truth",
        "note",
        "right",
    ).sort("row")


def _quota(sizes: np.ndarray[tuple[int], np.dtype[np.uint32]], rows: int) -> list[int]:
    """Number of rows of each stratum: proportional, at least one, by the largest remainders."""
    ideal = sizes * (rows / sizes.sum())
    quota = np.floor(ideal).astype(np.int64)
    left = rows - int(quota.sum())
    quota[np.argsort(-(ideal - quota), kind="stable")[:left]] += 1
    return [int(size) for size in np.minimum(np.maximum(quota, 1), sizes)]


def _parse(path: Path, labels: pl.Series) -> pl.DataFrame:
    """Parse a sheet: rows and rounds as numbers, truths as the labels or words that they mean."""
    try:
        lines = spreadsheet.read(files.read_bytes(path, MAX_BYTES).decode("utf-8-sig"))
    except OSError as error:
        raise CalibrationError(f"{path} cannot be read as a sheet: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CalibrationError(f"{path} cannot be read as CSV; correct it") from error
    for name in COLUMNS[:-1]:
        if lines and name not in lines[0][1]:
            raise CalibrationError(f"{path} has no column {name!r}; keep the columns of the sheet")
    truths = _Truths.of(labels)
    rows = [
        {
            **{name: row[name].strip() for name in ("round", "row", "sample_id")},
            "truth": truths.read(row["truth"]),
            "note": spreadsheet.text(row.get("note", "")),
        }
        for _, row in lines
    ]
    texts = pl.DataFrame(rows, schema=dict.fromkeys(READ, pl.String))
    numbers = texts.with_columns(pl.col("round", "row").cast(pl.Int64, strict=False))
    bad = numbers.select(pl.any_horizontal(pl.col("round", "row").is_null()))[:, 0]
    if bad.any():
        first = bad.arg_max() or 0
        raise CalibrationError(
            f"{path}: line {lines[first][0]} has round {texts['round'][first]!r} and row "
            f"{texts['row'][first]!r}, which are no numbers"
        )
    return numbers


@dataclass(frozen=True, slots=True)
class _Truths:
    """Reads truths: right, wrong, or a label, exactly or without the blanks at its ends."""

    labels: frozenset[str]
    trimmed: Mapping[str, str]
    """Label by its text without blanks at the ends, where that text names only one label."""

    @classmethod
    def of(cls, labels: pl.Series) -> _Truths:
        distinct = frozenset(labels.drop_nulls().unique().to_list())
        counts = Counter(label.strip() for label in distinct)
        unique = {label.strip(): label for label in distinct if counts[label.strip()] == 1}
        return cls(distinct, unique)

    def read(self, cell: str) -> str:
        """Read the label or the word that a cell means; other content stays as it is."""
        unguarded = spreadsheet.text(cell)
        # A label may begin with apostrophes itself.
        text = cell if cell in self.labels and unguarded not in self.labels else unguarded
        word = text.strip()
        if text in self.labels or not word:
            return text
        return word.lower() if word.lower() in ANSWERS else self.trimmed.get(word, word)


def _right(labels: pl.Series) -> pl.Expr:
    """Whether the candidate is what was asked for; null where the truth is blank or no answer.

    The words right and wrong are answers even where a label has the same name.
    """
    word = pl.col("truth").str.to_lowercase()
    is_label = pl.col("truth").is_in(labels.drop_nulls().unique().implode())
    return (
        pl.when(word.is_in(list(ANSWERS)))
        .then(word == "right")
        .when(is_label)
        .then(pl.col("truth") == pl.col("asked"))
        .otherwise(None)
    )


def _refuse(rows: pl.DataFrame, wrong: pl.Expr, path: str, reason: str) -> None:
    """Raise an error about the first row that is wrong, if there is one."""
    bad = rows.filter(wrong)
    if not bad.is_empty():
        said = "truth" in reason and bad["truth"][0].strip()
        truth = f" (truth {bad['truth'][0]!r})" if said else ""
        raise CalibrationError(f"{path}: row {bad['row'][0]}{truth} {reason}")


def _choices(labels: Sequence[str]) -> str:
    few = f" or one of {', '.join(labels)}" if 0 < len(labels) <= 30 else ""  # noqa: PLR2004
    return f"right, wrong{few}"
