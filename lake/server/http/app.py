"""The ASGI application: routes, bodies, uploads and downloads. No decisions are made here.

A handler is a plain function of the `AppState` and a `Request` that runs in a thread; only bodies
that may be large (uploads and downloads) are streamed here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from lake.errors import InvalidError, UnsupportedError
from lake.server.http import bodies, body_validation, openapi
from lake.server.http.app_state import AppState
from lake.server.http.auth import BASE, AuthMiddleware
from lake.server.http.handlers import config, objects, presigned
from lake.server.http.requests import HttpRequest, Request, Result, from_http, parse_json, read_body
from lake.server.http.responses import error_response, to_response, with_errors_translated
from lake.server.http.routes import OBJECTS, OPERATIONS, REF_OBJECTS, Operation
from lake.server.storage.hashing import CHUNK, StoredObject, read_chunks

Endpoint = Callable[[HttpRequest], Awaitable[Response]]
FindBytes = Callable[[AppState, Request], objects.ByteRange | Result]
WRONG_LOGIN_SECONDS: Final = 0.5
"""How long the answer to a login with wrong keys waits, so that guessing takes its time."""
_LOG: Final = logging.getLogger("lake.server")
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


def build(app: AppState) -> ASGIApp:
    """Make the ASGI application of a lake."""
    routes = [
        Route(BASE + operation.path, _endpoint(app, operation), methods=[operation.method])
        for operation in OPERATIONS
    ]
    signed = f"{presigned.PATH}/{{token}}/{{name}}"
    download = _download(app, objects.find_bytes)
    signed_download = _download(app, objects.find_signed_bytes)
    routes += [
        Route(BASE + openapi.PATH, _describe, methods=["GET"]),
        Route(BASE + OBJECTS, _upload(app), methods=["POST"]),
        Route(BASE + REF_OBJECTS, download, methods=["GET", "HEAD"]),
        Route(signed, signed_download, methods=["GET", "HEAD"]),
        Route(signed, _signed_upload(app), methods=["PUT"]),
        Route("/{path:path}", _unsupported, methods=_METHODS),
    ]
    return AuthMiddleware(Starlette(routes=routes), app.credentials, app.signer, app.user.name)


def _endpoint(app: AppState, operation: Operation) -> Endpoint:
    def handle(request: Request, body: bytes) -> Result:
        value = parse_json(body)
        if operation.changes_repository and not (request.flag("force") or _is_forced(value)):
            app.catalog.check_writable(request.repository)
        if operation.direct:
            app.settings.check_direct_change(request.repository, request.branch)
        if operation.body is None:
            return operation.handler(app, request)
        return operation.handler(app, request, body_validation.validate(operation.body, value))

    async def endpoint(http: HttpRequest) -> Response:
        async def respond() -> Response:
            body = await read_body(http, bodies.max_bytes(operation.body))
            return to_response(await run_in_threadpool(handle, from_http(http), body))

        response = await with_errors_translated(respond)
        if operation.handler is config.login and response.status_code == HTTPStatus.UNAUTHORIZED:
            _LOG.warning("a login with a wrong key pair was refused")
            await asyncio.sleep(WRONG_LOGIN_SECONDS)
        return response

    return endpoint


def _is_forced(body: object) -> bool:
    """Whether a body asks for a change of what is read-only."""
    return isinstance(body, dict) and str(body.get("force")).lower() == "true"


def _upload(app: AppState) -> Endpoint:
    def check(request: Request) -> None:
        if not request.flag("force"):
            app.catalog.check_writable(request.repository)
        app.settings.check_direct_change(request.repository, request.branch)
        app.versions.head(request.repository, request.branch)
        objects.check_upload(request)

    async def endpoint(http: HttpRequest) -> Response:
        async def respond() -> Response:
            request = from_http(http)
            await run_in_threadpool(check, request)
            stored, media_type = await _store_body(app, http)
            staged = await run_in_threadpool(objects.stage_upload, app, request, stored, media_type)
            return to_response(staged)

        return await with_errors_translated(respond)

    return endpoint


async def _store_body(app: AppState, http: HttpRequest) -> tuple[StoredObject, str]:
    """Store the raw body, or the part `content` of a form; return it and its content type."""
    media_type = http.headers.get("content-type", "")
    if not media_type.startswith("multipart/form-data"):
        return await app.store.receive(http.stream()), media_type
    try:
        form = await MultiPartParser(http.headers, http.stream()).parse()
    except (MultiPartException, KeyError) as error:
        raise InvalidError("the form cannot be read") from error
    part = form.get("content")
    if part is None or isinstance(part, str):
        raise InvalidError("the form needs a part `content`")

    async def chunks() -> AsyncIterator[bytes]:
        while chunk := await part.read(CHUNK):
            yield chunk

    try:
        return await app.store.receive(chunks()), part.content_type or ""
    finally:
        await form.close()


def _signed_upload(app: AppState) -> Endpoint:
    async def endpoint(http: HttpRequest) -> Response:
        async def respond() -> Response:
            token = from_http(http).path["token"]
            return to_response(await presigned.receive(app, token, http.stream()))

        return await with_errors_translated(respond)

    return endpoint


def _download(app: AppState, find: FindBytes) -> Endpoint:
    async def endpoint(http: HttpRequest) -> Response:
        async def respond() -> Response:
            match = await run_in_threadpool(find, app, from_http(http))
            if isinstance(match, Result):
                return to_response(match)
            headers = {**match.headers, "content-length": str(match.size)}
            if http.method == "HEAD":
                return Response(status_code=match.status, headers=headers)
            return await _send(app, match, headers)

        return await with_errors_translated(respond)

    return endpoint


async def _send(app: AppState, part: objects.ByteRange, headers: dict[str, str]) -> Response:
    """Send a range of an object's bytes, in one piece where it is small.

    Starlette's `FileResponse` opens the path again after the bytes have been verified, answers 400
    to a malformed range and a multipart body to several; lakeFS answers 416 to both.
    """
    whole = part.status == HTTPStatus.OK
    file = await run_in_threadpool(app.store.open, part.entry.sha256, part.entry.size, whole=whole)
    file.seek(part.start)
    if part.size <= CHUNK:
        with file:
            body = file.read(part.size)
        return Response(body, part.status, headers)
    return StreamingResponse(read_chunks(file, part.size), part.status, headers)


async def _describe(_http: HttpRequest) -> Response:
    return to_response(Result(200, openapi.description()))


async def _unsupported(http: HttpRequest) -> Response:
    error = UnsupportedError(f"{http.method} {http.scope['path']} is not part of this server")
    return error_response(501, str(error))
