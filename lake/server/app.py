"""HTTP to catalog and back: routes, credentials, errors. No decisions are made here.

A handler is a plain function of the lake and a `Call` and runs in a thread; only bodies that may be
large (uploads and downloads) are streamed here.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from http.client import OK
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from lake.errors import STATUS, Invalid, LakeError, Range, Unsupported
from lake.home import Credentials
from lake.server import api_objects as objects
from lake.server import api_refs as refs
from lake.server import api_upkeep as upkeep
from lake.server.calls import Answer, Call, Services
from lake.server.database import translated
from lake.server.objects import CHUNK, Stored, chunks

BASE: Final = "/api/v1"
R: Final = "/repositories/{repository}"
B: Final = R + "/branches/{branch}"
MAX_JSON: Final = 16 << 20
_LOG = logging.getLogger("lake.server")
_STATUS_OF: Final = {kind: status for status, kind in STATUS.items()}

Handler = Callable[[Services, Call], Answer]

HANDLERS: Final[list[tuple[str, str, Handler]]] = [
    ("POST", "/_stemma/gc", upkeep.collect_garbage),
    ("GET", "/healthcheck", refs.healthcheck),
    ("GET", "/config", refs.config),
    ("GET", "/config/version", refs.version),
    ("GET", "/config/storage", refs.storage),
    ("GET", "/user", refs.current_user),
    ("GET", "/repositories", refs.list_repositories),
    ("POST", "/repositories", refs.create_repository),
    ("GET", R, refs.get_repository),
    ("DELETE", R, refs.delete_repository),
    ("GET", R + "/metadata", refs.repository_metadata),
    ("GET", R + "/branches", refs.list_branches),
    ("POST", R + "/branches", refs.create_branch),
    ("GET", B, refs.get_branch),
    ("PUT", B, refs.reset_branch),
    ("DELETE", B, refs.delete_branch),
    ("PUT", B + "/hard_reset", refs.hard_reset_branch),
    ("POST", B + "/commits", refs.commit),
    ("GET", B + "/diff", refs.diff_branch),
    ("POST", B + "/revert", refs.revert),
    ("POST", B + "/cherry-pick", refs.cherry_pick),
    ("DELETE", B + "/objects", objects.delete_object),
    ("POST", B + "/objects/delete", objects.delete_objects),
    ("POST", B + "/objects/copy", objects.copy_object),
    ("GET", B + "/staging/backing", objects.get_physical_address),
    ("PUT", B + "/staging/backing", objects.link_physical_address),
    ("GET", R + "/tags", refs.list_tags),
    ("POST", R + "/tags", refs.create_tag),
    ("GET", R + "/tags/{tag}", refs.get_tag),
    ("DELETE", R + "/tags/{tag}", refs.delete_tag),
    ("GET", R + "/commits/{ref}", refs.get_commit),
    ("GET", R + "/refs/{ref}/commits", refs.log_commits),
    ("GET", R + "/refs/{left}/diff/{right}", refs.diff_refs),
    ("GET", R + "/refs/{source}/merge/{destination}", refs.find_merge_base),
    ("POST", R + "/refs/{source}/merge/{destination}", refs.merge),
    ("GET", R + "/refs/{ref}/objects/ls", objects.list_objects),
    ("GET", R + "/refs/{ref}/objects/stat", objects.stat_object),
]


def build(lake: Services, keys: Credentials) -> ASGIApp:
    """Make the ASGI application of a lake."""
    routes = [
        Route(BASE + path, _endpoint(lake, handler), methods=[method])
        for method, path, handler in HANDLERS
    ]
    routes += [
        Route(BASE + B + "/objects", _upload(lake), methods=["POST"]),
        Route(BASE + R + "/refs/{ref}/objects", _download(lake), methods=["GET", "HEAD"]),
        Route("/{path:path}", _unknown, methods=["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]),
    ]
    return Guarded(Starlette(routes=routes), keys)


class Guarded:
    """Lets in only requests with the lake's key pair (HTTP Basic, compared in constant time)."""

    def __init__(self, app: ASGIApp, keys: Credentials) -> None:
        """Wrap an application."""
        self._app = app
        self._expected = f"{keys.access_key_id}:{keys.secret_access_key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 to a request without the key pair."""
        if scope["type"] == "http" and scope["path"] != f"{BASE}/healthcheck":
            given = _credentials(dict(scope["headers"]).get(b"authorization", b""))
            if not hmac.compare_digest(given, self._expected):
                await _failure(401, "error authenticating request")(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _credentials(header: bytes) -> bytes:
    scheme, _, token = header.partition(b" ")
    if scheme.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(token, validate=True)
    except binascii.Error:
        return b""


def _endpoint(lake: Services, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        async def work() -> Response:
            call = _call(request, await _json(request))
            return _response(await run_in_threadpool(handler, lake, call))

        return await _answered(work)

    return answer


def _upload(lake: Services) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        async def work() -> Response:
            call = _call(request, {})
            await run_in_threadpool(lake.versions.head, call.repository, call.branch)
            stored, kind = await _received(lake, request)
            return _response(await run_in_threadpool(objects.uploaded, lake, call, stored, kind))

        return await _answered(work)

    return answer


async def _received(lake: Services, request: Request) -> tuple[Stored, str]:
    """Store the body: raw, or the part `content` of a form."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return await lake.store.receive(request.stream()), kind
    parser = MultiPartParser(request.headers, request.stream())
    form = await parser.parse()
    part = form.get("content")
    if part is None or isinstance(part, str):
        raise Invalid("the form needs a part `content`")

    async def pieces() -> AsyncIterator[bytes]:
        while piece := await part.read(CHUNK):
            yield piece

    try:
        return await lake.store.receive(pieces()), part.content_type or ""
    finally:
        await form.close()


def _download(lake: Services) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        async def work() -> Response:
            call = _call(request, {})
            found = await run_in_threadpool(objects.find_bytes, lake, call)
            if isinstance(found, Answer):
                return _response(found)
            headers = {**found.headers, "content-length": str(found.size)}
            if request.method == "HEAD":
                return Response(status_code=found.status, headers=headers)
            file = await run_in_threadpool(
                lake.store.open, found.entry.sha256, found.entry.size, whole=found.status == OK
            )
            file.seek(found.start)
            if found.size <= CHUNK:
                with file:
                    body = file.read(found.size)
                return Response(body, found.status, headers)
            return StreamingResponse(chunks(file, found.size), found.status, headers)

        return await _answered(work)

    return answer


async def _unknown(request: Request) -> Response:
    missing = Unsupported(f"{request.method} {request.url.path} is not part of this server")
    return _failure(501, str(missing))


async def _answered(work: Callable[[], Awaitable[Response]]) -> Response:
    """Do the work; errors become the status and message of the API."""
    try:
        with translated():
            return await work()
    except Range as error:
        size = {"content-range": f"bytes */{error.size}"}
        return _failure(416, str(error), size)
    except LakeError as error:
        return _failure(_STATUS_OF.get(type(error), 500), str(error))
    except Exception:  # noqa: BLE001  a broken request must not end the server
        _LOG.exception("request failed")
        return _failure(500, "internal error; see server.log of the lake")


def _call(request: Request, body: Any) -> Call:  # noqa: ANN401  JSON
    if not isinstance(body, dict):
        raise Invalid("the body must be a JSON object")
    access_key, _, _ = _credentials(request.headers.get("authorization", "").encode()).partition(
        b":"
    )
    return Call(
        path=request.path_params,
        query=request.query_params,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        user=access_key.decode(errors="replace"),
    )


async def _json(request: Request) -> Any:  # noqa: ANN401  JSON
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON:
            raise Invalid(f"the body is larger than {MAX_JSON} bytes")
    if not body:
        return {}
    try:
        found = json.loads(body)
        if b"\\u" in body:  # half a surrogate pair is valid JSON and no text
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Invalid("the body is not JSON") from error
    return found


def _response(answer: Answer) -> Response:
    headers = dict(answer.headers)
    if answer.body is None:
        return Response(status_code=answer.status, headers=headers)
    if isinstance(answer.body, str):
        return Response(answer.body, answer.status, headers)
    body = json.dumps(answer.body, separators=(",", ":")).encode()
    return Response(body, answer.status, {**headers, "content-type": "application/json"})


def _failure(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return _response(Answer(status, {"message": message}, headers or {}))
