"""Writes what commands print today into the pages that show it, from a project that was run.

    python -m tests.docs.outputs RUN PROJECT

runs each block of the pages that `tests/docs/blocks.py` lists for RUN, on a copy of PROJECT, and
puts what the commands print in the place of what the page shows. Where a page leaves lines out, by
a line that holds `…` alone, the lines that it keeps are looked for in the output, whatever their
numbers and digests are. `make docs-outputs` runs it.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from lake.home import LakeHome
from tests.docs import blocks
from tests.docs.following import EXPORT, Step, environment_of, masked, run

COMMAND: Final = re.compile(r"^\$ (?:.*\\\n)*.*\n", re.MULTILINE)
OPEN_QUOTE: Final = re.compile(r'^\$ [^"\n]*"[^"]*"[^"\n]*\n', re.MULTILINE)
LEFT_OUT: Final = "…"
FINDINGS: Final = (0, 1, 3)
"""Exit codes of a command that did what it was asked for, and may have found something."""
COLUMNS: Final = "160"
"""Width of the terminal in which these pages are written."""


WRITES: Final = "WRITE_STEMMA_PAGES"
"""Environment variable with which tests write pages anew, from the projects that they make."""


class OutputError(Exception):
    """A page cannot be written; the message says which command is why, and what to do."""


def write(
    page: str,
    commands: tuple[str, ...],
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> str:
    """The text of a page with what its commands print in a folder.

    Args:
        page: text of a page.
        commands: first commands of the blocks that are run, in the order of the page.
        folder: a project, which the commands may change.
        environment: variables of the commands; those of whoever ran the project, by default.

    Raises:
        OutputError: a command fails without the page saying so, or no longer prints a line that
            the page keeps of a longer output.
    """
    if environment is None:
        home = os.environ["HOME"]  # whoever ran the project signs with their own key
        environment = {**environment_of(folder.parent), "COLUMNS": COLUMNS, "HOME": home}
    variables = environment

    def anew(block: re.Match[str]) -> str:
        if block[2] != "console" or blocks.first_line(block[3]) not in commands:
            return block[0]
        lines = (
            command + printed(command, shown, folder, variables)
            for command, shown in spoken(block[3])
        )
        return f"{block[1]}```console\n{''.join(lines)}{block[1]}```"

    return blocks.BLOCK.sub(anew, page)


def spoken(block: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a block as they stand, each with the lines that are shown below it."""
    while block:
        command = OPEN_QUOTE.match(block) or COMMAND.match(block)
        assert command is not None, block
        rest = block[command.end() :]
        following = re.search(r"^\$ ", rest, re.MULTILINE)
        end = following.start() if following else len(rest)
        yield command[0], rest[:end].splitlines()
        block = rest[end:]


def printed(command: str, shown: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    """What a page shows of a command today.

    Raises:
        OutputError: the command fails, or does not print what the page keeps of it.
    """
    words = command.removeprefix("$ ").partition("  #")[0].strip()
    if words.startswith((EXPORT, "source ")):
        return ""
    code, output = run(Step(words), folder, environment)
    told = LEFT_OUT in shown or any(line.startswith("stemma: ") for line in shown)
    if code not in FINDINGS and not told:
        raise OutputError(f"`{words}` ends with {code}: {output.strip()}")
    if not shown:
        return ""
    lines = [line.rstrip() for line in output.strip("\n").splitlines()]
    return "".join(f"{line}\n" for line in (_kept(words, shown, lines)))


def _kept(words: str, shown: list[str], lines: list[str]) -> Iterator[str]:
    """The lines of an output that a page keeps: all of them, unless it leaves some out.

    Raises:
        OutputError: a line that the page keeps is not printed.
    """
    if LEFT_OUT not in shown:
        yield from lines
        return
    after = iter(lines)
    for line in shown:
        if line == LEFT_OUT:
            yield line
            continue
        known = masked(line)
        today = next((one for one in after if masked(one) == known), None)
        if today is None:
            raise OutputError(
                f"`{words}` no longer prints {line!r} where its page has it; write the block anew"
            )
        yield today


@contextlib.contextmanager
def copied(project: Path) -> Iterator[Path]:
    """A copy of a project, whose lake is ended with it.

    Raises:
        OutputError: the project's lake is served, so that its files may change meanwhile.
    """
    if LakeHome(project / ".lake").serving() is not None:
        raise OutputError(f"the lake of {project} is served; wait until nobody uses it")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "project"
        shutil.copytree(project, folder, symlinks=True)
        try:
            yield folder
        finally:
            serving = LakeHome(folder / ".lake").serving()
            if serving is not None:
                os.kill(serving.pid, signal.SIGTERM)


def differing(
    name: str, commands: tuple[str, ...], folder: Path, environment: Mapping[str, str]
) -> list[str]:
    """The lines of a page that commands of it print otherwise in a project, or no longer.

    Numbers and digests may differ. Where the environment variable `WRITE_STEMMA_PAGES` is set, the
    page is written anew instead.

    Args:
        name: path of the page in the checkout.
        commands: first commands of its blocks that are run.
        folder: the project.
        environment: variables of the commands.
    """
    path = blocks.ROOT / name
    text = path.read_text(encoding="utf-8")
    today = write(text, commands, folder, environment)
    if WRITES in os.environ:
        path.write_text(today, encoding="utf-8")
        return []
    shown, printed_now = ([masked(line) for line in one.splitlines()] for one in (text, today))
    return [line for line in difflib.ndiff(shown, printed_now) if line[0] in "-+"]


def main(name: str, project: Path) -> None:
    """Write all pages of a run anew."""
    for page, commands in blocks.SHIPPED[name].items():
        path = blocks.ROOT / page
        with copied(project) as folder:
            text = write(path.read_text(encoding="utf-8"), commands, folder)
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {page}\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except OutputError as error:
        sys.exit(f"docs: {error}")
