"""What the page says of a request that fails or takes long, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.flow.browser import WAIT, Browser, let_in
from tests.flow.projects import Project

REVIEW = "/review/tiny/tiny-r003"


@pytest.fixture(scope="module")
def browser(still: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from let_in(still, tmp_path_factory.mktemp("browser"))


def refuse(browser: Browser, *patterns: str) -> None:
    """Let requests for these addresses fail, and no others."""
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": list(patterns)})


def ask(browser: Browser, value: str) -> None:
    """Filter the candidates by a label."""
    Select(browser.find("select[name=value]")).select_by_value(value)


def said(browser: Browser, target: str) -> str:
    """What stands instead of a part of the page, of which nothing else is shown."""
    sentence = browser.find(f"{target} > .failure p").text
    assert all(not each.is_displayed() for each in browser.all(f"{target} > :not(.failure)")), (
        "something old is still shown"
    )
    return sentence


def test_a_failed_request_leaves_nothing_old_and_is_tried_again(browser: Browser) -> None:
    refuse(browser, "*/summary", "*value=*")
    browser.driver.get(browser.page.url + REVIEW)
    assert said(browser, "#summary").startswith("The page does not answer")
    before = len(browser.all("[data-step]"))
    ask(browser, "1")
    assert said(browser, "#candidates").startswith("The page does not answer")
    browser.look("review-failed")
    refuse(browser)
    browser.complaints()  # of the requests that were refused
    browser.find("#candidates > .failure button").click()
    WebDriverWait(browser.driver, WAIT).until(lambda driver: "value=1" in driver.current_url)
    browser.settled()
    assert browser.all("#candidates .failure") == []
    assert 0 < len(browser.all("[data-step]")) < before
    browser.find("#summary > .failure button").click()
    browser.find("#summary .counts a")
    assert browser.all("#summary .failure") == []
    assert browser.find("#summary").is_displayed()


def test_an_error_is_shown_in_the_words_of_the_server(browser: Browser) -> None:
    browser.open(REVIEW)
    browser.driver.execute_script("document.querySelector('[name=column]').value = 'image'")
    ask(browser, "1")
    assert said(browser, "#candidates") == "There is no column 'image' to filter by."
    browser.complaints()  # of the status 400


def test_a_slow_request_dims_the_list_and_ends(browser: Browser) -> None:
    browser.open(REVIEW)
    browser.find(".counts a")
    slow = {"offline": False, "latency": 3000, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
    browser.driver.execute_script("htmx.config.timeout = 1000")
    ask(browser, "1")
    assert browser.find("#candidates").get_attribute("aria-busy") == "true"
    dimmed = "return getComputedStyle(document.querySelector('#candidates > .split')).opacity"
    assert float(browser.driver.execute_script(dimmed)) < 0.5
    assert said(browser, "#candidates").startswith("No answer came")
    assert browser.find("#candidates").get_attribute("aria-busy") is None
    browser.complaints()  # of the time that had passed
    quick = slow | {"latency": 0}
    browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", quick)


@pytest.mark.slow
def test_focus_stays_where_pages_turn(browser: Browser) -> None:
    browser.open(f"{REVIEW}?before=4")
    browser.driver.execute_script("document.querySelector('#next').focus()")
    browser.driver.switch_to.active_element.send_keys("\n")
    WebDriverWait(browser.driver, WAIT).until(lambda driver: "after=3" in driver.current_url)
    browser.settled()
    focused = browser.driver.switch_to.active_element.get_attribute("id")
    assert focused == "candidates"  # the last page has no next one
    browser.driver.execute_script("document.querySelector('#prev').focus()")
    browser.driver.switch_to.active_element.send_keys("\n")
    WebDriverWait(browser.driver, WAIT).until(lambda driver: "before=" in driver.current_url)
    browser.settled()
    assert browser.driver.switch_to.active_element.get_attribute("id") == "candidates"
