"""`stemma takedown verify`: is anything left of what was taken down?"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pipelines.params import load
from pipelines.rounds import receipts
from pipelines.rounds.context import open_lake
from pipelines.takedown import lake_files, local_files, served_objects, verification
from pipelines.takedown.served_objects import WAITS
from pipelines.takedown.verification import Verification
from review.cli.byte_bar import byte_bar
from review.cli.output import make_console, number, print_json, table
from review.errors import Findings, NotAllReadError

NEAR: Final = "near"
"""How a near-duplicate is recognised."""
SHOWN: Final = 40
"""Places that are listed."""


def run(*, name: str, near: bool, as_json: bool) -> None:
    """Search everything that is left, and print what was found.

    Raises:
        Findings: something is left.
        NotAllReadError: nothing was found, but not everything could be read.
        DataError: main holds no such take-down.
    """
    found = searched(name, near=near)
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found)
    equal = [item for item in found.leftovers if item.how != NEAR]
    if equal and all(item.state == WAITS for item in equal):
        raise Findings(
            f"{number(len(equal))} leftovers of {name} wait for garbage collection: old versions "
            "alone hold them; set the rules that the purge says, or name the store to it "
            "(--blockstore)"
        )
    if equal:
        raise Findings(
            f"{number(len(equal))} leftovers of {name} were found: purge them (`stemma takedown "
            f"purge {name}`), or remove their files"
        )
    if found.leftovers:
        raise Findings(
            f"{number(len(found.leftovers))} near-duplicates of {name} were found, which a purge "
            "leaves: take them down too, or verify with --no-near if they are others"
        )
    if found.unread:
        raise NotAllReadError(
            f"nothing of {name} was found, but {number(len(found.unread))} places could not be "
            "read: look at them, or remove them"
        )


def searched(name: str, *, near: bool) -> Verification:
    """Search the project's lake and files.

    Raises:
        DataError: main holds no such take-down.
    """
    params, root = load(), Path.cwd()
    lake, home = open_lake(params), lake_files.home(root)
    if home is None:
        lakes = [lake, open_lake(params, holdout=True)]
        survey = served_objects.survey(lakes, receipts.named_commits())
        with byte_bar("searching") as tell:
            paths = local_files.of_project(root)
            found = verification.verify(lake, survey.objects, paths, name, tell, near=near)
        found.gone = len(survey.gone)
        return found
    with byte_bar("searching") as tell:
        paths = [*lake_files.others(home), *local_files.of_project(root)]
        return verification.verify(lake, lake_files.objects(home), paths, name, tell, near=near)


def _print(found: Verification) -> None:
    out = make_console()
    body = [list(each) for each in verification.by_place(found)]
    if body:
        heading = f"leftovers of {found.takedown}"
        columns = ["place", "found", "recognised by", "now"]
        shown = 4 if any(line[-1] for line in body) else 3
        lines = [line[:shown] for line in body[:SHOWN]]
        out.print(table(heading, columns[:shown], lines))
    if len(body) > SHOWN:
        out.print(f"… {number(len(body) - SHOWN)} more places; --json has them all")
    for place, why in found.unread[:SHOWN]:
        out.print(f"not read: {place}, which {why}", soft_wrap=True)
    if len(found.unread) > SHOWN:
        out.print(f"… {number(len(found.unread) - SHOWN)} more that could not be read")
    if found.gone:
        out.print(
            f"{number(found.gone)} objects of old versions have no bytes any more, as their purge "
            "says",
            soft_wrap=True,
        )
    near = f" and {number(found.fingerprints)} fingerprints" if found.fingerprints else ""
    out.print(
        f"searched {number(found.objects)} objects and {number(found.files)} files for "
        f"{number(found.ids)} ids{near}: {number(len(found.leftovers))} leftovers, "
        f"{number(len(found.unread))} places not read",
        soft_wrap=True,
    )
