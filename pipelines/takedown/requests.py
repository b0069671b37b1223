"""A request to take samples down: which ones, why, and what becomes of what came from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import polars as pl

from lake import refs
from lake.client import Lake
from pipelines.common.errors import TakedownError
from pipelines.params import Params
from pipelines.rounds import ancestry_index
from pipelines.takedown import act, deny_list, noted, plan, selection
from pipelines.takedown import held_out as held_out_rows
from pipelines.takedown.act import Judge, Order
from pipelines.takedown.plan import TakedownPlan
from pipelines.takedown.record import Takedown
from pipelines.takedown.selection import Selection


@dataclass(frozen=True, slots=True)
class Wanted:
    """The samples that somebody asks for: ids, or a condition."""

    given: Mapping[str, str]
    """Ids, shortened or whole, with where each was given (`selection.parse`)."""
    condition: str | None = None
    """An SQL expression; None: `given` counts."""
    dataset: str | None = None
    """Look in this data set alone for what meets the condition."""

    def __post_init__(self) -> None:
        """Check that there is one of both.

        Raises:
            TakedownError: there are both, or neither.
        """
        if bool(self.given) == (self.condition is not None):
            raise TakedownError(
                "say which samples: ids, or a file of them with --from-file, or a condition with "
                "--where"
            )


def planned(lake: Lake, held_out: Lake, wanted: Wanted) -> tuple[TakedownPlan, Selection]:
    """Find the samples that are wanted, and all that holds them or came from them.

    Args:
        lake: the lake.
        held_out: the repository of the hold-out.
        wanted: the samples.

    Raises:
        TakedownError: nothing is wanted that there is.
    """
    commit = lake.resolve(refs.MAIN).id
    index = ancestry_index.open_at(lake, commit)
    names = ancestry_index.datasets(index)
    if wanted.dataset is not None and wanted.dataset not in names:
        raise TakedownError(
            f"main holds no data set {wanted.dataset!r}; it holds {', '.join(names) or 'none'}"
        )
    hold_outs = selection.hold_outs(lake, held_out, commit, names)
    later = selection.reserved_rows(lake, held_out, commit, names)
    hidden = pl.concat([selection.held_out_ids(hold_outs), selection.reserved_ids(later)])
    if wanted.condition is None:
        denied = deny_list.read(lake, commit).entries.select("sample_id")
        known = pl.concat([hidden.select("sample_id"), denied])
        chosen = selection.find(index, wanted.given, known)
    else:
        within = names if wanted.dataset is None else [wanted.dataset]
        chosen = selection.where(lake, commit, wanted.condition, within, hold_outs, later=later)
    mine = hidden.filter(pl.col("sample_id").is_in(chosen.binary.implode()))
    held_rows = selection.held_out_rows(hold_outs, later, mine)
    found = plan.make(lake, commit, index, chosen, hidden)
    return replace(found, held_rows=held_rows), chosen


def is_done(lake: Lake, found: TakedownPlan) -> bool:
    """Tell whether main holds none of the samples and its deny-list all of their ids."""
    listed = {key.hex() for key in deny_list.read(lake, found.main).entries["sample_id"]}
    return not found.rows["sample"].any() and set(found.ids) <= listed


def name_of(ids: tuple[str, ...]) -> str:
    """The name of a take-down that has none: the day, and what it is about."""
    about = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:8]
    return f"{datetime.now(UTC):%Y-%m-%d}-{about}"


def fulfil(
    lake: Lake,
    held_out: Lake,
    params: Params,
    found: TakedownPlan,
    order: Order,
    *,
    judge: Judge,
) -> Iterator[Takedown]:
    """Take down what a plan found; again, under a further name, what others merged meanwhile.

    Args:
        lake: the lake.
        held_out: the repository of the hold-out.
        params: settings of the project.
        found: the plan.
        order: name, reason and policies.
        judge: asks the guard about the new main.

    Yields:
        Each take-down that was merged: one, or more where main moved between plan and merge.

    Raises:
        BlockedError: the guard blocks the new main.
    """
    if found.counts["holdout"]:
        held_out_rows.settle(lake, held_out, found.ids)
    again, name = 1, order.name
    while not is_done(lake, found):
        done = act.run(lake, found, replace(order, name=name), judge)
        held_out_rows.remove(lake, held_out, done.record)
        noted.write(lake)
        yield done
        if done.merge.parents[0] == found.main or found.rows.is_empty():
            return
        found, _ = planned(lake, held_out, Wanted(dict.fromkeys(found.ids, "")))
        again += 1
        name = f"{order.name}-{again}"
    noted.ANSWER.refresh(params, lambda: lake)
