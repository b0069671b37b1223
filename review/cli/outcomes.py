"""Commands about what became of the rows of a round, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from review.cli.dispatch import DatasetOption, Json, run, runs

outcomes = typer.Typer()


@outcomes.command()
@runs("review.commands.losses")
def losses(
    ref: Annotated[
        str, typer.Argument(help="Branch, tag or commit of a round, or a data set: all its rounds.")
    ],
    *,
    dataset: DatasetOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Also write it as JSON.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what became of every row that a round planned, and of those that main held before it."""


@outcomes.command()
@runs("review.commands.quarantine")
def quarantine(
    ref: Annotated[str, typer.Argument(help="Branch, tag or commit of a round.")],
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Parquet file to write.")
    ],
    reason: Annotated[
        str | None,
        typer.Option(help="Only rows that were refused for this reason.", show_default=False),
    ] = None,
    dataset: DatasetOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write the refused rows of a round as Parquet: payload, lineage, verdicts against them."""


@outcomes.command()
def verdicts(
    ref: Annotated[
        str | None,
        typer.Argument(help="Branch, tag or commit of a round.", show_default=False),
    ] = None,
    *,
    dataset: DatasetOption = None,
    round_number: Annotated[
        int | None,
        typer.Option("--round", min=1, help="Which round.", show_default="the last one"),
    ] = None,
    expectation: Annotated[
        str | None,
        typer.Option(
            help="Show what this expectation said over all rounds instead.", show_default=False
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page with the failures.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Samples to show of each reason.")] = 8,
    as_json: Json = False,
) -> None:
    """Show why candidates of a round did not pass, by expectation and reason, with samples."""
    if (ref is None) == (expectation is None):
        raise typer.BadParameter("give one of REF and --expectation NAME")
    if expectation is not None:
        if html is not None or round_number is not None:
            raise typer.BadParameter("--expectation takes neither --html nor --round")
        run(
            "review.commands.expectation",
            expectation=expectation,
            dataset=dataset,
            as_json=as_json,
        )
        return
    run(
        "review.commands.verdicts",
        ref=ref,
        dataset=dataset,
        round_number=round_number,
        html=html,
        limit=limit,
        as_json=as_json,
    )


@outcomes.command("replay")
@runs("review.commands.text_replay")
def replay(
    ref: Annotated[str, typer.Argument(help="Branch, tag or commit of a round of texts.")],
    *,
    dataset: DatasetOption = None,
    rows: Annotated[
        int, typer.Option(min=1, help="Candidates to ask for again, spread over the round.")
    ] = 20,
    yes: Annotated[bool, typer.Option("--yes", help="Ask without a confirmation.")] = False,
    as_json: Json = False,
) -> None:
    """Ask the service of a round of texts again: same, differs, or the model is gone."""
