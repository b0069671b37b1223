"""The options of `stemma diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

CHECKS: Final = (
    "conflicts, removed-rows, added-rows, payload-changed, decisions, verdicts, parents, schema, "
    "shift, nulls, lost-categories, metrics, guard"
)
Left = Annotated[
    str,
    typer.Argument(
        help="Branch, tag or commit to compare from; a Parquet file or folder; or L...R."
    ),
]
Right = Annotated[
    str | None,
    typer.Argument(help="Branch, tag or commit to compare to; or a file.", show_default=False),
]
PathOption = Annotated[
    str | None,
    typer.Option(help="Compare any Parquet table under this prefix instead.", metavar="PREFIX"),
]
Key = Annotated[
    list[str] | None,
    typer.Option(help="Column by which rows are the same; repeatable.", show_default="sample_id"),
]
TwoDot = Annotated[
    bool,
    typer.Option(
        "--two-dot", help="Compare the two trees, not what changed since the fork; also L..R."
    ),
]
Rows = Annotated[bool, typer.Option("--rows", help="List the rows that differ.")]
Limit = Annotated[
    int | None,
    typer.Option(min=1, help="Rows that --rows prints, or a page shows of each change."),
]
Columns = Annotated[
    bool, typer.Option("--columns/--no-columns", help="Compare the distributions of columns.")
]
FailOn = Annotated[
    list[str] | None,
    typer.Option(help=f"Exit with 1 where this check finds something; repeatable: {CHECKS}."),
]
Html = Annotated[
    Path | None, typer.Option("--html", help="Write a page of one file.", metavar="FILE")
]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown for a pull request.")]
