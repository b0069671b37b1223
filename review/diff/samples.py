"""Rows of a diff with their payload before and after, as short texts and small pictures.

Everything here comes from outside. Texts are cut, images are decoded under limits and written anew,
so that nothing of an image file but its pixels reaches a page.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from pipelines.features import thumbnails
from review.diff.rows import at
from review.diff.shift import is_image
from review.diff.texts import text
from review.diff.values import DataDiff

LONG: Final = 600
"""Characters of a text that are shown."""
SHORT: Final = 40
"""The same in a cell."""
SIDE: Final = 96
"""Pixels of the longer side of a picture."""
NO_IMAGE: Final = "an image that cannot be read"
PLACES: Final = ("round", "row", "sample_id")


@dataclass(frozen=True, slots=True)
class Picture:
    """A small PNG."""

    data: bytes

    @property
    def uri(self) -> str:
        """As a data URI."""
        return f"data:image/png;base64,{base64.b64encode(self.data).decode()}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One row that differs."""

    change: str
    place: Mapping[str, str]
    """Round, row, sample (12 hex digits), or the key."""
    said: str
    """What is to be said of it, such as its decision."""
    differing: tuple[str, ...]
    """Columns that differ; all where the row was added or removed."""
    before: Mapping[str, str | Picture | None] = field(default_factory=dict)
    after: Mapping[str, str | Picture | None] = field(default_factory=dict)


def payloads(found: DataDiff, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The payload of some rows of a diff, before and after.

    Args:
        found: the diff.
        rows: some of `found.rows`.

    Returns:
        Two frames, `left_at` or `right_at` first; rows that a side lacks are left out.
    """
    sides = []
    for name, frame in (("left_at", found.before), ("right_at", found.after)):
        positions = rows[name].drop_nulls()
        sides.append(at(frame, positions).insert_column(0, positions))
    return sides[0], sides[1]


def samples(found: DataDiff, rows: pl.DataFrame) -> Iterator[Sample]:
    """Some rows of a diff with their payload."""
    old, new = payloads(found, rows)
    hidden = (
        {*found.key, *PLACES, "left_at", "right_at"}
        if found.left
        else {
            *found.key,
            "left_at",
            "right_at",
        }
    )
    sides = [
        {row[name]: _payload(row, frame.schema, hidden) for row in frame.iter_rows(named=True)}
        for frame, name in ((old, "left_at"), (new, "right_at"))
    ]
    made = _candidates(found, rows, hidden)
    for row in rows.iter_rows(named=True):
        candidate = made.get((row["round"], row["row"]), {}) if made else {}
        yield Sample(
            change=row["change"],
            place=_place(row, found.key),
            said=_said(row),
            differing=tuple(row.get("columns") or ()),
            before=sides[0].get(row["left_at"], {}),
            after=sides[1].get(row["right_at"], candidate),
        )


def value(sample: Sample, name: str) -> str:
    """A payload value, or what it was and what it is, in a few characters."""
    values = [_short(side[name]) for side in (sample.before, sample.after) if name in side]
    if len(values) > 1 and name not in sample.differing:
        values = values[1:]
    return " → ".join(values) or "–"


def picture(file: bytes | None) -> Picture | None:
    """A small picture of an image file; None where it cannot be read within the limits."""
    small = thumbnails.png(file, SIDE)
    return None if small is None else Picture(small)


def _candidates(
    found: DataDiff, rows: pl.DataFrame, hidden: set[str]
) -> dict[tuple[int, int], dict[str, str | Picture | None]]:
    """The payload of rows that are candidates and no samples, by round and row."""
    if found.made is None:
        return {}
    alone = rows.filter(pl.col("left_at").is_null(), pl.col("right_at").is_null())
    payload = {}
    for (number,), part in alone.group_by("round"):
        made = found.made(int(str(number)))
        if made is not None:
            near = made.filter(pl.col("row").is_in(part["row"].implode())).collect()
            for row in near.iter_rows(named=True):
                payload[row["round"], row["row"]] = _payload(row, near.schema, hidden)
    return payload


def _payload(
    row: Mapping[str, Any], schema: pl.Schema, hidden: set[str]
) -> dict[str, str | Picture | None]:
    found: dict[str, str | Picture | None] = {}
    for name, value in row.items():
        if name in hidden:
            continue
        if value is None:
            found[name] = None
        elif is_image(schema[name]):
            found[name] = picture(value["bytes"]) or NO_IMAGE
        else:
            found[name] = text(value, LONG)
    return found


def _place(row: Mapping[str, Any], key: tuple[str, ...]) -> dict[str, str]:
    named = [*(name for name in PLACES if name in row), *(each for each in key if each in row)]
    return {
        name: text(row[name], 12 if isinstance(row[name], bytes) else SHORT).rstrip("…")
        for name in dict.fromkeys(named)
    }


def _said(row: Mapping[str, Any]) -> str:
    if row.get("before") is not None or row.get("after") is not None:
        return f"{text(row['before'], LONG)} → {text(row['after'], LONG)}"
    reasons = ", ".join(text(each, SHORT) for each in row.get("reasons") or [])
    words = [each for each in (row.get("decision"), reasons) if each]
    return ": ".join(words)


def _short(value: str | Picture | None) -> str:
    if isinstance(value, Picture):
        return "image"
    return "null" if value is None else text(value.replace("\n", " "), SHORT)
