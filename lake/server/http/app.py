"""HTTP to catalog and back: routes, bodies, downloads. No decisions are made here.

A handler is a plain function of the lake and a `Call` and runs in a thread; only bodies that may be
large (uploads and downloads) are streamed here.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from http.client import OK
from typing import Any, Final
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from lake.errors import InvalidError, TooLargeError, UnsupportedError
from lake.server.http import openapi
from lake.server.http.auth import BASE, USER, Guarded
from lake.server.http.handlers import objects, presigned
from lake.server.http.requests import LIST, Answer, Call, Services
from lake.server.http.responses import answered, failure, response
from lake.server.http.routes import OPERATIONS, B, Operation, R
from lake.server.storage.hashing import CHUNK
from lake.server.storage.objects import Stored, chunks

MAX_JSON: Final = 16 << 20
"""Bytes of a body that is not an object's."""

Respond = Callable[[Request], Awaitable[Response]]
Find = Callable[[Services, Call], objects.Bytes | Answer]
_HOST: Final = re.compile(r"[\w.-]+(:\d{1,5})?|\[[\da-fA-F:.]+\](:\d{1,5})?", re.ASCII)
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


def build(lake: Services) -> ASGIApp:
    """Make the ASGI application of a lake."""
    routes = [
        Route(BASE + operation.path, _endpoint(lake, operation), methods=[operation.method])
        for operation in OPERATIONS
    ]
    signed = f"{presigned.PATH}/{{token}}/{{name}}"
    routes += [
        Route(BASE + openapi.PATH, _description, methods=["GET"]),
        Route(BASE + B + "/objects", _upload(lake), methods=["POST"]),
        Route(
            BASE + R + "/refs/{ref}/objects",
            _download(lake, objects.find_bytes),
            methods=["GET", "HEAD"],
        ),
        Route(signed, _download(lake, objects.find_signed_bytes), methods=["GET", "HEAD"]),
        Route(signed, _fill(lake), methods=["PUT"]),
        Route("/{path:path}", _unknown, methods=_METHODS),
    ]
    return Guarded(Starlette(routes=routes), lake.keys, lake.signer)


def _endpoint(lake: Services, operation: Operation) -> Respond:
    def handled(call: Call) -> Answer:
        if operation.direct:
            lake.settings.check_direct(call.repository, call.branch)
        return operation.handler(lake, call)

    async def answer(request: Request) -> Response:
        async def work() -> Response:
            call = _call(request, await _json(request))
            return response(await run_in_threadpool(handled, call))

        return await answered(work)

    return answer


def _upload(lake: Services) -> Respond:
    def check(call: Call) -> None:
        lake.settings.check_direct(call.repository, call.branch)
        lake.versions.head(call.repository, call.branch)

    async def answer(request: Request) -> Response:
        async def work() -> Response:
            call = _call(request, {})
            await run_in_threadpool(check, call)
            stored, kind = await _received(lake, request)
            return response(await run_in_threadpool(objects.uploaded, lake, call, stored, kind))

        return await answered(work)

    return answer


async def _received(lake: Services, request: Request) -> tuple[Stored, str]:
    """Store the body: raw, or the part `content` of a form."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return await lake.store.receive(request.stream()), kind
    try:
        form = await MultiPartParser(request.headers, request.stream()).parse()
    except (MultiPartException, KeyError) as error:
        raise InvalidError("the form cannot be read") from error
    part = form.get("content")
    if part is None or isinstance(part, str):
        raise InvalidError("the form needs a part `content`")

    async def pieces() -> AsyncIterator[bytes]:
        while piece := await part.read(CHUNK):
            yield piece

    try:
        return await lake.store.receive(pieces()), part.content_type or ""
    finally:
        await form.close()


def _fill(lake: Services) -> Respond:
    async def answer(request: Request) -> Response:
        async def work() -> Response:
            token = _call(request, {}).path["token"]
            return response(await presigned.receive(lake, token, request.stream()))

        return await answered(work)

    return answer


def _download(lake: Services, find: Find) -> Respond:
    async def answer(request: Request) -> Response:
        async def work() -> Response:
            call = _call(request, {})
            found = await run_in_threadpool(find, lake, call)
            if isinstance(found, Answer):
                return response(found)
            headers = {**found.headers, "content-length": str(found.size)}
            if request.method == "HEAD":
                return Response(status_code=found.status, headers=headers)
            return await _sent(lake, found, headers)

        return await answered(work)

    return answer


async def _sent(lake: Services, found: objects.Bytes, headers: dict[str, str]) -> Response:
    """Send part of an object: in one piece where it is small."""
    file = await run_in_threadpool(
        lake.store.open, found.entry.sha256, found.entry.size, whole=found.status == OK
    )
    file.seek(found.start)
    if found.size <= CHUNK:
        with file:
            body = file.read(found.size)
        return Response(body, found.status, headers)
    return StreamingResponse(chunks(file, found.size), found.status, headers)


async def _description(_request: Request) -> Response:
    return response(Answer(200, openapi.description()))


async def _unknown(request: Request) -> Response:
    missing = UnsupportedError(
        f"{request.method} {request.scope['path']} is not part of this server"
    )
    return failure(501, str(missing))


def _call(request: Request, body: Any) -> Call:  # noqa: ANN401  JSON
    if isinstance(body, list):
        body = {LIST: body}
    if not isinstance(body, dict):
        raise InvalidError("the body must be a JSON object")
    query = request.query_params
    return Call(
        path={name: unquote(value) for name, value in request.path_params.items()},
        query=query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        user=request.scope[USER],
        origin=_origin(request),
        repeated={name: query.getlist(name) for name in query},
    )


def _origin(request: Request) -> str:
    """Where the caller reached the server, by its own word if that is a host."""
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        name, port = request.scope["server"]
        host = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    return f"{request.scope['scheme']}://{host}"


async def _json(request: Request) -> Any:  # noqa: ANN401  JSON
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON:
            raise TooLargeError(f"the body is larger than {MAX_JSON} bytes")
    if not body:
        return {}
    try:
        found = json.loads(body)
        if b"\\u" in body:  # half a surrogate pair is valid JSON and no text
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidError("the body is not JSON") from error
    return found
