"""Every error says by its exit code what a script can do about it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import lineage.errors
from lake.errors import UserError
from lake.exit_codes import MEANINGS, ExitCode
from review.cli import at_work
from review.errors import Findings
from tests import commands

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("lake", "expectations", "pipelines", "review")


def every(root: type) -> Iterator[type]:
    """A class and all that inherit from it."""
    yield root
    for child in root.__subclasses__():
        yield from every(child)


def test_every_error_has_a_code_that_there_is() -> None:
    for name in PACKAGES:
        for file in (ROOT / name).rglob("errors.py"):
            importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    found = {*every(UserError), *every(lineage.errors.LineageError)}
    assert len(found) > 40
    for each in found:
        assert ExitCode(each.exit_code) in MEANINGS, each  # type: ignore[attr-defined]
    assert lineage.errors.LineageError.exit_code == ExitCode.FAILED
    assert lineage.errors.QueryError.exit_code == ExitCode.USAGE
    assert Findings.exit_code == ExitCode.FINDING
    assert [each for each in found if each.exit_code == ExitCode.FINDING] == [Findings]  # type: ignore[attr-defined]


def test_help_ends_with_every_code() -> None:
    told = " ".join(commands.stemma("--help").out.split())
    assert [*MEANINGS] == [*ExitCode]
    for code, says in MEANINGS.items():
        assert f"{code}, {says}" in told


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("explain", "depth"), ExitCode.DONE),
        (("explain", "xyzzy"), ExitCode.USAGE),
        (("explain", "--nothing"), ExitCode.USAGE),
        (("lake", "gc"), ExitCode.FAILED),
    ],
)
def test_a_command_ends_with_its_code(
    words: tuple[str, ...], code: ExitCode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert commands.stemma(*words).code == code


def test_a_command_beside_one_that_must_be_alone_is_to_try_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("datasets: {}\n")
    left = Path(".stemma/purge-of-a-killed-command")
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    with at_work.alone():
        assert commands.stemma("clean", "--yes").code == ExitCode.TRY_AGAIN
