"""`stemma round accept|reject|relabel|correct|withdraw|approve|comment|reviews`: of reviewers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from review.cli.dispatch import Json, run, runs

rounds = typer.Typer(no_args_is_help=True, help="Rounds of a data set in params.yaml.")
RoundArgument = Annotated[
    str, typer.Argument(help="A round of params.yaml or its branch, such as digits-3.")
]
Samples = Annotated[
    list[str] | None,
    typer.Argument(
        help="Rows of candidates, or at least 8 hex digits of their ids.",
        metavar="SAMPLE…",
        show_default=False,
    ),
]
Where = Annotated[
    str | None,
    typer.Option(
        help='An SQL condition over the candidates instead, such as "confidence < 0.9".',
        show_default=False,
    ),
]
Reason = Annotated[
    str | None, typer.Option(help="Why, for the record, which stays.", show_default=False)
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say which samples it is about, and decide nothing.")
]
DECIDE = "review.commands.round_review"


def decides(action: str, about: str) -> None:
    """Add a command that decides about samples of a round, and whose help is `about`."""

    @rounds.command(action, help=about)
    @runs(DECIDE, action=action)
    def decide(  # its parameters are the options
        name: RoundArgument,
        samples: Samples = None,
        *,
        where: Where = None,
        reason: Reason = None,
        dry_run: DryRun = False,
        as_json: Json = False,
    ) -> None:
        pass


decides("accept", "Accept samples of ROUND that the suite rejects, except for what is final.")


@rounds.command("reject")
def reject(
    name: RoundArgument,
    samples: Samples = None,
    *,
    where: Where = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Reject samples of ROUND; without any, reject the round as a whole."""
    given = {"samples": samples, "where": where, "reason": reason, "dry_run": dry_run}
    if samples or where is not None:
        run(DECIDE, name=name, action="reject", as_json=as_json, **given)
    elif dry_run:
        raise typer.BadParameter("--dry-run goes with samples or --where")
    else:
        run(DECIDE, "reject_round", name=name, reason=reason, as_json=as_json)


@rounds.command("relabel")
@runs(DECIDE, action="relabel")
def relabel(
    name: RoundArgument,
    label: Annotated[str, typer.Argument(help="The label that the samples should have.")],
    samples: Samples = None,
    *,
    where: Where = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Give samples of ROUND another label: new samples, of which these are the parents."""


@rounds.command("correct")
def correct(
    name: RoundArgument,
    sample: Annotated[
        str, typer.Argument(help="Row of a candidate, or at least 8 hex digits of its id.")
    ],
    *,
    text: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=TEXT", help="A new text; may be repeated.", show_default=False
        ),
    ] = None,
    text_file: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=FILE",
            help="A new text from a file; may be repeated.",
            show_default=False,
        ),
    ] = None,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Correct the text of a sample of ROUND: a new sample, of which this one is the parent."""
    texts = dict(_pair(each) for each in text or ())
    for each in text_file or ():
        column, file = _pair(each)
        try:
            texts[column] = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"{file} cannot be read as text") from error
    if not texts:
        raise typer.BadParameter("give a new text, such as --text completion='It is a finch.'")
    given = {"samples": [sample], "where": None, "reason": reason, "dry_run": False}
    run(DECIDE, name=name, action="correct", texts=texts, as_json=as_json, **given)


decides("withdraw", "Leave samples of ROUND to the suite again, whatever was decided about them.")


@rounds.command("approve")
@runs(DECIDE, "approve")
def approve(
    name: RoundArgument,
    *,
    reason: Reason = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHECK",
            help="A check that blocks, against which to publish; may be repeated.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Publish ROUND as it is on its branch, as the page does; say why where a check objects."""


@rounds.command("comment")
@runs(DECIDE, "comment")
def comment(
    name: RoundArgument,
    text: Annotated[str, typer.Argument(help="What there is to say.")],
    *,
    sample: Annotated[
        str | None,
        typer.Option(help="Row or id of the sample that it is about.", show_default="the round"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say something about ROUND or a sample of it; nothing is decided by that."""


@rounds.command("reviews")
@runs(DECIDE, "listing")
def reviews(name: RoundArgument, *, as_json: Json = False) -> None:
    """List what reviewers decided and said about samples of ROUND, the oldest first."""


def _pair(text: str) -> tuple[str, str]:
    """Split COLUMN=VALUE."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise typer.BadParameter(f"{text[:60]!r} is not COLUMN=TEXT")
    return name, value
