"""Real projects for these tests: nothing run yet, or two rounds published."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.common.errors import BlockedError
from pipelines.common.signing import KEY
from tests import programs as forked_programs
from tests.flow import accounts
from tests.flow.lab import Lab, key_pair
from tests.flow.projects import ROOT, Project, copy, tiny, tiny_round
from tests.shared import made_once


@pytest.fixture(scope="session", autouse=True)
def _nobodys_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No lakeFS settings of whoever runs the tests; programs started here find this checkout."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("LAKECTL_", "STEMMA_", "DVC_")):
                patch.delenv(name)
        home = tmp_path_factory.mktemp("home")
        patch.setenv("HOME", str(home))
        patch.setenv("DVC_NO_ANALYTICS", "true")
        patch.setenv("GX_ANALYTICS_ENABLED", "false")
        patch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
        (home / "gitconfig").write_text("[user]\nname = a\nemail = a@example.org\n")
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture(scope="session", autouse=True)
def _accounted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What becomes of the rows of every round is accounted for when it is published or blocked."""
    with accounts.checked(tmp_path_factory.mktemp("accounts") / "rounds"):
        yield


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """`stemma` and `dvc` of `PATH` are forks of a process that has imported their libraries."""
    folder = forked_programs.start(tmp_path_factory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two published rounds of `tiny`, its lake at rest."""

    def make(root: Path) -> None:
        project = tiny(root)
        with contextlib.chdir(root):
            project.all(2)
        project.stop_lake()

    return made_once(tmp_path_factory, "published", make)


@pytest.fixture
def copied(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A copy of the project with two published rounds; the current directory."""
    project = copy(published, tmp_path / "project")
    monkeypatch.chdir(project.root)
    yield project
    project.drop_lake()


@pytest.fixture(scope="session")
def _unchanged(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = copy(published, tmp_path_factory.mktemp("unchanged") / "project")
    yield project
    project.drop_lake()


@pytest.fixture
def unchanged(_unchanged: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with two published rounds, for tests that only read; the current directory."""
    monkeypatch.chdir(_unchanged.root)
    return _unchanged


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project of `tiny` before anything ran; the current directory."""
    project = tiny(tmp_path / "project")
    monkeypatch.chdir(project.root)
    yield project
    project.drop_lake()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Private keys of the one who publishes and of somebody else, each beside its public key."""
    place = tmp_path_factory.mktemp("keys")
    return key_pair(place / "ours"), key_pair(place / "theirs")


@pytest.fixture(scope="session")
def laboratory(
    made_blocked: Path, keys: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """A project whose round 3 the guard blocked, and which was published signed by other limits."""
    project = copy(made_blocked, tmp_path_factory.mktemp("lab") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        lake = project.lake()
        blocked, start = lake.head("tiny-r003"), lake.head("main")
        project.edit(lambda found: found["rounds"]["tiny-3"].update(publish={}))
        patch.setenv(KEY, str(keys[0]))
        project.run("publish", "tiny-3")
    yield Lab(project, lake, str(start), lake.resolve("main"), str(blocked))
    project.drop_lake()


@pytest.fixture
def lab(laboratory: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """That project as the current directory; a test uses branches of its own."""
    monkeypatch.chdir(laboratory.project.root)
    return laboratory


@pytest.fixture(scope="session")
def made_blocked(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose round 3 the guard blocked, its lake at rest."""

    def make(root: Path) -> None:
        project = copy(published, root)
        with contextlib.chdir(root):
            limits = {"guard": {"real_share_block": 0.99, "real_share_shallow": 0.0}}
            entry = tiny_round(3) | {"publish": limits}
            project.edit(lambda found: found["rounds"].update({"tiny-3": entry}))
            with pytest.raises(BlockedError):
                project.round("tiny-3")
        project.stop_lake()

    return made_once(tmp_path_factory, "blocked", make)


@pytest.fixture(scope="module")
def still(made_blocked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A copy of that project, for tests that decide nothing; the current directory."""
    project = copy(made_blocked, tmp_path_factory.mktemp("still") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        yield project
    project.drop_lake()


@pytest.fixture
def blocked(
    made_blocked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """A copy of that project; the current directory."""
    project = copy(made_blocked, tmp_path / "project")
    monkeypatch.chdir(project.root)
    yield project
    project.drop_lake()
