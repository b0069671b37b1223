"""The web application: maps routes to handlers and errors to one sentence, behind the gate."""

from __future__ import annotations

from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from expectations.errors import CalibrationError
from lake.client import Lake
from lake.errors import InvalidError, NotFoundError, UnreachableError
from lineage.errors import QueryError
from pipelines.common.errors import ReviewError, StaleError
from review.errors import FAILURES, UsageError
from review.ui import (
    access,
    app_state,
    audit_sheet,
    comments,
    compare,
    decisions,
    failures,
    numbers,
    payload,
    queries,
    render,
    review,
    rounds,
    running,
    sample,
    sample_decisions,
    selection,
    verifiers,
)
from review.ui.access import Gate
from review.ui.app_state import AppState
from review.ui.session import Session

STATUS: Final = (
    (NotFoundError, 404),
    (UsageError, 400),
    (InvalidError, 400),
    (CalibrationError, 400),
    (QueryError, 400),
    (ReviewError, 400),
    (StaleError, 409),
    (UnreachableError, 503),
)
"""Status codes of errors that an address or the lake causes; any other error is a fault."""
HEADLINES: Final = {
    400: "This address cannot be used",
    404: "Not found",
    405: "This address cannot be used",
    409: "Something has changed, or is not there yet",
    503: "The lake does not answer",
}
"""Headlines of pages about errors, by status code."""
BRANCH: Final = "/review/{dataset}/{branch}"


def build(lake: Lake, session: Session, port: int, address: str | None = None) -> Starlette:
    """The application for a port of loopback; it serves the project in the current directory.

    Args:
        lake: the lake.
        session: who may open it.
        port: on which it listens.
        address: at which a proxy serves it, such as https://review.example.org; None: no proxy.
    """
    numbers.register()
    app = Starlette(
        routes=[
            Route("/", rounds.show),
            Route("/enter", enter),
            Route("/chart/{dataset}/{name}.svg", rounds.chart),
            Route(BRANCH, review.show),
            Route(f"{BRANCH}/summary", review.summary),
            Route(f"{BRANCH}/changes", review.changes),
            Route(f"{BRANCH}/failures", failures.show),
            Route(f"{BRANCH}/selection.{{form}}", selection.download),
            Route(f"{BRANCH}/decision", decisions.decide, methods=["POST"]),
            Route(f"{BRANCH}/comment", comments.say, methods=["POST"]),
            Route(f"{BRANCH}/samples", sample_decisions.decide, methods=["POST"]),
            Route("/sample/{dataset}/{round:round}/{row:row}", sample.show),
            Route("/payload/{dataset}/{round:round}/{row:row}", payload.show),
            Route("/compare/{dataset}", compare.show),
            Route("/running", running.show),
            Route("/sql", queries.show),
            Route("/verifiers/{dataset}", verifiers.show),
            Route("/verifiers/{dataset}/sheet", audit_sheet.show),
            Route("/verifiers/{dataset}/sheet", audit_sheet.keep, methods=["POST"]),
            Route("/page/{dataset}/{ref}/{round:round}/{name}", verifiers.page),
            Mount("/static", StaticFiles(directory=render.HERE / "static")),
        ],
        middleware=[Middleware(Gate, session=session, port=port, address=address)],
        exception_handlers={HTTPException: _not_there, Exception: _broken}
        | dict.fromkeys(FAILURES, _failed),
    )
    app.state.shared = AppState(lake, session)
    app.state.cookie = access.cookie_name(port)
    app.state.secure = address is not None and address.startswith("https:")
    return app


def enter(request: Request) -> Response:
    """Let in, once, a browser that opens the address which the command printed.

    The next page is asked for by this one, so that the cookie, which other sites' links do not
    send, is sent.
    """
    session = app_state.of(request).session
    cookie = request.cookies.get(request.app.state.cookie)
    visitor = session.enter(request.query_params.get("token", "")) or session.holds(cookie)
    if visitor is None:
        return access.refusal("this address was used; start `stemma ui` again for another")
    text = render.ENGINE.get_template("enter.html.j2").render()
    response = HTMLResponse(text, headers={"Refresh": "0; url=/"})
    response.set_cookie(
        request.app.state.cookie,
        visitor.cookie,
        httponly=True,
        samesite="strict",
        secure=request.app.state.secure and visitor.role != "owner",  # at a loopback address
        path="/",
    )
    return response


def _failed(request: Request, error: Exception) -> Response:
    status = next((code for kind, code in STATUS if isinstance(error, kind)), 500)
    return _page(request, status, str(error))


def _broken(request: Request, _: Exception) -> Response:
    message = "something went wrong here; the terminal that runs `stemma ui` says what"
    return _page(request, 500, message)


def _not_there(request: Request, error: Exception) -> Response:
    if request.url.path.startswith(access.OPEN):
        return access.refusal("there is nothing here")
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = error.detail if isinstance(error, HTTPException) else str(error)
    if status == 404:  # noqa: PLR2004  HTTP
        message = f"there is no page {request.url.path}"
    return _page(request, status, message)


def _page(request: Request, status: int, message: str) -> Response:
    """A page that says what is wrong, under a headline of its status."""
    headline = HEADLINES.get(status, "Something went wrong")
    return render.page(request, "error.html.j2", status=status, headline=headline, message=message)
