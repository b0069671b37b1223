"""How long a server has had nothing to do, so that one that was started on demand ends itself."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Receive, Scope, Send

from lake.server.http.app_state import AppState


class IdleMonitor:
    """Counts the requests under way and remembers when the last one ended."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app
        self._open = 0
        self._last = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        self._open += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open -= 1
            self._last = time.monotonic()

    def idle_seconds(self, app: AppState) -> float:
        """Seconds since the last request ended; 0 while one, an import or a hook is under way."""
        working = self._open or app.imports.busy or app.actions.runner.busy
        return 0.0 if working else time.monotonic() - self._last
