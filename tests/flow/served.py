"""The page at work: the real application on a port of loopback, and a browser's side of it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape

import httpx
import uvicorn

from lake.client import Lake
from review.commands import ui
from review.ui import app
from review.ui.session import Session


@dataclass(frozen=True, slots=True)
class Page:
    """A served page, and a client that has been let in."""

    url: str
    session: Session
    client: httpx.Client

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A page."""
        return self.client.get(path, headers=headers)

    def text(self, path: str) -> str:
        """A page that is there."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def decide(self, branch: str, action: str, reason: str = "", **changes: str) -> httpx.Response:
        """Fill in the form of a branch of `tiny` and send it."""
        place = f"/review/tiny/{branch}"
        held = dict(re.findall(r'name="(csrf|seen)" value="([^"]+)"', self.text(place)))
        form = held | {"action": action, "reason": reason} | changes
        return self.client.post(f"{place}/decision", data=form, headers={"Origin": self.url})


@contextmanager
def serving(lake: Lake, reviewers: Sequence[str] = (), *, readers: bool = False) -> Iterator[Page]:
    """Serve the project in the current directory, shared with reviewers and readers."""
    with ui.bound("127.0.0.1", 0) as listening:
        port = int(listening.getsockname()[1])
        session = Session(reviewers, readers=readers)
        built = app.build(lake, session, port)
        # Configuring logging closes handlers of other libraries, one of which closes its stream.
        settings = uvicorn.Config(built, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        url = f"http://127.0.0.1:{port}"
        try:
            with httpx.Client(base_url=url, timeout=60) as client:
                client.cookies.set(f"stemma-{port}", session.cookie, domain="127.0.0.1")
                yield Page(url, session, client)
        finally:
            server.should_exit = True
            thread.join(timeout=10)
            assert not thread.is_alive()


def notice(answer: httpx.Response) -> str:
    """What a page says went wrong."""
    found = re.search(r'role="alert">(.*?)</p>', answer.text, re.DOTALL)
    assert found is not None, answer.text
    return unescape(found[1]).strip()
