"""The ASGI application: routes, bodies, uploads and downloads. No decisions are made here.

A handler is a plain function of the `AppState` and a `Request` that runs in a thread; only bodies
that may be large are streamed (`uploads.py`, `downloads.py`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from lake.errors import UnsupportedError
from lake.keys import Role
from lake.server.actions.service import Approval
from lake.server.http import bodies, body_validation, downloads, openapi, permissions, uploads
from lake.server.http.app_state import AppState
from lake.server.http.auth import BASE, AuthMiddleware
from lake.server.http.downloads import FindBytes
from lake.server.http.handlers import config, objects, presigned, signed_parts
from lake.server.http.hooked import hooked
from lake.server.http.requests import HttpRequest, Request, Result, from_http, parse_json, read_body
from lake.server.http.responses import error_response, to_response, with_errors_translated
from lake.server.http.routes import OBJECTS, OPERATIONS, REF_OBJECTS, Operation

Endpoint = Callable[[HttpRequest], Awaitable[Response]]
SignedUpload = Callable[[AppState, str, AsyncIterator[bytes]], Awaitable[Result]]
"""Takes the `AppState`, the token of a signed address, and the bytes that are sent there."""
WRONG_LOGIN_SECONDS: Final = 0.5
"""How long the answer to a login with wrong keys waits, so that guessing takes its time."""
_LOG: Final = logging.getLogger("lake.server")
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


def build(app: AppState) -> ASGIApp:
    """Make the ASGI application of a lake."""
    signed = f"{presigned.PATH}/{{token}}/{{name}}"
    part = f"{signed_parts.PATH}/{{token}}/{{number}}"
    download = _download(app, _find_bytes)
    signed_download = _download(app, objects.find_signed_bytes)
    routes = [  # what is asked for most comes first, since they are tried in this order
        Route(BASE + REF_OBJECTS, download, methods=["GET", "HEAD"]),
        Route(BASE + OBJECTS, _upload(app), methods=["POST"]),
        Route(signed, signed_download, methods=["GET", "HEAD"]),
        Route(signed, _signed_upload(app, presigned.receive), methods=["PUT"]),
        Route(part, _signed_upload(app, signed_parts.receive), methods=["PUT"]),
    ]
    routes += [
        Route(BASE + operation.path, _endpoint(app, operation), methods=[operation.method])
        for operation in OPERATIONS
    ]
    routes += [
        Route(BASE + openapi.PATH, _describe, methods=["GET"]),
        Route("/{path:path}", _unsupported, methods=_METHODS),
    ]
    return AuthMiddleware(Router(routes), app.keys, app.signer)


def _endpoint(app: AppState, operation: Operation) -> Endpoint:
    def handle(request: Request, body: bytes) -> Result:
        if not operation.is_public:
            permissions.check(app, request, operation.role)
        value = parse_json(body)
        _check_change(app, operation, request, value)
        if operation.body is None:
            return operation.handler(app, request)
        return operation.handler(app, request, body_validation.validate(operation.body, value))

    async def endpoint(http: HttpRequest) -> Response:
        async def respond() -> Response:
            body = await read_body(http, bodies.max_bytes(operation.body))
            request = from_http(http)

            def attempt(approval: Approval | None) -> Result:
                return handle(replace(request, approval=approval), body)

            return to_response(await hooked(app.actions, attempt))

        response = await with_errors_translated(respond)
        if operation.handler is config.login and response.status_code == HTTPStatus.UNAUTHORIZED:
            _LOG.warning("a login with a wrong key pair was refused")
            await asyncio.sleep(WRONG_LOGIN_SECONDS)
        return response

    return endpoint


def _check_change(app: AppState, operation: Operation, request: Request, value: object) -> None:
    """Refuse a change of a read-only repository, and a direct one of a protected branch."""
    if operation.changes_repository and not (request.flag("force") or _is_forced(value)):
        app.catalog.check_writable(request.repository)
    if operation.direct:
        app.settings.check_direct_change(request.repository, request.branch)


def _is_forced(body: object) -> bool:
    """Whether a body asks for a change of what is read-only."""
    return isinstance(body, dict) and str(body.get("force")).lower() == "true"


def _upload(app: AppState) -> Endpoint:
    async def endpoint(http: HttpRequest) -> Response:
        async def respond() -> Response:
            return to_response(await uploads.upload(app, http))

        return await with_errors_translated(respond)

    return endpoint


def _signed_upload(app: AppState, receive: SignedUpload) -> Endpoint:
    async def endpoint(http: HttpRequest) -> Response:
        async def respond() -> Response:
            token = from_http(http).path["token"]
            return to_response(await receive(app, token, http.stream()))

        return await with_errors_translated(respond)

    return endpoint


def _download(app: AppState, find: FindBytes) -> Endpoint:
    async def endpoint(http: HttpRequest) -> Response:
        return await with_errors_translated(lambda: downloads.download(app, http, find))

    return endpoint


def _find_bytes(app: AppState, request: Request) -> objects.ByteRange | Result:
    permissions.check(app, request, Role.READER)
    return objects.find_bytes(app, request)


async def _describe(_http: HttpRequest) -> Response:
    return to_response(Result(200, openapi.description()))


async def _unsupported(http: HttpRequest) -> Response:
    error = UnsupportedError(f"{http.method} {http.scope['path']} is not part of this server")
    return error_response(501, str(error))
