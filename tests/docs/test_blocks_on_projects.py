"""Blocks of pages on small projects that are where their pages are in the story."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake.polling import until
from tests.docs import blocks
from tests.docs.following import COLUMNS
from tests.docs.outputs import differing
from tests.flow import two_kinds
from tests.flow.executed import KEY, fitted, shard_folders
from tests.flow.projects import Project, copy
from tests.flow.reviewers import lake_of
from tests.flow.test_approvals import approve, waiting
from tests.flow.test_losses import gappy
from tests.flow.test_takedown import chosen
from tests.lake.servers import start

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("programs")]
REVIEWED = ("curate", "evaluate", "publish")


def agree(state: str, folder: Path, **variables: str) -> None:
    """Run the blocks of all pages that have some of a state, and hold them against the pages."""
    environment = {**os.environ, "COLUMNS": COLUMNS, **variables}
    for page, commands in blocks.ON_PROJECTS[state].items():
        assert differing(page, commands, folder, environment) == [], page


def test_every_project_of_blocks_has_a_test() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [state for state in blocks.ON_PROJECTS if f'agree("{state}"' not in source] == []


@pytest.fixture
def both(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """Two rounds of images, made of images, and two of texts; the current directory."""
    project = copy(two_kinds.made(tmp_path_factory), tmp_path / "project")
    monkeypatch.chdir(project.root)
    yield project
    project.drop_lake()


def test_blocked(blocked: Project, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    agree("blocked", blocked.root, GITHUB_STEP_SUMMARY=str(summary))
    assert r"real\_share" in summary.read_text(encoding="utf-8")
    questions(blocked.root)
    exec(compile(blocks.python_alone("docs/diff.md"), "docs/diff.md", "exec"), {})  # noqa: S102


def questions(folder: Path) -> None:
    """Two tables of questions, of which the newer one lacks, changes and adds some."""
    draw = random.Random(1)  # noqa: S311  no secret
    prompts = [f"What is {draw.randint(1, 49)} plus {draw.randint(1, 49)}?" for _ in range(400)]
    old = pl.DataFrame(
        {
            "id": range(400),
            "prompt": prompts,
            "level": [draw.choice(("easy", "hard")) for _ in range(400)],
            "score": [round(draw.gauss(0.7, 0.1), 3) for _ in range(400)],
        }
    )
    changed = pl.col("id") % 2 == 0
    new = old.filter(pl.col("id") % 97 != 3).with_columns(
        pl.when(changed).then(pl.col("score") + 0.12).otherwise("score").round(3).alias("score"),
        pl.when(pl.col("id") % 41 == 7).then(pl.lit("medium")).otherwise("level").alias("level"),
        pl.lit("v2").alias("source"),
    )
    old.write_parquet(folder / "old.parquet")
    new.write_parquet(folder / "new.parquet")


def test_two_files(tmp_path: Path) -> None:
    questions(tmp_path)
    agree("two_files", tmp_path)


def test_made_again(copied: Project) -> None:
    gappy(copied, 2, revision=1)
    agree("made_again", copied.root)


def test_decided(both: Project) -> None:
    agree("decided", both.root)
    both.run("inputs", "tiny")
    both.round("tiny-1", *REVIEWED)
    agree("published_again", both.root)


def test_approved(blocked: Project) -> None:
    waiting(blocked, 2)
    assert approve(lake_of(blocked, "ada"), "looks fine") is None
    agree("approved", blocked.root)


def test_letter(both: Project) -> None:
    ids = chosen(both.lake(), "tiny")
    (both.root / "letter.txt").write_text("".join(f"{one}\n" for one in ids), encoding="utf-8")
    agree("letter", both.root)


def test_law(both: Project) -> None:
    both.edit(lambda found: found["datasets"]["tiny"].update(publish={}))
    agree("law", both.root)


def test_held_out(copied: Project) -> None:
    agree("held_out", copied.root)


def test_killed(copied: Project) -> None:
    fitted(copied, "./marked.py", candidates=45, shard_rows=5)
    Path("wait-7").touch()
    command = [sys.executable, "-m", "review.cli.app", "stage", "generate", KEY]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        try:
            assert until(lambda: len(shard_folders()) == 7, interval=0.02, timeout=200)
        finally:
            running.send_signal(signal.SIGKILL)
    Path("wait-7").unlink()
    agree("killed", copied.root)


def test_failing(copied: Project) -> None:
    fitted(copied, "./marked.py", candidates=45, shard_rows=5)
    Path("fail-2").touch()
    agree("failing", copied.root)


def test_shared(copied: Project) -> None:
    fitted(copied, "./marked.py", candidates=40, shard_rows=5)
    for share in ("1/4", "4/4"):
        assert copied.stemma("stage", "generate", KEY, "--shard", share).code == 0
    agree("shared", copied.root)


def test_backed_up(copied: Project) -> None:
    agree("backed_up", copied.root)
    assert (copied.root.parent / "restored" / "catalog.db").is_file()


def test_left_behind(copied: Project) -> None:
    for name, size in (("models", 300_000), ("reports", 40_000)):
        folder = copied.root / name / "tiny" / "7"
        folder.mkdir(parents=True)
        (folder / "left").write_bytes(bytes(size))
    subprocess.run(["git", "init", "--quiet"], check=True)
    agree("left_behind", copied.root)


def test_fresh_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    served = start(tmp_path / ".lake", more=["--sample-repo"])
    try:
        agree("fresh_lake", tmp_path)
        keys = (served.remote.access_key_id, served.remote.secret_access_key)
        for language, _, text in blocks.blocks(blocks.ROOT / "docs" / "lake.md"):
            if language == "python":
                code = text.replace("http://127.0.0.1:8000", served.remote.endpoint)
                for key in keys:
                    code = code.replace("…", key, 1)
                names: dict[str, Any] = {}
                exec(compile(code, "docs/lake.md", "exec"), names)  # noqa: S102  our own
                lakes = names["lakes"].lazy().collect()
                assert {"Lake_name", "Country"} <= set(lakes.columns)
    finally:
        served.kill()
