"""Deciding about samples on the page: of one sample, and of all that a list shows."""

from __future__ import annotations

import re

import httpx

from lake.client import Lake
from pipelines import params
from pipelines.params import resolve
from pipelines.reviewing import decisions, store
from tests.flow.projects import Project
from tests.flow.served import Page, notice, serving

BRANCH = "tiny-r002"


def send(page: Page, at: str, **fields: str) -> httpx.Response:
    """Fill in the form about samples on a page, and send it."""
    held = dict(re.findall(r'name="(csrf|seen)" value="([^"]+)"', page.text(at)))
    place = f"{page.url}/review/tiny/{BRANCH}/samples"
    return page.client.post(place, data=held | fields, headers={"Origin": page.url})


def told(lake: Lake) -> list[tuple[object, ...]]:
    found = decisions.of_round(lake, resolve(params.load(), "tiny-2"))
    return found.table.select("row", "action", "label", "reason", "applied").rows()


def test_one_sample_is_decided_on_and_a_list_after_its_number_is_confirmed(
    copied: Project,
) -> None:
    lake = copied.lake()
    with serving(lake) as page:
        at = f"/sample/tiny/2/0?ref={BRANCH}"
        text = page.text(at)
        assert 'name="text:' not in text  # an image has no text to correct
        assert [each for each in ("0", "1") if f'<option value="{each}">' in text] == ["0", "1"]
        hostile = "<script>alert(1)</script>"
        done = send(page, at, row="0", choice="reject", reason=hostile, next="1")
        assert done.status_code == 303
        assert done.headers["location"] == f"/sample/tiny/2/1?ref={BRANCH}&done=reject"
        assert "because &lt;script&gt;alert(1)&lt;/script&gt;; not applied yet" in page.text(at)
        wanted = {"query": "column=label&value=1", "choice": "reject", "reason": "both\r\nbad"}
        listed = f"/review/tiny/{BRANCH}?column=label&value=1"
        count = int(str(re.search(r'role="status"><b>(\d+)</b>', page.text(listed))[1]))  # type: ignore[index]
        asked = send(page, listed, **wanted)
        assert (asked.status_code, len(told(lake))) == (200, 1)
        assert f"Reject: {count} samples?" in asked.text
        other = send(page, listed, **wanted, confirmed=str(count + 1))
        assert f"Reject: {count} samples?" in other.text
        assert send(page, listed, **wanted, confirmed=str(count)).status_code == 303
    assert told(lake)[0][:4] == (0, "reject", None, hostile)
    assert len(told(lake)) == 1 + count
    assert store.of_lake(lake).kept[1].record.where == "column=label&value=1"
    assert {row[3] for row in told(lake)[1:]} == {"both\nbad"}


def test_what_cannot_be_decided_is_said_and_nothing_is_kept(copied: Project) -> None:
    lake = copied.lake()
    with serving(lake) as page:
        at = f"/sample/tiny/2/0?ref={BRANCH}"
        for fields, says in (
            ({"row": "0", "choice": "reject", "reason": " "}, "A reason is needed"),
            ({"row": "0", "choice": "relabel", "label": "7", "reason": "r"}, "none of the real"),
            ({"row": "99", "choice": "reject", "reason": "r"}, "has no candidate in row 99"),
            (
                {"row": "0", "choice": "accept", "reason": "r", "seen": "0" * 64},
                "review it as it is now",
            ),
        ):
            answer = send(page, at, **fields)
            assert (answer.status_code, says in notice(answer)) == (409, True), answer.text
        for fields in ({"csrf": "x"}, {"choice": "praise"}, {"row": "../1"}):
            sent = {"row": "0", "choice": "accept", "reason": "r"} | fields
            assert send(page, at, **sent).status_code == 400
    assert store.of_lake(lake).kept == ()
