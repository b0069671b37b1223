"""Parts of two sides: equal ones are never opened, wherever they stand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake.client import Lake
from lake.errors import NotFoundError
from lake.values import ObjectInfo
from review.diff import build
from review.errors import UsageError


def part(number: int, *, edited: bool = False) -> pl.DataFrame:
    rows = range(number * 10, number * 10 + 10)
    return pl.DataFrame({"id": rows, "v": [value + edited for value in rows]})


def two_versions(lake: Lake) -> None:
    """50 parts on main; on the branch 5 are edited, one has another name, one row is gone."""
    for number in range(50):
        lake.write("main", f"t/part-{number:02d}.parquet", part(number))
    lake.commit("main", "fifty parts", {})
    lake.set_branch("edited", str(lake.head("main")))
    for number in range(5):
        lake.write("edited", f"t/part-{number:02d}.parquet", part(number, edited=True))
    lake.write("edited", "t/part-04.parquet", part(4).head(9))
    lake.delete("edited", ["t/part-49.parquet"])
    lake.write("edited", "t/renamed.parquet", part(49))
    lake.commit("edited", "some edits", {})


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of the objects whose bytes are asked for."""
    opened: list[str] = []
    scan, read = Lake.scan_parts, Lake.read

    def scanning(self: Lake, ref: str, parts: Sequence[ObjectInfo]) -> pl.LazyFrame:
        opened.extend(item.path for item in parts)
        return scan(self, ref, parts)

    def reading(self: Lake, ref: str, path: str) -> bytes:
        opened.append(path)
        return read(self, ref, path)

    monkeypatch.setattr(Lake, "scan_parts", scanning)
    monkeypatch.setattr(Lake, "read", reading)
    return opened


def test_equal_parts_are_never_opened(lake: Lake, opened: list[str]) -> None:
    two_versions(lake)
    diff = build.diff_table(lake, "main", "edited", "t/", ["id"])
    assert {*opened} == {f"t/part-{number:02d}.parquet" for number in range(5)}
    assert diff.changes == {"removed": 1, "changed": 40}
    assert diff.samples is not None
    assert (diff.samples.left, diff.samples.right) == (50, 49)
    assert diff.objects == {"parts": {"changed": 5}}
    assert diff.reference == "the left side's parts that differ"
    whole = [lake.scan(ref, "t/").collect().rows() for ref in ("main", "edited")]
    changed = {new for new in whole[1] if new not in {*whole[0]}}
    assert set(diff.rows.filter(pl.col("change") == "changed")["id"]) == {row[0] for row in changed}


def test_what_is_only_added_is_compared_with_all_there_was(lake: Lake, opened: list[str]) -> None:
    for number in range(3):
        lake.write("main", f"t/part-{number:02d}.parquet", part(number))
    lake.commit("main", "three parts", {})
    lake.set_branch("more", str(lake.head("main")))
    lake.write("more", "t/part-03.parquet", part(3))
    lake.commit("more", "one more", {})
    diff = build.diff_table(lake, "main", "more", "t/", ["id"], columns=False)
    assert {*opened} <= {"t/part-00.parquet", "t/part-03.parquet"}  # one footer for its columns
    assert (diff.changes, diff.columns) == ({"added": 10}, ())
    diff = build.diff_table(lake, "main", "more", "t/", ["id"])
    assert diff.reference == "all rows of the left side"
    (shift,) = diff.columns
    assert (shift.rows, shift.shifted) == ((30, 10), True)


def test_three_dots_leave_out_what_the_left_side_did_meanwhile(lake: Lake) -> None:
    two_versions(lake)
    lake.delete("main", ["t/part-20.parquet"])
    lake.commit("main", "one part less", {})
    assert "added" not in build.diff_table(lake, "main", "edited", "t/", ["id"]).changes
    trees = build.diff_table(lake, "main", "edited", "t/", ["id"], two_dot=True)
    assert trees.changes == {"removed": 1, "changed": 40, "added": 10}


def test_columns_that_come_go_and_change_type(lake: Lake) -> None:
    lake.write("main", "t/a.parquet", pl.DataFrame({"id": [1, 2], "v": [1, 2], "old": [0, 0]}))
    lake.commit("main", "before", {})
    lake.set_branch("other", str(lake.head("main")))
    lake.write("other", "t/a.parquet", pl.DataFrame({"id": [1, 2], "v": ["1", "x"], "new": [0, 0]}))
    lake.commit("other", "after", {})
    diff = build.diff_table(lake, "main", "other", "t/", ["id"])
    assert diff.schema.to_dict() == {
        "added": {"new": "Int64"},
        "removed": {"old": "Int64"},
        "retyped": {"v": ["Int64", "String"]},
    }
    assert diff.changes == {"changed": 1}
    assert not build.diff_table(lake, "main", "main", "t/", ["id"]).schema


def test_no_table_is_an_error(lake: Lake) -> None:
    with pytest.raises(NotFoundError, match="there is no table under nothing/ at main or main"):
        build.diff_table(lake, "main", "main", "nothing/", ["id"])


def test_files_and_folders_on_a_disk(tmp_path: Path) -> None:
    left, right = tmp_path / "left", tmp_path / "right"
    for folder, edited in ((left, False), (right, True)):
        (folder / "deep").mkdir(parents=True)
        part(0).write_parquet(folder / "same.parquet")
        part(1, edited=edited).write_parquet(folder / "deep" / "a.parquet")
    diff = build.diff_files(left, right, ["id"])
    assert (diff.changes, diff.objects) == ({"changed": 10}, {"parts": {"changed": 1}})
    assert diff.samples is not None
    assert diff.samples.left == 10
    one = build.diff_files(left / "same.parquet", right / "deep" / "a.parquet", ["id"])
    assert one.changes == {"removed": 10, "added": 10}
    assert build.diff_files(left, left, ["id"]).identical
    (tmp_path / "none").mkdir()
    with pytest.raises(UsageError, match="holds no Parquet file"):
        build.diff_files(left, tmp_path / "none", ["id"])


def test_a_diff_is_json(lake: Lake) -> None:
    two_versions(lake)
    diff = build.diff_table(lake, "main", "edited", "t/", ["id"])
    content: dict[str, Any] = json.loads(json.dumps(diff.to_dict(rows=True), allow_nan=False))
    assert len(content["rows"]) == 41
    assert content["rows"][0] == {"change": "removed", "id": 49, "columns": None}
