"""Takes samples from main: a new version without them, in one merge that carries its own record.

On a staging branch, each part of samples that holds such a row is written again without it, pages
that show rows are removed, and what was asked of services for them too. Lineage, decisions and
verdicts stay: they hold no content, and what descends from a row can still be told. The head file
of each data set that was touched changes, so a round that is merged at the same time conflicts.
A take-down that is killed leaves main as it was; the same command makes it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import ConflictError
from lake.values import Commit
from pipelines.common.errors import BlockedError, StaleError, TakedownError
from pipelines.params.sections import TakedownPolicy
from pipelines.rounds import attestation, history, merging, trust
from pipelines.rounds.staging_branch import delete_stale, staging_branch
from pipelines.takedown import deny_list, entries, record
from pipelines.takedown.plan import TakedownPlan
from pipelines.takedown.record import (
    HeldOutRows,
    JudgedMain,
    Takedown,
    TakedownRecord,
    TouchedRound,
)
from pipelines.takedown.removal import Removal

LONGEST: Final = 2000
"""Limit of the length of a reason, in characters."""


Judge = Callable[[TakedownPlan, pl.DataFrame], Mapping[str, JudgedMain]]
"""Asks the guard about the main that a plan would leave, given the entries of the deny-list that it
would add; by data set."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a take-down is called, why it is done, and by which policies."""

    name: str
    reason: str
    policies: Mapping[str, TakedownPolicy]
    """By data set; of another one, the defaults."""

    def policy(self, dataset: str) -> TakedownPolicy:
        """The policy of a data set."""
        return self.policies.get(dataset, TakedownPolicy())


def checked(name: str, reason: str, policies: Mapping[str, TakedownPolicy]) -> Order:
    """Check the name and the reason of a take-down.

    Raises:
        TakedownError: the name has other characters, or the reason is missing or too long.
    """
    if not record.NAME.match(name):
        raise TakedownError(
            f"{name!r} cannot be the name of a take-down; use up to 63 small letters, digits and "
            "hyphens"
        )
    text = reason.strip()
    if not text or len(text) > LONGEST:
        raise TakedownError(
            f"the reason has {len(text):,} characters; give one of up to {LONGEST:,}, which the "
            "record keeps and everybody who reads the lake can see"
        )
    return Order(name, text, policies)


def denied(lake: Lake, plan: TakedownPlan) -> pl.DataFrame:
    """The entries of the deny-list that the take-down of a plan adds, as `deny_list.ENTRY`."""
    return entries.of_rows(
        lake, plan.main, plan.ids, plan.datasets, plan.rows, held_out=plan.held_rows
    )


def run(lake: Lake, plan: TakedownPlan, order: Order, judge: Judge) -> Takedown:
    """Take the samples of a plan from main, with what was made from them.

    Args:
        lake: the lake.
        plan: made at main's head.
        order: name, reason and policies.
        judge: asks the guard about the new main.

    Raises:
        BlockedError: the guard blocks the new main.
        SigningError: there is no key to sign with.
        StaleError: main changed meanwhile.
        TakedownError: main holds another take-down of this name.
    """
    trust.signer(lake)  # before anything is written
    branch = f"takedown-{order.name}"
    delete_stale(lake, branch)
    if order.name in record.names(lake):
        raise TakedownError(
            f"main holds a take-down called {order.name} already; give another name with --name"
        )
    rows = plan.rows
    listed = denied(lake, plan)
    judged = judge(plan, listed)
    _refuse_blocked(order, judged)
    with staging_branch(lake, branch, plan.main) as staging:
        removal = Removal(lake, staging, plan.main)
        touched = [removal.take(*each) for each in _by_round(rows)]
        for dataset in sorted({each.dataset for each in touched}):
            merging.touch_head(lake, staging, dataset)
        taken = int(rows["sample"].sum())
        message = f"Take down {taken:,} samples: {order.name}"
        removed = lake.commit(staging, message, {})
        made = _record(lake, plan, order, touched, removed)
        made = made.model_copy(update={"guard": judged})
        made = _write(lake, staging, made, rows, listed)
        metadata = attestation.seal(
            lake, {record.ENTRY: made.name, record.RECORD: record.sha256(record.encoded(made))}
        )
        recorded = lake.commit(staging, message, metadata)
        try:
            merge = lake.merge(recorded.id, refs.MAIN, message, metadata)
        except ConflictError as error:
            raise StaleError(
                "main changed at the same time, so nothing was taken down; run the same command "
                "again"
            ) from error
    return Takedown(made, merge)


def _refuse_blocked(order: Order, judged: Mapping[str, JudgedMain]) -> None:
    """Refuse a take-down that leaves a main which the guard blocks.

    Raises:
        BlockedError: it blocks a data set, and nobody gave a reason to go on.
    """
    blocked = {name: each.blocking for name, each in judged.items() if each.blocked}
    if blocked:
        listed = "; ".join(f"{name}: {', '.join(checks)}" for name, checks in blocked.items())
        raise BlockedError(
            f"the guard blocks the main that {order.name} would leave ({listed}), so nothing was "
            "taken down; give the reason to do it all the same with --override"
        )


def _by_round(rows: pl.DataFrame) -> Iterator[tuple[str, int, pl.DataFrame]]:
    for (dataset, number), part in rows.group_by("dataset", "round", maintain_order=True):
        yield str(dataset), int(str(number)), part


def _record(
    lake: Lake,
    plan: TakedownPlan,
    order: Order,
    touched: Sequence[TouchedRound],
    removed: Commit,
) -> TakedownRecord:
    """Compose the record, with the checksums of what changed; digests of tables come later."""
    remade = _remade(plan, order)
    kept = {
        dataset: tuple(sorted(n for n in numbers if n < remade.get(dataset, n + 1)))
        for dataset, numbers in _published(lake, plan.main).items()
    }
    return TakedownRecord(
        name=order.name,
        who=removed.committer,
        created=removed.created,
        reason=order.reason,
        ids=plan.ids,
        main=plan.main,
        policies={dataset: order.policy(dataset) for dataset in plan.datasets},
        rounds=tuple(
            _with_checksums(lake, plan.main, removed.id, each)
            for each in touched
            if each.changed or each.removed
        ),
        counts=plan.counts,
        tags=plan.tags,
        kept=kept,
        remade=remade,
        holdout=tuple(HeldOutRows(**row) for row in plan.holdout.to_dicts()),
        rows_digest="",
        entries_digest="",
    )


def _remade(plan: TakedownPlan, order: Order) -> dict[str, int]:
    """By data set, the first round that is made again by its policy."""
    first: dict[str, int] = {}
    for part in plan.shards:
        if order.policy(part.dataset).direct == "regenerate":
            first[part.dataset] = min(part.round, first.get(part.dataset, part.round))
    for dataset, (number, _) in plan.refit.items():
        if order.policy(dataset).indirect == "refit":
            first[dataset] = min(number, first.get(dataset, number))
    return first


def _published(lake: Lake, commit: str) -> dict[str, list[int]]:
    """The rounds that a commit holds, by data set."""
    names = refs.datasets(item.path for item in lake.objects(commit))
    return {name: sorted(history.published(lake, name, commit)) for name in names}


def _with_checksums(lake: Lake, before: str, after: str, each: TouchedRound) -> TouchedRound:
    """The same round with the checksums of each changed object, before and after."""
    checksums = [
        {item.path: item.checksum for item in lake.objects(ref, f"{each.dataset}/")}
        for ref in (before, after)
    ]
    changed = {path: (checksums[0][path], checksums[1][path]) for path in sorted(each.changed)}
    return each.model_copy(update={"changed": changed})


def _write(
    lake: Lake, branch: str, made: TakedownRecord, rows: pl.DataFrame, denied: pl.DataFrame
) -> TakedownRecord:
    """Stage the record and its tables; return the record with their digests."""
    table = record.encoded_rows(rows)
    listed = deny_list.encoded(denied)
    whole = made.model_copy(
        update={"rows_digest": record.sha256(table), "entries_digest": record.sha256(listed)}
    )
    kind = "application/vnd.apache.parquet"
    lake.write_bytes(branch, refs.takedown(made.name, record.ROWS), table, kind)
    lake.write_bytes(branch, refs.takedown(made.name, deny_list.FILE), listed, kind)
    lake.write_bytes(
        branch, refs.takedown(made.name, record.FILE), record.encoded(whole), "application/json"
    )
    return whole
