"""The gateway beside the API: a signed request of an S3 client is answered here, others passed on.

`OPERATIONS` is the one table of what is served. A call that is not in it, and a parameter that a
call does not take, is refused by name (501), since an answer without it would be another one.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lake.errors import LakeError
from lake.server.catalog.database import sqlite_errors_translated
from lake.server.catalog.multipart import UploadGoneError
from lake.server.http import app as api
from lake.server.http import auth, downloads
from lake.server.http.app_state import AppState
from lake.server.http.requests import HttpRequest, Request, Result, headers_of, origin_of
from lake.server.http.responses import to_response
from lake.server.http.unread_bodies import UnreadBodies
from lake.server.s3 import checksums, listing, multipart, objects, payload, signature, xml
from lake.server.s3.errors import S3Error, not_implemented
from lake.server.s3.signature import Unverified, Verified
from lake.visible import visible

MAX_XML: Final = 4 << 20
"""Largest body of XML, in bytes."""
_LOG: Final = logging.getLogger("lake.server")
_SIGNING: Final = ("X-Amz-", "x-id")
"""How parameters begin that say nothing of what is to be done."""
_PAGED: Final = ("prefix", "delimiter", "max-keys", "encoding-type")

Body = AsyncIterator[bytes]
Streamed = Callable[[AppState, Request, Body], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Operation:
    """A call: what answers it, and which parameters it takes besides the one that names it.

    A `handler` runs in a thread; it takes the `AppState`, the `Request` and, `with_xml`, the body.
    A `streamed` one takes the body as it comes; without either, the bytes of an object are sent.
    """

    handler: Callable[..., Result] | None = None
    streamed: Streamed | None = None
    query: tuple[str, ...] = ()
    with_xml: bool = False
    of_object: bool = False
    """Whether checksums among the headers are those of an object, and not of the body."""


_READ: Final = Operation()
OPERATIONS: Final[dict[tuple[str, str, str], Operation]] = {
    ("GET", "service", ""): Operation(listing.list_buckets),
    ("HEAD", "bucket", ""): Operation(listing.head_bucket),
    ("GET", "bucket", "location"): Operation(listing.bucket_location),
    ("GET", "bucket", ""): Operation(listing.list_objects, query=(*_PAGED, "marker")),
    ("GET", "bucket", "list-type"): Operation(
        listing.list_objects_2,
        query=(*_PAGED, "continuation-token", "start-after", "fetch-owner"),
    ),
    ("GET", "bucket", "uploads"): Operation(multipart.list_uploads, query=("prefix",)),
    ("POST", "bucket", "delete"): Operation(objects.delete_many, with_xml=True),
    ("GET", "object", ""): _READ,
    ("HEAD", "object", ""): _READ,
    ("PUT", "object", ""): Operation(streamed=objects.put),
    ("PUT", "object", "copy"): Operation(objects.copy),
    ("DELETE", "object", ""): Operation(objects.delete),
    ("POST", "object", "uploads"): Operation(multipart.begin),
    ("PUT", "object", "uploadId"): Operation(streamed=multipart.put_part, query=("partNumber",)),
    ("POST", "object", "uploadId"): Operation(multipart.complete, with_xml=True, of_object=True),
    ("GET", "object", "uploadId"): Operation(multipart.list_parts),
    ("DELETE", "object", "uploadId"): Operation(multipart.abort),
}
"""By method, by what the path names, and by the parameter or header that names the call."""
_NAMING: Final = ("location", "list-type", "uploads", "delete", "uploadId")


def build(app: AppState) -> ASGIApp:
    """Make the ASGI application of a lake: its API, and the gateway beside it."""
    return UnreadBodies(Gateway(app, api.build(app)))


class Gateway:
    """Answers signed requests of S3 clients, and passes others on."""

    def __init__(self, app: AppState, inner: ASGIApp) -> None:
        """Wrap the application of the API."""
        self._app = app
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http" or not _may_be_signed(scope):
            await self._inner(scope, receive, send)
            return
        request_id = secrets.token_hex(8).upper()
        limit = auth.unreadable(scope)
        response = limit or await self._respond(HttpRequest(scope, receive), request_id)
        response.headers["x-amz-request-id"] = request_id
        await response(scope, receive, send)

    async def _respond(self, http: HttpRequest, request_id: str) -> Response:
        request = Request({}, {}, {})
        try:
            with sqlite_errors_translated():
                unverified = _unverified(http.scope)
                verified = await run_in_threadpool(signature.verify, unverified, self._app.keys)
                request = _request(http, verified)
                return await self._answer(http, request, verified)
        except S3Error as error:
            failure = error
        except UploadGoneError as error:
            failure = S3Error(404, "NoSuchUpload", str(error))
        except LakeError as error:
            failure = objects.bucket_error(self._app, request, error)
        except ClientDisconnect:
            failure = S3Error(400, "IncompleteBody", "the request was cut off")
        except Exception:  # noqa: BLE001  a broken request must not end the server
            _LOG.exception("request failed")
            failure = S3Error(500, "InternalError", "internal error; see server.log of the lake")
        return _error(failure, http, request_id)

    async def _answer(self, http: HttpRequest, request: Request, verified: Verified) -> Response:
        operation = _operation(http.method, request)
        if operation.handler is None and operation.streamed is None:
            is_head = http.method == "HEAD"
            return await downloads.respond(self._app, request, objects.find, is_head=is_head)
        headers = request.headers
        if operation.of_object:
            headers = {k: v for k, v in headers.items() if not checksums.is_checksum(k)}
        body = payload.proven(http.stream(), verified, headers)
        if operation.streamed is not None:
            return _response(await operation.streamed(self._app, request, body))
        data = await _small(body)
        given: tuple[Any, ...] = (data,) if operation.with_xml else ()
        handler = operation.handler
        assert handler is not None  # noqa: S101  one of the three
        return _response(await run_in_threadpool(handler, self._app, request, *given))


def _may_be_signed(scope: Scope) -> bool:
    """Whether a request has a signature of AWS, of whatever version."""
    parameters = scope["query_string"].split(b"&")
    in_query = any(each.startswith((b"X-Amz-", b"AWSAccessKeyId=")) for each in parameters)
    return in_query or auth.header(scope, b"authorization").startswith(b"AWS")


def _unverified(scope: Scope) -> Unverified:
    headers = [
        (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
        for name, value in scope["headers"]
    ]
    query = signature.query_pairs(scope["query_string"])
    return Unverified(scope["method"], scope["raw_path"], query, headers)


def _request(http: HttpRequest, verified: Verified) -> Request:
    """A request as handlers see it; its path holds `repository` and `key` where it names them."""
    bucket, _, key = http.scope["raw_path"].decode("latin-1").lstrip("/").partition("/")
    path = {"repository": unquote(bucket)} if bucket else {}
    path |= {"key": unquote(key)} if key else {}
    query = dict(signature.query_pairs(http.scope["query_string"]))
    return Request(path, query, headers_of(http), verified.key, origin_of(http))


def _operation(method: str, request: Request) -> Operation:
    """The operation that a request asks for.

    Raises:
        S3Error: there is none, or it takes no such parameter.
    """
    level = "object" if "key" in request.path else "bucket" if request.path else "service"
    naming = next((name for name in _NAMING if name in request.query), "")
    if "x-amz-copy-source" in request.headers:
        naming = f"{naming}copy"
    operation = OPERATIONS.get((method, level, naming))
    parameters = [name for name in request.query if not name.startswith(_SIGNING)]
    if operation is None:
        said = f" with {', '.join(parameters)}" if parameters else ""
        raise not_implemented(f"{method} of a {level}{said}")
    for name in parameters:
        if name != naming and name not in operation.query:
            raise not_implemented(f"the parameter {name} of {method}")
    missing = [name for name in ("partNumber",) if name in operation.query]
    if any(name not in request.query for name in missing):
        raise S3Error(400, "InvalidArgument", "partNumber is missing")
    return operation


async def _small(body: Body) -> bytes:
    """A body that is read whole.

    Raises:
        S3Error: it is too large.
    """
    data = bytearray()
    async for chunk in body:
        data += chunk
        if len(data) > MAX_XML:
            raise S3Error(413, "EntityTooLarge", f"the body is larger than {MAX_XML} bytes")
    return bytes(data)


def _response(result: Result) -> Response:
    if isinstance(result.body, bytes):
        return Response(result.body, result.status, dict(result.headers))
    return to_response(result)


def _error(error: S3Error, http: HttpRequest, request_id: str) -> Response:
    fields: list[xml.Field] = [
        ("Code", error.code),
        ("Message", visible(error.message)),
        ("Resource", visible(http.scope["raw_path"].decode("latin-1"))),
        ("RequestId", request_id),
    ]
    body = xml.document("Error", fields, namespace=False)
    content = b"" if http.method == "HEAD" else body
    return Response(content, error.status, {"content-type": "application/xml"})
