"""`stemma sql`: queries over the tables of the lake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from review.cli.dispatch import Json, runs

queries = typer.Typer()


@queries.command()
@runs("review.commands.sql")
def sql(
    query: Annotated[
        str | None,
        typer.Argument(
            help="One SELECT, such as \"FROM samples('digits-v3')\"; - reads standard input.",
            show_default="the list of tables",
        ),
    ] = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write .csv, .parquet or .jsonl."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "-n", min=1, help="Rows at most.", show_default="100; 1,000,000 in a file"
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=1, max=86_400, help="Seconds after which it is ended.")
    ] = 60.0,
    memory: Annotated[
        int, typer.Option(min=64, max=1 << 20, metavar="MIB", help="Memory of the query.")
    ] = 1024,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Query samples, verdicts, scores, lineage and more at any refs, by DuckDB, read-only."""
