"""Commands find the project above where the user stands; paths stay where the user sees them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from review.cli import project_folder
from review.errors import UsageError


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's folder, while the user stands two folders further down."""
    (tmp_path / "params.yaml").write_text("datasets: {}\n")
    (tmp_path / "data" / "new").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "data" / "new")
    return tmp_path


def seen(module: str = "review.commands.status", **options: Any) -> tuple[Path, dict[str, Any]]:
    with project_folder.entered(module, options) as found:
        return Path.cwd(), found


def test_the_project_is_found_and_left_again(inside: Path) -> None:
    where, _ = seen()
    assert where == inside
    assert Path.cwd() == inside / "data" / "new"


def test_paths_stay_relative_to_the_user(inside: Path, tmp_path: Path) -> None:
    (inside / "data" / "rows.csv").touch()
    _, found = seen(
        output=Path("out.json"),
        html=tmp_path / "page.html",
        import_from=[Path("a"), Path("../b")],
        words=["verify", "x.json"],
        candidates="../rows.csv",
        blockstore="s3://bucket",
        from_file=Path("-"),
        source="../rows.csv",
        left="main",
        sample="../rows.csv",
        limit=3,
        none=None,
    )
    assert found == {
        "output": Path("data/new/out.json"),
        "html": tmp_path / "page.html",
        "import_from": [Path("data/new/a"), Path("data/b")],
        "words": ["verify", "data/new/x.json"],
        "candidates": "data/rows.csv",
        "blockstore": "s3://bucket",
        "from_file": Path("-"),
        "source": "data/rows.csv",
        "left": "main",
        "sample": "../rows.csv",
        "limit": 3,
        "none": None,
    }


def test_a_path_above_a_link_is_the_one_that_the_user_sees(inside: Path) -> None:
    (inside / "far" / "away").mkdir(parents=True)
    (inside / "far" / "rows.csv").touch()
    (inside / "data" / "new" / "link").symlink_to(inside / "far" / "away")
    where, found = seen(source="link/../rows.csv")
    assert (where / found["source"]).samefile(inside / "far" / "rows.csv")


def test_a_folder_that_this_user_may_not_read_holds_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "closed" / "deep")
    (tmp_path / "closed").chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        found = project_folder.above(tmp_path / "closed" / "deep")
    finally:
        os.seteuid(user)
        (tmp_path / "closed").chmod(0o700)
    assert found is None


def test_a_folder_that_is_gone_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(UsageError, match="this folder is there no more"):
        seen()


def test_a_new_project_is_made_where_the_user_stands(inside: Path) -> None:
    where, found = seen("review.commands.init", directory=Path("here"))
    assert (where, found) == (inside / "data" / "new", {"directory": Path("here")})


def test_without_a_project_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert seen(output=Path("x")) == (tmp_path, {"output": Path("x")})
