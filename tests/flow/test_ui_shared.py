"""A shared page: reviewers decide under their names, readers read, and all see the comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx

from review.ui.session import Visitor
from tests.flow.projects import Project
from tests.flow.served import Page, serving

BRANCH = "tiny-r002"
ROUND = f"/review/tiny/{BRANCH}"
SAMPLE = f"/sample/tiny/2/0?ref={BRANCH}"


@contextmanager
def client_of(page: Page, visitor: Visitor) -> Iterator[httpx.Client]:
    """The browser of a visitor, which is let in by the address that is theirs."""
    with httpx.Client(base_url=page.url, timeout=60) as client:
        assert client.get(f"/enter?token={visitor.token}").status_code == 200
        yield client


def send(page: Page, client: httpx.Client, at: str, to: str, **fields: str) -> httpx.Response:
    """Fill in a form of a page, and send it."""
    held = dict(re.findall(r'name="(csrf|seen)" value="([^"]+)"', client.get(at).text))
    return client.post(f"{ROUND}/{to}", data=held | fields, headers={"Origin": page.url})


def test_reviewers_decide_and_comment_under_their_names_and_readers_only_read(
    copied: Project,
) -> None:
    with ExitStack() as open_now:
        page = open_now.enter_context(serving(copied.lake(), ["Ada", "Bob"], readers=True))
        assert page.session.reader is not None
        visitors = (*page.session.reviewers, page.session.reader)
        ada, bob, reader = (open_now.enter_context(client_of(page, each)) for each in visitors)
        fields = {"row": "0", "choice": "reject", "reason": "a smear"}
        assert send(page, ada, SAMPLE, "samples", **fields).status_code == 303
        said = send(page, bob, SAMPLE, "comment", row="0", text="<b>is it?</b>\r\nI see none")
        assert said.headers["location"] == f"{SAMPLE}#comments"
        assert send(page, bob, ROUND, "comment", text="a dark round").status_code == 303
        assert "A comment needs a text." in send(page, bob, ROUND, "comment", text=" ").text
        shown = reader.get(SAMPLE).text
        assert "Ada (through " in shown
        assert 'Bob:</span> <span dir="auto">&lt;b&gt;is it?&lt;/b&gt;' in shown
        assert "a dark round" not in shown
        assert '<form method="post"' not in shown + reader.get(ROUND).text
        assert "a dark round" in reader.get(ROUND).text
        for client, at, to in ((reader, SAMPLE, "samples"), (bob, ROUND, "decision")):
            assert send(page, client, at, to, **fields).status_code == 403
        foreign = {"csrf": page.session.csrf, "row": "1", "choice": "reject", "reason": "r"}
        assert send(page, ada, SAMPLE, "samples", **foreign).status_code == 400
        check_parts(ada)
    check_terminal(copied)


def check_parts(client: httpx.Client) -> None:
    """The list is shared out among the reviewers."""
    lists = [client.get(f"{ROUND}?part={part}").text for part in ("1/2", "2/2")]
    rows = [{int(row) for row in re.findall(r"/sample/tiny/2/(\d+)\?", text)} for text in lists]
    assert not rows[0] & rows[1]
    assert {row % 2 for row in rows[0]} == {0}
    assert rows[0] | rows[1] == {*range(24)}
    assert '<option value="2/2" selected>Bob</option>' in lists[1]


def check_terminal(project: Project) -> None:
    """The terminal says and lists comments too, and no stage runs again because of one."""
    said = project.stemma("round", "comment", "tiny-2", "and so say I", "--sample", "0")
    assert said.code == 0, said.err
    listed = json.loads(project.stemma("round", "reviews", "tiny-2", "--json").out)
    told = [(each["reviewer"], each["row"], each["text"]) for each in listed["comments"]]
    assert told[:2] == [("Bob", 0, "<b>is it?</b>\nI see none"), ("Bob", None, "a dark round")]
    assert told[2][1:] == (0, "and so say I")
    assert [each["reviewer"] for each in listed["decisions"]] == ["Ada"]
    assert listed["agreement"] is None
    project.run("inputs", "tiny")
    digest = (project.root / "rounds/reviews.json").read_text()
    assert project.stemma("round", "comment", "tiny-2", "more").code == 0
    project.run("inputs", "tiny")
    assert (project.root / "rounds/reviews.json").read_text() == digest
