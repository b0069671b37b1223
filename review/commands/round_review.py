"""`stemma round accept|reject|relabel|correct|withdraw|approve|reviews`: decide, and list it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from lake import refs
from pipelines.common.settings import nearest
from pipelines.gate import approvals, publication, reviews
from pipelines.gate.reviews import Approval
from pipelines.params import load, resolve
from pipelines.reviewing import agreement, candidates, comments, deciding, decisions, selecting
from pipelines.reviewing.choice import Choice
from pipelines.reviewing.record import Action
from pipelines.rounds import context, history
from pipelines.rounds.context import RoundContext
from review.cli.output import make_console, plural, print_json, sentence, table, when
from review.errors import UsageError

SHOWN: Final = 12
"""Rows that a sentence names."""
DONE: Final = {
    "accept": "accepted",
    "reject": "rejected",
    "relabel": "relabelled",
    "correct": "corrected",
    "withdraw": "left to the suite",
}


def run(
    *,
    name: str,
    action: Action,
    samples: Sequence[str] | None,
    where: str | None,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
    label: str | None = None,
    texts: Mapping[str, str] | None = None,
) -> None:
    """Decide about samples of a round, or say which ones are selected."""
    ctx = opened(name)
    seen, published = looked_at(ctx)
    if (where is None) == (not samples):
        raise UsageError("name samples by row or id, or give a condition with --where")
    named = (
        selecting.rows(ctx.lake, ctx.round, seen, samples or ())
        if where is None
        else selecting.where(ctx.lake, ctx.round, seen, where)
    )
    chosen = candidates.rows(ctx.lake, ctx.round, seen, named).to_list()
    if dry_run:
        _print_selected(ctx, chosen, as_json=as_json)
        return
    choice = Choice(action, reason or "", label, texts or {}, where=where)
    commit = deciding.decide(ctx, seen, chosen, choice)
    if as_json:
        print_json({"round": ctx.round.key, "action": action, "rows": chosen, "commit": commit.id})
        return
    count = f"{len(chosen):,} {plural('sample', len(chosen))} of {ctx.round.key}"
    tail = f"`dvc repro` decides on the candidates of {ctx.round.key} again and publishes it"
    if published:
        tail += ", which main holds already, and makes later rounds of it again"
    out = make_console()
    out.print(sentence(f"{count} {'is' if len(chosen) == 1 else 'are'} {DONE[action]}; {tail}"))


def reject_round(*, name: str, reason: str | None, as_json: bool) -> None:
    """Reject a round as a whole."""
    ctx = opened(name)
    seen, published = looked_at(ctx)
    if published:
        raise UsageError(
            f"main holds {ctx.round.key} already; reject samples of it, or take them down"
        )
    commit = reviews.reject(ctx.lake, ctx.round, seen, reason or "")
    if as_json:
        print_json({"round": ctx.round.key, "rejected": seen, "commit": commit.id})
        return
    line = f"{ctx.round.key} is rejected as it is at {seen[:12]}; main keeps that"
    make_console().print(sentence(line))


def approve(*, name: str, reason: str | None, against: Sequence[str] | None, as_json: bool) -> None:
    """Publish a round on a person's approval."""
    ctx = opened(name)
    seen, published = looked_at(ctx)
    if published:
        raise UsageError(f"main holds {ctx.round.key} already")
    merge = publication.approve(ctx, Approval(seen, reason, frozenset(against or ())))
    awaited = approvals.awaited(ctx.lake, ctx.round) if merge is None else None
    if as_json:
        print_json(
            {"round": ctx.round.key, "commit": merge.id if merge else None, "awaited": awaited}
        )
        return
    if merge is None:
        make_console().print(sentence(f"approved; {awaited}"))
        return
    line = f"{ctx.round.key} is published by {merge.id[:12]}; the next `dvc repro` adopts it"
    make_console().print(sentence(line))


def comment(*, name: str, text: str, sample: str | None, as_json: bool) -> None:
    """Keep a comment on a round or a sample."""
    ctx = opened(name)
    seen, _ = looked_at(ctx)
    about = None if sample is None else _sample(ctx, seen, sample)
    commit = comments.say(ctx.lake, ctx.round, seen, text, sample=about)
    if as_json:
        row = None if about is None else about[0]
        print_json({"round": ctx.round.key, "row": row, "commit": commit.id})
        return
    what = ctx.round.key if about is None else f"row {about[0]} of {ctx.round.key}"
    make_console().print(sentence(f"the comment on {what} is kept; nothing is decided by it"))


def _sample(ctx: RoundContext, seen: str, word: str) -> tuple[int, bytes]:
    """Row and id of the candidate that a word names."""
    numbers = selecting.rows(ctx.lake, ctx.round, seen, [word])
    return candidates.key(ctx.lake, ctx.round, seen, numbers[0])


def listing(*, name: str, as_json: bool) -> None:
    """Print what reviewers decided about samples of a round."""
    ctx = opened(name)
    found = decisions.of_round(ctx.lake, ctx.round)
    rows = list(found.table.iter_rows(named=True))
    if as_json:
        shown = [{**row, "sample_id": row["sample_id"].hex()} for row in rows]
        agreed = agreement.of_table(found.table)
        said = [
            {"reviewer": each.reviewer, **each.comment.model_dump(exclude={"reviewer"})}
            for each in comments.of_branch(ctx.lake, ctx.round.branch)
        ]
        print_json(
            {
                "round": ctx.round.key,
                "decisions": shown,
                "comments": said,
                "agreement": None if agreed is None else asdict(agreed),
            }
        )
        return
    out = make_console()
    body = [
        [
            row["row"],
            row["sample_id"].hex()[:SHOWN],
            _said(row),
            "yes" if row["applied"] else "",
            row["reviewer"],
            datetime.fromtimestamp(row["created"], UTC).strftime("%Y-%m-%d %H:%M"),
            " ".join(row["reason"].split()),
        ]
        for row in rows
    ]
    columns = ["row", "sample", "decision", "counts", "reviewer", "when (UTC)", "reason"]
    out.print(table(f"decisions of reviewers on {ctx.round.key}", columns, body))
    counts = Counter(row["action"] for row in rows if row["applied"])
    counted = ", ".join(f"{count:,} {DONE[action]}" for action, count in sorted(counts.items()))
    out.print(sentence(counted or "no decision counts"))
    for line in _beside(ctx, found.table):
        out.print(sentence(line), soft_wrap=True)


def _beside(ctx: RoundContext, reviewed: pl.DataFrame) -> Iterator[str]:
    """Say how far reviewers agree, and what they said."""
    agreed = agreement.of_table(reviewed)
    if agreed is not None:
        figure = (
            "not defined, as all decided alike" if agreed.alpha is None else f"{agreed.alpha:.3f}"
        )
        yield (
            f"Krippendorff's alpha of {agreed.reviewers} reviewers on {agreed.samples:,} "
            f"{plural('sample', agreed.samples)}: {figure}"
        )
    for each in comments.of_branch(ctx.lake, ctx.round.branch):
        about = "the round" if each.comment.row is None else f"row {each.comment.row}"
        text = " ".join(each.comment.text.split())
        yield f"{when(each.comment.created)}, {each.reviewer} on {about}: {text}"


def _said(row: Mapping[str, Any]) -> str:
    """A decision in a few words: what was done, and the label or the texts that were given."""
    action, label, columns = row["action"], row["label"], ", ".join(row["columns"] or ())
    if action == "correct":
        return f"correct {columns}" + (f", label {label}" if label is not None else "")
    if action == "relabel":
        return f"relabel to {label}" + (f", corrected {columns}" if columns else "")
    return str(action)


def opened(name: str) -> RoundContext:
    """Open the round that a name or a branch says.

    Raises:
        UsageError: there is no such round in params.yaml.
    """
    params = load()
    match = refs.BRANCH.match(name)
    key = f"{match['dataset']}-{int(match['round'])}" if match else name
    line = (match["line"] if match else None) or params.line
    if key not in params.rounds:
        raise UsageError(f"there is no round {name!r} in params.yaml{nearest(name, params.rounds)}")
    ctx = context.open_context(key)
    return replace(ctx, round=replace(resolve(params, key), line=line))


def looked_at(ctx: RoundContext) -> tuple[str, bool]:
    """The commit that shows a round, and whether main holds it.

    Raises:
        UsageError: the lake does not hold the round yet.
    """
    head = ctx.lake.head(ctx.round.branch)
    published = history.published_round(ctx.lake, ctx.round)
    if head is not None:
        return head, published is not None and published.source == head
    if published is None:
        raise UsageError(f"the lake does not hold {ctx.round.key} yet; run `dvc repro` first")
    return published.source, True


def _print_selected(ctx: RoundContext, rows: Sequence[int], *, as_json: bool) -> None:
    if as_json:
        print_json({"round": ctx.round.key, "rows": rows})
        return
    named = ", ".join(map(str, rows[:SHOWN]))
    more = f" and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
    line = f"{len(rows):,} {plural('sample', len(rows))} of {ctx.round.key}: {named}{more}"
    make_console().print(sentence(line))
