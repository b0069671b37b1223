"""`stemma takedown purge`: what was taken down goes from every version of the lake."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lake import purging
from lake.home import LakeHome
from pipelines.params import load
from pipelines.rounds.context import open_lake
from pipelines.takedown import lake_files, local_files, purge
from pipelines.takedown.content import Wanted
from pipelines.takedown.lake_files import LakeFile
from pipelines.takedown.local_files import LocalPurge
from pipelines.takedown.purge import PurgedLake, PurgePlan
from review.cli import purge_output
from review.cli.byte_bar import byte_bar
from review.cli.output import make_console, number, plural, print_json, table
from review.commands import takedown_purge_served
from review.errors import NotAllReadError, UsageError


def run(*, name: str, dry_run: bool, yes: bool, blockstore: str | None, as_json: bool) -> None:
    """Purge what a take-down took, unless this is a dry run.

    Raises:
        UsageError: the purge is not confirmed, or a store is named for the project's own lake.
        DataError: main holds no such take-down.
        LakeError: the lake refuses, or does not answer.
    """
    answer = purged(name, dry_run=dry_run, yes=yes, quiet=as_json, store=blockstore)
    if as_json:
        print_json({"dry_run": dry_run, **answer})
    check_complete(name, answer)


def check_complete(name: str, answer: Mapping[str, Any]) -> None:
    """Check that a purge could read everything and left nothing.

    Raises:
        NotAllReadError: it did not.
    """
    local = answer.get("local", {}).get("unread", ())
    left = sum(map(len, (answer["unread"], answer["spared"], local, answer.get("left", ()))))
    if left:
        raise NotAllReadError(
            f"{number(left)} {plural('place', left)} may still hold some of {name}, as said above "
            "(spared, unread and left in --json): a record that quotes it, what could not be read, "
            "or what another server has to remove"
        )


def purged(
    name: str, *, dry_run: bool, yes: bool, quiet: bool, store: str | None = None
) -> dict[str, Any]:
    """Purge what a take-down took, unless this is a dry run, and return what was done as JSON.

    Args:
        name: the take-down's.
        dry_run: only search.
        yes: do not ask.
        quiet: print nothing for people.
        store: the folder or bucket under a lake that another server serves.

    Raises:
        UsageError: the purge is not confirmed, or a store is named for the project's own lake.
        DataError: main holds no such take-down.
        LakeError: the lake refuses, or does not answer.
    """
    home = lake_files.home(Path.cwd())
    if home is None:
        answer, wanted = takedown_purge_served.purged(
            name, dry_run=dry_run, yes=yes, quiet=quiet, store=store
        )
    elif store is not None:
        raise UsageError("--blockstore is for a lake that another server serves: leave it out here")
    else:
        answer, wanted = _own_purged(home, name, dry_run=dry_run, yes=yes, quiet=quiet)
    if dry_run:
        return answer
    datasets = sorted(shape.dataset for shape in wanted.shapes)
    with byte_bar("searching the project") as tell:
        local = local_files.purge(Path.cwd(), wanted, name, datasets, tell)
    if not quiet:
        _print_local(name, local)
    return {**answer, "local": _local(local)}


def _own_purged(
    home: LakeHome, name: str, *, dry_run: bool, yes: bool, quiet: bool
) -> tuple[dict[str, Any], Wanted]:
    """Purge the project's own lake; return what was done as JSON, and what was looked for."""
    params = load()
    lake, held_out = open_lake(params), open_lake(params, holdout=True)
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
            return purge_output.planned(made), made.wanted
        purge_output.confirm(name, yes=yes)
        done = purge.carry_out(lake, held_out, home, made)
    if not quiet:
        _print_done(done)
    return {**purge_output.planned(made), "purged": _done(done)}, made.wanted


def _done(done: PurgedLake) -> dict[str, int]:
    purged = done.purged
    return {
        "objects": purged.objects if purged else 0,
        "bytes": purged.object_bytes if purged else 0,
        "uploads_ended": purged.uploads if purged else 0,
    }


def _local(local: LocalPurge) -> dict[str, Any]:
    return {
        "searched": local.searched,
        "rewritten": [str(path) for path in local.rewritten],
        "removed": [str(path) for path in local.removed],
        "unread": [{"place": str(path), "why": why} for path, why in local.unread],
    }


def _print_plan(made: PurgePlan[LakeFile]) -> None:
    out = make_console()
    body = [
        [
            item.file.places[0],
            len(item.file.places),
            item.hits,
            "goes whole" if item.whole else "written again",
        ]
        for item in made.objects[: purge_output.SHOWN]
    ]
    if body:
        heading = f"objects that hold what {made.takedown.name} took"
        out.print(table(heading, ["first path", "paths", "found", "remedy"], body))
    if len(made.objects) > purge_output.SHOWN:
        out.print(f"… {number(len(made.objects) - purge_output.SHOWN)} more; --json has them all")
    out.print(
        f"searched {number(made.searched)} objects for {number(len(made.wanted.ids))} ids: "
        f"{number(len(made.objects))} hold some of it, in every version of every repository",
        soft_wrap=True,
    )
    purge_output.print_unread(made.unread)
    purge_output.print_spared(made.spared)


def _print_done(done: PurgedLake) -> None:
    out = make_console()
    if done.purged is None:
        out.print("nothing of it was found in the lake: nothing was purged there")
    else:
        out.print(
            f"purged {number(done.purged.objects)} objects ({number(done.purged.object_bytes)} "
            f"bytes); {number(done.purged.uploads)} unfinished uploads were ended",
            soft_wrap=True,
        )


def _print_local(name: str, local: LocalPurge) -> None:
    out = make_console()
    out.print(
        f"searched {number(local.searched)} files of the project: {number(len(local.rewritten))} "
        f"were written again, {number(len(local.removed))} removed",
        soft_wrap=True,
    )
    purge_output.print_unread([(str(path), why) for path, why in local.unread])
    out.print(f"next: `stemma takedown verify {name}` searches everything that is left")
