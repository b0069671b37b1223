"""Which requests are let in, and what every response forbids the browser.

The page listens on loopback, where any program of this machine and any page in the same browser can
reach it. So a request needs the cookie of this run, a Host header that names loopback (a foreign
name that was rebound to it is refused), and, where it changes something, an Origin of its own.
What samples hold is escaped, and beyond that a policy lets nothing load or run but files of this
package.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from review.ui import render
from review.ui.session import Session

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
SAFE: Final = ("GET", "HEAD")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "object-src 'self'; frame-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
OPEN: Final = ("/enter", "/static/")
LARGEST: Final = 1 << 16
"""Bytes of a form."""
Handler = Callable[[Request], Awaitable[Response]]


class Gate(BaseHTTPMiddleware):
    """Refuses what does not come from this run's own pages."""

    def __init__(self, app: ASGIApp, session: Session, port: int) -> None:
        """Guard an application on a port of loopback."""
        super().__init__(app)
        self._session = session
        self._hosts = {f"{name}:{port}" for name in LOOPBACK}
        self._cookie = cookie_name(port)

    async def dispatch(self, request: Request, call_next: Handler) -> Response:
        """Let a request through, or respond with the reason why it is refused."""
        reason = self._refused(request)
        response = refusal(reason) if reason else await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def _refused(self, request: Request) -> str | None:
        """Why a request is refused; None where it is let through."""
        host = request.headers.get("host", "")
        if host not in self._hosts:
            return "this page answers to loopback names only"
        if request.url.path.startswith(OPEN):
            return None
        if not self._session.holds(request.cookies.get(self._cookie)):
            return "open the address that `stemma ui` printed; it lets one browser in, once"
        if request.method not in SAFE and not _own(request, host):
            return "the request comes from another page"
        return None


def cookie_name(port: int) -> str:
    """Name of the cookie; cookies are shared between the ports of a host."""
    return f"stemma-{port}"


def _own(request: Request, host: str) -> bool:
    """Whether a request that changes something comes from a page of ours, and is small."""
    length = request.headers.get("content-length", "")
    small = length.isdecimal() and int(length) <= LARGEST
    return small and request.headers.get("origin") == f"http://{host}"


def refusal(reason: str) -> HTMLResponse:
    """A page for a browser that is not let in; it tells nothing of the project."""
    text = render.ENGINE.get_template("refused.html.j2").render(reason=reason)
    return HTMLResponse(text, status_code=403)
