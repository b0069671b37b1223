"""Pictures of the page are taken from a project that was run, by one command."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest
from PIL import Image

from docs.site import pictures
from docs.site.pictures import PictureError
from tests import needs
from tests.flow.projects import ROOT, Project

NAMES = ("ui-rounds", "ui-review", "ui-sample")


@pytest.mark.slow
def test_pictures_of_a_blocked_round_are_drawn(blocked: Project, tmp_path: Path) -> None:
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        needs.BROWSER.stop()
    with contextlib.chdir(ROOT):
        taken = pictures.take(blocked.root, tmp_path / "images")
    assert [place.stem for place in taken] == list(NAMES)
    for place in taken:
        with Image.open(place) as picture:
            assert picture.width == pictures.WIDTH
            assert 400 < picture.height <= pictures.HIGHEST
            assert len(picture.getcolors() or ()) > 20  # not blank
        assert place.stat().st_size < 150_000


@pytest.mark.slow
def test_a_short_page_after_a_long_one_has_a_picture_of_its_own_height(tmp_path: Path) -> None:
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        needs.BROWSER.stop()
    heights = []
    with pictures._browser() as driver:
        for number, pixels in enumerate((3000, 10)):
            pictures._open(driver, f"data:text/html,<p style='height:{pixels}px'>x</p>")
            with Image.open(pictures._drawn(driver, tmp_path / f"{number}.png")) as picture:
                heights.append(picture.height)
    assert heights[0] == pictures.HIGHEST
    assert heights[1] < 1000


def test_without_a_blocked_round_it_says_how_to_get_one(unchanged: Project, tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="no round of this project is blocked"):
        pictures.take(unchanged.root, tmp_path)


def test_the_documents_show_every_picture_that_is_taken() -> None:
    for page in ("README.md", "docs/review.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert [name for name in NAMES if f"images/{name}.png)" not in text] == [], page
    for name in NAMES:
        with Image.open(pictures.IMAGES / f"{name}.png") as picture:
            assert picture.width == pictures.WIDTH
