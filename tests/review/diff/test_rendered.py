"""What people see of a diff; whatever the data holds, it stays data."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from lineage.statistics import Tally
from pipelines.features import images
from review.cli import diff_options
from review.commands import diff as diff_command
from review.diff import build, checks, markdown, page, sections, terminal
from review.diff.distance import Distance
from review.diff.samples import LONG, Picture, picture, samples
from review.diff.texts import text
from review.diff.values import MEANINGS, ORDER, DataDiff
from review.diff.versions import Version
from review.errors import Findings, UsageError

HOSTILE = (
    '<script>alert(1)</script> [x](javascript:0) | `a` @all #1 "q" & \x1b[31m ![i](http://e/i)'
)
KEY = "k<i>|[k]"


def sides(tmp_path: Path) -> tuple[Path, Path]:
    """Two files of texts, images and numbers, with hostile names and values."""
    pictures = images.encode(np.arange(4 * 36, dtype=np.uint8).reshape(4, 6, 6))
    files = [{"bytes": data, "path": "<img onerror=x>"} for data in pictures]
    files[3] = {"bytes": b"GIF89a not an image", "path": None}
    whole = pl.DataFrame(
        {
            KEY: ["a", HOSTILE, "c", "d"],
            "text": ["one", "two", HOSTILE, "x" * 5000],
            "image": pl.Series(files, dtype=images.IMAGE),
            "n": [1.0, float("nan"), None, float("inf")],
        }
    )
    edited = whole.with_columns(
        pl.when(pl.col(KEY) == "c").then(pl.lit("calm")).otherwise("text").alias("text"),
        pl.lit(HOSTILE).alias(HOSTILE),
    )
    left, right = tmp_path / "left.parquet", tmp_path / "right.parquet"
    whole.slice(0, 3).write_parquet(left)
    edited.slice(1).write_parquet(right)
    return left, right


@pytest.fixture
def diff(tmp_path: Path) -> DataDiff:
    return build.diff_files(*sides(tmp_path), [KEY])


class Page(HTMLParser):
    """Tags and attributes of a page, and what it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.shown = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.shown += data


def test_a_page_shows_hostile_samples_as_text_and_loads_nothing(diff: DataDiff) -> None:
    html = page.rendered([diff], f"a...{HOSTILE}", 10)
    read = Page()
    read.feed(html)
    tags = {tag for tag, _ in read.tags}
    assert not tags & {"script", "iframe", "link", "object", "form", "a", "i"}
    assert "default-src 'none'" in html
    assert "prefers-color-scheme:dark" in html
    assert "<script>alert(1)</script> [x](javascript:0)" in read.shown
    assert "\x1b" not in html
    sources = [attrs["src"] for tag, attrs in read.tags if tag == "img"]
    assert len(sources) == 3  # removed, changed on both sides, and none for what is no image
    assert all(str(source).startswith("data:image/png;base64,") for source in sources)
    assert all(attrs["alt"] for tag, attrs in read.tags if tag == "img")
    assert "an image that cannot be read" in read.shown
    assert "x" * LONG + "…" in read.shown
    assert "x" * (LONG + 1) not in read.shown
    handlers = [name for _, attrs in read.tags for name in attrs if name.startswith("on")]
    assert handlers == []


def test_rows_of_typed_columns_are_a_table_with_marked_cells(tmp_path: Path) -> None:
    left, right = tmp_path / "l.parquet", tmp_path / "r.parquet"
    rows = {"k": [1, 2, 3], "n": [1.5, 2.5, None], "kind": ["a", HOSTILE[:40], None]}
    pl.DataFrame(rows).write_parquet(left)
    pl.DataFrame({**rows, "n": [1.5, 4.0, 7.0]}).write_parquet(right)
    html = page.rendered([build.diff_files(left, right, ["k"])], "l...r", 7)
    read = Page()
    read.feed(html)
    assert not {tag for tag, _ in read.tags} & {"article", "script"}
    heads = [attrs for tag, attrs in read.tags if tag == "th" and attrs.get("class") == "number"]
    assert len(heads) == 1  # n; the key is a place, and kind is text
    marked = [attrs["class"] for tag, attrs in read.tags if tag == "td" and "class" in attrs]
    assert [name for name in marked if "differs" in str(name)] == ["number differs"] * 2
    assert "<del>2.5</del> <ins>4.0</ins>" in html
    assert "<del><em>null</em></del> <ins>7.0</ins>" in html
    long = {**rows, "kind": ["a", "x" * 90, None]}
    pl.DataFrame({**long, "n": [1.5, 4.0, 7.0]}).write_parquet(right)
    assert "<article" in page.rendered([build.diff_files(left, right, ["k"])], "l...r", 7)


def test_a_page_shows_a_bounded_number_of_rows(tmp_path: Path) -> None:
    left, right = tmp_path / "l.parquet", tmp_path / "r.parquet"
    pl.DataFrame({"k": range(0), "v": []}, schema={"k": pl.Int64, "v": pl.Int64}).write_parquet(
        left
    )
    pl.DataFrame({"k": range(500), "v": range(500)}).write_parquet(right)
    html = page.rendered([build.diff_files(left, right, ["k"])], "l...r", 7)
    assert html.count('<tr class="added">') == 7
    assert "added: 500 rows" in html
    assert "the first 7 are shown" in html


def test_markdown_shows_hostile_samples_as_text(diff: DataDiff) -> None:
    lines = list(markdown.rendered(diff, "left...right", 10))
    tables = [line for line in lines if line.startswith("|")]
    for line in tables:
        assert line.count("|") - line.count(r"\|") == tables_width(lines, line)
    whole = "\n".join(lines)
    assert "<script" not in whole
    assert "\x1b" not in whole
    assert not re.search(r"(?<!\\)[\[@#`]", whole.replace("### ", ""))
    assert r"\[x\]\(javascript\:0\)" in whole


def tables_width(lines: list[str], line: str) -> int:
    """Bars of the head of the table that a line is in."""
    row = lines.index(line)
    while row and lines[row - 1].startswith("|"):
        row -= 1
    return lines[row].count("|") - lines[row].count(r"\|")


def test_a_terminal_shows_hostile_samples_as_text(diff: DataDiff) -> None:
    out = Console(file=io.StringIO(), width=200)
    for part in terminal.rendered(diff, "left...right", 10):
        out.print(part)
    shown = out.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b" not in shown
    assert "1 removed, 1 changed, 1 added" in shown
    assert "columns gained" in shown


def test_rounds_that_end_with_so_many_say_their_surplus(diff: DataDiff) -> None:
    version = Version("c" * 64, [1, 2], Distance(Tally(), None), {}, {1: {}, 2: {}})
    counts = {"candidates": 64, "accepted": 50, "rejected": 9, "duplicate": 1, "surplus": 4}
    ended = replace(version, manifests={1: {"counts": counts}, 2: {"counts": {"accepted": 3}}})
    rows = pl.DataFrame(schema={"round": pl.Int32, "change": pl.String})
    changes = [ended.change(number, rows) for number in (1, 2)]
    shown = sections.rounds(replace(diff, rounds=changes))
    assert shown.columns[4:] == ("accepted", "rejected", "duplicate", "surplus", "guard")
    assert [row[4:8] for row in shown.rows] == [["50", "9", "1", "4"], ["3", "0", "0", "0"]]
    plain = sections.rounds(replace(diff, rounds=changes[1:]))
    assert plain.columns[4:] == ("accepted", "rejected", "duplicate", "guard")
    assert changes[1].decisions == {"accepted": 3, "rejected": 0, "duplicate": 0}


def test_a_sample_has_both_sides(diff: DataDiff) -> None:
    by_change = {sample.change: sample for sample in samples(diff, diff.rows)}
    changed = by_change["changed"]
    assert changed.differing == ("text",)
    assert changed.before["text"] == text(HOSTILE, LONG)
    assert changed.after["text"] == "calm"
    assert isinstance(changed.after["image"], Picture)
    assert (by_change["added"].before, by_change["removed"].after) == ({}, {})
    assert by_change["removed"].location == {KEY: "a"}


def test_a_picture_is_made_anew_and_small() -> None:
    from PIL import Image  # noqa: PLC0415

    buffer = io.BytesIO()
    Image.new("RGBA", (900, 300), (1, 2, 3, 4)).save(buffer, "PNG", pnginfo=None)
    made = picture(buffer.getvalue() + b"<script>")
    assert made is not None
    assert b"<script>" not in made.data
    with Image.open(io.BytesIO(made.data)) as image:
        assert image.size == (96, 32)
    assert picture(None) is None
    assert picture(b"<svg onload=x>") is None


def test_every_check_has_something_to_find(diff: DataDiff) -> None:
    failures = checks.failed(diff, ["removed-rows", "added-rows", "payload-changed", "schema"])
    assert [failure.split(": ")[1] for failure in failures] == [
        "removed-rows",
        "added-rows",
        "payload-changed",
        "schema",
    ]
    assert checks.failed(diff, ["guard", "conflicts", "decisions", "metrics"]) == []
    with pytest.raises(UsageError, match="no check 'schemas'; did you mean 'schema'"):
        checks.named(["schemas"])


def run(left: Path, right: Path, **given: object) -> None:
    options = {
        "left": str(left),
        "right": str(right),
        "dataset": None,
        "path": None,
        "key": [KEY],
        "two_dot": False,
        "rows": False,
        "limit": None,
        "columns": True,
        "fail_on": [],
        "html": None,
        "as_markdown": False,
        "as_json": False,
    }
    diff_command.run(**{**options, **given})  # type: ignore[arg-type]


def test_the_command_compares_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left, right = sides(tmp_path)
    run(left, right, as_json=True, rows=True)
    content = json.loads(capsys.readouterr().out)
    ((name, content_of_table),) = content["datasets"].items()
    assert name == str(right)
    assert content_of_table["changes"] == {"removed": 1, "changed": 1, "added": 1}
    assert len(content_of_table["rows"]) == 3
    assert content["checks"]["removed-rows"] == ["1 row removed"]
    run(left, right, html=tmp_path / "out" / "page.html", limit=2)
    assert (
        (tmp_path / "out" / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    )
    run(left, right, as_markdown=True, rows=True)
    assert "<details>" in capsys.readouterr().out
    with pytest.raises(Findings, match=r"removed-rows: 1 row removed; .*schema: columns gained"):
        run(left, right, fail_on=["removed-rows", "schema", "guard"])
    capsys.readouterr()
    run(left, left, fail_on=["removed-rows"])
    assert "no difference" in capsys.readouterr().out
    with pytest.raises(UsageError, match="did you mean 'removed-rows'"):
        run(left, right, fail_on=["removed_row"])
    with pytest.raises(UsageError, match="name two sides"):
        diff_command._sides("main", None)
    assert diff_command._sides("a..b", None) == ("a", "b", True)
    assert diff_command._sides("a...b", None) == ("a", "b", False)


def test_help_and_documentation_name_every_check() -> None:
    assert diff_options.CHECKS.split(", ") == list(checks.CHECKS)
    document = Path(__file__).parents[3] / "docs" / "diff.md"
    documented = document.read_text(encoding="utf-8")
    for name, check in checks.CHECKS.items():
        assert f"| `{name}` | {check.meaning} |" in documented
    for change in ORDER:
        assert f"| {change} | {MEANINGS[change]}" in documented


def test_keys_that_are_nan_leave_the_json_valid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left, right = tmp_path / "left.parquet", tmp_path / "right.parquet"
    pl.DataFrame({"score": [1.5, float("nan"), float("inf")], "v": [1, 2, 3]}).write_parquet(left)
    pl.DataFrame({"score": [1.5, float("nan")], "v": [1, 9]}).write_parquet(right)
    run(left, right, key=["score"], as_json=True, rows=True)

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    content = json.loads(capsys.readouterr().out, parse_constant=refuse)
    ((_, table),) = content["datasets"].items()
    assert {row["score"]: row["change"] for row in table["rows"]} == {
        "nan": "changed",
        "inf": "removed",
    }
