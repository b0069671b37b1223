"""The page in a real browser, from a blocked round to an approved one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from lake import refs
from pipelines.common import spreadsheet
from review.provenance import page as audit_page
from tests.flow.browser import WAIT, Browser, let_in
from tests.flow.planted_branch import known, plant
from tests.flow.projects import Project

REVIEW = "/review/tiny/tiny-r003"
REASON = "The limit was planted, and the samples are fine."


@pytest.fixture
def deciding(blocked: Project, tmp_path: Path) -> Iterator[Browser]:
    yield from let_in(blocked, tmp_path)


@pytest.fixture(scope="module")
def looking(still: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from let_in(still, tmp_path_factory.mktemp("browser"))


def test_from_a_blocked_round_to_an_approved_one(blocked: Project, deciding: Browser) -> None:
    browser = deciding
    for name, theme, width in (
        ("rounds", "light", 1280),
        ("rounds-dark", "dark", 1280),
        ("rounds-narrow", "light", 380),
    ):
        browser.look(name, theme=theme, width=width)
    browser.look("rounds")
    browser.follow(browser.find(".panel .button"))
    assert browser.find("h1 .badge").text == "blocked"
    browser.find(".counts a")  # the diff has arrived
    browser.look("review-blocked")
    browser.look("review-blocked-dark", theme="dark")
    browser.look("review-blocked-narrow", width=380)
    browser.look("review-blocked")
    approve = browser.find("button[value=approve]")
    assert approve.text == "Override and publish"
    approve.click()
    assert browser.all(".notice") == []  # the browser asks for the reason itself
    browser.find("#reason").send_keys(REASON)
    browser.follow(browser.find("button[value=approve]"))
    assert "nothing is published yet" in browser.find(".notice").text
    assert browser.find("h1 .badge").text == "blocked"
    browser.find(".counts a")
    browser.look("review-confirm")
    browser.follow(browser.find("button[value=approve]"))
    assert "published as tiny-v3" in browser.find(".notice").text
    assert browser.find("h1 .badge").text == "published"
    browser.find(".counts a")
    browser.look("review-approved")
    about = blocked.lake().resolve(refs.MAIN).metadata
    assert about["stemma.override"] == REASON
    browser.open("/")
    states = [each.text for each in browser.all(".timeline .state")]
    assert states == [*["published"] * 3, "published, overridden"]


@pytest.mark.slow
def test_a_round_is_rejected(blocked: Project, deciding: Browser) -> None:
    browser = deciding
    browser.open(REVIEW)
    browser.find("#reason").send_keys("too blurred")
    browser.follow(browser.find("button[value=reject]"))
    assert browser.find("h1 .badge").text == "rejected"
    assert "too blurred" in browser.find(".said").text
    browser.find(".counts a")
    browser.look("review-rejected")
    head = blocked.lake().resolve("tiny-r003")
    assert head.metadata["stemma.review.rejected"] == "too blurred"


@pytest.mark.slow
def test_filters_pages_and_keys(looking: Browser) -> None:
    browser = looking
    browser.open(REVIEW)
    browser.find(".counts a")
    Select(browser.find("select[name=value]")).select_by_value("1")
    WebDriverWait(browser.driver, WAIT).until(lambda driver: "value=1" in driver.current_url)
    browser.settled()
    assert browser.driver.current_url.endswith(f"{REVIEW}?column=label&value=1")
    ones = len(browser.all("[data-step]"))
    assert 0 < ones < 24
    browser.open(f"{REVIEW}?column=label&value=1")
    assert len(browser.all("[data-step]")) == ones
    browser.driver.switch_to.active_element.send_keys("j")
    browser.driver.switch_to.active_element.send_keys("j")
    browser.driver.switch_to.active_element.send_keys("k")
    first = browser.driver.switch_to.active_element
    assert first.get_attribute("href") == browser.all("[data-step]")[0].get_attribute("href")
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert browser.driver.execute_script(outline) == "solid"
    first.send_keys(Keys.ENTER)
    browser.settled()
    assert "/sample/tiny/3/" in browser.driver.current_url
    browser.find("svg .box")
    browser.look("sample")
    browser.look("sample-dark", theme="dark")
    browser.look("sample-narrow", width=380)
    browser.open("/")
    browser.find("body").send_keys(Keys.TAB)
    skip = browser.driver.switch_to.active_element
    assert (skip.text, skip.get_attribute("class")) == ("Skip to content", "skip")


@pytest.mark.slow
def test_verifiers_and_a_page_out_of_the_lake(looking: Browser) -> None:
    browser = looking
    browser.open("/verifiers/tiny")
    browser.look("verifiers")
    browser.look("verifiers-dark", theme="dark")
    browser.look("verifiers-narrow", width=380)
    assert all(each.get_attribute("alt") is not None for each in browser.all("img"))
    browser.follow(browser.driver.find_elements(By.LINK_TEXT, "GX Data Docs")[-1])
    assert browser.driver.execute_script("return window.origin") == "null"
    assert "label_agrees" in browser.find("body").text


@pytest.mark.slow
def test_a_script_in_a_text_is_a_text(still: Project, looking: Browser) -> None:
    browser = looking
    known(still, "notes", "prompt", "text")
    attack = (
        "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"
    )
    texts = pl.DataFrame({"prompt": [attack] * 4, "label": [attack] * 2 + ["b"] * 2})
    branch = plant(still.lake(), "notes", texts, pl.col("row") == 2)
    for path in (
        f"/review/notes/{branch}",
        f"/sample/notes/1/2?ref={branch}",
        f"/review/notes/{branch}/changes?change=added",
    ):
        browser.open(path)
        assert attack in browser.find("main").text
        assert "taken" not in browser.driver.title
    browser.open(f"/review/notes/{branch}")
    browser.find(".counts a")
    browser.look("review-texts")


@pytest.mark.slow
def test_a_sheet_that_a_page_saves_holds_no_formula(looking: Browser, tmp_path: Path) -> None:
    texts = [
        "=1+1",
        "'=1",
        "''",
        "it's",
        "\t=1",
        "x;=1",
        "\u200b@a",
        '"=1',
        "\uff0b1",
        " s ",
        "a,b",
        "x\ny",
    ]
    drawn = pl.DataFrame(
        {"round": [1], "row": [1], "sample_id": [b"x"], "asked": ["=1"], "text": ["a"]}
    )
    place = audit_page.write(tmp_path / "s.csv", drawn, "tiny", 1)
    looking.driver.get(place.as_uri())
    cells = looking.driver.execute_script("return arguments[0].map(cell)", texts)
    whole = spreadsheet.written(("text",), [{"text": each} for each in texts])
    assert "text\n" + "".join(f"{each}\n" for each in cells) == whole
    looking.open("/")


@pytest.mark.slow
def test_candidates_are_found_by_score_and_led_through(looking: Browser) -> None:
    browser = looking
    browser.open(REVIEW)
    browser.find(".counts a")
    Select(browser.find("select[name=score]")).select_by_value("real_distance")
    browser.find(".histogram rect")
    Select(browser.find("select[name=order]")).select_by_value("down")
    WebDriverWait(browser.driver, WAIT).until(lambda driver: "order=down" in driver.current_url)
    browser.settled()
    assert browser.driver.current_url.endswith(f"{REVIEW}?score=real_distance&order=down")
    first, second = (each.get_attribute("href") for each in browser.all("[data-step]")[:2])
    for name, theme, width in (
        ("find", "light", 1280),
        ("find-dark", "dark", 1280),
        ("find-narrow", "light", 375),
    ):
        browser.look(name, theme=theme, width=width)
    browser.driver.get(str(first))
    browser.find("#nearest")
    browser.look("nearest-narrow", theme="dark", width=375)
    browser.find("body").send_keys("n")  # the next one of the list, in its order
    WebDriverWait(browser.driver, WAIT).until(lambda driver: driver.current_url == second)
    browser.open(REVIEW)
    browser.find("input[name=text]").send_keys("nobody says that", Keys.ENTER)
    assert browser.find(".empty").text == "No candidate is like that."


@pytest.mark.slow
def test_queries_comparisons_and_failures_fit_every_window(looking: Browser) -> None:
    browser = looking
    query = quote("FROM verdicts('tiny-v2') LIMIT 20")
    for name, path in (
        ("sql", f"/sql?dataset=tiny&query={query}"),
        ("compare", "/compare/tiny?left=tiny-v0&right=tiny-r003&change=added"),
        ("failures", f"{REVIEW}/failures"),
    ):
        browser.open(path)
        browser.look(name)
        browser.look(f"{name}-dark", theme="dark")
        browser.look(f"{name}-narrow", width=375)
    browser.open("/sql?dataset=tiny")
    browser.find("#query").send_keys("SELECT 42 AS answer")
    browser.follow(browser.find(".query button"))
    assert browser.find("td").text == "42"
    browser.look("sql")
