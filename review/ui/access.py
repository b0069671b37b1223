"""Which requests are let in, and what every response forbids the browser.

The page listens on loopback, where any program of this machine and any page in the same browser can
reach it. So a request needs the cookie of a visitor of this run, a Host header that names loopback
or the address at which a proxy serves the page (a foreign name that was rebound is refused), and,
where it changes something, an Origin of its own and the right to do so.
What samples hold is escaped, and beyond that a policy lets nothing load or run but files of this
package.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from review.ui import render
from review.ui.session import Session, Visitor

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
ROUNDS: Final = "/decision"
"""End of paths that decide about a round."""
SHEET: Final = "/sheet"
"""End of paths that take the answers of a sheet."""
LARGEST: Final = 1 << 16
"""Bytes of a form, at most."""
LARGEST_SHEET: Final = 1 << 20
"""Bytes of a sheet's form, at most: some 1,100 for a row with a note of 120 letters, each of which
takes 9."""
HEADLINES: Final = {
    403: "This browser has no access",
    411: "This form cannot be taken",
    413: "This form is too large",
}
"""Headlines of refusals, by status code."""
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not let through."""

    reason: str
    status: int = 403


class Gate(BaseHTTPMiddleware):
    """Refuses what does not come from this run's own pages."""

    def __init__(
        self, app: ASGIApp, session: Session, port: int, address: str | None = None
    ) -> None:
        """Guard an application on a port of loopback, which a proxy may serve at an address."""
        super().__init__(app)
        self._session = session
        self._public = address
        self._hosts = {f"{name}:{port}" for name in LOOPBACK}
        if address is not None:
            self._hosts.add(urlsplit(address).netloc)
        self._cookie = cookie_name(port)

    async def dispatch(self, request: Request, call_next: Handler) -> Response:
        """Let a request through, or respond with the reason why it is refused."""
        refused = self._refused(request)
        response = await call_next(request) if refused is None else _told(refused)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def _refused(self, request: Request) -> Refusal | None:
        """Why a request is refused; None where it is let through."""
        host = request.headers.get("host", "")
        if host not in self._hosts:
            return Refusal("this page answers to loopback names only, and to its own address")
        if request.url.path.startswith(OPEN):
            return None
        visitor = self._session.holds(request.cookies.get(self._cookie))
        if visitor is None:
            return Refusal(
                "open the address that `stemma ui` printed; it lets one browser in, once"
            )
        request.state.visitor = visitor
        if request.method in SAFE:
            return None
        if request.headers.get("origin", "") not in (f"http://{host}", self._public):
            return Refusal("the request comes from another page")
        return _not_allowed(visitor, request.url.path) or _too_large(request)


def _not_allowed(visitor: Visitor, path: str) -> Refusal | None:
    """Why a visitor may not change what a path changes; None where they may."""
    if not visitor.decides:
        return Refusal("this address is for reading only")
    if visitor.role != "owner" and path.endswith(ROUNDS):
        return Refusal("whoever started the page decides about rounds; others decide about samples")
    return None


def _too_large(request: Request) -> Refusal | None:
    """Why the form of a request is too large to be read; None where it is not."""
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdecimal()):
        return Refusal("the request does not say how many bytes its form has; send its length", 411)
    most = LARGEST_SHEET if request.url.path.endswith(SHEET) else LARGEST
    if len(length) > len(str(most)) or int(length) > most:
        return Refusal(
            f"a form has at most {most:,} bytes here; go back and shorten its texts", 413
        )
    return None


def visitor_of(request: Request) -> Visitor:
    """The visitor whose request was let through."""
    visitor: Visitor = request.state.visitor
    return visitor


def cookie_name(port: int) -> str:
    """Name of the cookie; cookies are shared between the ports of a host."""
    return f"stemma-{port}"


def refusal(reason: str) -> HTMLResponse:
    """A page for a browser that is not let in; it tells nothing of the project."""
    return _told(Refusal(reason))


def _told(refused: Refusal) -> HTMLResponse:
    headline = HEADLINES[refused.status]
    template = render.ENGINE.get_template("refused.html.j2")
    text = template.render(headline=headline, reason=refused.reason)
    return HTMLResponse(text, status_code=refused.status)
