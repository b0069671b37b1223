"""The `stemma` command: parses, calls, renders; every command has `--json`."""

from __future__ import annotations

import gc
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from lake.exit_codes import MEANINGS
from review.cli import diff_options
from review.cli.attests import attests
from review.cli.candidates import Candidates, Chosen, Maker, Parents
from review.cli.disk import disks
from review.cli.dispatch import (
    DatasetOption,
    FromFile,
    Json,
    SampleIds,
    mark_unencodable,
    reporting_faults,
    run,
    runs,
)
from review.cli.foresight import foresights
from review.cli.lake import lakes
from review.cli.lineage import export, lineages
from review.cli.outcomes import outcomes
from review.cli.project import datasets, suites
from review.cli.queries import queries
from review.cli.report import reports
from review.cli.round_review import rounds
from review.cli.takedown import takedowns
from review.cli.trial import try_out
from review.cli.verifier import verifiers
from review.cli.words import words

SELDOM = (20_000, 10, 10)
"""How many new objects Python looks for garbage among; after every 700, as is usual, this takes a
sixth of the time in which the libraries of a stage are imported."""

app = typer.Typer(
    name="stemma",
    help="A dataset-versioned data lake with per-sample lineage.",
    no_args_is_help=True,
    add_completion=True,
    epilog="Exit codes: " + "; ".join(f"{code}, {says}" for code, says in MEANINGS.items()) + ".",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(datasets, name="dataset")
app.add_typer(suites, name="suite")
app.add_typer(rounds, name="round")
app.add_typer(attests, name="attest")
app.add_typer(outcomes)
app.add_typer(disks)
app.add_typer(queries)
app.add_typer(words)
app.add_typer(foresights)
app.add_typer(lakes, name="lake")
app.add_typer(lineages, name="lineage")
app.add_typer(reports, name="report")
app.command()(export)
app.command("try")(try_out)
app.add_typer(takedowns, name="takedown")
app.add_typer(verifiers, name="verifier")


def _version(requested: bool) -> None:
    if requested:
        typer.echo(f"stemma {metadata.version('stemma')}")
        raise typer.Exit


@app.callback()
def _everything(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the release.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """A dataset-versioned data lake with per-sample lineage."""


@app.command()
@runs("review.commands.init")
def init(
    directory: Annotated[
        Path, typer.Argument(help="Folder of the project.", show_default="this one")
    ] = Path(),
    *,
    as_json: Json = False,
) -> None:
    """Make a project: settings, stages, git and DVC, and a key to sign with."""


@app.command("run")
@runs("review.commands.run")
def run_dataset(
    dataset: Annotated[str, typer.Argument(help="A data set of params.yaml.")],
    *,
    as_json: Json = False,
) -> None:
    """Run the stages of DATASET alone, and say what to look at; `dvc repro` runs all data sets."""


@app.command()
@runs("review.commands.doctor")
def doctor(*, as_json: Json = False) -> None:
    """Say what this machine has and lacks: releases, extras, programs, the lake."""


@app.command()
@runs("review.commands.status")
def status(
    *,
    dataset: DatasetOption = None,
    next_steps: Annotated[bool, typer.Option("--next", help="End with what to look at.")] = False,
    pages: Annotated[
        bool, typer.Option("--pages", help="Also list the pages about each round.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the rounds of each data set with their state and the guard's verdict."""


@app.command()
def diff(
    left: diff_options.Left,
    right: diff_options.Right = None,
    *,
    dataset: DatasetOption = None,
    path: diff_options.PathOption = None,
    key: diff_options.Key = None,
    two_dot: diff_options.TwoDot = False,
    rows: diff_options.Rows = False,
    limit: diff_options.Limit = None,
    columns: diff_options.Columns = True,
    fail_on: diff_options.FailOn = None,
    html: diff_options.Html = None,
    markdown: diff_options.Markdown = False,
    as_json: Json = False,
) -> None:
    """Show what RIGHT changes since it forked from LEFT: rows, columns, lineage, metrics, cost."""
    run(
        "review.commands.diff",
        left=left,
        right=right,
        dataset=dataset,
        path=path,
        key=key or (),
        two_dot=two_dot,
        rows=rows,
        limit=limit,
        columns=columns,
        fail_on=fail_on or (),
        html=html,
        as_markdown=markdown,
        as_json=as_json,
    )


@app.command()
def audit(
    sample: Annotated[
        str | None,
        typer.Argument(
            help="Sample id, or at least 8 hex digits of it.", metavar="ID", show_default=False
        ),
    ] = None,
    *,
    ref: Annotated[
        str | None,
        typer.Option(help="Branch, tag or commit to look in.", show_default="main"),
    ] = None,
    dataset: DatasetOption = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Generate the sample's shard again and compare.")
    ] = False,
    prompt: Annotated[
        bool, typer.Option("--prompt", help="Show what was asked for it, and what was answered.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Also write the sample there: images as PNG, texts.",
            show_default=False,
        ),
    ] = None,
    recompute: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Prove the lineage of a ref from its graph instead."),
    ] = None,
    history: Annotated[
        str | None,
        typer.Option(
            metavar="REF", help="Look for merges that the guard did not let through instead."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show where a sample came from and why it was accepted or not, or prove a ref."""
    given = [name for name in (sample, recompute, history) if name is not None]
    about_sample = replay or prompt or ref is not None or output is not None
    if len(given) != 1 or (sample is None and about_sample):
        raise typer.BadParameter("give one of ID, --recompute REF and --history REF")
    if [replay, prompt, output is not None].count(True) > 1:
        raise typer.BadParameter("give one of --prompt, --replay and --output")
    if sample is not None:
        module = "review.commands.replay" if replay else "review.commands.audit"
        more = {} if replay else {"prompt": prompt, "output": output}
        run(module, sample=sample, ref=ref or "main", dataset=dataset, as_json=as_json, **more)
    elif recompute is not None:
        run("review.commands.recompute", ref=recompute, dataset=dataset, as_json=as_json)
    else:
        run("review.commands.history", ref=history, dataset=dataset, as_json=as_json)


@app.command()
@runs("review.commands.descendants")
def descendants(
    samples: SampleIds = None,
    *,
    from_file: FromFile = None,
    model: Annotated[
        str | None,
        typer.Option(help="All that this language model made, instead.", show_default=False),
    ] = None,
    ref: Annotated[str, typer.Option(help="Branch, tag or commit to look in.")] = "main",
    dataset: DatasetOption = None,
    rows: Annotated[bool, typer.Option("--rows", help="List them, not only counts.")] = False,
    as_json: Json = False,
) -> None:
    """Show what descends from samples, directly or through models trained on descendants."""


@app.command()
@runs("review.commands.guard")
def guard(
    ref: Annotated[str, typer.Argument(help="Branch, tag or commit of a round.")],
    *,
    dataset: DatasetOption = None,
    as_json: Json = False,
) -> None:
    """Judge whether a round is good enough to train on; show every check with its evidence."""


@app.command("ui")
@runs("review.commands.ui")
def page(
    *,
    host: Annotated[str, typer.Option(help="Address of loopback to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8477,
    share: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Print an address for a reviewer of this name; may be repeated.",
            show_default=False,
        ),
    ] = None,
    readers: Annotated[
        bool, typer.Option("--readers", help="Print an address for those who only read.")
    ] = False,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where a proxy on this machine serves the page to others.",
            show_default=False,
        ),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    as_json: Json = False,
) -> None:
    """Review rounds in the browser: what they change, where samples come from; approve, reject."""


@app.command()
@runs("review.commands.estimate")
def estimate(
    name: Annotated[str, typer.Argument(help="A round, or a data set: its next round.")],
    *,
    as_json: Json = False,
) -> None:
    """Estimate what a round of a language model will cost: requests, tokens, dollars."""


@app.command("stage")
@runs("review.commands.stage")
def stage(
    name: Annotated[str, typer.Argument(help="The stage, as in dvc.yaml.")],
    key: Annotated[
        str | None,
        typer.Argument(help="A data set or a round of params.yaml.", show_default=False),
    ] = None,
    *,
    supersede: Annotated[
        bool, typer.Option(help="Replace what main holds and the receipts do not know.")
    ] = False,
    shard: Annotated[
        str | None,
        typer.Option(
            help="Of stage generate: make this share of the shards only, and commit nothing.",
            metavar="I/N",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run one stage of the pipeline; `dvc repro` runs all that are not up to date."""


@rounds.command("add")
@runs("review.commands.rounds")
def add_round(
    dataset: Annotated[str, typer.Argument(help="A data set of params.yaml.")],
    *,
    generator: Chosen = None,
    candidates: Candidates = None,
    parents: Parents = None,
    maker: Maker = None,
    as_json: Json = False,
) -> None:
    """Append the next round of DATASET to params.yaml; `dvc repro` then runs only this round."""


@rounds.command("redo")
@runs("review.commands.rounds", "redo")
def redo_round(
    key: Annotated[str, typer.Argument(help="A round of params.yaml, such as digits-3.")],
    *,
    as_json: Json = False,
) -> None:
    """Make ROUND again: raise its revision in params.yaml; `dvc repro` then runs it."""


def main() -> None:
    """Run the command; an error is one sentence and an exit code that is not 0."""
    gc.set_threshold(*SELDOM)
    mark_unencodable()
    with reporting_faults():
        app()


if __name__ == "__main__":
    main()
