"""The `stemma` command in this process, for tests whose point is not the process itself."""

from __future__ import annotations

from dataclasses import dataclass

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


def stemma(*words: str) -> Finished:
    """Run the command in the current directory; a fault of the program is raised, not printed."""
    result = CliRunner().invoke(app, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Finished(result.exit_code, result.stdout, result.stderr)
