"""`stemma du`: every file of a project counts once, in the part that it belongs to."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lake.settings import ENDPOINT
from review.commands import du


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("LAKECTL_", "STEMMA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LAKECTL_CONFIG_FILE", os.devnull)
    for path, size in {
        ".lake/objects/ab/cd": 10_000,
        ".lake/catalog.db": 5_000,
        "models/d/1/model.bin": 20_000,
        ".stemma/llm/one": 1,
        ".stemma/file_digests.db": 1,
        "elsewhere.bin": 1_000_000,
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(os.urandom(size))
    return tmp_path


def on_disk(*paths: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in paths)


def test_each_part_has_its_files_and_their_bytes(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.link(project / "models/d/1/model.bin", project / ".stemma/llm/same")
    (project / ".stemma/llm/link").symlink_to(project / "elsewhere.bin")
    du.run(as_json=True)
    said = json.loads(capsys.readouterr().out)
    parts = {row["part"]: (row["place"], row["files"], row["bytes"]) for row in said["parts"]}
    assert parts == {
        "lake: objects": (".lake/objects", 1, on_disk(project / ".lake/objects/ab/cd")),
        "lake: catalogue and logs": (".lake", 1, on_disk(project / ".lake/catalog.db")),
        "models": ("models", 1, on_disk(project / "models/d/1/model.bin")),
        "answers of services": (".stemma/llm", 1, on_disk(project / ".stemma/llm/one")),
        "other caches": (".stemma", 1, on_disk(project / ".stemma/file_digests.db")),
    }
    assert said["bytes"] == sum(size for _, _, size in parts.values())
    assert said["note"] == ""


def test_a_lake_on_a_server_is_said_to_be_left_out(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project
    monkeypatch.setenv(ENDPOINT, "http://lake.example")
    monkeypatch.setenv("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", "b")
    du.run(as_json=False)
    said = capsys.readouterr().out
    assert "on a server, whose objects are not counted here" in said
    assert "lake: objects" not in said
    assert "together" in said
