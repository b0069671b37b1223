"""What all purges of a lake say and ask, whoever serves it."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from pipelines.takedown.found_objects import File
from pipelines.takedown.purge import PurgePlan
from review.cli.output import make_console, number
from review.errors import UsageError

SHOWN = 40
"""Objects that are listed."""


def confirm(name: str, *, yes: bool) -> None:
    """Ask for the name of the take-down, since nothing brings back what is purged.

    Raises:
        UsageError: it is not given.
    """
    if yes:
        return
    check_confirmable(name)
    sys.stderr.write(f"Nothing brings back what is purged. Type {name} to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != name:
        raise UsageError("that is not its name: nothing was purged")


def check_confirmable(name: str) -> None:
    """Check that somebody can be asked.

    Raises:
        UsageError: nobody can.
    """
    if not sys.stdin.isatty():
        raise UsageError(f"nothing brings back what is purged: confirm it with --yes for {name}")


def planned(made: PurgePlan[File]) -> dict[str, Any]:
    """What a plan found, as JSON."""
    return {
        "takedown": made.takedown.name,
        "ids": len(made.wanted.ids),
        "searched": made.searched,
        "objects": [
            {
                "sha256": item.stored.sha256,
                "places": list(item.file.places),
                "found": item.hits,
                "whole": item.whole,
                "bytes": item.stored.size,
            }
            for item in made.objects
        ],
        "spared": list(made.spared),
        "unread": [{"place": place, "why": why} for place, why in made.unread],
    }


def print_unread(unread: list[tuple[str, str]]) -> None:
    """Count what could not be read, by reason, with the first place of each."""
    first: dict[str, str] = {}
    for place, why in unread:
        first.setdefault(why, place)
    for why, count in Counter(why for _, why in unread).most_common():
        make_console().print(
            f"not read: {number(count)} places, such as {first[why]}, which {why}", soft_wrap=True
        )


def print_spared(spared: list[str]) -> None:
    """Name the records that stay although they quote some of it."""
    for place in spared:
        make_console().print(
            f"stays: {place}, a record that quotes some of it and without which the lake cannot be "
            "read",
            soft_wrap=True,
        )
