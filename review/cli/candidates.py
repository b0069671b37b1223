"""Parses what is said of candidates that were made elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from review.errors import UsageError

if TYPE_CHECKING:
    from pipelines.project.candidates_file import CandidatesFile

Candidates = Annotated[
    str | None,
    typer.Option(help="A file or folder of candidates made elsewhere.", show_default="generated"),
]
Parents = Annotated[
    str | None,
    typer.Option(help="Its column with what each was made from.", show_default=False),
]
Maker = Annotated[
    str | None, typer.Option(help="Name of what made the candidates.", show_default=False)
]
Chosen = Annotated[
    str | None,
    typer.Option(
        "--generator",
        help="What makes the candidates, such as augment.",
        show_default="as before, or what suits the data",
    ),
]


def made_elsewhere(
    path: str | None, parents: str | None, maker: str | None, generator: str | None = None
) -> CandidatesFile | None:
    """Read the options; None if no file is named.

    Raises:
        UsageError: something is said of candidates, and no file is named; or a generator is, too.
    """
    from pipelines.project.candidates_file import CandidatesFile  # noqa: PLC0415  slow to import

    if path is None and (parents is not None or maker is not None):
        raise UsageError("--parents and --maker are about --candidates FILE, which is missing")
    if path is not None and generator is not None:
        raise UsageError("--candidates and --generator contradict each other; give one")
    return None if path is None else CandidatesFile(path, parents, maker)
