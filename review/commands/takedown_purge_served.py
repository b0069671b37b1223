"""`stemma takedown purge` of a lake that another server serves, whose old versions never change."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lake import blockstore, private, purging
from pipelines.params import load
from pipelines.rounds import receipts
from pipelines.rounds.context import PRIVATE, PURGE, open_lake
from pipelines.takedown import purge, served_objects, served_purge
from pipelines.takedown.content import Wanted
from pipelines.takedown.found_objects import FoundObject
from pipelines.takedown.purge import PurgePlan
from pipelines.takedown.served_objects import ServedObject, Survey
from pipelines.takedown.served_purge import ServedPurge
from review.cli import purge_output
from review.cli.byte_bar import byte_bar
from review.cli.output import make_console, number, plural, table

Plan = PurgePlan[ServedObject]


def purged(
    name: str, *, dry_run: bool, yes: bool, quiet: bool, store: str | None
) -> tuple[dict[str, Any], Wanted]:
    """Purge the lake, unless this is a dry run; return what was done as JSON, and what it sought.

    Args:
        name: the take-down's.
        dry_run: only search.
        yes: do not ask.
        quiet: print nothing for people.
        store: the folder or bucket under the server; None: nothing is removed there.

    Raises:
        MisconfiguredError: the store cannot be opened.
        UsageError: the purge is not confirmed.
        LakeError: the lake refuses, or does not answer.
    """
    params = load()
    lakes = [open_lake(params), open_lake(params, holdout=True)]
    opened = None if store is None else blockstore.open_store(store)
    with ExitStack() as held:
        drafts = None
        if not dry_run:
            private.folder(PRIVATE)
            held.enter_context(purging.alone(PRIVATE))
            folder = held.enter_context(tempfile.TemporaryDirectory(dir=PRIVATE, prefix=PURGE))
            drafts = held.enter_context(purging.drafts(Path(folder)))
        survey = served_objects.survey(lakes, receipts.named_commits())
        with byte_bar("searching the lake") as tell:
            made = purge.plan(lakes[0], survey.objects, name, drafts, tell)
        if not quiet:
            _print_plan(made, survey)
        if dry_run:
            return _planned(made, survey), made.wanted
        purge_output.confirm(name, yes=yes)
        done = served_purge.carry_out(lakes, made, survey, opened)
    if not quiet:
        _print_done(done)
    return {**_planned(made, survey), **_done(done)}, made.wanted


def _planned(made: Plan, survey: Survey) -> dict[str, Any]:
    answer = purge_output.planned(made)
    for line, item in zip(answer["objects"], made.objects, strict=True):
        line["address"] = item.file.address
        line["innocent_rows"] = item.innocent
        line["state"] = item.file.state
    return {**answer, "innocent_rows": _innocent(made.objects), "gone": len(survey.gone)}


def _innocent(objects: list[FoundObject[ServedObject]]) -> int:
    return sum(item.innocent for item in objects)


def _done(done: ServedPurge) -> dict[str, Any]:
    return {
        "committed": dict(done.committed),
        "removed_underneath": {
            "objects": len(done.removed),
            "bytes": sum(item.stored.size for item in done.removed),
            "innocent_rows": _innocent(done.removed),
        },
        "left": dict(done.left),
        "gc_rules": {name: rules.to_dict() for name, rules in done.rules.items()},
        "gc_takes_besides": dict(done.lost),
    }


def _print_plan(made: Plan, survey: Survey) -> None:
    out = make_console()
    body = [
        [item.file.places[0], len(item.file.places), item.hits, item.innocent, item.file.state]
        for item in made.objects[: purge_output.SHOWN]
    ]
    if body:
        heading = f"objects that hold what {made.takedown.name} took"
        out.print(table(heading, ["first path", "paths", "found", "innocent rows", "now"], body))
    more = len(made.objects) - purge_output.SHOWN
    if more > 0:
        out.print(f"… {number(more)} more; --json has them all")
    out.print(
        f"searched {number(made.searched)} objects for {number(len(made.wanted.ids))} ids, in "
        f"every version that the server lists: {number(len(made.objects))} hold some of it, and "
        f"{number(len(survey.gone))} have no bytes any more",
        soft_wrap=True,
    )
    if made.objects:
        out.print(
            "where they are removed underneath, old versions lose "
            f"{number(_innocent(made.objects))} innocent rows with them, which Stemma goes on "
            "reading from the branch of purges, and other clients do not",
            soft_wrap=True,
        )
    purge_output.print_unread(made.unread)
    purge_output.print_spared(made.spared)


def _print_done(done: ServedPurge) -> None:
    out = make_console()
    for line in _lines(done):
        out.print(line, soft_wrap=True)
    for repository, rules in done.rules.items():
        out.print(
            f"rules by which garbage collection of {repository} takes what is left, for `lakectl "
            f"gc set-config lakefs://{repository} -f FILE`; {number(done.lost[repository])} other "
            "objects of old versions go by them, too:",
            soft_wrap=True,
        )
        out.print(json.dumps(rules.to_dict()), soft_wrap=True)


def _lines(done: ServedPurge) -> Iterator[str]:
    """Sentences about what a purge did."""
    for branch, count in done.committed.items():
        yield f"{branch}: a commit with {number(count)} cleaned {plural('object', count)}"
    if done.removed:
        size = sum(item.stored.size for item in done.removed)
        yield (
            f"removed underneath: {number(len(done.removed))} objects ({number(size)} bytes) with "
            f"{number(_innocent(done.removed))} innocent rows, which Stemma reads from the branch "
            "of purges now"
        )
    for why, count in Counter(done.left.values()).most_common():
        yield f"stays: {number(count)} {plural('object', count)}: {why}"
