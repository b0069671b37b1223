"""Who is let in, and what no answer lets a browser do."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from review.commands import ui
from review.errors import UsageError
from review.ui import access, audit_sheet
from review.ui.access import Gate
from review.ui.session import Session

PORT = 8477
HOST = f"127.0.0.1:{PORT}"
ADDRESS = "https://review.example.org"
BRANCH = "/review/tiny/tiny-r003"
WHATS = ("decision", "samples")
SHEET = "/verifiers/tiny/sheet"
PATHS = (SHEET, "/", "/enter", "/static/x", f"{BRANCH}/decision", f"{BRANCH}/samples")


@pytest.fixture
def session() -> Session:
    return Session(["Ada", "Bob"], readers=True)


@pytest.fixture
def client(session: Session) -> TestClient:
    def answer(_: Request) -> Response:
        return PlainTextResponse("in")

    routes = [Route(path, answer, methods=["GET", "POST"]) for path in PATHS]
    gate = Middleware(Gate, session=session, port=PORT, address=ADDRESS)
    app = Starlette(routes=routes, middleware=[gate])
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


def test_a_form_that_is_too_large_is_called_that(client: TestClient, session: Session) -> None:
    cookie = {"Cookie": f"{access.cookie_name(PORT)}={session.cookie}"}
    own = cookie | {"Origin": f"http://{HOST}"}
    much = b"x" * (access.LARGEST + 1)
    assert client.post("/", headers=own, content=much[1:]).text == "in"
    large = client.post("/", headers=own, content=much)
    assert large.status_code == 413
    assert "A form has at most 65,536 bytes here; go back and shorten its texts." in large.text
    assert "another page" not in large.text
    unknown = client.post("/", headers=own, content=iter([b"x"]))
    assert (unknown.status_code, "does not say how many bytes" in unknown.text) == (411, True)
    for length in ("-1", "1e3", "9" * 5000):
        said = client.post("/", headers=own | {"Content-Length": length}, content=b"x")
        assert said.status_code in (411, 413), length
    foreign = client.post("/", headers=cookie | {"Origin": "http://evil.example"}, content=much)
    assert foreign.status_code == 403


def test_the_largest_sheet_with_long_notes_fits(client: TestClient, session: Session) -> None:
    own = {"Cookie": f"{access.cookie_name(PORT)}={session.cookie}", "Origin": f"http://{HOST}"}
    note = "中" * audit_sheet.LONGEST_NOTE
    rows = range(10**6, 10**6 + audit_sheet.DRAWN)
    form = {f"truth-{row}": "right" for row in rows} | {f"note-{row}": note for row in rows}
    assert len(form) <= audit_sheet.FIELDS
    assert client.post(SHEET, data=form, headers=own).text == "in"
    much = b"x" * (access.LARGEST_SHEET + 1)
    assert client.post(SHEET, headers=own, content=much).status_code == 413


def test_without_a_proxy_a_form_needs_an_origin_too(session: Session) -> None:
    gate = Middleware(Gate, session=session, port=PORT)
    routes = [Route("/", lambda _: PlainTextResponse("in"), methods=["POST"])]
    alone = TestClient(Starlette(routes=routes, middleware=[gate]), base_url=f"http://{HOST}")
    cookie = {"Cookie": f"{access.cookie_name(PORT)}={session.cookie}"}
    assert alone.post("/", headers=cookie, content=b"x").status_code == 403
    assert alone.post("/", headers=cookie | {"Origin": ""}, content=b"x").status_code == 403
    own = cookie | {"Origin": f"http://{HOST}"}
    assert alone.post("/", headers=own, content=b"x").text == "in"


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


def test_each_visitor_may_do_what_their_address_is_for(
    client: TestClient, session: Session
) -> None:
    assert session.reader is not None
    ada, _ = session.reviewers
    for visitor, allowed in (
        (session.owner, (True, True)),
        (ada, (False, True)),
        (session.reader, (False, False)),
    ):
        headers = {"Cookie": f"{access.cookie_name(PORT)}={visitor.cookie}"}
        assert client.get("/", headers=headers).text == "in"
        own = headers | {"Origin": f"http://{HOST}"}
        found = [client.post(f"{BRANCH}/{what}", headers=own, content=b"x") for what in WHATS]
        assert [answer.text == "in" for answer in found] == [*allowed]
        assert all(answer.status_code in (200, 403) for answer in found)


def test_reviewers_come_in_once_under_their_name_and_readers_often(session: Session) -> None:
    ada, bob = session.reviewers
    assert session.reader is not None
    assert (session.enter(ada.token), session.enter(ada.token)) == (ada, None)
    assert session.enter(bob.token) is bob
    assert [session.enter(session.reader.token) for _ in range(3)] == [session.reader] * 3
    assert session.holds(ada.cookie) is ada
    assert session.sent(ada.csrf, ada)
    assert not session.sent(ada.csrf, bob)
    assert not session.sent(ada.csrf)
    drawn = {secret for each in session.visitors for secret in (each.token, each.cookie, each.csrf)}
    assert len(drawn) == 3 * len(session.visitors) == 12
    assert not any(secret in repr(session.visitors) for secret in drawn)


def test_the_address_of_a_proxy_is_a_name_and_an_origin(
    client: TestClient, session: Session
) -> None:
    cookie = {"Cookie": f"{access.cookie_name(PORT)}={session.cookie}"}
    there = cookie | {"Host": "review.example.org"}
    assert client.get("/", headers=there).text == "in"
    for headers in (there, cookie):  # a proxy passes the name on, or asks by its own
        own = headers | {"Origin": ADDRESS}
        assert client.post("/", headers=own, content=b"x").text == "in"
    other = there | {"Origin": "https://other.example.org"}
    assert client.post("/", headers=other, content=b"x").status_code == 403


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"share": ["Ada", "Ada"]}, "a name is given twice"),
        ({"share": [" "]}, "is no name"),
        ({"share": ["a\nb"]}, "is no name"),
        ({"share": ["x" * 101]}, "more than 100 characters"),
        ({"address": "review.example.org"}, "is no address of a proxy"),
        ({"address": "https://x.org/page"}, "is no address of a proxy"),
        ({"address": "ftp://x.org"}, "is no address of a proxy"),
        ({"address": "https://x.org:y"}, "is no address of a proxy"),
    ],
)
def test_a_name_or_an_address_that_cannot_be_used_is_said(
    options: dict[str, Any], says: str
) -> None:
    usual = {"host": "127.0.0.1", "port": 0, "share": [], "readers": False, "address": None}
    with pytest.raises(UsageError, match=says):
        ui.run(**usual | options, browser=False, as_json=False)
