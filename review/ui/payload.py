"""`/payload/digits/3/57?ref=digits-r003&column=image`: one column of a sample, whole."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from lake import refs
from lake.errors import NotFoundError
from review.provenance import payload
from review.ui import app_state

HEADERS: Final = {"Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'"}
"""Nothing that a payload holds loads or runs anything, however a browser shows it."""


def show(request: Request) -> Response:
    """Serve an image as PNG at full size, or a text as it is.

    Raises:
        NotFoundError: the ref does not hold the row, or its payload has no such column.
    """
    lake, at = app_state.of(request).lake, request.path_params
    ref = request.query_params.get("ref") or refs.MAIN
    column = request.query_params.get("column", "")
    parts = payload.read(lake, lake.resolve(ref).id, at["dataset"], at["round"], at["row"])
    part = next((each for each in parts or () if each.name == column), None)
    if part is None:
        raise NotFoundError(f"this row has no column {column[:40]!r} at {ref}")
    if part.picture is not None:
        return Response(part.picture.png, media_type="image/png", headers=HEADERS)
    text = part.text.encode("utf-8", "replace")
    return Response(text, media_type="text/plain; charset=utf-8", headers=HEADERS)
