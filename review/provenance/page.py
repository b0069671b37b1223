"""The page on which a person audits candidates: one file, one key per row, no verdicts shown.

Images are decoded under the limits of `pipelines.features.images` and encoded again, every text is
escaped by the template engine, and a policy in the page forbids it to load anything, so what a
generator made cannot act here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
from jinja2 import Environment, FileSystemLoader

from lake import files
from lake.visible import escape_json
from pipelines.common import spreadsheet, templates
from pipelines.features import images
from pipelines.verification.verdicts.examples import Part

TEMPLATE: Final = "sheet.html.j2"
HIDDEN: Final = ("round", "row", "sample_id", "asked", "label")
"""Columns that are not shown as content."""
LONGEST: Final = 20_000
"""Characters of a text that are shown."""


@dataclass(frozen=True, slots=True)
class Card:
    """A candidate to be answered for."""

    round: int
    row: int
    sample: str
    """The sample id as hex digits."""
    asked: str
    """What the generator was asked for; empty where that is unknown."""
    parts: tuple[Part, ...]


def write(sheet: Path, drawn: pl.DataFrame, dataset: str, number: int) -> Path:
    """Write the page of a sheet beside it.

    Args:
        sheet: path of the CSV file.
        drawn: round, row, sample_id, asked and payload of the drawn candidates.
        dataset: the data set that they belong to.
        number: number of their round.

    Returns:
        The path of the page.
    """
    path = sheet.with_suffix(".html")
    files.write_text(path, page(drawn, f"{dataset}, round {number}", sheet.name))
    return path


def page(drawn: pl.DataFrame, title: str, name: str) -> str:
    """Render the page as HTML.

    Args:
        drawn: round, row, sample_id, asked and payload of the drawn candidates.
        title: what the page is about.
        name: name of the file that its button saves.
    """
    asked = drawn["asked"].fill_null("").to_list()
    about = {"name": name, "title": title, "asked": asked}
    return (
        _engine()
        .get_template(TEMPLATE)
        .render(title=title, about=about, cards=list(_cards(drawn)), spreadsheet=spreadsheet)
    )


def _engine() -> Environment:
    engine = templates.engine(FileSystemLoader(Path(__file__).parent))
    engine.policies["json.dumps_function"] = _dumps
    return engine


def _dumps(content: object, **options: Any) -> str:  # noqa: ANN401  options of `json.dumps`
    """JSON that shows nothing raw; the filter `tojson` then escapes what HTML would read."""
    return escape_json(json.dumps(content, **options))


def _cards(drawn: pl.DataFrame) -> Iterator[Card]:
    columns = [_parts(drawn[name]) for name in drawn.columns if name not in HIDDEN]
    keys = drawn.select("round", "row", pl.col("sample_id").bin.encode("hex"), "asked")
    for index, (number, row, sample, asked) in enumerate(keys.iter_rows()):
        yield Card(number, row, sample, asked or "", tuple(parts[index] for parts in columns))


def _parts(column: pl.Series) -> list[Part]:
    """Each value of a column as it is shown."""
    return list(_pictures(column)) if column.dtype == images.IMAGE else texts(column)


def texts(column: pl.Series) -> list[Part]:
    """Each value of a column that holds no images, as it is shown."""
    shown = column.cast(pl.String, strict=False).fill_null("").str.head(LONGEST)
    return [Part(column.name, text) for text in shown]


def _pictures(column: pl.Series) -> Iterator[Part]:
    for pixels in images.each_lenient(column):
        if not pixels.size:
            yield Part(column.name)
            continue
        data = base64.b64encode(*images.encode(images.to_bytes(pixels[None]))).decode()
        yield Part(column.name, picture=f"data:image/png;base64,{data}")
