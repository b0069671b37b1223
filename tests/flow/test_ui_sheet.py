"""The sheet of `stemma verifier audit`, filled in on the page."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import polars as pl
import pytest

from expectations.errors import CalibrationError
from lake.client import Lake
from pipelines import params
from pipelines.verification.calibrations import audits, merges
from pipelines.verification.calibrations.merges import Stored
from tests.flow.axe import violations
from tests.flow.browser import Browser, browsing
from tests.flow.projects import Project
from tests.flow.served import Page, notice, serving
from tests.flow.test_ui_shared import client_of

SHEET = "/verifiers/tiny/sheet"
DRAWN = f"{SHEET}?rows=10"
SEEN = re.compile(r'name="(csrf|seen|round|rows)" value="([^"]+)"')


def rows_of(text: str) -> list[int]:
    """The rows that a sheet asks about."""
    return sorted({int(row) for row in re.findall(r'name="truth-(\d+)"', text)})


def send(page: Page, client: httpx.Client, wrong: int, **changes: str) -> httpx.Response:
    """Answer a sheet: its first candidates are wrong, the last one stays open."""
    text = client.get(DRAWN).text
    rows = rows_of(text)
    truths = ["wrong"] * wrong + ["right"] * (len(rows) - wrong - 1) + [""]
    answers = {f"truth-{row}": truth for row, truth in zip(rows, truths, strict=True)}
    form = {**dict(SEEN.findall(text)), **answers, f"note-{rows[0]}": " <b>dark</b> ", **changes}
    return client.post(SHEET, data=form, headers={"Origin": page.url})


def newest(lake: Lake) -> Stored:
    return merges.all_of(lake, "tiny").counting[0]


def audited(project: Project, wrong: int, *words: str) -> dict[str, object]:
    """Answer the sheet of the terminal alike, and read it back."""
    place = Path("audits/tiny-r002.csv")
    if not place.exists():
        assert project.stemma("verifier", "audit", "tiny", "--rows", "10").code == 0
    sheet = pl.read_csv(place, infer_schema=False)
    truths = ["wrong"] * wrong + ["right"] * (len(sheet) - wrong - 1) + [""]
    notes = ["<b>dark</b>"] + [""] * (len(sheet) - 1)
    sheet.with_columns(truth=pl.Series(truths), note=pl.Series(notes)).write_csv(place)
    said = project.stemma("verifier", "audit", "tiny", "--sheet", str(place), *words, "--json")
    assert said.code == 0, said.said
    found: dict[str, object] = json.loads(said.out)
    return found


def test_answers_on_the_page_are_kept_as_those_of_the_terminal(copied: Project) -> None:
    lake = copied.lake()
    with ExitStack() as opened:
        page = opened.enter_context(serving(lake, ["Ada"], readers=True))
        _, *others = page.session.visitors
        ada, reader = (opened.enter_context(client_of(page, each)) for each in others)
        assert send(page, page.client, 3).status_code == 303
        first = newest(lake)
        assert (first.record.reviewer, first.record.agreement) == (None, None)
        assert (first.record.asked, first.record.answered) == (10, 9)
        assert first.record.suite.tally.wrong == 3
        assert audited(copied, 3)["path"] == first.path
        assert newest(lake) == first  # nothing was kept beside it
        kept = send(page, ada, 0)
        assert kept.headers["location"].startswith("/verifiers/tiny?kept=tiny%2Fcalibration%2F")
        check_agreement(newest(lake), first.committer)
        assert "<td>-0.133<br>" in reader.get(kept.headers["location"]).text
        again = ada.get(DRAWN).text
        assert again.count('value="right" checked') == 9
        assert 'value="&lt;b&gt;dark&lt;/b&gt;"' in again
        check_opened_again(ada, kept.headers["location"])
        check_refused(page, ada, reader)
    third = audited(copied, 3, "--reviewer", "Cid")
    assert third["agreement"]["reviewers"] == sorted(["Ada", "Cid", first.committer])  # type: ignore[index]
    proof = copied.stemma("audit", "--history", "main")
    assert proof.code == 0, proof.out


def check_agreement(stored: Stored, owner: str) -> None:
    """The record names who answered, and tells how far both agree on nine candidates."""
    assert stored.record.reviewer == stored.reviewer == "Ada"
    agreed = stored.record.agreement
    assert agreed is not None
    assert (agreed.reviewers, agreed.samples) == (tuple(sorted(["Ada", owner])), 9)
    assert agreed.alpha == pytest.approx(1 - 17 * 6 / (18**2 - 15**2 - 3**2))


def check_opened_again(ada: httpx.Client, kept: str) -> None:
    """A sheet has as many rows as the one that she kept; a smaller one says what it lacks."""
    drawn, again = ada.get(DRAWN).text, ada.get(SHEET).text
    assert rows_of(again) == rows_of(drawn)
    assert again.count('value="right" checked') == 9
    assert "that you kept before" not in again
    fewer = ada.get(f"{SHEET}?rows=4").text
    absent = 9 - fewer.count('value="right" checked')
    assert absent > 0
    assert f"{absent} answers that you kept before are about candidates that this" in fewer
    assert "Kept as tiny/calibration/" in ada.get(kept).text
    assert "Kept as" not in ada.get("/verifiers/tiny?kept=tiny%2Fcalibration%2Fnone.json").text


def check_keys_leave_answers(browser: Browser) -> None:
    """A key changes no answer where every candidate has one and none is in focus; u stays there."""
    script = (
        "document.querySelectorAll('[type=radio][value=wrong]').forEach((each) => each.click())"
    )
    browser.driver.execute_script(f"{script}; document.activeElement.blur()")
    every = len(browser.all("[data-answer]"))
    browser.find("body").send_keys("r")
    assert len(browser.all('[value="wrong"]:checked')) == every
    browser.driver.execute_script("document.querySelector('[data-answer]').focus()")
    browser.driver.switch_to.active_element.send_keys("u")
    browser.driver.switch_to.active_element.send_keys("r")
    assert len(browser.all('[value="right"]:checked')) == 1
    assert browser.all('[value="right"]:checked')[0] == browser.find('[value="right"]')


def check_refused(page: Page, ada: httpx.Client, reader: httpx.Client) -> None:
    """A sheet that is stale, empty, of a foreign form or a reader's is not kept."""
    stale = send(page, ada, 0, seen="0" * 64)
    assert stale.status_code == 409
    assert "was verified again since this sheet was drawn; open the sheet again" in stale.text
    blank = dict.fromkeys((f"truth-{row}" for row in rows_of(ada.get(DRAWN).text)), "")
    empty = send(page, ada, 0, **blank)
    assert (empty.status_code, notice(empty)) == (
        400,
        "The sheet: no row has a truth; write right, wrong or one of 0, 1.",
    )
    assert send(page, ada, 0, csrf="mine").status_code == 400
    assert send(page, ada, 0, rows="401").status_code == 400
    open_row = rows_of(ada.get(DRAWN).text)[-1]
    noted = send(page, ada, 0, **{f"note-{open_row}": "dark"})
    assert noted.status_code == 400
    assert f"row {open_row} has a note and no truth" in notice(noted)
    assert 'value="dark"' in noted.text
    shown = reader.get(DRAWN).text
    assert "for reading only" in shown
    assert 'name="truth-' not in shown
    posted = reader.post(SHEET, data={"csrf": "x"}, headers={"Origin": page.url})
    assert posted.status_code == 403


def test_a_suite_of_no_single_row_is_refused_before_anybody_answers(
    unchanged: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = unchanged.lake()
    found = audits.subject(lake, params.load(), "tiny")
    whole = replace(found, verdicts=found.verdicts.with_columns(row=pl.lit(None, pl.Int64)))
    said = "the suite of tiny judges no single row, so there is no verdict to audit"
    with pytest.raises(CalibrationError, match=said):
        audits.ask(whole, Path("none.csv"), 10)
    assert not Path("none.csv").exists()
    monkeypatch.setattr(audits, "subject", lambda *_: whole)
    with serving(lake) as page:
        answer = page.get(DRAWN)
    assert answer.status_code == 400
    assert f"T{said[1:]}" in answer.text


@pytest.mark.slow
def test_a_sheet_is_filled_in_by_keys_and_without_scripts(copied: Project, tmp_path: Path) -> None:
    lake = copied.lake()
    with serving(lake) as page, browsing(page, tmp_path / "chromium") as browser:
        browser.open(f"/enter?token={page.session.token}")
        browser.find(".timeline")
        browser.complaints()
        browser.open("/verifiers/tiny")
        browser.follow(browser.find('a[href$="/sheet"]'))
        browser.open(DRAWN)
        assert "accepted" not in browser.find("#sheet").text
        for theme in ("light", "dark"):
            browser.look(f"sheet-{theme}", theme=theme)
            assert violations(browser) == [], theme
        browser.look("sheet-320", width=320)
        browser.find("body").send_keys("wwr")
        browser.driver.switch_to.active_element.send_keys("ku")  # the third stays open after all
        assert browser.find("[data-answered]").text == "2"
        assert browser.all("dialog[open]") == []
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        browser.driver.refresh()
        cards = browser.all("[data-answer]")
        for card, truth in zip(cards[:3], ("wrong", "wrong", "right"), strict=True):
            card.find_element("css selector", f'[value="{truth}"]').click()
        browser.find(".keep button").click()
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        assert browser.find("#audits + .notice").text.startswith("Kept as tiny/calibration/")
        for theme in ("light", "dark"):
            browser.look(f"audits-{theme}", theme=theme)
            assert violations(browser) == [], theme
        assert browser.complaints() == []
        browser.open(DRAWN)
        check_keys_leave_answers(browser)
    tally = newest(lake).record.suite.tally
    assert (tally.correct, tally.wrong) == (1, 2)
