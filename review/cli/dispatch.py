"""What the modules of the command line share: options, and how a command is run.

Each command is a module of its own, which is loaded by name when the command runs: help then costs
no more than parsing, and no command imports what it does not use
(docs/decisions/0005).
"""

from __future__ import annotations

import importlib
import io
import shutil
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from lake.exit_codes import ExitCode
from lake.visible import MARKED, visible
from review.cli import at_work, project_folder
from review.errors import FAILURES

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
DatasetOption = Annotated[
    str | None, typer.Option("--dataset", "-d", help="Only this data set.", show_default=False)
]
RefArgument = Annotated[str, typer.Argument(help="Branch, tag or commit.")]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write.", show_default="standard output"),
]
SampleIds = Annotated[
    list[str] | None,
    typer.Argument(
        help="Sample ids, or at least 8 hex digits of each.", metavar="ID…", show_default=False
    ),
]
FromFile = Annotated[
    Path | None, typer.Option("--from-file", help="File with one id per line; - reads stdin.")
]
ALONE = ("review.commands.clean", "review.commands.serve", "review.commands.ui")
"""Commands that do not hold the project together with others: the one that cleans it, and servers,
which read what they need again where it is gone."""


def mark_unencodable() -> None:
    """Let both outputs replace characters that their encoding lacks by plain ones or marks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=MARKED)


@contextmanager
def reporting_faults() -> Iterator[None]:
    """Print the traceback of a fault of the program, with marks for what does not print."""
    try:
        yield
    except Exception:  # noqa: BLE001  any fault of the program ends here
        sys.stderr.write(visible(traceback.format_exc(), lines=True))
        sys.exit(ExitCode.FAULT)


def run(module: str, function: str = "run", /, **options: Any) -> None:  # noqa: ANN401  passed on
    """Load the module of a command and call it; an error is one sentence and an exit code."""
    try:
        with (
            project_folder.entered(module, options) as seen,
            nullcontext() if module in ALONE else at_work.together(),
        ):
            getattr(importlib.import_module(module), function)(**seen)
    except BrokenPipeError:
        sys.stderr.close()
    except FAILURES as error:
        sys.stderr.write(f"{_wrapped(f'stemma: {visible(str(error))}')}\n")
        raise typer.Exit(getattr(error, "exit_code", ExitCode.FAILED)) from None


def _wrapped(sentence: str) -> str:
    """A sentence in lines of the terminal's width, broken between words; else on one line."""
    if not sys.stderr.isatty():
        return sentence
    width = shutil.get_terminal_size().columns
    lines = textwrap.wrap(sentence, width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


def runs(
    module: str, function: str = "run", /, **fixed: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a command call a function of a module with its options; its own body is not called.

    The parameters and the docstring of the decorated function are the options and the help. What is
    `fixed` is passed besides.
    """

    def decorate(declared: Callable[..., None]) -> Callable[..., None]:
        @wraps(declared)
        def command(**options: Any) -> None:  # noqa: ANN401  passed on
            run(module, function, **fixed, **options)

        return command

    return decorate
