"""`stemma takedown purge`: what was taken down goes from every version of the lake."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lake import purging
from lake.home import LakeHome
from pipelines.params import load
from pipelines.rounds.context import open_lake
from pipelines.takedown import lake_files, local_files, purge
from pipelines.takedown.local_files import LocalPurge
from pipelines.takedown.purge import PurgedLake, PurgePlan
from review.cli.byte_bar import byte_bar
from review.cli.output import make_console, number, plural, print_json, table
from review.errors import NotAllReadError, UsageError

SHOWN = 40
"""Objects that are listed."""


def run(*, name: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Purge what a take-down took, unless this is a dry run.

    Raises:
        UsageError: the lake is another server's, or the purge is not confirmed.
        DataError: main holds no such take-down.
        LakeError: the lake refuses, or does not answer.
    """
    answer = purged(name, dry_run=dry_run, yes=yes, quiet=as_json)
    if as_json:
        print_json({"dry_run": dry_run, **answer})
    check_complete(name, answer)


def check_complete(name: str, answer: Mapping[str, Any]) -> None:
    """Check that a purge could read everything and left nothing.

    Raises:
        NotAllReadError: it did not.
    """
    local = answer.get("local", {}).get("unread", ())
    left = len(answer["unread"]) + len(answer["spared"]) + len(local)
    if left:
        raise NotAllReadError(
            f"{number(left)} {plural('place', left)} may still hold some of {name}, as said above "
            "(spared and unread in --json): a record that quotes it, or what could not be read"
        )


def purged(name: str, *, dry_run: bool, yes: bool, quiet: bool) -> dict[str, Any]:
    """Purge what a take-down took, unless this is a dry run, and return what was done as JSON.

    Args:
        name: the take-down's.
        dry_run: only search.
        yes: do not ask.
        quiet: print nothing for people.

    Raises:
        UsageError: the lake is another server's, or the purge is not confirmed.
        DataError: main holds no such take-down.
        LakeError: the lake refuses, or does not answer.
    """
    params = load()
    lake, held_out = open_lake(params), open_lake(params, holdout=True)
    home = own_lake()
    with ExitStack() as held:
        drafts = None
        if not dry_run:
            held.enter_context(purging.alone(home.path))
            drafts = held.enter_context(purging.drafts(home.staging))
        with byte_bar("searching the lake") as tell:
            made = purge.plan(lake, lake_files.objects(home), name, drafts, tell)
        if not quiet:
            _print_plan(made)
        if dry_run:
            return _planned(made)
        _confirm(name, yes=yes)
        done = purge.carry_out(lake, held_out, home, made)
    datasets = sorted(shape.dataset for shape in made.wanted.shapes)
    with byte_bar("searching the project") as tell:
        local = local_files.purge(Path.cwd(), made.wanted, name, datasets, tell)
    if not quiet:
        _print_done(name, done, local)
    return {**_planned(made), **_done(done, local)}


def own_lake() -> LakeHome:
    """The directory of this project's embedded lake.

    Raises:
        UsageError: the lake is another server's.
    """
    home = lake_files.home(Path.cwd())
    if home is None:
        raise UsageError(
            "this project's lake is another server's, which alone can remove objects: take the "
            "samples from main (`stemma takedown`), move its branches on, and let its garbage "
            "collection remove what no branch leads to (docs/takedown.md)"
        )
    return home


def _confirm(name: str, *, yes: bool) -> None:
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


def _planned(made: PurgePlan) -> dict[str, Any]:
    return {
        "takedown": made.takedown.name,
        "ids": len(made.wanted.ids),
        "searched": made.searched,
        "objects": [
            {
                "sha256": item.file.name,
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


def _done(done: PurgedLake, local: LocalPurge) -> dict[str, Any]:
    purged = done.purged
    return {
        "purged": {
            "objects": purged.objects if purged else 0,
            "bytes": purged.object_bytes if purged else 0,
            "uploads_ended": purged.uploads if purged else 0,
        },
        "local": {
            "searched": local.searched,
            "rewritten": [str(path) for path in local.rewritten],
            "removed": [str(path) for path in local.removed],
            "unread": [{"place": str(path), "why": why} for path, why in local.unread],
        },
    }


def _print_plan(made: PurgePlan) -> None:
    out = make_console()
    body = [
        [
            item.file.places[0],
            len(item.file.places),
            item.hits,
            "goes whole" if item.whole else "written again",
        ]
        for item in made.objects[:SHOWN]
    ]
    if body:
        heading = f"objects that hold what {made.takedown.name} took"
        out.print(table(heading, ["first path", "paths", "found", "remedy"], body))
    if len(made.objects) > SHOWN:
        out.print(f"… {number(len(made.objects) - SHOWN)} more; --json has them all")
    out.print(
        f"searched {number(made.searched)} objects for {number(len(made.wanted.ids))} ids: "
        f"{number(len(made.objects))} hold some of it, in every version of every repository",
        soft_wrap=True,
    )
    _print_unread(made.unread)
    for place in made.spared:
        out.print(
            f"stays: {place}, a record that quotes some of it and without which the lake cannot be "
            "read",
            soft_wrap=True,
        )


def _print_done(name: str, done: PurgedLake, local: LocalPurge) -> None:
    out = make_console()
    if done.purged is None:
        out.print("nothing of it was found in the lake: nothing was purged there")
    else:
        out.print(
            f"purged {number(done.purged.objects)} objects ({number(done.purged.object_bytes)} "
            f"bytes); {number(done.purged.uploads)} unfinished uploads were ended",
            soft_wrap=True,
        )
    out.print(
        f"searched {number(local.searched)} files of the project: {number(len(local.rewritten))} "
        f"were written again, {number(len(local.removed))} removed",
        soft_wrap=True,
    )
    _print_unread([(str(path), why) for path, why in local.unread])
    out.print(f"next: `stemma takedown verify {name}` searches everything that is left")


def _print_unread(unread: list[tuple[str, str]]) -> None:
    """Count what could not be read, by reason, with the first place of each."""
    first: dict[str, str] = {}
    for place, why in unread:
        first.setdefault(why, place)
    for why, count in Counter(why for _, why in unread).most_common():
        make_console().print(
            f"not read: {number(count)} places, such as {first[why]}, which {why}", soft_wrap=True
        )
