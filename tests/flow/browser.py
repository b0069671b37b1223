"""A real headless Chromium on a served page; where there is none the gate fails, others skip."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests import needs
from tests.flow.projects import ROOT, Project
from tests.flow.served import Page, serving

SHOTS = ROOT / "build" / "screenshots"
SWITCHES = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars")
WAIT = 60


class Browser:
    """A browser at a page."""

    def __init__(self, driver: webdriver.Chrome, page: Page | None) -> None:
        self.driver = driver
        self._page = page

    @property
    def page(self) -> Page:
        """The page that is served; a browser for files has none."""
        assert self._page is not None
        return self._page

    def open(self, path: str) -> None:
        """Go to a page and wait until everything is there."""
        self.driver.get(self.page.url + path)
        self.settled()

    def settled(self) -> None:
        """Wait until nothing is asked for any more."""
        idle = (
            "return document.readyState === 'complete' && !document.querySelector('.htmx-request')"
        )
        WebDriverWait(self.driver, WAIT).until(lambda driver: driver.execute_script(idle))

    def follow(self, chosen: WebElement) -> None:
        """Click what leads to another page, and wait until that one is there."""
        self.driver.execute_script("window.left = true")
        chosen.click()
        WebDriverWait(self.driver, WAIT).until(
            lambda driver: driver.execute_script("return window.left === undefined")
        )
        self.settled()

    def find(self, selector: str) -> WebElement:
        """The first element that a selector finds, once there is one."""
        found = WebDriverWait(self.driver, WAIT).until(
            lambda driver: driver.find_elements(By.CSS_SELECTOR, selector)
        )
        return found[0]

    def all(self, selector: str) -> list[WebElement]:
        """All elements that a selector finds."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def look(self, name: str, *, theme: str = "light", width: int = 1280) -> None:
        """Keep a picture of the page, which must not be wider than the window."""
        self.themed(theme)
        self._size(width, 900)
        self.settled()
        whole = (
            "return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        wide, high = self.driver.execute_script(whole)
        assert wide <= width, f"{name} is {wide} pixels wide"
        self._size(width, min(high, 3000))
        SHOTS.mkdir(parents=True, exist_ok=True)
        assert self.driver.save_screenshot(str(SHOTS / f"{name}.png"))

    def themed(self, theme: str) -> None:
        """Let the system have a light or a dark theme."""
        asked = {"prefers-color-scheme": theme, "prefers-reduced-motion": "reduce"}
        media = {"features": [{"name": name, "value": value} for name, value in asked.items()]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def complaints(self) -> list[str]:
        """What the browser's console says went wrong since the last call."""
        return [each["message"] for each in self.driver.get_log("browser")]

    def _size(self, width: int, height: int) -> None:
        about: dict[str, Any] = {"width": width, "height": height}
        about |= {"deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", about)


@contextmanager
def browsing(page: Page | None, home: Path) -> Iterator[Browser]:
    """Start a browser that has not been let in; without a page, it is for files."""
    chromium, chosen = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chosen is None:
        needs.BROWSER.stop()
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for each in (*SWITCHES, f"--user-data-dir={home}"):
        options.add_argument(each)
    driver = webdriver.Chrome(options=options, service=Service(chosen))
    try:
        yield Browser(driver, page)
    finally:
        driver.quit()


def let_in(project: Project, home: Path) -> Iterator[Browser]:
    """A browser that was let in by the address that the command prints."""
    with serving(project.lake()) as page, browsing(page, home / "chromium") as found:
        found.open("/")
        assert "This browser has no access" in found.find("h1").text
        found.open(f"/enter?token={page.session.token}")
        WebDriverWait(found.driver, WAIT).until(lambda driver: driver.title == "tiny – Stemma")
        found.complaints()
        yield found
        complaints = found.complaints()
        assert complaints == [], complaints
