"""`stemma takedown`: what holds samples that must go, and a main without them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
from rich.console import RenderableType

from lineage import guard
from lineage.evidence import OBJECTIONS
from pipelines.common import console
from pipelines.common.errors import TakedownError
from pipelines.gate import takedown_guard
from pipelines.params import load
from pipelines.rounds.context import open_lake
from pipelines.takedown import act, record, requests, selection
from pipelines.takedown.plan import TakedownPlan
from pipelines.takedown.record import JudgedMain, Takedown
from pipelines.takedown.requests import Wanted
from pipelines.takedown.selection import Selection
from review.cli import purge_output
from review.cli.output import make_console, plural, print_json, sentence, table
from review.commands import takedown_purge

NAMED: Final = 20
"""Ids and refs that are named in a sentence."""
OUTSIDE: Final = (
    "outside of the lake, which nothing here reaches: exports, copies, backups, and models that "
    "were taken elsewhere"
)


def run(
    *,
    samples: Sequence[str] | None,
    from_file: Path | None,
    where: str | None,
    reason: str | None,
    name: str | None,
    dataset: str | None,
    override: str | None,
    purge: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Plan a take-down, and carry it out unless this is a dry run; then purge it if asked to.

    Raises:
        BlockedError: the guard blocks the new main, and there is no `override`.
        TakedownError: it cannot be done as it was asked for.
        UsageError: the purge is not confirmed.
    """
    if purge and not dry_run and not yes:
        purge_output.check_confirmable("this take-down")
    text = "" if from_file is None else _text(from_file)
    wanted = Wanted(selection.parse(samples or (), text, str(from_file)), where, dataset)
    if reason is None and not dry_run:
        raise TakedownError("give the reason with --reason, or look first with --dry-run")
    params = load()
    lake, held_out = open_lake(params), open_lake(params, holdout=True)
    found, chosen = requests.planned(lake, held_out, wanted)
    _complain(chosen)

    def judge(plan: TakedownPlan, added: pl.DataFrame) -> Mapping[str, JudgedMain]:
        return takedown_guard.judge(params, lake, plan, added, override)

    if dry_run:
        _tell(found, judge(found, act.denied(lake, found)), as_json=as_json)
        return
    policies = {key: settings.takedown for key, settings in params.datasets.items()}
    order = act.checked(name or requests.name_of(found.ids), reason or "", policies)
    done = list(requests.fulfil(lake, held_out, params, found, order, judge=judge))
    if not as_json:
        _print_done(done)
    purged = _purged(done, yes=yes, quiet=as_json) if purge else []
    if as_json:
        answer = {"plan": found.to_dict(), "takedowns": [_to_dict(each) for each in done]}
        print_json({**answer, **({"purges": purged} if purge else {})})
    for each in purged:
        takedown_purge.check_complete(each["takedown"], each)


def _purged(done: Sequence[Takedown], *, yes: bool, quiet: bool) -> list[dict[str, Any]]:
    """Purge what take-downs took, and return what was done."""
    if not done:
        console.line("`stemma takedown list` names earlier ones, and `… purge NAME` purges one")
    names = [each.record.name for each in done]
    return [takedown_purge.purged(each, dry_run=False, yes=yes, quiet=quiet) for each in names]


def _print_done(done: Sequence[Takedown]) -> None:
    out = make_console()
    for each in done:
        for line in _done(each):
            out.print(sentence(line), soft_wrap=True)
    if not done:
        out.print(sentence("main holds none of these samples, and the deny-list has them all"))


def listing(*, as_json: bool) -> None:
    """List the take-downs that main holds."""
    lake = open_lake(load())
    done = list(record.merged(lake))
    if as_json:
        print_json({"takedowns": [_to_dict(each) for each in done]})
        return
    if not done:
        make_console().print(sentence("nothing was taken down"))
        return
    body = [
        [
            each.record.name,
            _when(each.record.created),
            each.after[:12],
            len(each.record.ids),
            sum(part.named + part.direct for part in each.record.rounds),
            each.record.who,
            each.record.reason,
        ]
        for each in done
    ]
    columns = ["take-down", "when (UTC)", "main", "ids", "samples", "who", "reason"]
    make_console().print(table("", columns, body))


def _text(path: Path) -> str:
    return sys.stdin.read() if str(path) == "-" else selection.read_file(path)


def _complain(chosen: Selection) -> None:
    """Report ids that match several contents, and ids that match none."""
    for prefix, count in list(chosen.ambiguous.items())[:NAMED]:
        console.line(f"stemma: {prefix} matches {count:,} samples; all of them are meant")
    if chosen.unmatched:
        shown = ", ".join(chosen.unmatched[:NAMED])
        more = len(chosen.unmatched) - NAMED
        console.line(
            f"stemma: nothing in the lake or its hold-out has {shown}"
            f"{f' and {more:,} more' if more > 0 else ''}"
        )


def _tell(found: TakedownPlan, judged: Mapping[str, JudgedMain], *, as_json: bool) -> None:
    """Print what a take-down would do."""
    if as_json:
        guard = {name: each.model_dump(mode="json") for name, each in judged.items()}
        print_json({"dry_run": True, **found.to_dict(), "guard": guard})
        return
    out = make_console()
    for part in _rendered(found.to_dict()):
        out.print(part, soft_wrap=not hasattr(part, "columns"))
    for line in (*_answers(judged), OUTSIDE):
        out.print(sentence(line), soft_wrap=True)


def _rendered(plan: Mapping[str, Any]) -> Iterator[RenderableType]:
    counts = plan["counts"]
    yield sentence(
        f"{counts['ids']:,} {plural('id', counts['ids'])}: {counts['samples']:,} samples of main, "
        f"{counts['direct_samples']:,} made from them, {counts['indirect']:,} indirect "
        f"descendants, {counts['holdout']:,} held out; {counts['models']:,} models, "
        f"{counts['tags']:,} tags, {counts['branches']:,} branches and {counts['commits']:,} "
        "commits of main hold or learned from them"
    )
    rounds: dict[tuple[str, int], dict[str, int]] = {}
    for name in ("samples", "direct", "indirect"):
        for part in plan[name]:
            rounds.setdefault((part["dataset"], part["round"]), {})[name] = part["rows"]
    if rounds:
        body = [
            [
                dataset,
                str(number),
                *(each.get(name, 0) for name in ("samples", "direct", "indirect")),
            ]
            for (dataset, number), each in sorted(rounds.items())
        ]
        yield table("", ["data set", "round", "named", "direct", "indirect"], body)
    yield from (sentence(line) for line in _holders(plan))
    yield from (sentence(line) for line in _remedies(plan["remedies"]))


def _holders(plan: Mapping[str, Any]) -> Iterator[str]:
    """Sentences about what else holds the samples, or learned from them."""
    for dataset, part in plan["opaque"].items():
        yield (
            f"{dataset}: {part['rows']:,} of {part['of']:,} rows are by models of which nobody "
            "knows what they learned from"
        )
    for part in plan["holdout"]:
        yield f"hold-out of {part['dataset']}: {part['rows']:,} {part['split']} rows"
    if plan["near"]:
        ids = ", ".join(row["sample_id"][:12] for row in plan["near"][:NAMED])
        others = len(plan["near"]) - NAMED
        yield (
            f"{len(plan['near']):,} other samples of main are near-duplicates of these, stay, and "
            f"are in no later mix; name them to take them down: {ids}"
            f"{f' and {others:,} more' if others > 0 else ''}"
        )
    for model in plan["models"]:
        there = "" if model["local"] else ", not in this checkout"
        yield (
            f"model of round {model['round']} of {model['dataset']} ({model['generator']}): "
            f"{model['folder']}{there}, and the commit that generated the round"
        )
    for name in ("tags", "branches"):
        if plan[name]:
            listed = list(plan[name])
            more = f" and {len(listed) - NAMED:,} more" if len(listed) > NAMED else ""
            yield f"{name} whose version holds them: {', '.join(listed[:NAMED])}{more}"
    if plan["caches"]:
        listed = [f"{name} ({size:,} bytes)" for name, size in plan["caches"].items() if size]
        yield f"folders of this project that may hold their content: {', '.join(listed) or 'none'}"


def _remedies(remedies: Mapping[str, Any]) -> Iterator[str]:
    """Sentences about what each policy would do."""
    yield f"direct: drop takes {remedies['drop']['rows']:,} rows from main"
    for part in remedies["regenerate"]:
        yield (
            f"direct: regenerate makes round {part['round']} of {part['dataset']} again, of which "
            f"{part['shards']:,} of {part['of']:,} shards are touched{_took(part)}"
        )
    for dataset, part in remedies["refit"].items():
        yield (
            f"indirect: refit makes rounds {part['from']} to {part['to']} of {dataset} "
            f"again{_took(part)}"
        )


def _took(part: Mapping[str, Any]) -> str:
    """What something took when it was made."""
    dollars = f" and ${part['dollars']:.2f}" if part["dollars"] else ""
    return "" if part["seconds"] is None else f"; it took {part['seconds']:,.1f} s{dollars} then"


def _done(done: Takedown) -> Iterator[str]:
    """Sentences about a take-down that was carried out."""
    made = done.record
    named = sum(part.named for part in made.rounds)
    direct = sum(part.direct for part in made.rounds)
    yield (
        f"{made.name}: main {done.after[:12]} is {made.main[:12]} without {named:,} named samples "
        f"and {direct:,} made from them; {len(made.ids):,} ids are on the deny-list"
    )
    if made.tags:
        yield f"tags that still hold them: {', '.join(made.tags)}"
    for dataset, number in made.remade.items():
        yield f"`dvc repro` makes {dataset} again from round {number} on"
    for part in made.holdout:
        yield (
            f"{part.rows:,} {part.split} {plural('row', part.rows)} of {part.dataset} went from "
            "the hold-out, which answers for what went by digests alone"
        )
    yield from _answers(made.guard)
    yield OUTSIDE


def _answers(judged: Mapping[str, JudgedMain]) -> Iterator[str]:
    """Sentences about what the guard says of the new main: each objection, and what passes."""
    for dataset, each in judged.items():
        result = each.result()
        if result is None:
            yield f"guard on {dataset} without them: not judged, because {each.why}"
            continue
        yield f"{guard.headline(result)}, judged without them"
        for item in result.checks:
            if item.verdict in OBJECTIONS:
                yield f"  {item.verdict}: {item.name} ({item.limit}): {item.evidence}"


def _to_dict(done: Takedown) -> dict[str, Any]:
    return {**done.record.model_dump(mode="json"), "commit": done.after}


def _when(created: int) -> str:
    return datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%d %H:%M")
