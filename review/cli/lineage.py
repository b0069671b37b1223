"""`stemma lineage …`: commands about the lineage of a ref as a whole."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from review.cli.dispatch import DatasetOption, Json, OutputOption, RefArgument, run, runs

lineages = typer.Typer(no_args_is_help=True, help="The family tree as a whole.")


class ExportFormat(StrEnum):
    """Formats in which a ref is exported (`pipelines/inquiry/exports/registry.py`)."""

    JSONL = "jsonl"
    CHAT = "chat"
    DPO = "dpo"
    HF = "hf"
    PROV = "prov"
    CROISSANT = "croissant"
    SPDX = "spdx"


class LineageFormat(StrEnum):
    """Formats in which lineage is exported."""

    PROV = "prov"
    CROISSANT = "croissant"


@lineages.command("stats")
@runs("review.commands.lineage_stats")
def lineage_stats(
    ref: RefArgument = "main",
    *,
    dataset: DatasetOption = None,
    as_json: Json = False,
) -> None:
    """Show how far each round is from real data: shares, depths, opaque roots, founders."""


@lineages.command("export")
@runs("review.commands.lineage_export")
def lineage_export(
    ref: RefArgument = "main",
    *,
    form: Annotated[
        LineageFormat, typer.Option("--format", help="W3C PROV as JSON, or Croissant as JSON-LD.")
    ],
    dataset: DatasetOption = None,
    output: OutputOption = None,
    as_json: Json = False,
) -> None:
    """Write the lineage of a ref in a format that other tools read."""


def export(
    ref: RefArgument = "main",
    *,
    form: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            help="Rows as JSON objects, as chats, as preference pairs, or as a folder of Hugging "
            "Face; or lineage.",
        ),
    ],
    dataset: DatasetOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File or folder to write.", show_default="standard output"
        ),
    ] = None,
    splits: Annotated[
        list[str] | None,
        typer.Option(
            "--split",
            help="Of hf: train, validation or test; again for another.",
            show_default="train",
        ),
    ] = None,
    push: Annotated[
        str | None,
        typer.Option(
            metavar="OWNER/NAME",
            help="Of hf: also upload the folder to the Hub, as a private data set.",
            show_default=False,
        ),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="With --push: everybody may read it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the accepted rows of a ref, or its lineage, in a format that other tools read."""
    if form is not ExportFormat.HF:
        if splits or push or public:
            raise typer.BadParameter("--split, --push and --public are of --format hf")
        run(
            "review.commands.export",
            ref=ref,
            form=form.value,
            dataset=dataset,
            output=output,
            as_json=as_json,
        )
        return
    if output is None or (public and push is None):
        raise typer.BadParameter("--format hf wants --output DIR, and --public wants --push")
    run(
        "review.commands.export_folder",
        ref=ref,
        form=form.value,
        dataset=dataset,
        output=output,
        splits=splits or ["train"],
        push=push,
        public=public,
        as_json=as_json,
    )
