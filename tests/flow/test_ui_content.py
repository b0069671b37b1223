"""What a page makes of content that nobody trusts, and of very much of it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import unescape

import numpy as np
import polars as pl
import pytest

from pipelines.features import images
from review.ui import app_state, review, sample
from tests.flow import planted
from tests.flow.planted_branch import known, plant
from tests.flow.projects import Project, tiny
from tests.flow.served import Page, serving

SCRIPT = "<script>document.title = 'taken'</script>"
ROWS = 100_000
QUICK = 0.5
"""Seconds to the first content."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that holds real data of `tiny`; each test adds data sets of its own."""
    made = tiny(tmp_path_factory.mktemp("content") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.root)
        made.run("lake", "")
        made.run("ingest", "tiny")
        yield made
    made.drop_lake()


@pytest.fixture(scope="module")
def page(project: Project) -> Iterator[Page]:
    with serving(project.lake()) as found:
        yield found


def test_texts_show_as_texts(project: Project, page: Page) -> None:
    known(project, "notes", "prompt", "text")
    texts = pl.DataFrame(
        {
            "prompt": ["what is <b>bold</b>?"] * 30,
            "completion": [f"{SCRIPT} {'long ' * 20}{at}" for at in range(30)],
            "label": [f'"><img src=x onerror=a{at % 2}>' for at in range(30)],
        }
    )
    branch = plant(project.lake(), "notes", texts, pl.col("row") == 3)
    for path in (
        f"/review/notes/{branch}",
        f"/sample/notes/1/3?ref={branch}",
        f"/review/notes/{branch}/changes?change=refused",
    ):
        answer = page.get(path)
        assert answer.status_code == 200, answer.text
        assert "&lt;script&gt;document.title" in answer.text
        assert SCRIPT not in answer.text
        assert "<img src=x" not in answer.text
        assert "<b>bold" not in answer.text
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert "unsafe" not in policy
    shown = page.text(f"/review/notes/{branch}")
    assert 'class="texts"' in shown
    assert "failed: looks right" in shown
    assert page.text(f"/review/notes/{branch}?column=label&value=x").count("data-step") == 0


def test_a_long_text_is_shown_whole_and_has_a_page_of_its_own(
    project: Project, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(project, "long", "prompt", "text")
    text = f"{SCRIPT}\x1b[2J" + "word " * 400 + "\n```python\nprint('<b>')\n```\nthe end"
    branch = plant(project.lake(), "long", pl.DataFrame({"prompt": [text]}), pl.lit(value=False))
    shown = page.text(f"/sample/long/1/0?ref={branch}")
    assert "&lt;script&gt;document.title" in shown
    assert "\\u{1b}[2Jword" in shown
    assert "the end</dd>" in shown
    assert '<code class="block">```python\nprint(&#39;&lt;b&gt;&#39;)\n```</code>' in shown
    assert '<dd dir="auto" id="whole-1">' in shown
    monkeypatch.setattr(sample, "LONGEST", 100)
    shown = page.text(f"/sample/long/1/0?ref={branch}")
    assert "the end" not in shown
    assert f"These are the first 100 of {len(text):,} characters" in shown
    (link,) = re.findall(r'href="(/payload/[^"]+)">the whole text', shown)
    whole = page.get(unescape(link))
    assert whole.content.decode() == text
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert whole.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


def test_hostile_images_are_not_shown(project: Project, page: Page) -> None:
    known(project, "scans", "image", "image")
    good = images.encode(np.zeros((1, 4, 4), np.uint8))[0]
    huge = images.encode(np.zeros((1, 3000, 3000), np.uint8))[0]
    files = [good, huge, b"GIF89a not really", b"<svg onload='x'/>", None]
    frame = pl.DataFrame(
        {"image": pl.Series([{"bytes": each, "path": None} for each in files], dtype=images.IMAGE)}
    )
    shown = page.text(f"/review/scans/{plant(project.lake(), 'scans', frame, pl.lit(value=False))}")
    assert shown.count("data:image/png;base64,") == 1
    assert shown.count("no image") == 4
    assert "data:image/svg" not in shown


def test_tables_show_as_tables(project: Project, page: Page) -> None:
    known(project, "adults", "age", "text")
    frame = pl.DataFrame({"age": [20, 30, 40], "job": ["cook", "smith", None]})
    shown = page.text(f"/review/adults/{plant(project.lake(), 'adults', frame, pl.col('row') > 1)}")
    assert '<th scope="col">age</th><th scope="col">job</th>' in shown
    assert "no value" in shown


def test_a_family_tree_goes_up_to_real_roots_and_mixes(project: Project, page: Page) -> None:
    lake = project.lake()
    for name in ("captions", "pictures"):
        known(project, name, "text", "text")
    planted.real(lake, "captions", 3, "CC-BY-4.0")
    planted.real(lake, "pictures", 2, None)
    mix = planted.mix_of(lake, "pictures")
    seeds: list[planted.Edge] = [
        (0, "captions", 0, 1, "seed", 0.5),
        (0, "pictures", 0, 0, "seed", 0.25),
        (1, "pictures", 0, 1, "edited", 1.0),
    ]
    planted.made(lake, "pictures", 1, 3, seeds, mix)
    both: list[planted.Edge] = [
        (0, "pictures", 1, 0, "seed", 0.6),
        (0, "pictures", 1, 1, "seed", 0.2),
    ]
    planted.made(lake, "captions", 1, 2, both)
    shown = page.text("/sample/captions/1/0")
    assert shown.count('<g class="box real"') == 3
    assert shown.count('<g class="box mix"') == shown.count('<g class="box opaque"') == 1
    assert shown.count('<path class="edge"') == 7
    for said in ("seed 0.60", "edited 1.00", "learned from 0.25", "captions 0, row 1", "CC-BY-4.0"):
        assert said in shown
    assert shown.count('class="specimen"') == 3  # the real roots
    assert '<dd dir="auto" id="whole-1">a text</dd>' in shown
    assert 'href="/sample/pictures/1/1?ref=main"' in shown


@pytest.mark.bench
def test_the_first_content_of_many_samples_is_quick(project: Project, page: Page) -> None:
    known(project, "many", "image", "image")
    draw = np.random.default_rng(1)
    files = images.encode(draw.integers(0, 256, (500, 16, 16)).astype(np.uint8))
    frame = pl.DataFrame(
        {
            "image": pl.Series(
                [{"bytes": files[at % 500], "path": None} for at in range(ROWS)], dtype=images.IMAGE
            ),
            "label": np.arange(ROWS) % 10,
        }
    )
    branch = plant(project.lake(), "many", frame, pl.col("row") % 50 == 7)
    paths = {
        "first": f"/review/many/{branch}",
        "rejected, of one label": f"/review/many/{branch}?decision=rejected&column=label&value=7",
        "last": f"/review/many/{branch}?before={ROWS}",
    }
    page.text("/")  # modules are loaded once
    took = {name: min(_seconds(page, path) for _ in range(5)) for name, path in paths.items()}
    print({name: round(seconds, 3) for name, seconds in took.items()})  # noqa: T201  shown by -s
    assert max(took.values()) <= QUICK, took
    assert "2,000" in page.text(f"/review/many/{branch}?decision=rejected")


def _seconds(page: Page, path: str) -> float:
    """Processor time of this process, the page's, for a page that nobody looked at before."""
    for cached in (review.opened, review._count, app_state._collected):
        cached.cache_clear()
    began = time.process_time()
    assert page.text(path).count("data-step") == 60
    return time.process_time() - began
