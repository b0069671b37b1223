"""Results of handlers as HTTP responses, and errors as the status and message of the API."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from pydantic_core import to_json as to_utf8
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from lake.errors import STATUS, LakeError, RangeError
from lake.server.catalog.database import sqlite_errors_translated
from lake.server.catalog.merging import MergeConflictError
from lake.server.http.requests import Result

_LOG = logging.getLogger("lake.server")
_STATUS_OF: Final = {error: status for status, error in STATUS.items()}


def to_response(result: Result) -> Response:
    """The HTTP response of a handler's result."""
    headers = dict(result.headers)
    if result.body is None:
        return Response(status_code=result.status, headers=headers)
    if isinstance(result.body, str):
        return Response(result.body, result.status, headers)
    headers["content-type"] = "application/json"
    return Response(to_json(result.body), result.status, headers)


def to_json(body: Any) -> bytes:  # noqa: ANN401  JSON
    """JSON in ASCII without spaces, of values without fractions.

    pydantic writes it four times as fast as `json`, but characters outside of ASCII, and DEL, as
    they are: a body that has any is written by `json`.
    """
    try:
        data = to_utf8(body)
    except ValueError:  # half of a surrogate pair
        data = b"\x7f"
    if data.isascii() and b"\x7f" not in data:
        return data
    return json.dumps(body, separators=(",", ":")).encode()


def error_response(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """The HTTP response of an error."""
    return to_response(Result(status, {"message": message}, headers or {}))


async def with_errors_translated(respond: Callable[[], Awaitable[Response]]) -> Response:
    """Run what makes a response; an error becomes the status and message of the API."""
    try:
        with sqlite_errors_translated():
            return await respond()
    except RangeError as error:
        return error_response(416, str(error), {"content-range": f"bytes */{error.size}"})
    except MergeConflictError as error:
        return to_response(Result(409, {"message": str(error), "reference": ""}))
    except LakeError as error:
        return error_response(_status_of(error), str(error))
    except ClientDisconnect:
        return error_response(400, "the request was cut off")
    except Exception:  # noqa: BLE001  a broken request must not end the server
        _LOG.exception("request failed")
        return error_response(500, "internal error; see server.log of the lake")


def _status_of(error: LakeError) -> int:
    """The status of an error, or of the nearest class above its own that has one."""
    return next((_STATUS_OF[cls] for cls in type(error).__mro__ if cls in _STATUS_OF), 500)
