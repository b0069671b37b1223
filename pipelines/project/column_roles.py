"""Which column of a source is its key, its label, its content, or travels with the samples.

Names and values decide, and what they cannot is left to the user: a column is taken for labels by
its values alone only where no other could be meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import polars as pl

from lineage import canonical
from pipelines.sources.columns import RESERVED

LABELS: Final = (
    "label",
    "labels",
    "class",
    "category",
    "topic",
    "species",
    "intent",
    "sentiment",
    "target",
    "outcome",
    "diagnosis",
    "y",
    "folder",
)
"""Names of columns that are taken for labels, the likeliest first."""
TEXTS: Final = (
    "text",
    "prompt",
    "completion",
    "instruction",
    "response",
    "question",
    "answer",
    "subject",
    "body",
    "message",
    "content",
    "title",
    "sentence",
    "review",
    "document",
)
"""Names of columns that are taken for texts, whatever their length."""
QUESTIONS: Final = ("question", "prompt", "instruction", "problem", "query", "input")
ANSWERS: Final = ("answer", "completion", "response", "output", "solution")
"""Content beside a question, whatever these columns hold."""
BESIDES: Final = (
    "truth",
    "ground_truth",
    "gold",
    "expected",
    "source",
    "url",
    "link",
    "path",
    "file",
    "filename",
    "author",
    "licence",
    "license",
    "metadata",
)
"""Names of columns that say something about a sample and are no part of it."""
NO_LABELS: Final = (
    *BESIDES,
    "split",
    "subset",
    "language",
    "lang",
    "locale",
    "country",
    "year",
    "month",
    "date",
    "user",
    "model",
    "version",
    "status",
)
"""Names of columns that are taken for labels only by order."""
KEY: Final = re.compile(
    r"^(?:id|uuid|guid|key|.*[_\-. ](?:id|uuid|guid|key)|.*[a-z](?:Id|ID|Key))$"
)
CODE: Final = r"^\S*\d\S*$"
"""A word with a digit, as codes are."""
KEY_FIRST: Final = ("id", "uuid", "guid", "key")
CLASSES: Final = 0.2
"""Share of different values up to which a column can be labels."""
MOST_CLASSES: Final = 100
MOST_BY_VALUES: Final = 20
"""Different values up to which a column without a telling name can be labels."""
OFTEN: Final = 5
"""Rows of its rarest value from which it can be."""
STRINGS: Final = ("categories", "short texts")
"""Kinds of columns of texts that are no sentences."""
NOT_KEPT: Final = ("empty", "images")
"""Kinds of columns that do not travel with the samples."""
TAKEN: Final = frozenset({"label", "image", "text", *RESERVED})
"""Names that samples have for something else."""


def key(frame: pl.DataFrame, content: tuple[str, ...]) -> str | None:
    """Find the column with a key for each row: unique texts or whole numbers, named like an id.

    Args:
        frame: All rows of a source.
        content: Columns that the user named as the content of a sample.
    """
    named = [name for name in frame.columns if KEY.match(name) or name.lower() in KEY_FIRST]
    found = [name for name in named if name not in content and _is_key(frame[name])]
    for name in KEY_FIRST:
        if name in (lower := {each.lower(): each for each in found}):
            return lower[name]
    return found[0] if found else None


def key_by_values(frame: pl.DataFrame, content: tuple[str, ...]) -> tuple[str | None, str]:
    """Find a key without a telling name: the only column of codes, another one in each row.

    In a table such a column is no content: no generator learns anything from it, and a candidate
    would have the code of a real row.

    Returns:
        Its name, and why it was taken in words; None where there is no such column, or several.
    """
    names = [name for name in frame.columns if frame.schema[name] == pl.String]
    found = [name for name in names if name not in content and _are_codes(frame[name])]
    if len(found) != 1:
        return None, ""
    return found[0], " (by its values: a code, another one in each row; --column names the content)"


def _are_codes(values: pl.Series) -> bool:
    if not _is_key(values) or len(values) < OFTEN:
        return False
    return bool(values.str.contains(CODE).all())


def _is_key(values: pl.Series) -> bool:
    if values.name in TAKEN or not (values.dtype == pl.String or values.dtype.is_integer()):
        return False
    return not values.null_count() and values.n_unique() == len(values)


def named_label(frame: pl.DataFrame) -> str | None:
    """Find the column of labels by its name, if it has few enough values; None: there is none."""
    lower = {name.lower(): name for name in frame.columns}
    for name in LABELS:
        if name in lower and _are_classes(frame[lower[name]], sure=name == LABELS[0]):
            return lower[name]
    return None


def _are_classes(values: pl.Series, *, sure: bool) -> bool:
    if values.dtype.is_nested() or values.dtype.is_float():
        return False
    most = len(values) if sure else max(2, min(MOST_CLASSES, int(CLASSES * len(values))))
    return 1 <= values.n_unique() <= most


def label_by_values(frame: pl.DataFrame) -> tuple[str | None, str]:
    """Find labels without a telling name: the only column of few values, each of them often.

    Args:
        frame: Columns of categories.

    Returns:
        Its name, and why it was taken in words; None where there is no such column, or several.
    """
    found = []
    for values in frame.get_columns():
        counts: list[int] = values.value_counts()["count"].to_list()
        few = 1 < len(counts) <= MOST_BY_VALUES and min(counts) >= OFTEN
        if few and not values.null_count() and values.name.lower() not in NO_LABELS:
            found.append((values.name, f"{len(counts)} values, each in {min(counts)} rows or more"))
    return found[0] if len(found) == 1 else (None, "")


def could_be_label(
    frame: pl.DataFrame,
    is_table: bool,
    kinds: Mapping[str, str],
) -> str | None:
    """Find a column that could hold labels: of categories, or of few whole numbers.

    Args:
        frame: Columns that have no other use.
        is_table: Whether numbers are content, as in a table.
        kinds: Kind of each column.
    """
    for values in frame.get_columns():
        if kinds[values.name] == "categories":
            return values.name
        if is_table or not values.dtype.is_integer() or values.name.lower() in NO_LABELS:
            continue
        counts: list[int] = values.drop_nulls().value_counts()["count"].to_list()
        if 1 < len(counts) <= MOST_BY_VALUES and min(counts) >= OFTEN:
            return values.name
    return None


def content(
    kinds: Mapping[str, str], besides: tuple[str | None, ...], *, all_texts: bool
) -> tuple[str, ...]:
    """Choose the columns that are the content of a text, by what each seems to be.

    Args:
        kinds: Kind of each column.
        besides: Columns that are something else.
        all_texts: Whether numbers are read as texts, as those of CSV files are.
    """
    asked = any(name.lower() in QUESTIONS for name in kinds)
    written = (*STRINGS, *(["numbers"] if all_texts else []))
    return tuple(
        name
        for name, kind in kinds.items()
        if name not in besides
        and name.lower() not in BESIDES
        and (kind == "texts" or (asked and name.lower() in ANSWERS and kind in written))
    )


def kept(others: Mapping[str, str], schema: pl.Schema) -> tuple[str, ...]:
    """Choose the columns that travel with the samples: all that nothing else uses and that can.

    Args:
        others: Kinds of the columns that are neither content nor label.
        schema: Types of the source.
    """
    return tuple(
        name
        for name, kind in others.items()
        if kind not in NOT_KEPT and name not in TAKEN and canonical.nested(schema[name]) is not None
    )
