"""Bodies that a client announced (`Expect: 100-continue`) and that nobody asked it for.

A client that is answered before it was told to go on need not send the body, and may use the
connection again. The server would then take its next request for that body, so the connection ends
with the answer (RFC 9110, 10.1.1).
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class UnreadBodies:
    """Ends the connection where an announced body was not asked for."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and mark its answer where that ends the connection."""
        if scope["type"] != "http" or all(name != b"expect" for name, _ in scope["headers"]):
            await self._app(scope, receive, send)
            return
        was_asked_for = False

        async def receiving() -> Message:
            nonlocal was_asked_for
            was_asked_for = True
            return await receive()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and not was_asked_for:
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receiving, sending)
