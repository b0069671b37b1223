"""`stemma clean`: free what nothing of a project refers to, after saying what.

Published rounds, rounds that can go on, and what makes a round again stay. Answers of services were
paid for and go on request only; the cache of DVC is left to DVC, which knows what it is for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from lake import garbage_collection, settings
from lake.home import LakeHome
from lake.settings import Embedded
from pipelines.llm import ask, stored_answers
from pipelines.llm.stored_answers import Stored
from pipelines.rounds import model_store
from review.cli import at_work
from review.cli.output import make_console, number, plural, print_json, table
from review.commands import gc
from review.disk import leftovers, named, removal, usage
from review.disk.leftovers import Leftover
from review.disk.named import Named
from review.errors import Findings, UsageError

SHOWN: Final = 5
"""Names of a part that are shown to people."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What may go."""

    lake: Mapping[str, int] | None
    """Counts of the lake's garbage; None where the lake is not this project's own, or not there."""
    leftovers: tuple[Leftover, ...]
    sizes: tuple[int, ...]
    """Bytes that the disk gets back for each of them."""
    answers: Stored
    """Answers of services that are stored."""


def run(*, answers: bool, caches: bool, keep: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Say what may go, ask, and remove it."""
    age = gc.seconds(keep)
    names = named.search(Path.cwd())
    plan = _plan(names, age, caches=caches)
    notes = list(_notes(names, plan.answers, answers=answers))
    if not as_json:
        _show(plan, notes, answers=answers)
    if dry_run or _is_empty(plan, answers=answers):
        problems: list[str] = []
    else:
        _ask(yes=yes, is_shown=not as_json)
        plan, problems = _remove(plan, age, caches=caches, answers=answers)
    done = not dry_run
    if as_json:
        print_json(_as_dict(plan, notes, problems, done=done, answers=answers))
    else:
        make_console().print(_outcome(plan, done=done, answers=answers), soft_wrap=True)
    if problems:
        raise Findings("; ".join(problems))


def _plan(names: Named, age: int, *, caches: bool) -> Plan:
    found = tuple(leftovers.find(names, caches=caches))
    return Plan(
        _collect(names, age, dry_run=True),
        found,
        tuple(usage.freed_by(each.paths for each in found)),
        stored_answers.count(ask.CACHE),
    )


def _collect(names: Named, age: int, *, dry_run: bool) -> Mapping[str, int] | None:
    where = settings.resolve(Path.cwd())
    if not isinstance(where, Embedded) or not LakeHome(where.home).catalog.exists():
        return None
    return garbage_collection.collect(where.home, keep=age, also=names.commits, dry_run=dry_run)


def _remove(plan: Plan, age: int, *, caches: bool, answers: bool) -> tuple[Plan, list[str]]:
    """Remove what was said, less what something refers to by now; return what went."""
    with at_work.alone():
        now = leftovers.find(named.search(Path.cwd()), caches=caches)
        found = tuple(leftovers.common(plan.leftovers, now))
        sizes = tuple(usage.freed_by(each.paths for each in found))
        problems = [problem for each in found for problem in removal.remove(each.paths)]
        stored = stored_answers.forget(ask.CACHE) if answers else plan.answers
    lake = _collect(named.search(Path.cwd()), age, dry_run=False)
    return Plan(lake, found, sizes, stored), problems


def _ask(*, yes: bool, is_shown: bool) -> None:
    """Ask the person at the terminal, who has been shown what would go.

    Raises:
        UsageError: nobody can be asked, or the answer is not yes.
    """
    if yes:
        return
    if not (is_shown and sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nothing was removed: say --yes to remove it, or --dry-run to look only")
    sys.stderr.write("Remove this? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("nothing was removed")


def _notes(names: Named, stored: Stored, *, answers: bool) -> Iterator[str]:
    """Sentences on what stays, and why."""
    if names.refs is None:
        yield "There is no git repository, so only this checkout was searched for rounds."
    if not isinstance(settings.resolve(Path.cwd()), Embedded):
        yield "The lake of this project is on a server, which collects its own garbage."
    for root in (model_store.ROOT, leftovers.REPORTS):
        if root.is_symlink():
            yield f"{root} is a symbolic link; what lies behind it stays, since others may use it."
    if stored.answers:
        unknown = f", the cost of {number(stored.unpriced)} is unknown" if stored.unpriced else ""
        count = f"{number(stored.answers)} {plural('answer', stored.answers)} of services"
        yield f"{count} (${stored.dollars:.6f}{unknown}) " + (
            "would have to be paid again by what asks for them."
            if answers
            else "stay, because they were paid for; --answers removes them."
        )
    if answers and stored.batches:
        count = f"{number(stored.batches)} {plural('batch', stored.batches)}"
        yield f"Of {count} the answers are still to be collected; the record of that stays."
    if usage.DVC_CACHE.is_dir():
        yield f"The cache of DVC stays; `{usage.DVC_GC}` frees what nothing names."


def _rows(plan: Plan, *, answers: bool) -> Iterator[tuple[str, str, int, int]]:
    """Part, what of it, how many, and bytes of what goes."""
    if plan.lake is not None:
        yield (
            "lake: objects",
            "that nothing refers to",
            plan.lake["objects"],
            plan.lake["object_bytes"],
        )
        yield (
            "lake: tree blocks",
            "that nothing refers to",
            plan.lake["blocks"],
            plan.lake["block_bytes"],
        )
        yield "lake: commits", "that nothing refers to", plan.lake["commits"], 0
    for each, size in zip(plan.leftovers, plan.sizes, strict=True):
        yield each.part, each.why, len(each.paths), size
    if answers:
        yield (
            "answers of services",
            "asked and paid for again",
            plan.answers.answers,
            plan.answers.bytes,
        )


def _is_empty(plan: Plan, *, answers: bool) -> bool:
    return not any(count for _, _, count, _ in _rows(plan, answers=answers))


def _show(plan: Plan, notes: list[str], *, answers: bool) -> None:
    names = {each.part: ", ".join(_shown(each)) for each in plan.leftovers}
    body = [
        (part, f"{what}: {names[part]}" if part in names else what, number(count), number(size))
        for part, what, count, size in _rows(plan, answers=answers)
        if count
    ]
    out = make_console()
    if body:
        out.print(table("", ("part", "what", "number", "bytes"), body))
    for note in notes:
        out.print(note, soft_wrap=True)


def _shown(leftover: Leftover) -> Iterator[str]:
    yield from (str(path) for path in leftover.paths[:SHOWN])
    if len(leftover.paths) > SHOWN:
        yield "…"


def _outcome(plan: Plan, *, done: bool, answers: bool) -> str:
    rows = list(_rows(plan, answers=answers))
    if not any(count for _, _, count, _ in rows):
        return "there is nothing to remove"
    size = number(sum(size for *_, size in rows))
    return f"freed {size} bytes" if done else f"would free {size} bytes; nothing was removed"


def _as_dict(
    plan: Plan, notes: list[str], problems: list[str], *, done: bool, answers: bool
) -> dict[str, Any]:
    names = {each.part: sorted(map(str, each.paths)) for each in plan.leftovers}
    rows = list(_rows(plan, answers=answers))
    return {
        "removed": done,
        "parts": [
            {"part": part, "what": what, "number": count, "bytes": size}
            | ({"names": names[part]} if part in names else {})
            for part, what, count, size in rows
            if count
        ],
        "bytes": sum(size for *_, size in rows),
        "lake": plan.lake,
        "answers": asdict(plan.answers) | {"removed": done and answers},
        "notes": notes,
        "problems": problems,
    }
