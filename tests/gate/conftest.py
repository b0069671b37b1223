"""One lake for all attacks: each test has a project of its own, and gives the refs back.

Commits never change, so a lake whose branches and tags are put back is the lake that it was. The
suite runs on the embedded lake, and on any server that `LAKECTL_*` names when pytest starts.

What stands elsewhere is not repeated here: direct commits, cherry-picks, squashes, reverts, merges
by hand, false overrides and answers about other commits in tests/flow/test_history.py; smuggled
rows, wrong and missing signatures and unknown keys in tests/flow/test_history_proofs.py; records of
calibrations in tests/pipelines/gate/test_calibration_merges.py; rejections whose branch is deleted
or moved in tests/flow/test_rejections.py; stale approvals and foreign origins in tests/flow (the
page and its hostile requests); a suite or limits that were loosened in the tests of the diff.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from lake import refs
from lake.client import Lake
from lake.settings import HOME
from pipelines.common.errors import BlockedError
from tests.flow.conftest import _nobodys_lake, made_blocked, published
from tests.flow.lab import key_pair
from tests.flow.projects import Project, tiny, tiny_round
from tests.gate import attacker

__all__ = ["_nobodys_lake", "made_blocked", "published"]

SERVER: Final[Mapping[str, str]] = {
    name: value for name, value in os.environ.items() if name.startswith("LAKECTL_")
}
"""The server that the suite was asked to attack; empty: the embedded lake."""
LIMITS: Final = {"guard": {"real_share_block": 0.99, "real_share_shallow": 0.0}}
"""Limits by which the guard blocks round 3."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A project with two published rounds and a third that the guard blocked, its lake at work."""

    root: Path
    env: Mapping[str, str]
    """Variables that lead to its lake from anywhere."""


@pytest.fixture(scope="session")
def ground(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, _nobodys_lake: None
) -> Iterator[Ground]:
    """The project that every attack starts from."""
    root = tmp_path_factory.mktemp("ground") / "project"
    if not SERVER:
        shutil.copytree(request.getfixturevalue("made_blocked"), root, symlinks=True)
        yield Ground(root, {HOME: str(root / ".lake")})
        Project(root).drop_lake()
        return
    project, name = tiny(root), f"gate-{secrets.token_hex(4)}"
    project.edit(lambda found: found.update(lake={"repository": name, "holdout": f"{name}-held"}))
    with _environment(SERVER), contextlib.chdir(root):
        project.all(2)
        entry = tiny_round(3) | {"publish": LIMITS}
        project.edit(lambda found: found["rounds"].update({"tiny-3": entry}))
        with pytest.raises(BlockedError):
            project.round("tiny-3")
    yield Ground(root, SERVER)


@pytest.fixture
def project(ground: Ground, tmp_path: Path) -> Iterator[Project]:
    """A checkout of that project, whose lake is put back afterwards; the current directory."""
    root = tmp_path / "project"
    shutil.copytree(ground.root, root, symlinks=True, ignore=shutil.ignore_patterns(".lake"))
    with _environment(ground.env), contextlib.chdir(root):
        found = Project(root)
        lakes = [found.lake(), found.lake(holdout=True)]
        before = [(lake.branches(), lake.tags()) for lake in lakes]
        yield found
        for lake, (branches, tags) in zip(lakes, before, strict=True):
            put_back(lake, branches, tags)


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The private key of somebody whom nobody trusts."""
    return key_pair(tmp_path_factory.mktemp("stranger") / "key")


def put_back(lake: Lake, branches: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """Make the branches and tags of a lake what they were."""
    for name, commit in {**lake.branches(), **branches}.items():
        if name not in branches:
            lake.delete_branch(name)
        elif name == refs.MAIN:
            attacker.hard_reset(lake, name, commit)
        elif lake.head(name) != commit:
            lake.set_branch(name, commit)
    now = lake.tags()
    for name in now.keys() - {name for name, commit in tags.items() if now.get(name) == commit}:
        attacker.delete_tag(lake, name)
    for name in tags.keys() - lake.tags().keys():
        lake.tag(name, tags[name])


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield
