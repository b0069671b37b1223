from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from pipelines.common import digests
from pipelines.common.settings import StrictModel, key_content, operational
from pipelines.rounds import file_digests, keys
from pipelines.rounds.keys import StageKey, stage_key

BEFORE = StageKey("a", "b")
GIVEN: dict[str, Any] = {
    "versions": {"generate": "generate/1"},
    "settings": {"candidates": 7},
    "files": {"prompt.txt": "c"},
    "inputs": {"seed": 1},
    "before": {"fit": BEFORE},
}


def test_equal_inputs_give_equal_keys() -> None:
    first = stage_key("generate", **GIVEN)
    assert first == stage_key("generate", **GIVEN)
    assert len(first.key) == 64
    assert len(str(first.recipe)) == 64
    assert first.versions == {"generate": "generate/1"}


@pytest.mark.parametrize(
    "change",
    [
        {"settings": {"candidates": 8}},
        {"settings": {}},
        {"files": {"prompt.txt": "d"}},
        {"files": {}},
        {"inputs": {"seed": 2}},
        {"before": {"fit": StageKey("a", "other")}},
        {"before": {}},
    ],
)
def test_anything_else_gives_another_recipe_and_key(change: dict[str, Any]) -> None:
    first, other = stage_key("generate", **GIVEN), stage_key("generate", **{**GIVEN, **change})
    assert other.recipe != first.recipe
    assert other.key != first.key


@pytest.mark.parametrize(
    "change",
    [{"versions": {"generate": "generate/2"}}, {"before": {"fit": StageKey("other", "b")}}],
)
def test_versions_change_the_key_and_not_the_recipe(change: dict[str, Any]) -> None:
    first, other = stage_key("generate", **GIVEN), stage_key("generate", **{**GIVEN, **change})
    assert other.recipe == first.recipe
    assert other.key != first.key


def test_the_versions_that_differ_are_named() -> None:
    then = StageKey("a", "b", {"curate": "curate/1", "gone": "gone/1"})
    now = StageKey("c", "b", {"curate": "curate/2", "scorer new": "new/1"})
    assert keys.raised(then, now) == {
        "curate": ("curate/1", "curate/2"),
        "gone": ("gone/1", None),
        "scorer new": (None, "new/1"),
    }
    assert keys.raised(then, then) == {}


class Inner(StrictModel):
    rate: float = 0.5
    patience: int = operational(3)


class Outer(StrictModel):
    needed: int
    many: tuple[str, ...] = ("a",)
    inner: Inner = Inner()
    listed: dict[str, Inner] = Field(default_factory=dict)
    workers: int = operational(1)


@pytest.mark.parametrize(
    ("given", "content"),
    [
        ({"needed": 1}, {"needed": 1}),
        ({"needed": 1, "many": ("a",), "inner": Inner(rate=0.5)}, {"needed": 1}),
        ({"needed": 1, "workers": 8}, {"needed": 1}),
        ({"needed": 1, "inner": Inner(patience=9)}, {"needed": 1}),
        ({"needed": 1, "inner": Inner(rate=0.7)}, {"needed": 1, "inner": {"rate": 0.7}}),
        ({"needed": 1, "many": ()}, {"needed": 1, "many": []}),
        ({"needed": 1, "listed": {"x": Inner()}}, {"needed": 1, "listed": {"x": {}}}),
    ],
)
def test_defaults_and_operational_settings_are_in_no_key(
    given: dict[str, Any], content: dict[str, Any]
) -> None:
    assert key_content(Outer(**given)) == content


def test_a_folder_is_its_files_without_compiled_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "folder"
    (folder / "part").mkdir(parents=True)
    (folder / "part" / "one.py").write_text("1", encoding="utf-8")
    first = file_digests.of_path(folder)
    assert first == digests.of_file(folder)
    (folder / "part" / "__pycache__").mkdir()
    (folder / "part" / "__pycache__" / "one.pyc").write_bytes(b"compiled")
    assert file_digests.of_path(folder) == first
    for junk in (".DS_Store", "a/._x.png", "__MACOSX/b.txt", "Thumbs.db"):
        place = folder / junk
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(b"left behind")
    assert file_digests.of_path(folder) == first
    (folder / "part" / "one.py").rename(folder / "part" / "two.py")
    renamed = file_digests.of_path(folder)
    assert renamed == digests.of_file(folder) != first
    (folder / "part" / "two.py").write_text("2", encoding="utf-8")
    assert file_digests.of_path(folder) not in (first, renamed)


def test_a_file_is_read_again_only_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "rows.csv"
    source.write_text("a\n1\n", encoding="utf-8")
    read: list[Path] = []
    whole = digests.of_file
    monkeypatch.setattr(digests, "of_file", lambda path: read.append(path) or whole(path))
    first = file_digests.of_path(source)
    assert file_digests.of_path(source) == first
    assert read == [source]
    os.utime(source, ns=(1, 1))
    assert file_digests.of_path(source) == first
    assert read == [source, source]


def test_a_damaged_list_of_digests_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file_digests.DATABASE.parent.mkdir()
    file_digests.DATABASE.write_bytes(b"no database " * 100)
    (tmp_path / "x").write_bytes(b"x")
    assert file_digests.of_path(tmp_path / "x") == digests.of_file(tmp_path / "x")
    with pytest.raises(FileNotFoundError):
        file_digests.of_path(tmp_path / "missing")
