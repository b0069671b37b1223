"""`stemma takedown …`: samples that must go."""

from __future__ import annotations

from typing import Annotated

import typer

from review.cli import purge as purges
from review.cli.dispatch import DatasetOption, FromFile, Json, SampleIds, runs
from review.cli.groups import with_default

ACT = "act"
"""`stemma takedown ID…` is short for `stemma takedown act ID…`."""


takedowns = typer.Typer(
    cls=with_default(ACT),
    no_args_is_help=True,
    help="Samples that must go: `stemma takedown ID… --reason WHY`, with --dry-run first.",
)


@takedowns.command(ACT)
@runs("review.commands.takedown")
def act(
    samples: SampleIds = None,
    *,
    from_file: FromFile = None,
    where: Annotated[
        str | None,
        typer.Option(
            help='An SQL condition over the samples instead, such as "label = 3".',
            show_default=False,
        ),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(
            help="Why, for the record, which stays: quote nothing of them.", show_default=False
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="What to call it.", show_default="the day, and a digest of the ids"),
    ] = None,
    dataset: DatasetOption = None,
    override: Annotated[
        str | None,
        typer.Option(
            help="Why to do it although the guard blocks the new main, for the record.",
            show_default=False,
        ),
    ] = None,
    purge: Annotated[
        bool,
        typer.Option("--purge", help="Then remove them from every version of the lake, too."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Purge without asking.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would do, and do nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take samples and what was made from them from main, and keep them from coming back."""


@takedowns.command("list")
@runs("review.commands.takedown", "listing")
def listing(*, as_json: Json = False) -> None:
    """List what was taken down."""


purges.add_to(takedowns)
