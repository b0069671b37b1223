"""The guard's answer about a main without the samples of a take-down, before they are taken.

Each data set that loses samples is judged by the settings of the last round that keeps some, as
that round would be now: its accepted samples that are left, and the mix that the next generator
would learn. Real and held-out rows of before are the reference, so a loss of a class or of a rare
mode shows; and the mix is compared with the one of before, so what the take-down itself costs
shows. Nothing is written, and nothing has to be generated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from lake.client import Lake
from lineage.errors import MixError
from lineage.guard import GuardResult
from lineage.manifest import MixManifest
from pipelines.common.errors import DataError, EmptyRound, StaleError
from pipelines.gate import checks, contamination, evidence
from pipelines.gate.evidence import Without
from pipelines.params import Params, resolve
from pipelines.rounds import (
    history,
    measured_rows,
    measurement,
    mixes,
    round_holdout,
    tables,
)
from pipelines.rounds.context import RoundContext
from pipelines.takedown import denied_rows, deny_list, record
from pipelines.takedown.denied_rows import Planned
from pipelines.takedown.plan import TakedownPlan
from pipelines.takedown.record import JudgedMain

NO_ROUND: Final = "main holds no round of it after the first real data that keeps a sample"
NOT_MEASURABLE: Final = (DataError, EmptyRound, MixError, StaleError)
"""Errors of a main on which nothing can be measured any more."""


@dataclass(frozen=True, slots=True, eq=False)
class _Judge:
    """Judges the data sets that a take-down would take samples from."""

    params: Params
    lake: Lake
    plan: TakedownPlan
    planned: Planned
    override: str | None

    def judged(self, dataset: str) -> JudgedMain:
        """The guard's answer about a data set, or why there is none."""
        own = self.planned.rows.filter((pl.col("dataset") == dataset) & pl.col("sample"))
        taken = own.select("round", "row")
        numbers = sorted(history.published(self.lake, dataset, self.plan.main), reverse=True)
        number = next((n for n in numbers if n and self._keeps(dataset, n, taken)), None)
        if number is None:
            return JudgedMain(why=NO_ROUND)
        key = f"{dataset}-{number}"
        if key not in self.params.rounds:
            return JudgedMain(why=f"params.yaml has no rounds.{key}, whose limits would count")
        ctx = RoundContext(self.params, resolve(self.params, key), self.lake)
        try:
            mix, metrics = self._measured(ctx, taken)
            seen = evidence.collect(ctx, self.plan.main, Without(taken, mix, metrics))
        except NOT_MEASURABLE as error:
            return JudgedMain(why=str(error))
        result = checks.judge(seen, ctx.round.settings.publish)
        bound = result.bound_to(
            self.plan.main,
            override=self.override,
            digests=digests_of(self.planned.rows, self.planned.entries),
        )
        return JudgedMain(answer=bound.to_dict())

    def _keeps(self, dataset: str, number: int, taken: pl.DataFrame) -> bool:
        """Tell whether a round keeps a sample."""
        rows = tables.read_round(self.lake, self.plan.main, dataset, "samples", number)
        return not evidence.left(rows.select("round", "row"), taken).is_empty()

    def _measured(
        self, ctx: RoundContext, taken: pl.DataFrame
    ) -> tuple[MixManifest, dict[str, Any]]:
        """The next mix without the rows, and the figures of what is left.

        Raises:
            EmptyRound: nothing is left to train on.
            DataError: too little is left to measure.
        """
        main, round_ = self.plan.main, ctx.round
        held_out = round_holdout.open_at(ctx, main)
        contaminated = contamination.of_mix(ctx, main, held_out)
        after, before = (
            mixes.compose(
                self.lake,
                main,
                round_,
                contaminated=contaminated,
                denied=denied_rows.of_mix(self.lake, main, round_, planned),
            )
            for planned in (self.planned, None)
        )
        most = round_.settings.evaluate.sample
        accepted, _ = measured_rows.read(self.lake, main, round_, "samples", most, taken=taken)
        mix, _ = mixes.measured(self.lake, main, round_, after, "mix")
        frames = {
            "real": tables.real_samples(self.lake, main, round_.dataset, before=round_.number),
            "validation": held_out.validation(),
            "accepted": accepted,
            "mix": mix.samples,
            "previous": mixes.measured(self.lake, main, round_, before, "previous")[0].samples,
        }
        # the mix before the take-down holds the round itself: no generator learned from it
        found = measurement.of_frames(round_, frames, learned_from_previous=False)
        return mix.manifest, found.to_dict()


def judge(
    params: Params,
    lake: Lake,
    plan: TakedownPlan,
    entries: pl.DataFrame,
    override: str | None = None,
) -> dict[str, JudgedMain]:
    """Judge the main that a take-down would leave.

    Args:
        params: settings of the project.
        lake: the lake.
        plan: the take-down.
        entries: of the deny-list that it would add, as `deny_list.ENTRY`.
        override: a reason to take them down although a check blocks.

    Returns:
        By data set that would lose samples.
    """
    judge_of = _Judge(params, lake, plan, Planned(plan.rows, entries), override)
    return {dataset: judge_of.judged(dataset) for dataset in _touched(plan.rows)}


def digests_of(rows: pl.DataFrame, entries: pl.DataFrame) -> dict[str, str]:
    """What an answer is bound to: digests of the rows that go and of the entries that are added."""
    return {
        "rows": record.sha256(record.encoded_rows(rows)),
        "entries": record.sha256(deny_list.encoded(entries)),
    }


def faults(found: record.TakedownRecord, rows: pl.DataFrame) -> Iterator[str]:
    """What is wrong with the guard's answers in a record.

    Args:
        found: the record.
        rows: the rows that it lists, as `record.ROW`.

    Raises:
        GuardError: an answer is none, or was altered.
    """
    for dataset in _touched(rows):
        judged = found.guard.get(dataset, JudgedMain())
        result = judged.result()
        if result is not None:
            yield from _answer_faults(found, dataset, result)
        elif not judged.why:
            yield f"its record does not say what the guard said of {dataset} without its rows"


def _answer_faults(
    found: record.TakedownRecord, dataset: str, result: GuardResult
) -> Iterator[str]:
    """What is wrong with an answer."""
    about = {"rows": found.rows_digest, "entries": found.entries_digest}
    if (result.dataset, result.judged) != (dataset, found.main) or result.bound != about:
        yield f"the guard's answer about {dataset} is about another main or other rows"
    if result.blocked:
        yield f"the guard blocked {dataset} without its rows ({', '.join(result.blocking)})"


def _touched(rows: pl.DataFrame) -> list[str]:
    """The data sets that lose samples, sorted."""
    return sorted(rows.filter("sample")["dataset"].unique())
