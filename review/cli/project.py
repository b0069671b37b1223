"""Parses `stemma dataset …` and `stemma suite …`."""

from __future__ import annotations

from typing import Annotated

import typer

from review.cli.candidates import Candidates, Chosen, Maker, Parents
from review.cli.dispatch import Json, run, runs

datasets = typer.Typer(no_args_is_help=True, help="Data sets of the project.")
suites = typer.Typer(no_args_is_help=True, help="Suites: what candidates must meet.")
Known = Annotated[str, typer.Argument(help="A data set of params.yaml.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print, and write nothing.")]


@datasets.command("add")
def add_dataset(
    name: Annotated[str, typer.Argument(help="Name of the data set.")],
    source: Annotated[
        str, typer.Argument(help="A file or folder of real data, or another source.")
    ],
    *,
    modality: Annotated[
        str | None,
        typer.Option(help="What a sample is.", show_default="found from the columns"),
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Column of labels.", show_default="found by its name")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Numeric column that a table is for.", show_default=False)
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="Column of a sample's content; give one or more.", show_default=False),
    ] = None,
    no_label: Annotated[
        bool, typer.Option("--no-label", help="The rows have no labels.", show_default=False)
    ] = False,
    key: Annotated[
        str | None,
        typer.Option("--id", help="Column with a key for each row.", show_default="found by name"),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            help="Column that travels with the samples; give one or more.",
            show_default="all that are no content",
        ),
    ] = None,
    no_keep: Annotated[
        bool,
        typer.Option("--no-keep", help="No column travels with the samples.", show_default=False),
    ] = False,
    licence: Annotated[
        str | None, typer.Option(help="Licence of the real rows.", show_default=False)
    ] = None,
    generator: Chosen = None,
    candidates: Candidates = None,
    parents: Parents = None,
    maker: Maker = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Look at real data, and write its settings, suite, plots and first round."""
    run(
        "review.commands.dataset_add",
        name=name,
        source=source,
        modality=modality,
        label=label,
        target=target,
        column=tuple(column or ()),
        no_label=no_label,
        key=key,
        keep=tuple(keep or ()),
        no_keep=no_keep,
        licence=licence,
        generator=generator,
        candidates=candidates,
        parents=parents,
        maker=maker,
        dry_run=dry_run,
        as_json=as_json,
    )


@datasets.command("update")
def update_dataset(
    dataset: Known,
    source: Annotated[
        str, typer.Argument(help="Real data with new rows: the source as it is now, or another.")
    ],
    *,
    licence: Annotated[
        str | None, typer.Option(help="Licence of the new rows.", show_default="as of round 0")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=THEIRS",
            help="A column that SOURCE calls THEIRS and round 0 NAME; may be repeated.",
            show_default="as in round 0",
        ),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="A setting of the source's own, such as split=test; may be repeated.",
            show_default="as of the source before",
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take the new rows of SOURCE as a round of real data, beside the published rounds."""
    run(
        "review.commands.dataset_update",
        dataset=dataset,
        source=source,
        licence=licence,
        column=tuple(column or ()),
        setting=tuple(setting or ()),
        dry_run=dry_run,
        as_json=as_json,
    )


@suites.command("new")
@runs("review.commands.suites")
def new_suite(dataset: Known, *, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Write the suite of DATASET, its limits measured on real training rows out of fold."""


@suites.command("check")
@runs("review.commands.suites", "check")
def check_suite(dataset: Known, *, as_json: Json = False) -> None:
    """Hold the suite of DATASET against its data and its scorers."""
