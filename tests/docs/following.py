"""Follows a page to the letter: files are written, commands run, and what it shows is printed.

    python -m tests.docs.following PAGE FOLDER

does so in a folder that is made, and prints each command with all of its output, from which a page
takes what it shows.
"""

from __future__ import annotations

import ast
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

BLOCK: Final = re.compile(r"^```(console|python|diff)\n(.*?)^```", re.DOTALL | re.MULTILINE)
CELL: Final = re.compile(
    r"^```python\n(.*?)^```\n(?:\n```\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE
)
NAMED: Final = re.compile(r"\A# (?P<name>[\w-]+\.py)\n")
CHANGED: Final = re.compile(r"\A--- (?P<name>\S+)\n(?P<lines>(?:[-+ ].*\n)+)\Z")
GOES_ON: Final = re.compile(r"(?P<command>.* > (?P<file>\S+).*) &")
EXPORT: Final = "export "
NUMBER: Final = re.compile(r"-?\d[\d,]*(\.\d+)?")
DIGEST: Final = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,64}\b")
KEY: Final = re.compile(r"\bSTEMMA[0-9A-F]{14}\b|(?<=SECRET_ACCESS_KEY=)\S+")
PLACE: Final = re.compile(r" /[\w./-]+")
SECONDS: Final = 900
WAIT: Final = "until "
WAIT_SECONDS: Final = 120
"""Most time for a command that waits for what another one prints."""
COLUMNS: Final = "130"
"""Width of the terminal in which pages were written: cells of tables are broken by it."""


@dataclass(frozen=True, slots=True)
class File:
    """A program of a page, whose first line is a comment with its name."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class Change:
    """Lines of a file that a page has its reader replace: a block of `diff` whose head names it."""

    name: str
    before: str
    after: str

    def make(self, folder: Path) -> None:
        """Replace them in a folder; the file has them once."""
        place = folder / self.name
        text = place.read_text(encoding="utf-8")
        assert text.count(self.before) == 1, (self.name, self.before, text)
        place.write_text(text.replace(self.before, self.after), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Shown:
    """The value of an expression of a page, and what the page shows of it."""

    code: str
    value: str
    shown: str

    def agrees(self) -> bool:
        """Whether they are the same, whatever their numbers and digests are."""
        return [masked(line) for line in self.value.splitlines()] == [
            masked(line) for line in self.shown.splitlines()
        ]


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a page, and the lines that it shows of the output."""

    command: str
    shown: tuple[str, ...] = ()

    def missing(self, output: str) -> list[str]:
        """The lines that the output lacks, whatever its numbers and digests are."""
        printed = {masked(line) for line in output.splitlines()}
        return [line for line in self.shown if masked(line) not in printed]


def parts(page: str) -> Iterator[File | Change | Step]:
    """The files, changes and commands of a page, in order; but no Python without a name."""
    for kind, content in BLOCK.findall(page):
        if kind == "console":
            yield from _commands(content)
        elif kind == "diff":
            yield _change(content)
        elif named := NAMED.match(content):
            yield File(named["name"], content)


def steps(page: str) -> Iterator[Step]:
    """The commands of a page's console blocks, in order."""
    return (part for part in parts(page) if isinstance(part, Step))


def run(step: Step, folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a command as the page has it: its exit code, and all that it prints."""
    done = subprocess.run(
        ["/bin/sh", "-c", step.command],
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=WAIT_SECONDS if step.command.startswith(WAIT) else SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def follow(page: str, folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[Step, str]]:
    """Write, change and run all that a page has, in order: each command with what it printed.

    A command that fails is an error, unless the page shows the sentence with which it does. What a
    command exports, later ones have. One that ends with `&`, and prints into a file, goes on until
    the page ends; the next one comes at once, as in a shell, so a page that reads the file waits.
    """
    current = dict(environment)
    with ExitStack() as running:
        for part in parts(page):
            if isinstance(part, File):
                (folder / part.name).write_text(part.content, encoding="utf-8")
            elif isinstance(part, Change):
                part.make(folder)
            elif goes_on := GOES_ON.fullmatch(part.command):
                running.enter_context(_background(goes_on, folder, current))
                yield part, ""
            elif part.command.startswith(EXPORT):
                current = _exported(part, folder, current)
                yield part, ""
            else:
                code, output = run(part, folder, current)
                assert code == 0 or any(line.startswith("stemma: ") for line in part.shown), output
                yield part, output


def cells(page: str) -> list[tuple[str, str]]:
    """The Python of a page, in order, each with the plain block below it, which shows its value."""
    return [(code, shown) for code, shown in CELL.findall(page)]


def page_values(cells: Iterable[tuple[str, str]], names: dict[str, Any]) -> Iterator[Shown]:
    """Run Python of a page in one namespace: what an expression is, and what the page says it is.

    Args:
        cells: code, and what stands below it. An expression that stands alone may have its value
            in comments below; the last one of a cell in the block below, as a notebook shows it.
        names: what there is beforehand; what the code defines is added.
    """
    for code, below in cells:
        lines, body = code.splitlines(), ast.parse(code).body
        for node in body:
            if not isinstance(node, ast.Expr):
                exec(compile(ast.Module([node], []), "page", "exec"), names)  # noqa: S102  our own
                continue
            value = eval(compile(ast.Expression(node.value), "page", "eval"), names)  # noqa: S307
            said = itertools.takewhile(lambda line: line.startswith("#"), lines[node.end_lineno :])
            comment = "\n".join(line[1:].removeprefix(" ") for line in said)
            if comment or (below and node is body[-1]):
                yield Shown(code, repr(value), comment or below)


def forked(folder: Path, programs: Path) -> Path:
    """A folder of `stemma` and `dvc` as forks (`tests/programs.py`), and of no other program."""
    folder.mkdir()
    for name in ("stemma", "dvc"):
        (folder / name).symlink_to(programs / name)
    return folder


def environment_of(home: Path, *commands: Path) -> dict[str, str]:
    """Environment variables of somebody with a home of their own who has installed the package.

    Args:
        home: holds the key to sign with; a folder.
        commands: folders of programs, before those of this environment.
    """
    kept = ("TMPDIR", "LANG", "PYTHONPATH")
    folders = (*commands, Path(sys.executable).parent)
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "HOME": str(home),
        "PATH": os.pathsep.join((*map(str, folders), os.environ["PATH"])),
        "COLUMNS": COLUMNS,
        "DVC_NO_ANALYTICS": "true",
        "OMP_NUM_THREADS": "1",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b.c",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b.c",
    }


def masked(line: str) -> str:
    """A line without what differs from run to run: numbers, digests, keys, places and widths."""
    plain = NUMBER.sub("#", DIGEST.sub("@", KEY.sub("@", PLACE.sub(" /…", line))))
    return re.sub(r"[─━═ ]+", " ", plain).strip()


@contextmanager
def _background(
    found: re.Match[str], folder: Path, environment: Mapping[str, str]
) -> Iterator[None]:
    """A command that goes on beside the others; that it ends before them is an error."""
    words = f"exec {found['command']}"
    started = subprocess.Popen(["/bin/sh", "-c", words], cwd=folder, env=dict(environment))
    try:
        yield
        assert started.poll() is None, words
    finally:
        started.terminate()
        started.wait()


def _exported(step: Step, folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of later commands."""
    code, output = run(Step(f"{step.command} && env -0"), folder, environment)
    assert code == 0, output
    pairs = (line.partition("=") for line in output.split("\0") if line)
    return {name: value for name, _, value in pairs}


def _change(block: str) -> Change:
    """What a block of `diff` replaces; lines without a sign stay."""
    found = CHANGED.match(block)
    assert found is not None, block
    lines = found["lines"].splitlines(keepends=True)
    before, after = (
        "".join(line[1:] for line in lines if line[0] in signs) for signs in (" -", " +")
    )
    return Change(found["name"], before, after)


def _commands(block: str) -> Iterator[Step]:
    """The commands of one block; one that ends with a backslash goes on in the next line."""
    for command, lines in re.findall(
        r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE
    ):
        kept = [line for line in lines.splitlines() if line.strip(" …")]
        yield Step(command.partition("  #")[0].rstrip(), tuple(kept))


def main(page: Path, folder: Path) -> None:
    """Follow a page, and print what its commands do."""
    folder.mkdir(parents=True)
    environment = environment_of(folder.parent)
    for step, output in follow(page.read_text(encoding="utf-8"), folder.resolve(), environment):
        lacks = "".join(f"MISSING {line}\n" for line in step.missing(output))
        sys.stdout.write(f"$ {step.command}\n{output}{lacks}")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
