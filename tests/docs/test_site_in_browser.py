"""The site as it is built, in a real browser: each kind of page, in both themes."""

from __future__ import annotations

import functools
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from docs.site import __main__ as site
from review.ui.session import Session
from tests.flow.axe import violations
from tests.flow.browser import Browser, browsing
from tests.flow.served import Page

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "index.html",
    "own-data.html",
    "guard.html",
    "collapse.html",
    "tutorials/own-table.html",
    "reference/environment.html",
    "reference/python.html",
)
"""A page of each kind: the first, a way, an explanation, and references."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and prints nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
        """Say nothing."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("site")
    site.assemble(folder / "build" / "docs")
    settings = (ROOT / "zensical.toml").read_text(encoding="utf-8")
    (folder / "zensical.toml").write_text(
        settings.replace('paths = ["."]', f'paths = ["{ROOT}"]'), encoding="utf-8"
    )
    command = (Path(sys.executable).with_name("zensical"), "build", "--strict")
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE)
    handler = functools.partial(Quiet, directory=str(folder / "build" / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with httpx.Client(base_url=url) as client:
            page = Page(url, Session(), client)
            with browsing(page, folder / "chromium") as found:
                yield found
        server.shutdown()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_read_by_all_and_needs_nothing_from_elsewhere(
    browser: Browser, path: str
) -> None:
    browser.open(f"/{path}")
    for theme in ("light", "dark"):
        browser.themed(theme)
        assert violations(browser) == [], theme
    browser.look(f"site-{Path(path).stem}-narrow", width=375)
    script = "return performance.getEntriesByType('resource').map((each) => each.name)"
    asked = browser.driver.execute_script(script)
    assert [each for each in asked if not each.startswith(browser.page.url)] == []
    assert browser.complaints() == []
