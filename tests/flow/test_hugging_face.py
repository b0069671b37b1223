"""`stemma export --format hf`: a folder that Hugging Face's library reads, and its upload."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import stemma
from lineage.identity import sample_ids
from pipelines.common.errors import ProjectError
from pipelines.features.image_marks import finding
from pipelines.inquiry.exports.hugging_face import folder
from tests.flow.projects import Project
from tests.packages import needs_package

pytestmark = needs_package("datasets")
SECRET = "hf_notatoken"  # noqa: S105  of nobody


def export(project: Project, target: Path, *words: str, **env: str) -> Any:
    done = project.stemma(
        "export", "tiny-v2", "--format", "hf", "-o", str(target), *words, "--json", env=env
    )
    return json.loads(done.out) if done.code == 0 else done


@pytest.fixture
def exported(unchanged: Project, tmp_path: Path) -> Path:
    target = tmp_path / "out" / "tiny"
    summary = export(unchanged, target, "--split", "train", "--split", "validation")
    assert summary["train_rows"] == 137
    assert summary["marked_images"] == summary["synthetic_rows"] == 48
    assert summary["validation_rows"] == 40
    return target


def test_the_library_reads_the_folder(exported: Path, tmp_path: Path) -> None:
    import datasets  # noqa: PLC0415  slow to import

    datasets.disable_progress_bars()
    found = datasets.load_dataset(str(exported), cache_dir=str(tmp_path / "cache"))
    assert {name: part.num_rows for name, part in found.items()} == {"train": 137, "validation": 40}
    train, mix = found["train"], stemma.load("tiny-v2").frame()
    assert train["sample_id"][:] == [each.hex() for each in mix["sample_id"]]
    assert train["weight"][:] == mix["weight"].to_list()
    assert train[0]["image"].size == (8, 8)
    assert train.features["label"].names == ["0", "1"]
    assert set(train["lineage_kind"][:]) == {"real", "synthetic"}
    assert train[0]["lineage_licence"] == "CC0-1.0"
    assert train[136]["lineage_depth_max"] == 2
    assert train[136]["lineage_parents"] == []
    assert set(found["validation"]["lineage_kind"][:]) == {"real"}


def test_generated_images_are_marked_and_keep_their_ids(exported: Path) -> None:
    rows = pl.read_parquet(exported / "data" / "train-00000-of-00001.parquet")
    marked = [bool(finding.find(item["bytes"])) for item in rows["image"]]
    assert marked == (rows["lineage_kind"] == "synthetic").to_list()
    ids = sample_ids(rows, ("image",)).bin.encode("hex")
    assert ids.to_list() == rows["sample_id"].to_list()
    stored = stemma.open("tiny-v2").samples.collect()
    assert not any(finding.find(item["bytes"]) for item in stored["image"])


def test_another_export_takes_its_place_and_nothing_else_does(
    exported: Path, unchanged: Project, tmp_path: Path
) -> None:
    (exported / "data" / "old.parquet").write_bytes(b"")
    left = exported.with_name(f"{folder._prefix(exported)}999999999")
    left.mkdir()
    assert export(unchanged, exported)["train_rows"] == 137
    assert [each.name for each in exported.parent.iterdir()] == ["tiny"]
    assert [each.name for each in (exported / "data").iterdir()] == ["train-00000-of-00001.parquet"]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("x", encoding="utf-8")
    refused = export(unchanged, mine)
    assert refused.code == 2
    assert "is not empty, and no export wrote it" in refused.err
    assert [each.name for each in mine.iterdir()] == ["thesis.txt"]


def test_an_export_that_fails_leaves_no_folder(
    unchanged: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder.facts, "collect", full)
    data = stemma.load("tiny-v1")
    with pytest.raises(ProjectError, match="No space left"):
        folder.write(unchanged.lake(), data, tmp_path / "tiny")
    assert not list(tmp_path.iterdir())


@dataclass
class Hub:
    """A server that speaks as much of the Hub's API as an upload of small files needs."""

    server: ThreadingHTTPServer
    visible: list[bool] = field(default_factory=list)
    """Whether the data set is private, once it exists."""
    files: dict[str, bytes] = field(default_factory=dict)
    tokens: set[str | None] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


class Answers(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.hub.tokens.add(self.headers["Authorization"])
        if not self.hub.visible:
            self._answer(404, {"error": "Repository not found"}, RepoNotFound=True)
            return
        named = [{"rfilename": name} for name in self.hub.files]
        about = {
            "id": "me/tiny",
            "private": self.hub.visible[0],
            "siblings": named,
            "sha": "a" * 40,
        }
        self._answer(200, [] if "/tree/" in self.path else about)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.hub.tokens.add(self.headers["Authorization"])
        if self.path == "/api/repos/create":
            self.hub.visible.append(json.loads(body)["visibility"] == "private")
            self._answer(200, {"url": f"{self.hub.address}/datasets/me/tiny"})
        elif "/preupload/" in self.path:
            names = [each["path"] for each in json.loads(body)["files"]]
            modes = [
                {"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names
            ]
            self._answer(200, {"files": modes})
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.hub.files[line["value"]["path"]] = line["value"]["content"]
            url = f"{self.hub.address}/datasets/me/tiny/commit/{'b' * 40}"
            self._answer(200, {"commitUrl": url, "commitOid": "b" * 40, "success": True})
        else:  # the check of a card's head
            self._answer(200, {"errors": [], "warnings": []})

    def _answer(self, code: int, content: object, **headers: bool) -> None:
        data = json.dumps(content).encode()
        self.send_response(code)
        if headers:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Answers.hub = Hub(server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Answers.hub
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_upload_is_private_and_never_prints_the_token(
    unchanged: Project, tmp_path: Path, hub: Hub
) -> None:
    target, env = tmp_path / "tiny", {"HF_ENDPOINT": hub.address, "HF_TOKEN": SECRET}
    pushed = export(unchanged, target, "--push", "me/tiny", **env)
    assert pushed["pushed"] == f"{hub.address}/datasets/me/tiny/commit/{'b' * 40}"
    assert hub.visible == [True]
    assert set(hub.files) == {"README.md", "data/train-00000-of-00001.parquet"}
    assert hub.tokens == {f"Bearer {SECRET}"}
    hub.visible[0] = False
    refused = export(unchanged, target, "--push", "me/tiny", **env)
    assert "everybody can read me/tiny" in refused.err
    assert SECRET not in refused.err + refused.out
    hub.visible[0], held = True, dict(hub.files)
    secret = export(unchanged, target, "--push", "me/tiny", "--public", **env)
    assert "me/tiny is private, and with it all that it held before" in secret.err
    assert hub.files == held
    wrong = export(unchanged, target, "--push", "tiny", **env)
    assert "write OWNER/NAME" in wrong.err
    dead = export(
        unchanged, target, "--push", "me/tiny", HF_TOKEN=SECRET, HF_ENDPOINT="http://x.invalid"
    )
    assert dead.code != 0
    assert "cannot be pushed" in dead.err
    assert SECRET not in dead.err
