"""Follows a page to the letter: its commands are run, and what it shows must be printed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"-?\d[\d,]*(\.\d+)?")
DIGEST = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,64}\b")
PLACE = re.compile(r" /[\w./-]+")
SECONDS = 900


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a page, and the lines that it shows of the output."""

    command: str
    shown: tuple[str, ...]

    def missing(self, output: str) -> list[str]:
        """The lines that the output lacks, whatever its numbers and digests are."""
        printed = {masked(line) for line in output.splitlines()}
        return [line for line in self.shown if masked(line) not in printed]


def steps(page: str) -> Iterator[Step]:
    """The commands of a page's console blocks, in order."""
    for block in BLOCK.findall(page):
        for command, lines in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            kept = [line for line in lines.splitlines() if line.strip(" …")]
            yield Step(command.partition("  #")[0], tuple(kept))


def run(step: Step, folder: Path, environment: Mapping[str, str]) -> str:
    """Run a command as the page has it, and return all that it prints."""
    done = subprocess.run(
        ["/bin/sh", "-c", step.command],
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def masked(line: str) -> str:
    """A line without what differs from run to run: numbers, digests, places and widths."""
    plain = NUMBER.sub("#", DIGEST.sub("@", PLACE.sub(" /…", line)))
    return re.sub(r"[─━ ]+", " ", plain).strip()
