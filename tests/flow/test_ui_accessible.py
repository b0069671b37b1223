"""No page has a violation that axe-core finds, in either theme, and keys are no trap."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from lake import refs
from review import glossary
from tests.flow.axe import violations
from tests.flow.browser import Browser, let_in
from tests.flow.projects import Project

REVIEW = "/review/tiny/tiny-r003"
PAGES = (
    "/",
    REVIEW,
    f"{REVIEW}/summary",
    f"{REVIEW}/changes?change=added",
    f"{REVIEW}/failures",
    "/sample/tiny/3/0?ref=tiny-r003",
    "/sample/tiny/0/0",
    "/verifiers/tiny",
    "/verifiers/tiny/sheet?rows=6",
    "/compare/tiny",
    "/sql",
    "/nowhere",
)
DAILY = ("/", REVIEW, "/sample/tiny/3/0?ref=tiny-r003")


@pytest.fixture(scope="module")
def browser(still: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from let_in(still, tmp_path_factory.mktemp("browser"))


@pytest.mark.parametrize(
    "path",
    [each if each in DAILY else pytest.param(each, marks=pytest.mark.slow) for each in PAGES],
)
def test_axe_finds_no_violation(browser: Browser, path: str) -> None:
    browser.open(path)
    if path == REVIEW:
        browser.find(".counts a")
    for theme in ("light", "dark"):
        browser.themed(theme)
        assert violations(browser) == [], theme
    browser.complaints()  # of the page that is not there


@pytest.mark.slow
def test_axe_finds_none_in_the_page_of_failures_by_reason(
    browser: Browser, still: Project, tmp_path: Path
) -> None:
    """As the lake holds it: where it is served no script runs, and so not axe-core's.

    The other page about verdicts is Great Expectations' own, which has its own headings.
    """
    data = still.lake().read("tiny-r003", refs.page("tiny", 3, "verdicts"))
    (tmp_path / "page.html").write_bytes(data)
    browser.driver.get((tmp_path / "page.html").as_uri())
    for theme in ("light", "dark"):
        browser.themed(theme)
        assert violations(browser) == [], theme


@pytest.mark.slow
def test_axe_finds_none_where_a_list_is_confirmed_and_a_browser_refused(browser: Browser) -> None:
    browser.open(REVIEW)
    browser.find(".bulk summary").click()
    browser.find('.bulk [data-action="reject"]').click()
    browser.find('.bulk [name="reason"]').send_keys("a smear")
    browser.follow(browser.find(".bulk button"))
    assert "24" in browser.find("main").text
    cookies = browser.driver.get_cookies()
    for refused in (False, True):
        if refused:
            browser.driver.delete_all_cookies()
            browser.open("/")
            assert "This browser has no access" in browser.find("h1").text
        for theme in ("light", "dark"):
            browser.themed(theme)
            assert violations(browser) == [], theme
    for cookie in cookies:
        browser.driver.add_cookie(cookie)
    browser.complaints()  # of the refusal


def test_a_word_is_explained_on_focus_and_escape_hides_it(browser: Browser) -> None:
    browser.open("/verifiers/tiny")
    word = browser.find(".term .word")
    meaning = browser.find(f"#{word.get_attribute('aria-describedby')}")
    assert not meaning.is_displayed()
    browser.driver.execute_script("arguments[0].focus()", word)
    assert meaning.text == glossary.find(word.text).meaning
    assert violations(browser) == []
    browser.look("word-explained", width=320)
    word.send_keys(Keys.ESCAPE)
    assert not meaning.is_displayed()
    browser.find("body").click()
    browser.driver.execute_script("arguments[0].focus()", word)
    assert meaning.is_displayed()


def focused(browser: Browser) -> Any:
    return browser.driver.switch_to.active_element


def test_the_decision_is_within_five_tab_stops(browser: Browser) -> None:
    browser.open(REVIEW)
    browser.find("body").send_keys(Keys.TAB, Keys.TAB)
    assert focused(browser).text == "Skip to the decision"
    focused(browser).send_keys(Keys.ENTER)
    where = "return document.querySelector('#decision').getBoundingClientRect().top"
    assert -1 <= browser.driver.execute_script(where) < 900
    stops = []
    for _ in range(3):
        focused(browser).send_keys(Keys.TAB)
        stops.append(focused(browser).get_attribute("id"))
    assert "reason" in stops
    browser.look("review-768", width=768)
    place = "return document.querySelector('.decide').getBoundingClientRect().top"
    assert browser.driver.execute_script(place) < browser.driver.execute_script(
        "return document.querySelector('#candidates').getBoundingClientRect().top"
    )


@pytest.mark.slow
def test_single_keys_are_listed_and_can_be_switched_off(browser: Browser) -> None:
    browser.open(REVIEW)
    body = browser.find("body")
    body.send_keys("?")
    assert browser.find("#keys[open]").is_displayed()
    assert "next and previous sample" in browser.find("#keys").text
    assert violations(browser) == []
    browser.find("[data-single-keys]").click()
    browser.find("#keys form button").click()
    before = focused(browser).get_attribute("href")
    browser.find("body").send_keys("j")
    assert focused(browser).get_attribute("href") == before
    browser.find("body").send_keys("?")
    assert browser.all("#keys[open]") == []
    browser.find("[data-keys]").click()  # which is no single key
    browser.find("[data-single-keys]").click()
    browser.find("#keys form button").click()
    browser.find("body").send_keys("j")
    assert "/sample/tiny/3/" in focused(browser).get_attribute("href")
