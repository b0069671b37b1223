"""`stemma report …`: summaries of a ref for those outside."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from review.cli.dispatch import DatasetOption, Json, OutputOption, RefArgument, runs

reports = typer.Typer(no_args_is_help=True, help="Summaries of a version for those outside.")


class SummaryFormat(StrEnum):
    """Formats of a summary (`pipelines/inquiry/eu_summary/rendering.py`)."""

    MD = "md"
    JSON = "json"
    HTML = "html"


@reports.command("eu-summary")
@runs("review.commands.eu_summary")
def eu_summary(
    ref: RefArgument = "main",
    *,
    form: Annotated[
        SummaryFormat, typer.Option("--format", help="Markdown, JSON or HTML.")
    ] = SummaryFormat.MD,
    dataset: DatasetOption = None,
    output: OutputOption = None,
    as_json: Json = False,
) -> None:
    """Write the EU's public summary of training content, as far as lineage knows it."""
