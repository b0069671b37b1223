"""The `stemma` command: parses, calls, renders.

Every command has `--json`. What a command does lives in a module of its own, which is loaded by
name when the command runs: help then costs what parsing costs, and no command imports what it does
not use (docs/decisions/0005).
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from review.errors import FAILURES

app = typer.Typer(
    name="stemma",
    help="A dataset-versioned data lake with per-sample lineage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
rounds = typer.Typer(no_args_is_help=True, help="Rounds of a data set in params.yaml.")
lakes = typer.Typer(no_args_is_help=True, help="The embedded lake.")
app.add_typer(rounds, name="round")
app.add_typer(lakes, name="lake")

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
DatasetOption = Annotated[
    str | None, typer.Option("--dataset", "-d", help="Only this data set.", show_default=False)
]


@app.command()
def status(
    *,
    dataset: DatasetOption = None,
    next_steps: Annotated[bool, typer.Option("--next", help="End with what to look at.")] = False,
    as_json: Json = False,
) -> None:
    """Rounds of each data set: published, blocked or in progress, with the guard's answer."""
    _run("review.status", dataset=dataset, next_steps=next_steps, as_json=as_json)


@app.command()
def diff(
    left: Annotated[str, typer.Argument(help="Branch, tag or commit to compare from.")],
    right: Annotated[str, typer.Argument(help="Branch, tag or commit to compare to.")],
    *,
    dataset: DatasetOption = None,
    rows: Annotated[bool, typer.Option("--rows", help="List the rows that differ.")] = False,
    two_dot: Annotated[
        bool, typer.Option("--two-dot", help="Compare the two trees, not right since the fork.")
    ] = False,
    as_json: Json = False,
) -> None:
    """What RIGHT changes since it forked from LEFT: rows, decisions, lineage, metrics."""
    _run(
        "review.diff",
        left=left,
        right=right,
        dataset=dataset,
        rows=rows,
        two_dot=two_dot,
        as_json=as_json,
    )


@app.command()
def audit(
    sample: Annotated[str, typer.Argument(help="Sample id, or at least 8 hex digits of it.")],
    *,
    ref: Annotated[str, typer.Option(help="Branch, tag or commit to look in.")] = "main",
    dataset: DatasetOption = None,
    as_json: Json = False,
) -> None:
    """Where a sample came from: every occurrence, its inputs, verdicts and decision."""
    _run("review.audit", sample=sample, ref=ref, dataset=dataset, as_json=as_json)


@rounds.command("add")
def add_round(
    dataset: Annotated[str, typer.Argument(help="A data set of params.yaml.")],
    *,
    as_json: Json = False,
) -> None:
    """Append the next round of DATASET to params.yaml; `dvc repro` then runs it alone."""
    _run("review.rounds", dataset=dataset, as_json=as_json)


@lakes.command("serve")
def serve_lake(
    *,
    home: Annotated[
        Path | None, typer.Option(help="Directory of the lake.", show_default="this project's")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8000,
    sample_repo: Annotated[
        bool, typer.Option("--sample-repo", help="Make a repository to try clients out on.")
    ] = False,
    import_from: Annotated[
        list[Path] | None, typer.Option(help="Directory that clients may import from.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Serve the embedded lake until interrupted, for a team or for other lakeFS clients."""
    more = ["--sample-repo"] if sample_repo else []
    for place in import_from or ():
        more += ["--import-from", str(place)]
    _run("review.serve", home=home, host=host, port=port, more=more, as_json=as_json)


@lakes.command("fsck")
def check_lake(
    *,
    home: Annotated[Path, typer.Option(help="Directory of the lake.")] = Path(".lake"),
    as_json: Json = False,
) -> None:
    """Check every object, tree, commit and ref; name what is wrong and what refers to it."""
    _run("review.fsck", home=home, as_json=as_json)


@lakes.command("gc")
def collect_lake(
    *,
    home: Annotated[Path, typer.Option(help="Directory of the lake.")] = Path(".lake"),
    keep: Annotated[
        str, typer.Option(help="How long a commit stays that a branch or tag left: 7d, 12h, 0.")
    ] = "7d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Free what no branch, tag, staged change, upload or receipt of this checkout leads to."""
    _run("review.gc", home=home, keep=keep, dry_run=dry_run, as_json=as_json)


def main() -> None:
    """Run the command; an error is one sentence and an exit code that is not 0."""
    app()


def _run(module: str, **options: Any) -> None:  # noqa: ANN401  passed on as given
    """Load the module of a command and run it."""
    try:
        importlib.import_module(module).run(**options)
    except BrokenPipeError:
        sys.stderr.close()
    except FAILURES as error:
        sys.stderr.write(f"stemma: {error}\n")
        raise typer.Exit(getattr(error, "exit_code", 1)) from None


if __name__ == "__main__":
    main()
