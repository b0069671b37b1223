"""Finding candidates: neighbours within a filter, nearest rows, and downloads of a selection."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from html import unescape

import polars as pl
import pytest
from PIL import Image

from lake import refs
from pipelines.common import activity, progress, spreadsheet
from review.ui import selection
from tests.flow.planted_branch import known, plant
from tests.flow.projects import Project
from tests.flow.served import Page, serving

REVIEW = "/review/tiny/tiny-r003"


@pytest.fixture(scope="module")
def shown(still: Project) -> Iterator[Page]:
    with serving(still.lake()) as found:
        yield found


@pytest.fixture(scope="module")
def scores(still: Project) -> pl.DataFrame:
    return still.lake().scan("tiny-r003", refs.partition("tiny", "scores", 3)).collect()


def listed(text: str) -> list[int]:
    return [int(row) for row in re.findall(r'data-step href="/sample/tiny/3/(\d+)', text)]


@pytest.mark.slow
def test_a_sample_leads_on_within_the_order_and_range_of_its_list(
    shown: Page, scores: pl.DataFrame
) -> None:
    least = float(scores["real_distance"].median())  # type: ignore[arg-type]
    query = f"score=real_distance&least={least}&order=down"
    within = scores.filter(pl.col("real_distance") >= least)
    expected = within.sort("real_distance", descending=True)["row"].to_list()
    text = shown.text(f"{REVIEW}?{query}")
    assert listed(text) == expected
    assert f"<b>{len(expected)}</b> of 24" in text
    assert text.count('class="within"') > 1
    link = re.search(r'data-step href="([^"]+)"', text)
    assert link is not None
    place, row = unescape(link[1]), expected[0]
    for at, row in enumerate(expected):
        page = shown.text(place)
        assert f"Row {row} of round 3" in page
        assert f"{at + 1} of {len(expected)} that match" in page
        following = re.search(r'rel="next" href="([^"]+)"', page)
        place = unescape(following[1]) if following else ""
    assert place == ""
    assert f'href="{REVIEW}?{query.replace("&", "&amp;")}"' in page
    outside = next(row for row in range(24) if row not in expected)
    assert 'rel="next"' not in shown.text(f"/sample/tiny/3/{outside}?ref=tiny-r003&{query}")


def test_the_nearest_rows_are_those_that_scorers_found(shown: Page, scores: pl.DataFrame) -> None:
    scored = scores.row(4, named=True)
    page = shown.text("/sample/tiny/3/4?ref=tiny-r003")
    assert f"real, round {scored['real_round']}, row {scored['real_row']}" in page
    assert f"candidate, round 3, row {scored['candidate_row']}" in page
    assert f"real distance {scored['real_distance']:.3f}" in page


def test_where_no_scorer_names_a_nearest_row_it_is_not_measured(
    still: Project, shown: Page
) -> None:
    known(still, "plain", "text", "text")
    branch = plant(still.lake(), "plain", pl.DataFrame({"text": ["a"]}), pl.lit(value=False))
    assert "Not measured: no scorer" in shown.text(f"/sample/plain/1/0?ref={branch}")
    assert "By score" not in shown.text(f"/review/plain/{branch}")


def test_a_selection_is_downloaded_in_its_order(shown: Page) -> None:
    query = "score=confidence&order=up&column=label&value=1"
    expected = listed(shown.text(f"{REVIEW}?{query}"))
    answer = shown.get(f"{REVIEW}/selection.csv?{query}&after=3")
    assert answer.headers["content-disposition"] == (
        'attachment; filename="tiny-r003-selection.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [int(row["row"]) for row in rows] == expected
    assert {row["label"] for row in rows} == {"1"}
    assert {row["decision"] for row in rows} <= {"accepted", "rejected", "duplicate"}
    frame = pl.read_parquet(shown.get(f"{REVIEW}/selection.parquet?{query}").content)
    assert frame["row"].to_list() == expected
    assert frame["sample_id"].to_list() == [row["sample_id"] for row in rows]
    assert shown.get(f"{REVIEW}/selection.xlsx").status_code == 400


def test_images_come_as_an_archive_that_says_what_it_leaves_out(
    shown: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = shown.get(f"{REVIEW}/selection.zip").content
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        names = archive.namelist()
        assert len(names) == 26
        with Image.open(archive.open("00000003.png")) as image:
            assert image.size == (8, 8)
    monkeypatch.setattr(selection, "MOST_IMAGES", 5)
    part = shown.get(f"{REVIEW}/selection.zip").content
    with zipfile.ZipFile(io.BytesIO(part)) as archive:
        assert len(archive.namelist()) == 7
        assert "19 are left out" in archive.read("README.txt").decode()
        rows = list(csv.DictReader(io.StringIO(archive.read("rows.csv").decode())))
        assert len(rows) == 24
        assert sum(bool(row["files"]) for row in rows) == 5
    monkeypatch.setattr(selection, "MOST_ROWS", 23)
    assert shown.get(f"{REVIEW}/selection.csv").status_code == 400


def test_columns_of_the_payload_keep_their_names_in_a_download(still: Project, shown: Page) -> None:
    known(still, "loans", "text", "text")
    table = pl.DataFrame({"text": ["a", "b"], "decision": ["yes", "no"], "dataset": ["q", "r"]})
    branch = plant(still.lake(), "loans", table, pl.col("row") == 1)
    answer = shown.get(f"/review/loans/{branch}/selection.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["decision"], row["decision_"]) for row in rows] == [
        ("yes", "accepted"),
        ("no", "rejected"),
    ]
    assert [(row["dataset"], row["dataset_"]) for row in rows] == [("q", "loans"), ("r", "loans")]


def test_a_text_in_a_download_is_no_formula(still: Project, shown: Page) -> None:
    known(still, "notes", "text", "text")
    texts = ["=1+1", "fine", "+cmd|' /C calc'!A0", "x\n=2"]
    branch = plant(still.lake(), "notes", pl.DataFrame({"text": texts}), pl.col("row") == 1)
    answer = shown.get(f"/review/notes/{branch}/selection.csv?order=up")
    cells = [row["text"] for row in csv.DictReader(io.StringIO(answer.text))]
    assert cells == [spreadsheet.cell(text) for text in texts]
    assert cells[0] == "'=1+1"
    assert shown.get(f"/review/notes/{branch}/selection.zip").status_code == 400
    found = shown.text(f"/review/notes/{branch}?text=FINE")
    assert "<b>1</b> of 4" in found


def test_a_stage_that_runs_is_on_the_page_until_it_ends(
    still: Project, shown: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(still.root)
    assert "runs, for" not in shown.text("/")
    with activity.of_stage("verify", "tiny-3"), progress.bar(24, "scoring") as told:
        told(24, 24)
        assert "A stage has ended" not in shown.text("/running?seen=verify%3Atiny-3")
        assert "A stage has ended" in shown.text("/running?seen=fit%3Atiny-3+verify%3Atiny-3")
        page = shown.text("/?dataset=tiny")
        part = shown.text("/running")
    for text in (page, part):
        assert "Stage <b>verify</b> tiny-3 runs, for 0 s: scoring, 24 of 24" in text
        assert 'hx-get="/running?seen=verify%3Atiny-3" hx-trigger="every 2s"' in text
    after = shown.text("/running?seen=verify%3Atiny-3")
    assert "A stage has ended" in after
    assert 'hx-get="/running?seen=ended" hx-trigger="every 10s"' in after
    assert "A stage has ended" in shown.text("/running?seen=ended")
    assert "A stage has ended" not in shown.text("/running")


def test_what_is_not_there_is_said_without_changing_names(shown: Page) -> None:
    for path, sentence in [
        (
            "/sample/tiny/3/999?ref=tiny-r003",
            "There is no row 999 of round 3 of tiny at tiny-r003.",
        ),
        ("/payload/tiny/3/4?ref=tiny-r003&column=x", "This row has no column"),
    ]:
        answer = shown.get(path)
        assert answer.status_code == 404
        assert sentence in answer.text
