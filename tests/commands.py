"""The `stemma` command in this process, for tests whose point is not the process itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer
from typer.testing import CliRunner

from review.cli.app import app


@dataclass(frozen=True, slots=True)
class Finished:
    """What a program left: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Both streams together, for an assertion's message."""
        return f"{self.out}\n{self.err}"


def every() -> list[tuple[str, ...]]:
    """Every command that can be run, as its words, read from the command line itself."""
    return list(_leaves(typer.main.get_command(app), ()))


def _leaves(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    children = getattr(command, "commands", {})
    if not children or command.invoke_without_command:
        yield words
    for name, child in children.items():
        if not child.hidden:
            yield from _leaves(child, (*words, name))


def stemma(*words: str) -> Finished:
    """Run the command in the current directory; a fault of the program is raised, not printed."""
    result = CliRunner().invoke(app, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Finished(result.exit_code, result.stdout, result.stderr)
