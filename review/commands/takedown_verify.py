"""`stemma takedown verify`: is anything left of what was taken down?"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pipelines.params import load
from pipelines.rounds.context import open_lake
from pipelines.takedown import lake_files, verification
from pipelines.takedown.verification import Verification
from review.cli.byte_bar import byte_bar
from review.cli.output import make_console, number, print_json, table
from review.errors import Findings, NotAllReadError, UsageError

NEAR: Final = "near"
"""How a near-duplicate is recognised."""
SHOWN: Final = 40
"""Places that are listed."""


def run(*, name: str, near: bool, as_json: bool) -> None:
    """Search everything that is left, and print what was found.

    Raises:
        Findings: something is left.
        NotAllReadError: nothing was found, but not everything could be read.
        UsageError: the lake is another server's.
        DataError: main holds no such take-down.
    """
    found = searched(name, near=near)
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found)
    equal = [item for item in found.leftovers if item.how != NEAR]
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
        UsageError: the lake is another server's.
        DataError: main holds no such take-down.
    """
    lake, home = open_lake(load()), lake_files.home(Path.cwd())
    if home is None:
        raise UsageError(
            "this project's lake is another server's, whose objects are not all reachable through "
            "its API: verify a copy of it as an embedded lake (docs/takedown.md)"
        )
    with byte_bar("searching") as tell:
        return verification.verify(lake, home, Path.cwd(), name, tell, near=near)


def _print(found: Verification) -> None:
    out = make_console()
    body = [list(each) for each in verification.by_place(found)]
    if body:
        heading = f"leftovers of {found.takedown}"
        out.print(table(heading, ["place", "found", "recognised by"], body[:SHOWN]))
    if len(body) > SHOWN:
        out.print(f"… {number(len(body) - SHOWN)} more places; --json has them all")
    for place, why in found.unread[:SHOWN]:
        out.print(f"not read: {place}, which {why}", soft_wrap=True)
    if len(found.unread) > SHOWN:
        out.print(f"… {number(len(found.unread) - SHOWN)} more that could not be read")
    near = f" and {number(found.fingerprints)} fingerprints" if found.fingerprints else ""
    out.print(
        f"searched {number(found.objects)} objects and {number(found.files)} files for "
        f"{number(found.ids)} ids{near}: {number(len(found.leftovers))} leftovers, "
        f"{number(len(found.unread))} places not read",
        soft_wrap=True,
    )
