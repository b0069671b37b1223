"""Take the pictures of the page that README and the documents show, from a project that was run.

    python -m docs.site.pictures PROJECT [FOLDER]

serves the project as `stemma ui` does, and takes pictures of the first data set with a
round that the guard blocked: its rounds, with the last published one, the blocked round under
review, and the first sample that the suite refused in the last published round. Headless Chromium
draws them (Selenium, of the extra `test`), and they are kept with few colours, so that they are
small. `make docs-images` runs it.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import uvicorn
from PIL import Image

from lake import refs
from lake.client import Lake
from pipelines.inquiry import overview
from pipelines.params import load
from pipelines.rounds import tables
from pipelines.rounds.context import open_lake
from review.commands import ui
from review.ui import app
from review.ui.session import Session

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

IMAGES: Final = Path(__file__).resolve().parents[1] / "images"
WIDTH: Final = 1240
"""Pixels; a scrollbar's width less than what the page is made for at most."""
HIGHEST: Final = 1240
"""Pixels of the longest picture; a longer page is cut."""
COLOURS: Final = 128
"""Chosen to cover all that there are: a rare red stays red."""
SECONDS: Final = 300
"""By which a page has to be there; a busy machine takes its time."""
READY: Final = (
    "return document.readyState === 'complete' && !document.querySelector('.htmx-request')"
)
SWITCHES: Final = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars")
LIGHT: Final = {
    "features": [
        {"name": "prefers-color-scheme", "value": "light"},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
}


class PictureError(Exception):
    """Pictures cannot be taken; the message says why and what to do."""


def take(project: Path, target: Path) -> list[Path]:
    """Take the pictures of a project; return their paths.

    Args:
        project: a project that was run.
        target: folder for the pictures.

    Raises:
        PictureError: there is no browser, or no round is blocked.
    """
    target = target.absolute()
    with contextlib.chdir(project):
        lake = open_lake(load())
        addresses = _addresses(lake)
        with _served(lake) as url, _browser() as driver:
            _open(driver, url)
            places = []
            for name, address in addresses.items():
                _open(driver, url.partition("/enter")[0] + address)
                places.append(_drawn(driver, target / f"{name}.png"))
    return places


def _addresses(lake: Lake) -> Mapping[str, str]:
    """Addresses of the pages, by the names of their pictures.

    Raises:
        PictureError: no round is blocked.
    """
    for dataset in load().datasets:
        held = overview.collect(lake, dataset)
        blocked = [str(entry["branch"]) for entry in held["open"] if entry["state"] == "blocked"]
        if blocked and held["rounds"]:
            number = max(int(entry["round"]) for entry in held["rounds"])
            row = _refused(lake, dataset, number)
            branch = refs.branch_name(dataset, number)
            return {
                "ui-rounds": f"/?dataset={dataset}&at={branch}",
                "ui-review": f"/review/{dataset}/{blocked[-1]}?decision=rejected",
                "ui-sample": f"/sample/{dataset}/{number}/{row}?ref={branch}&decision=rejected",
            }
    raise PictureError(
        "no round of this project is blocked, and the pictures show one: run the first command of "
        "'When a round is bad' in docs/tour.md in it"
    )


def _refused(lake: Lake, dataset: str, number: int) -> int:
    """The first row of a round on main that the suite refused, or the first one of all."""
    decisions = tables.read_round(lake, refs.MAIN, dataset, "decisions", number).sort("row")
    refused = decisions.filter(pl.col("decision") == "rejected")
    return int((decisions if refused.is_empty() else refused)["row"][0])


@contextlib.contextmanager
def _served(lake: Lake) -> Iterator[str]:
    """Serve the project in the current directory; yield the address that lets a browser in."""
    session = Session()
    with ui.bound("127.0.0.1", 0) as listening:
        port = int(listening.getsockname()[1])
        built = app.build(lake, session, port)
        settings = uvicorn.Config(built, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}/enter?token={session.token}"
        finally:
            server.should_exit = True
            thread.join()


@contextlib.contextmanager
def _browser() -> Iterator[Chrome]:
    """Start a browser that waits long enough for a busy machine.

    Raises:
        PictureError: there is none.
    """
    from selenium import webdriver  # noqa: PLC0415  of the extra `test`
    from selenium.webdriver.chrome.service import Service  # noqa: PLC0415  as above

    chromium, driver_path = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver_path is None:
        raise PictureError("there is no browser: apt install chromium chromium-driver")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for switch in (*SWITCHES, f"--user-data-dir={home}", f"--window-size={WIDTH},900"):
            options.add_argument(switch)
        driver = webdriver.Chrome(options=options, service=Service(driver_path))
        try:
            driver.set_page_load_timeout(SECONDS)
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", LIGHT)
            yield driver
        finally:
            driver.quit()


def _open(driver: Chrome, address: str) -> None:
    """Go to a page, and wait until nothing of it is asked for any more."""
    from selenium.webdriver.support.ui import WebDriverWait  # noqa: PLC0415  of the extra `test`

    # A picture sets the height of the page, which the next one, if shorter, would keep.
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.get(address)
    WebDriverWait(driver, SECONDS).until(lambda there: there.execute_script(READY))


def _drawn(driver: Chrome, place: Path) -> Path:
    """Keep a picture of the page that a browser shows, from its top."""
    high = int(driver.execute_script("return document.documentElement.scrollHeight"))
    size: dict[str, Any] = {"width": WIDTH, "height": min(high, HIGHEST)}
    size |= {"deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    shot = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    place.parent.mkdir(parents=True, exist_ok=True)
    few = shot.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(place, optimize=True)
    return place


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:  # noqa: PLR2004  the program's name, and one or two folders
        sys.exit("name a project that was run: python -m docs.site.pictures PROJECT [FOLDER]")
    try:
        taken = take(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else IMAGES)  # noqa: PLR2004
    except PictureError as error:
        sys.exit(str(error))
    sys.stdout.writelines(f"wrote {place}\n" for place in taken)
