"""What axe-core finds wrong with a page (Deque Systems, MPL-2.0; it is installed, not copied)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import selenium_axe_python

from tests.flow.browser import Browser

AXE = Path(selenium_axe_python.__file__).parent / "axe-core" / "axe.min.js"
SECONDS = 120
"""For a long page on a busy machine."""
FOUND = """
const done = arguments[arguments.length - 1];
document.querySelectorAll("details").forEach((each) => { each.open = true; });
axe.run({rules: {"target-size": {enabled: true}}}).then((found) => done(found.violations.map(
  (each) => [each.id, each.nodes.map((node) => [node.target.join(" "), node.failureSummary])])));
"""


def violations(browser: Browser) -> list[Any]:
    """What is wrong, with all that can be opened open."""
    browser.driver.set_script_timeout(SECONDS)
    browser.driver.execute_script(AXE.read_text(encoding="utf-8"))
    found: list[Any] = browser.driver.execute_async_script(FOUND)
    return found
