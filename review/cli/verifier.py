"""`stemma verifier …`: commands about the verifier of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from review.cli.dispatch import Json, run

verifiers = typer.Typer(no_args_is_help=True, help="How good the verifier of a data set is.")


@verifiers.command("audit")
def audit_verifier(
    dataset: Annotated[str, typer.Argument(help="A data set of params.yaml.")],
    *,
    round_number: Annotated[
        int | None,
        typer.Option("--round", min=1, help="Which round.", show_default="newest verified"),
    ] = None,
    rows: Annotated[
        int,
        typer.Option(min=1, help="Candidates to put on the sheet, or errors to plant."),
    ] = 400,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Sheet to read back, or to write.", show_default="audits/…csv"),
    ] = None,
    planted: Annotated[
        bool, typer.Option("--planted", help="Plant errors instead of asking a person.")
    ] = False,
    adaptive: Annotated[
        bool,
        typer.Option(
            "--adaptive",
            help="Of --planted: divide 2 × ROWS rows by what a pilot of a fifth finds.",
        ),
    ] = False,
    reviewer: Annotated[
        str | None,
        typer.Option(help="Who filled in the sheet.", show_default="the user of the lake"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Estimate how well the verifier keeps right samples and refuses wrong ones, and judge that."""
    if planted and sheet is not None:
        raise typer.BadParameter("give one of --sheet FILE and --planted")
    if adaptive and not planted:
        raise typer.BadParameter("--adaptive divides planted rows; give it with --planted")
    if reviewer is not None and sheet is None:
        raise typer.BadParameter("--reviewer is about a sheet; give it with --sheet")
    run(
        "review.commands.verifier_audit",
        dataset=dataset,
        round_number=round_number,
        rows=rows,
        sheet=sheet,
        planted=planted,
        adaptive=adaptive,
        reviewer=reviewer,
        as_json=as_json,
    )
