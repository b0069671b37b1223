"""Commands that look ahead, and the last look: forecasts, worth of rows, the final test."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from review.cli.dispatch import DatasetOption, Json, runs

foresights = typer.Typer()


@foresights.command()
@runs("review.commands.forecast")
def forecast(
    dataset: Annotated[str, typer.Argument(help="A data set of params.yaml.")],
    *,
    rounds: Annotated[int, typer.Option(min=1, max=200, help="Rounds to look ahead.")] = 3,
    after: Annotated[
        int | None,
        typer.Option(
            min=1, help="Look at rounds up to this one, and hold the forecast against later ones."
        ),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also draw each figure there, as SVG."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say where real share, variance, recall and rare classes will be, under each regime."""


@foresights.command("test")
@runs("review.commands.final_test")
def final_test(
    ref: Annotated[str, typer.Argument(help="Tag, branch or commit of a version.")],
    *,
    dataset: DatasetOption = None,
    opened: Annotated[
        bool, typer.Option("--opened", help="Only list who opened it and when; open nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Test a version on the rows that no gate reads, once; who opened them and how often is kept.

    The test rows are `ingest.test` of the data set. What is chosen by them is no longer tested by
    them: open them when all else is decided.
    """


@foresights.command()
@runs("review.commands.scaling")
def scaling(
    dataset: Annotated[str, typer.Argument(help="A data set of params.yaml.")],
    *,
    sizes: Annotated[
        int, typer.Option(min=4, max=20, help="Sizes; each the same multiple of the one before.")
    ] = 6,
    repeats: Annotated[int, typer.Option(min=2, max=100, help="Draws of rows at each size.")] = 5,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also draw losses and laws there, as SVG.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure what more real and more synthetic rows are worth to the downstream task."""


@foresights.command()
@runs("review.commands.advise")
def advise(
    dataset: Annotated[str, typer.Argument(help="A data set of params.yaml.")],
    *,
    collection: Annotated[
        str | None,
        typer.Option(help="easy or hard: collecting more real rows.", show_default="as data say"),
    ] = None,
    verification: Annotated[
        str | None,
        typer.Option(
            help="easy or hard: telling right rows from wrong.", show_default="as data say"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say which generator, verifiers, regime and audit suit a data set, and why."""
