"""Any two versions side by side, and failures grouped by reason, on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl
import pytest

from lake import refs
from pipelines.rounds import manifest
from tests.flow.planted_branch import known, plant
from tests.flow.projects import Project
from tests.flow.served import Page, notice, serving


@pytest.fixture(scope="module")
def shown(still: Project) -> Iterator[Page]:
    with serving(still.lake()) as found:
        yield found


def test_real_rows_tags_branches_and_commits_are_compared(still: Project, shown: Page) -> None:
    lake = still.lake()
    form = shown.text("/compare/tiny")
    for ref in ("main", "tiny-v0", "tiny-v2", "tiny-r003"):
        assert f'<option value="{ref}">' in form
    assert "What differs" not in form  # nothing is compared before two versions are chosen
    samples = {
        ref: len(lake.scan(ref, refs.table("tiny", "samples")).collect())
        for ref in ("tiny-v0", "tiny-v2", "tiny-r003")
    }
    added = samples["tiny-r003"] - samples["tiny-v0"]
    path = "/compare/tiny?left=tiny-v0&right=tiny-r003"
    assert f"<b>{added}</b> added" in shown.text(path)
    rows = shown.text(f"{path}&change=added&from=24")
    assert f"{added} rows added" in rows
    assert rows.count('?ref=tiny-r003">round') == 24
    commit = lake.resolve("tiny-v2").id
    removed = shown.text(f"/compare/tiny?left=tiny-r003&right={commit}&change=removed")
    assert f"{samples['tiny-r003'] - samples['tiny-v2']} rows removed" in removed
    link = re.search(r'data-step href="([^"]+ref=tiny-r003)"', removed)
    assert link is not None
    assert "Family tree" in shown.text(link[1])
    assert "Nothing differs" in shown.text(f"/compare/tiny?left=tiny-v2&right={commit}")


def test_a_version_that_is_not_there_is_said_beside_the_form(shown: Page) -> None:
    answer = shown.get("/compare/tiny?left=tiny-v9&right=main")
    assert answer.status_code == 400
    assert "tiny-v9" in notice(answer)
    assert 'value="tiny-v9"' in answer.text
    assert shown.get("/compare/nothing").status_code == 400


def test_what_a_side_changed_since_they_parted_leaves_the_other_out(shown: Page) -> None:
    path = "/compare/tiny?left=tiny-v1&right=main"
    whole, since = shown.text(path), shown.text(f"{path}&since=fork")
    assert '<option value="fork" selected>' in since
    assert re.findall(r"<b>\d+</b> added", whole) == re.findall(r"<b>\d+</b> added", since)
    back = "/compare/tiny?left=main&right=tiny-v1"
    assert "removed" in shown.text(back)
    assert "Nothing differs" in shown.text(f"{back}&since=fork")  # tiny-v1 is part of main


def test_failures_are_grouped_by_reason_with_links_to_their_candidates(
    still: Project, shown: Page
) -> None:
    known(still, "notes", "text", "text")
    lake = still.lake()
    texts = pl.DataFrame({"text": [f"text {at} <b>" for at in range(12)]})
    branch = plant(lake, "notes", texts, pl.col("row") >= 3)
    counts = {"severity": "critical", "level": "row", "passed": 3, "failed": 9, "unknown": 0}
    section = {"suite": "0" * 64, "expectations": {"looks_right": counts}}
    content = {"round": 1, "dataset": "notes", "verdicts": section}
    manifest.write(lake, branch, "notes", 1, content)
    lake.commit(branch, "Verified", {"stemma.dataset": "notes", "stemma.round": "1"})
    page = shown.text(f"/review/notes/{branch}/failures")
    assert '12 candidates, 9 rejected, 0 <span class="term">' in page
    assert page.count('<figure class="specimen">') == 8
    assert "text 3 &lt;b&gt;" in page
    listed = f"/review/notes/{branch}?expectation=looks_right&amp;verdict=failed"
    assert f'<a href="{listed}">9 failed</a>' in page
    assert "<b>9</b> of 12" in shown.text(listed.replace("&amp;", "&"))
    sample = shown.text(f"/sample/notes/1/3?ref={branch}&expectation=looks_right&verdict=failed")
    assert "1 of 9 that match" in sample
    assert f'href="/review/notes/{branch}/failures"' in shown.text(f"/review/notes/{branch}")
    assert "Every candidate passes" in shown.text("/review/tiny/tiny-r003/failures")
