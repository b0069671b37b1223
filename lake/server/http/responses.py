"""Answers as HTTP responses, and errors as the status and message of the API."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from lake.errors import STATUS, LakeError, RangeError
from lake.server.catalog.database import translated
from lake.server.http.requests import Answer

_LOG = logging.getLogger("lake.server")
_STATUS_OF: Final = {kind: status for status, kind in STATUS.items()}


def response(answer: Answer) -> Response:
    """The HTTP response of an answer."""
    headers = dict(answer.headers)
    if answer.body is None:
        return Response(status_code=answer.status, headers=headers)
    if isinstance(answer.body, str):
        return Response(answer.body, answer.status, headers)
    body = json.dumps(answer.body, separators=(",", ":")).encode()
    return Response(body, answer.status, {**headers, "content-type": "application/json"})


def failure(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """The HTTP response of an error."""
    return response(Answer(status, {"message": message}, headers or {}))


async def answered(work: Callable[[], Awaitable[Response]]) -> Response:
    """Do the work; errors become the status and message of the API."""
    try:
        with translated():
            return await work()
    except RangeError as error:
        size = {"content-range": f"bytes */{error.size}"}
        return failure(416, str(error), size)
    except LakeError as error:
        return failure(_STATUS_OF.get(type(error), 500), str(error))
    except ClientDisconnect:
        return failure(400, "the request was cut off")
    except Exception:  # noqa: BLE001  a broken request must not end the server
        _LOG.exception("request failed")
        return failure(500, "internal error; see server.log of the lake")
