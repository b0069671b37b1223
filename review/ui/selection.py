"""Downloads of the candidates that match filters: CSV, Parquet, or a ZIP file of their images."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any, Final, NamedTuple

import polars as pl
from starlette.requests import Request
from starlette.responses import Response

from lake import refs
from lineage import image_files
from lineage.errors import ImageFileError
from pipelines.common import spreadsheet
from pipelines.features import images
from review.errors import UsageError
from review.ui import app_state, candidates, facets, filters, review
from review.ui.candidates import Source
from review.ui.search import KEY

MOST_ROWS: Final = 200_000
"""Rows of one download."""
MOST_IMAGES: Final = 5_000
"""Image files of one download."""
MOST_BYTES: Final = 128 << 20
"""Bytes of the image files of one download."""
BLOCK: Final = 500
"""Rows whose images are read at once."""


class Form(NamedTuple):
    """A form in which a selection can be downloaded."""

    media_type: str
    write: Callable[[Source, pl.DataFrame], bytes]


def download(request: Request) -> Response:
    """Serve the candidates that match the filters of the query, in the form of the address.

    Raises:
        UsageError: there is no such form, or more candidates match than a download may have.
    """
    state, round_ref = app_state.requested_round(request)
    form = request.path_params["form"]
    if form not in FORMS:
        raise UsageError(f"there is no form {form[:20]!r}; take {', '.join(FORMS)}")
    source, available = review.opened(
        state.lake, round_ref.commit, round_ref.dataset, round_ref.number
    )
    wanted = facets.meant(available, filters.parse(request.query_params))
    rows = candidates.ordered(source, wanted)
    if len(rows) > MOST_ROWS:
        raise UsageError(
            f"{len(rows):,} candidates match, and a download has at most {MOST_ROWS:,}; filter "
            f"them, or run `stemma quarantine {round_ref.ref}` or `stemma sql`"
        )
    table = _table(source, rows, round_ref.dataset, round_ref.number)
    name = f"{refs.branch_name(round_ref.dataset, round_ref.number)}-selection.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    media_type, write = FORMS[form]
    return Response(write(source, table), media_type=media_type, headers=headers)


def _table(source: Source, rows: pl.Series, dataset: str, number: int) -> pl.DataFrame:
    """Key, decision and depth of rows, and their payload without what is binary or nested.

    Where the payload has a column of one of our names, ours ends in `_`.
    """
    found = candidates.described(source, rows).with_columns(
        pl.col("sample_id").bin.encode("hex"), pl.col("row").cast(pl.Int64)
    )
    schema = source.candidates.collect_schema()
    flat = [
        name
        for name, dtype in schema.items()
        if name not in KEY and not dtype.is_nested() and dtype != pl.Binary
    ]
    payload = candidates.columns(source, rows, ("row", *flat)).with_columns(
        pl.col("row").cast(pl.Int64)
    )
    key = [pl.lit(dataset).alias("dataset"), pl.lit(number, pl.Int32).alias("round")]
    ours = found.select(*key, *found.columns).rename(lambda name: _own(name, flat))
    return ours.join(payload, on="row", how="left", maintain_order="left")


def _own(name: str, payload: Container[str]) -> str:
    """A name for a column of ours that the payload does not have."""
    while name in payload:
        name += "_"
    return name


def _csv(_: Source, table: pl.DataFrame) -> bytes:
    """Write CSV in which a spreadsheet takes no text for a formula."""
    flat = table.with_columns(pl.col(pl.List(pl.String)).list.join(", "))
    return spreadsheet.written(flat.columns, flat.iter_rows(named=True)).encode()


def _parquet(_: Source, table: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    table.write_parquet(out)
    return out.getvalue()


def _zip(source: Source, table: pl.DataFrame) -> bytes:
    """Write the images of as many rows as the limits allow, and a list that names every row.

    Raises:
        UsageError: the candidates are no images.
    """
    schema = source.candidates.collect_schema()
    columns = [name for name, dtype in schema.items() if dtype == images.IMAGE]
    if not columns:
        raise UsageError("these candidates are no images; take csv or parquet")
    out = io.BytesIO()
    written: dict[int, list[str]] = {}
    room, files, left_out = MOST_BYTES, 0, 0
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for row, column, data in _images(source, table["row"], columns):
            kind = _format(data)
            fits = kind is not None and files < MOST_IMAGES and len(data or b"") <= room
            if kind is None or not fits:
                left_out += 1
                continue
            name = f"{row:08d}{f'-{column}' if len(columns) > 1 else ''}.{kind}"
            archive.writestr(name, data or b"")
            room, files = room - len(data or b""), files + 1
            written.setdefault(row, []).append(name)
        names = [", ".join(written.get(row, [])) for row in table["row"]]
        files_of = pl.Series(_own("files", table.columns), names)
        archive.writestr("rows.csv", _csv(source, table.with_columns(files_of)))
        archive.writestr("README.txt", _told(files, left_out))
    return out.getvalue()


def _told(files: int, left_out: int) -> str:
    return (
        f"{files:,} images of the rows that rows.csv lists. {left_out:,} are left out: an archive "
        f"holds at most {MOST_IMAGES:,} files and {MOST_BYTES >> 20} MiB, and only files that can "
        f"be read as images.\n"
    )


def _images(
    source: Source, rows: pl.Series, columns: list[str]
) -> Iterator[tuple[int, str, bytes | None]]:
    """Row, number of the column, and file of each image."""
    for start in range(0, len(rows), BLOCK):
        block = candidates.columns(source, rows[start : start + BLOCK], ("row", *columns))
        for row in block.iter_rows(named=True):
            for index, name in enumerate(columns):
                item: Mapping[str, Any] | None = row[name]
                yield int(row["row"]), str(index), item["bytes"] if item else None


def _format(data: bytes | None) -> str | None:
    """The end of the name of an image file, by its header; None where it is no image."""
    try:
        kind = image_files.decode(data, lambda image: image.format, warnings_are_errors=True)
    except ImageFileError:
        return None
    return None if kind is None else kind.lower()


FORMS: Final[Mapping[str, Form]] = {
    "csv": Form("text/csv; charset=utf-8", _csv),
    "parquet": Form("application/vnd.apache.parquet", _parquet),
    "zip": Form("application/zip", _zip),
}
