"""Two reviewers with two browsers disagree about a sample, and the round is published with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from selenium.webdriver.support.ui import Select

from lake import refs
from pipelines.inquiry import overview
from pipelines.rounds import tables
from tests.flow.browser import Browser, browsing
from tests.flow.projects import Project
from tests.flow.reviewers import lake_of
from tests.flow.served import serving

BRANCH = "tiny-r003"


@contextlib.contextmanager
def reviewer(project: Project, name: str, home: Path) -> Iterator[Browser]:
    """A reviewer's own page and browser, which is let in."""
    with serving(lake_of(project, name)) as page, browsing(page, home / name) as browser:
        browser.open(f"/enter?token={page.session.token}")
        browser.find("main")
        browser.complaints()
        yield browser


@pytest.mark.slow
def test_two_reviewers_disagree_and_the_round_is_published_with_the_last_word(
    blocked: Project, tmp_path: Path
) -> None:
    lake = blocked.lake()
    head = str(lake.head(BRANCH))
    samples = tables.read_round(lake, head, "tiny", "samples", 3).sort("row")
    row, label = samples.select("row", "label").row(0)
    other = str(1 - label)
    at = f"/sample/tiny/3/{row}?ref={BRANCH}"
    with reviewer(blocked, "ada", tmp_path) as ada, reviewer(blocked, "bob", tmp_path) as bob:
        ada.open(at)
        ada.find("body").send_keys("r")  # the key chooses, and goes to the reason
        ada.driver.switch_to.active_element.send_keys("it is a smear")
        ada.follow(ada.find("#decide button"))
        bob.open(at)
        assert "ada rejected it, because it is a smear" in bob.find(".reviews").text
        bob.look("sample-decide")
        bob.find('#decide [data-action="relabel"]').click()
        Select(bob.find('#decide [name="label"]')).select_by_value(other)
        bob.find('#decide [name="reason"]').send_keys("no smear: it is the other class")
        bob.follow(bob.find("#decide button"))
        assert "Decided." in bob.find(".notice").text
        ada.open(at)
        told = [each.text for each in ada.all(".reviews li")]
        assert told[0].endswith("because it is a smear; a later decision took its place")
        assert f"bob gave it the label {other}" in told[1]
        for browser in (ada, bob):
            assert browser.complaints() == []
    blocked.edit(lambda found: found["rounds"]["tiny-3"].update(publish={}))
    blocked.run("inputs", "tiny")
    blocked.round("tiny-3", "curate", "evaluate", "publish")
    assert overview.collect(lake, "tiny")["open"] == []
    published = tables.read_round(lake, refs.MAIN, "tiny", "samples", 3)
    made = published.filter(pl.col("sample_id") == samples["sample_id"][0])
    assert made.select("row", "label").rows() == [(24, 1 - label)]
    with serving(lake) as page:
        assert f'aria-label="Row 24, label {other}, accepted"' in page.text(
            f"/review/tiny/{BRANCH}"
        )
        told_there = page.text(f"/sample/tiny/3/24?ref={BRANCH}")
        assert f"bob gave it the label {other} (it had {label})" in told_there
        assert "None, None" not in told_there
    story = blocked.stemma("audit", samples["sample_id"][0].hex())
    assert story.code == 0
    said = " ".join(story.out.split())
    assert "ada rejected it, because it is a smear; a later decision took its place" in said
    expected = f"bob gave it the label {other} (it had {label}), because no smear: it is the other"
    assert expected in said
    assert "tiny, round 3, row 24: edited, accepted" in said
    proof = blocked.stemma("audit", "--recompute", "main")
    assert proof.code == 0, proof.out
