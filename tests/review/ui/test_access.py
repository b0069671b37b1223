"""Who is let in, and what no answer lets a browser do."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from review.commands import ui
from review.errors import UsageError
from review.ui import access
from review.ui.access import Gate
from review.ui.session import Session

PORT = 8477
HOST = f"127.0.0.1:{PORT}"


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def client(session: Session) -> TestClient:
    def answer(_: Request) -> Response:
        return PlainTextResponse("in")

    routes = [Route(path, answer, methods=["GET", "POST"]) for path in ("/", "/enter", "/static/x")]
    app = Starlette(routes=routes, middleware=[Middleware(Gate, session=session, port=PORT)])
    return TestClient(app, base_url=f"http://{HOST}")


def test_only_this_runs_cookie_opens_a_page(client: TestClient, session: Session) -> None:
    assert client.get("/").status_code == 403
    name = access.cookie_name(PORT)
    for cookie in ("", session.csrf, session.token, session.cookie[:-1]):
        assert client.get("/", headers={"Cookie": f"{name}={cookie}"}).status_code == 403
    assert client.get("/", headers={"Cookie": f"{name}={session.cookie}"}).text == "in"
    assert client.get("/enter").text == client.get("/static/x").text == "in"


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", f"127.0.0.1.evil:{PORT}", ""]
)
def test_a_name_that_was_rebound_is_refused(
    client: TestClient, session: Session, host: str
) -> None:
    cookie = f"{access.cookie_name(PORT)}={session.cookie}"
    answer = client.get("/", headers={"Host": host, "Cookie": cookie})
    assert answer.status_code == 403
    assert "loopback" in answer.text
    assert client.get("/enter", headers={"Host": host}).status_code == 403
    for own in (f"localhost:{PORT}", f"[::1]:{PORT}"):
        assert client.get("/", headers={"Host": own, "Cookie": cookie}).text == "in"


def test_only_its_own_pages_change_anything(client: TestClient, session: Session) -> None:
    cookie = {"Cookie": f"{access.cookie_name(PORT)}={session.cookie}"}
    own = cookie | {"Origin": f"http://{HOST}"}
    assert client.post("/", headers=own, content=b"x").text == "in"
    for origin in ("null", f"https://{HOST}", "http://127.0.0.1:1", "http://evil.example"):
        assert client.post("/", headers=cookie | {"Origin": origin}).status_code == 403
    assert client.post("/", headers=cookie).status_code == 403
    much = b"x" * (access.LARGEST + 1)
    assert client.post("/", headers=own, content=much).status_code == 403
    assert client.post("/", headers=own, content=iter([b"x"])).status_code == 403  # of unknown size


def test_every_answer_forbids_what_is_not_needed(client: TestClient) -> None:
    for path in ("/", "/enter", "/nowhere"):
        given = client.get(path).headers
        assert given["content-security-policy"] == access.POLICY
        assert given["x-content-type-options"] == "nosniff"
        assert given["cache-control"] == "no-store"


def test_an_address_lets_in_once(session: Session) -> None:
    assert not session.enter("")
    assert not session.enter(session.token[:-1] + "é")
    assert session.enter(session.token)
    assert not session.enter(session.token)
    assert session.holds(session.cookie)
    assert not session.holds(None)
    assert session.sent(session.csrf)
    assert not session.sent(None)
    assert len({session.token, session.cookie, session.csrf}) == 3


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "example.org", "::"])  # noqa: S104
def test_other_machines_are_not_served(host: str) -> None:
    with pytest.raises(UsageError, match="is not loopback"):
        ui.bound(host, 0)


def test_a_port_that_is_taken_is_named() -> None:
    with ui.bound("localhost", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} cannot be used"):
            ui.bound("localhost", port)
