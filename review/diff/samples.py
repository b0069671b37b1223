"""Rows of a diff with their payload before and after, as short texts and small pictures.

Everything here comes from outside. Texts are cut, images are decoded under limits and encoded
again, so that nothing of an image file but its pixels reaches a page.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from lineage.decision_words import told
from pipelines.features import thumbnails
from review.diff.rows import rows_at
from review.diff.shift import is_image
from review.diff.texts import text
from review.diff.values import DataDiff

LONG: Final = 600
"""Characters of a text that a card shows."""
SHORT: Final = 40
"""Characters of a text that a cell shows."""
SIDE: Final = 96
"""Pixels of the longer side of a picture."""
NO_IMAGE: Final = "an image that cannot be read"
PLACES: Final = ("round", "row", "sample_id")


@dataclass(frozen=True, slots=True)
class Picture:
    """A small PNG file."""

    data: bytes

    @property
    def uri(self) -> str:
        """The file as a data URI."""
        return f"data:image/png;base64,{base64.b64encode(self.data).decode()}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One row that differs."""

    change: str
    location: Mapping[str, str]
    """Round, row and sample id (12 hex digits), or the key."""
    summary: str
    """A phrase about the row, such as its decision."""
    differing: tuple[str, ...]
    """Columns that differ; empty where the row was added or removed."""
    before: Mapping[str, str | Picture | None] = field(default_factory=dict)
    after: Mapping[str, str | Picture | None] = field(default_factory=dict)


def payloads(diff: DataDiff, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The payload of some rows of a diff, before and after.

    Args:
        diff: the diff.
        rows: some of `diff.rows`.

    Returns:
        Two frames, `left_at` or `right_at` first; rows that a side lacks are left out.
    """
    sides = []
    for name, frame in (("left_at", diff.before), ("right_at", diff.after)):
        positions = rows[name].drop_nulls()
        sides.append(rows_at(frame, positions).insert_column(0, positions))
    return sides[0], sides[1]


def samples(diff: DataDiff, rows: pl.DataFrame) -> Iterator[Sample]:
    """Read the payload of some rows of a diff."""
    old, new = payloads(diff, rows)
    hidden = (
        {*diff.key, *PLACES, "left_at", "right_at"}
        if diff.left
        else {
            *diff.key,
            "left_at",
            "right_at",
        }
    )
    sides = [
        {row[name]: _payload(row, frame.schema, hidden) for row in frame.iter_rows(named=True)}
        for frame, name in ((old, "left_at"), (new, "right_at"))
    ]
    candidates = _candidates(diff, rows, hidden)
    for row in rows.iter_rows(named=True):
        candidate = candidates.get((row["round"], row["row"]), {}) if candidates else {}
        yield Sample(
            change=row["change"],
            location=_location(row, diff.key),
            summary=_summary(row),
            differing=tuple(row.get("columns") or ()),
            before=sides[0].get(row["left_at"], {}),
            after=sides[1].get(row["right_at"], candidate),
        )


def as_table(diff: DataDiff, rows: int) -> tuple[list[str], list[list[str]]]:
    """The first rows of a diff as a table of short cells.

    Returns:
        The names of the columns, and the cells of each row.
    """
    shown = list(samples(diff, diff.rows.head(rows)))
    key = list(dict.fromkeys(name for sample in shown for name in sample.location))
    payload = list(
        dict.fromkeys(name for sample in shown for name in (*sample.before, *sample.after))
    )
    cells = [
        [
            sample.change,
            *(sample.location.get(name, "–") for name in key),
            *(value(sample, name) for name in payload),
            sample.summary,
        ]
        for sample in shown
    ]
    return ["change", *key, *payload, "what"], cells


def value(sample: Sample, name: str) -> str:
    """A payload value in a few characters, before and after where it differs."""
    values = [_short(side[name]) for side in (sample.before, sample.after) if name in side]
    if len(values) > 1 and name not in sample.differing:
        values = values[1:]
    return " → ".join(values) or "–"


def picture(file: bytes | None) -> Picture | None:
    """Make a small picture of an image file; None where it cannot be read within the limits."""
    small = thumbnails.png(file, SIDE)
    return None if small is None else Picture(small)


def _candidates(
    diff: DataDiff, rows: pl.DataFrame, hidden: set[str]
) -> dict[tuple[int, int], dict[str, str | Picture | None]]:
    """The payload of candidates that are not accepted, by round and row."""
    if diff.open_candidates is None:
        return {}
    alone = rows.filter(pl.col("left_at").is_null(), pl.col("right_at").is_null())
    payload = {}
    for (number,), part in alone.group_by("round"):
        generated = diff.open_candidates(int(str(number)))
        if generated is not None:
            frame = generated.filter(pl.col("row").is_in(part["row"].implode())).collect()
            for row in frame.iter_rows(named=True):
                payload[row["round"], row["row"]] = _payload(row, frame.schema, hidden)
    return payload


def _payload(
    row: Mapping[str, Any], schema: pl.Schema, hidden: set[str]
) -> dict[str, str | Picture | None]:
    payload: dict[str, str | Picture | None] = {}
    for name, value in row.items():
        if name in hidden:
            continue
        if value is None:
            payload[name] = None
        elif is_image(schema[name]):
            payload[name] = picture(value["bytes"]) or NO_IMAGE
        else:
            payload[name] = text(value, LONG)
    return payload


def _location(row: Mapping[str, Any], key: tuple[str, ...]) -> dict[str, str]:
    named = [
        *(name for name in PLACES if name in row),
        *(column for column in key if column in row),
    ]
    return {
        name: text(row[name], 12 if isinstance(row[name], bytes) else SHORT).rstrip("…")
        for name in dict.fromkeys(named)
    }


def _summary(row: Mapping[str, Any]) -> str:
    if row.get("before") is not None or row.get("after") is not None:
        return f"{text(row['before'], LONG)} → {text(row['after'], LONG)}"
    return told(row.get("decision"), [text(word, SHORT) for word in row.get("reasons") or []])


def _short(value: str | Picture | None) -> str:
    if isinstance(value, Picture):
        return "image"
    return "null" if value is None else text(value.replace("\n", " "), SHORT)
