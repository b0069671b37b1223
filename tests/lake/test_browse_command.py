"""`stemma lake ls`, `cat` and `log` on a served lake."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from lake.client import browsing, connect
from lake.errors import NotFoundError
from pipelines.rounds import moved_commits
from pipelines.rounds.moved_commits import CommitMap
from review.commands import lake_browse
from review.errors import UsageError
from tests.lake.servers import Served

TEXT = "grüße\x1b[31m\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def place(api: httpx.Client, repo: str, name: str) -> str:
    """A repository with objects in folders, a tag, and something that is not committed."""
    where = f"{repo}/branches/main"
    for path in ("a.txt", "d/x", "d/y", "e/z"):
        put = api.post(f"{where}/objects", params={"path": path}, content=TEXT.encode())
        put.raise_for_status()
    api.post(f"{where}/commits", json={"message": "four"}).raise_for_status()
    api.post(f"{repo}/tags", json={"id": "v1", "ref": "main"}).raise_for_status()
    api.post(f"{where}/objects", params={"path": "new"}, content=b"\xff").raise_for_status()
    return name


def listed(capsys: pytest.CaptureFixture[str], server: Served, place: str) -> list[dict[str, Any]]:
    lake_browse.run(place=place, home=server.home, as_json=True)
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return rows


def test_it_lists_repositories_refs_and_one_level(
    server: Served, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    repositories = [row["repository"] for row in listed(capsys, server, "")]
    assert place in repositories
    refs = [(row["ref"], row["type"]) for row in listed(capsys, server, f"lakefs://{place}")]
    assert refs == [("main", "branch"), ("v1", "tag")]
    rows = listed(capsys, server, f"{place}/main")
    size = len(TEXT.encode())
    assert [(row["path"], row["bytes"]) for row in rows] == [
        ("a.txt", size),
        ("d/", None),
        ("e/", None),
        ("new", 1),
    ]
    assert [row["path"] for row in listed(capsys, server, f"{place}/v1/d/")] == ["d/x", "d/y"]


def test_it_lists_commits(server: Served, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    lake_browse.log(place=f"{place}/main", amount=1, home=server.home, as_json=True)
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["message"], len(row["commit"])) == ("four", 64)


@pytest.mark.parametrize("piece", [1, 3, 1 << 20])
def test_it_prints_an_object_and_on_a_terminal_nothing_raw(
    server: Served,
    place: str,
    piece: int,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.setattr(browsing, "PIECE", piece)
    lake_browse.cat(place=f"{place}/v1/a.txt", home=server.home, as_json=False)
    assert capsysbinary.readouterr().out == TEXT.encode()
    lake_browse.cat(place=f"{place}/main/new", home=server.home, as_json=False)
    assert capsysbinary.readouterr().out == b"\xff"
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    lake_browse.cat(place=f"{place}/v1/a.txt", home=server.home, as_json=False)
    said = terminal.getvalue()
    assert said.startswith("grüße")
    assert "\x1b" not in said
    with pytest.raises(UsageError, match="is no text in UTF-8: send it to a file"):
        lake_browse.cat(place=f"{place}/main/new", home=server.home, as_json=False)


def test_what_is_not_there_is_one_sentence(server: Served, place: str, tmp_path: Path) -> None:
    options = {"home": server.home, "as_json": False}
    with pytest.raises(NotFoundError):
        lake_browse.cat(place=f"{place}/main/none", **options)
    with pytest.raises(UsageError, match="is no object"):
        lake_browse.cat(place=f"{place}/main", **options)
    with pytest.raises(UsageError, match="is no ref"):
        lake_browse.log(place=place, amount=1, **options)
    with pytest.raises(UsageError, match="there is no lake in"):
        lake_browse.run(place="", home=tmp_path, as_json=False)


def test_ids_that_commits_had_before_a_move_are_understood_and_shown(
    server: Served,
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    last, first = connect(server.remote, place).log("main")
    former = {"1" * 64: first.id, "2" * 64: last.id}
    held = CommitMap(
        repository=place, created=1, first="1" * 64, commits=former, dates={}, committers={}
    )
    monkeypatch.chdir(tmp_path)
    moved_commits.FOLDER.mkdir(parents=True)
    moved_commits.path(place).write_bytes(held.encoded())
    assert [row["path"] for row in listed(capsys, server, f"{place}/22222222")][:2] == [
        "a.txt",
        "d/",
    ]
    assert {row["commit"] for row in listed(capsys, server, place)} == {"2" * 12}
    lake_browse.log(place=f"{place}/{'2' * 64}", amount=9, home=server.home, as_json=True)
    assert [row["commit"] for row in json.loads(capsys.readouterr().out)] == ["2" * 64, "1" * 64]
    lake_browse.cat(place=f"{place}/222222/a.txt", home=server.home, as_json=True)
    assert json.loads(capsys.readouterr().out)["text"] == TEXT
