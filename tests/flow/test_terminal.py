"""Every command in a terminal of 80 columns: nothing is wider, and no word is broken."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from lake import refs
from pipelines.rounds import tables
from review.cli.app import app
from tests import commands
from tests.flow.projects import Project
from tests.flow.test_screens import Said, Terminal, clean, run

WIDTH = 80
WIDE = 400
FRAME = re.compile(r"[│┃┏┓┡┩└┘━─┳╇┴┼├┤┬█▏▎▍▌▋▊▉]")
STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ERASED = re.compile(r"[^\n]*\n[^\n]*\x1b\[1A\x1b\[2K")
"""A line that a progress bar takes back, and the way up to it."""
EXAMPLES = (
    "status",
    "status --next",
    "status --pages",
    "guard tiny-r003",
    "diff tiny-v1 tiny-v2 --rows --limit 3",
    "audit SAMPLE",
    "audit SAMPLE --prompt",
    "audit --history main",
    "audit --recompute tiny-v1",
    "descendants SAMPLE --rows",
    "losses tiny",
    "losses tiny-r003",
    "verdicts tiny-r003",
    "verdicts --expectation label_agrees",
    "quarantine tiny-r003 -o refused.parquet",
    "estimate tiny",
    "lineage stats",
    "lineage export --format prov -o lineage.json",
    "export tiny-v2 --format hf --output hf",
    "report eu-summary tiny-v2 -o summary.md",
    "suite check tiny",
    "round reviews tiny-3",
    "attest make tiny-v2",
    "attest verify tiny-v2",
    "takedown list",
    "takedown act SAMPLE --reason why --dry-run",
    "sql",
    "du",
    "doctor",
    "clean --dry-run",
    "lake fsck",
    "lake gc --dry-run",
    "lake keys list",
    "lake ls",
    "lake log stemma",
    "run nothing",
    "try nothing",
    "stage fit nothing",
    "replay tiny-v2 --yes",
    "round add nothing",
    "round redo nothing",
    "dataset add",
    "dataset update nothing nothing",
    "verifier audit nothing",
    "explain",
    "explain flag",
    "forecast nothing",
    "test nothing",
    "scaling nothing",
    "advise nothing",
    "init below",
    "ui --host 192.0.2.1",
    "suite new tiny",
    "round accept nothing 0 --reason why",
    "round reject nothing 0 --reason why",
    "round relabel nothing 1 0 --reason why",
    "round correct nothing 0 --text image=x --reason why",
    "round withdraw nothing 0 --reason why",
    "round approve tiny-2 --reason why",
    "round comment nothing text",
    "takedown purge nothing --yes",
    "takedown verify nothing",
    "takedown certificate nothing",
    "lake serve nothing",
    "lake backup ../dvc.yaml",
    "lake restore nothing",
    "lake migrate --dry-run --endpoint http://127.0.0.1:9",
    "lake keys add nobody --role reader --home nothing",
    "lake keys revoke nobody",
    "lake cat stemma/main/nothing",
)
DAILY = ("status --next", "guard tiny-r003", "sql", "run nothing")
WHOLE = ("status --next", "guard tiny-r003", "losses tiny-r003")
"""Of which every word is looked for, in the output of a terminal that is wide."""


@pytest.fixture(scope="module")
def sample(still: Project) -> str:
    """A sample of the project, for commands that run in a folder below it."""
    (still.root / "below").mkdir()
    frame = tables.read_round(still.lake(), refs.MAIN, "tiny", "samples", 2)
    return str(frame["sample_id"][0].hex())


def said(command: str, sample: str, width: int) -> Said:
    """Run a command in a folder of the project, at a terminal of a width."""
    words = command.replace("SAMPLE", sample).split()
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir("below"):
        patch.setenv("COLUMNS", str(width))
        patch.setenv("NO_COLOR", "1")
        patch.setattr(sys, "stdin", io.StringIO())
        return run(*words, kind=Terminal)


def lines(told: Said) -> list[str]:
    """What is left to read, after what progress bars have drawn over."""
    shown = [line for out in (told.out, told.err) for line in ERASED.sub("", out).split("\n")[:-1]]
    plain = [STYLE.sub("", line.rpartition("\r")[2]) for line in shown]
    return [line for line in plain if "it/s" not in line]


@pytest.mark.parametrize(
    "command",
    [each if each in DAILY else pytest.param(each, marks=pytest.mark.slow) for each in EXAMPLES],
)
def test_a_command_fits_80_columns(sample: str, command: str) -> None:
    told = said(command, sample, WIDTH)
    shown = lines(told)
    assert shown
    assert shown[0].strip()
    assert max(map(len, shown)) <= WIDTH, "\n".join(line for line in shown if len(line) > WIDTH)
    assert "Traceback" not in told.err
    clean(Said(told.code, b"", "\n".join(shown), ""))


@pytest.mark.parametrize("command", WHOLE)
def test_no_number_and_no_word_is_broken(sample: str, command: str) -> None:
    narrow = " ".join(lines(said(command, sample, WIDTH)))
    wide = " ".join(lines(said(command, sample, WIDE)))
    left_out = ("left", "out:", "commit,", "made", "(a", "wider", "terminal", "or", "--json")
    known = {*FRAME.sub(" ", wide).split(), *left_out, "has", "them)"}
    assert set(FRAME.sub(" ", narrow).split()) <= known


def test_every_command_has_an_example() -> None:
    words = [tuple(example.split()) for example in EXAMPLES]
    lacking = [
        " ".join(command)
        for command in commands.every()
        if not any(example[: len(command)] == command for example in words)
    ]
    assert lacking == []


def groups(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command, and of every group of commands."""
    yield path
    for name, each in getattr(command, "commands", {}).items():
        yield from groups(each, (*path, name))


@pytest.mark.parametrize("words", list(groups(typer.main.get_command(app))), ids=" ".join)
def test_help_fits_80_columns(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    told = run(*words, "--help", kind=Terminal)
    assert told.code == 0
    assert max(map(len, told.out.splitlines())) <= WIDTH
