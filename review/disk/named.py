"""Which rounds and commits this checkout names, and the branches, tags and experiments of git.

Text is searched, not parsed: what merely looks like the name of a round counts as one, so that a
file of another release, or one that is damaged, never makes a round nameless.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

from pipelines import params
from pipelines.rounds import receipts
from review.errors import ReviewError

LOCK: Final = "dvc.lock"
PATHS: Final = (params.FILE, LOCK, str(receipts.ROOT))
_OUT: Final = re.compile(r"(?:models|reports|rounds)/([^/\s'\"]+)/([0-9]+)(?![0-9A-Za-z_.-])")
_KEY: Final = re.compile(r"(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]+)-([0-9]+)")
_COMMIT: Final = re.compile(r'"(?:commit|main)": "([0-9a-f]{64})"')
_UNREADABLE: Final = (
    "git cannot say what its branches name ({}), so nothing is removed; mend the repository and "
    "clean again"
)
_REDIRECTS: Final = ("GIT_DIR", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")
"""Variables that let git read other refs and objects than those of the folder it is asked in."""

RoundName = tuple[str, int]
"""A data set and the number of a round."""


@dataclass(frozen=True, slots=True)
class Named:
    """What is named, by this checkout or by a ref of git."""

    rounds: frozenset[RoundName]
    commits: frozenset[str]
    refs: int | None
    """How many commits branches, tags and experiments of git lead to; None where there is no
    repository."""


def search(root: Path) -> Named:
    """Search a project and all refs of its git repository.

    Raises:
        ParamsError: params.yaml is missing or broken.
        ReviewError: git cannot read its own repository, or a variable names another one.
    """
    for name in _REDIRECTS:
        if name in os.environ:
            raise ReviewError(
                f"{name} is set, so git would name the branches of another repository than the "
                "project's, and nothing is removed; unset it and clean again"
            )
    texts = [*params.load(root / params.FILE).rounds, *_written(root)]
    refs = _refs(root)
    texts += _in_git(root, refs or [])
    rounds = {name for text in texts for name in _rounds(text)}
    commits = {commit for text in texts for commit in _COMMIT.findall(text)}
    commits |= receipts.named_commits(root / receipts.ROOT)
    return Named(frozenset(rounds), frozenset(commits), None if refs is None else len(refs))


def _written(root: Path) -> Iterator[str]:
    """Names that files of the checkout have or hold."""
    yield from (path.relative_to(root).as_posix() for path in root.glob(f"{receipts.ROOT}/*/*/*"))
    lock = root / LOCK
    if lock.is_file():
        yield lock.read_text(encoding="utf-8", errors="replace")


def _rounds(text: str) -> Iterator[RoundName]:
    for pattern in (_OUT, _KEY):
        yield from ((name, int(number)) for name, number in pattern.findall(text))


def _refs(root: Path) -> list[str] | None:
    """The commits that refs of git lead to; None where the project is in no repository.

    Of a stash, such as the one of experiments that wait, every entry counts, with the files that
    git did not track.

    Raises:
        ReviewError: git cannot read the repository, or is not installed.
    """
    if not _is_in_repository(root):
        return None
    shape = "--format=%(objectname) %(refname) %(objecttype) %(*objecttype)"
    head = _git(root, "rev-parse", "--verify", "--quiet", "HEAD")  # nothing before the first commit
    found = set(head.stdout.decode().split())
    for line in _said(_git(root, "for-each-ref", shape)).splitlines():
        name, ref, *types = line.split()
        if "commit" in types:
            found.add(f"{name}^{{commit}}")
        elif types == ["tag", "tag"]:  # a tag of a tag
            peeled = _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
            found.update(peeled.stdout.decode().split())
        if ref.endswith("stash"):
            walk = _git(root, "rev-list", "--walk-reflogs", "--parents", ref)
            found.update(_said(walk).split())
    return sorted(found)


def _is_in_repository(root: Path) -> bool:
    """Whether a folder is in a repository of git.

    Raises:
        ReviewError: git cannot read it, such as that of another user, or is not installed.
    """
    asked = None if shutil.which("git") is None else _git(root, "rev-parse", "--git-dir")
    if asked is not None and asked.returncode == 0:
        return True
    device = root.stat().st_dev  # git does not look for a repository beyond a file system
    folders = takewhile(lambda folder: folder.stat().st_dev == device, (root, *root.parents))
    if not any((folder / ".git").exists() for folder in folders):
        return False
    if asked is not None:
        _said(asked)
    raise ReviewError("git is not installed, which knows the branches: nothing is removed")


def _in_git(root: Path, refs: list[str]) -> Iterator[str]:
    """Names and contents of the files that name rounds, at commits; each content once."""
    blobs: set[str] = set()
    for ref in refs:
        listed = _git(root, "ls-tree", "-r", "-z", ref, "--", *PATHS)
        for entry in _said(listed).split("\0"):
            head, _, path = entry.partition("\t")
            if path.endswith((".json", ".yaml", ".lock")):
                yield path
                blobs.add(head.split()[2])
    if blobs:
        yield _contents(root, "\n".join(sorted(blobs)).encode())


def _contents(root: Path, blobs: bytes) -> str:
    """The contents of files that git holds.

    Raises:
        ReviewError: it lacks one.
    """
    for line in _said(_git(root, "cat-file", "--batch-check", given=blobs)).splitlines():
        if line.endswith(" missing"):
            raise ReviewError(_UNREADABLE.format(line))
    return _said(_git(root, "cat-file", "--batch", given=blobs))


def _git(root: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603  names of git's own objects
        ["git", "-C", str(root), *arguments],  # noqa: S607  found on PATH
        input=given,
        capture_output=True,
        check=False,
    )


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """What git wrote.

    Raises:
        ReviewError: it failed.
    """
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it says nothing"]
        raise ReviewError(_UNREADABLE.format(lines[-1]))
    return done.stdout.decode(errors="replace")
