"""Run the scorers and suites on planted data, and count what is kept."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl
from tqdm import tqdm

from benchmarks.verifiers import (
    dialogues,
    judged,
    made,
    meanings,
    pictures,
    prose,
    quotes,
    typed,
    wholes,
)
from benchmarks.verifiers.plan import KIND, UNCOUNTED, Planted, RowCase, Seen, TableCase, suite
from expectations import verifier
from expectations.calibration import wilson
from pipelines.common.errors import LibraryError, SandboxError, ServiceError
from pipelines.scorers import protocol, registry
from pipelines.scorers.scoring import ConfiguredScorer
from pipelines.verification import judging

ROW_CASES = (
    pictures.CASE,
    prose.SENTENCES,
    prose.TALK,
    quotes.ENGLISH,
    quotes.CHINESE,
    meanings.ENGLISH,
    meanings.CHINESE,
    dialogues.CASE,
    made.CODE,
    made.MATHS,
    made.JSON,
    typed.CASE,
)
MODEL_CASES = (judged.CASE,)
"""As row cases; they ask a language model, which takes seconds for each row."""
CASES = (*ROW_CASES, *MODEL_CASES)
ELSEWHERE = frozenset({"vision_judge"})
"""Scorers that ask a model which no package brings: `vision_judge` is held against planted wrong
captions in its own tests, by a service that looks at the pixels."""
TABLE_CASES = wholes.CASES


@dataclass(frozen=True, slots=True)
class Kept:
    """How many right rows, and how many of one planted kind, a rule keeps."""

    data: str
    rule: str
    type: str
    scorer: str | None
    kind: str
    meant: str | None
    """refuses: the rule is meant to refuse this kind; misses: it is known not to; None: neither."""
    right: int
    right_kept: int
    planted: int
    planted_kept: int

    def record(self) -> dict[str, Any]:
        """The JSON form: with φ and ψ and their Wilson 95 % intervals."""
        phi, psi = wilson(self.right_kept, self.right), wilson(self.planted_kept, self.planted)
        own = {name: getattr(self, name) for name in self.__slots__}
        return {**own, "phi": phi.to_dict(), "psi": psi.to_dict()}


@dataclass(frozen=True, slots=True)
class Passed:
    """How many right and planted batches a rule passes."""

    type: str
    kind: str
    blind: bool
    rows: int
    batches: int
    right_passed: int
    planted_passed: int

    def record(self) -> dict[str, Any]:
        """The JSON form, with Wilson 95 % intervals of both shares."""
        phi = wilson(self.right_passed, self.batches)
        psi = wilson(self.planted_passed, self.batches)
        own = {name: getattr(self, name) for name in self.__slots__}
        return {**own, "phi": phi.to_dict(), "psi": psi.to_dict()}


def rows(cases: Iterable[RowCase], count: int, seed: int) -> tuple[list[Kept], list[str]]:
    """Judge planted rows.

    Args:
        cases: of the plan.
        count: right rows of each.
        seed: of what is planted.

    Returns:
        What each rule keeps of each kind; and the data that could not be judged, with the reason.
    """
    found, left_out = [], []
    for case in tqdm(list(cases), desc="rows", file=sys.stderr):
        try:
            found += list(_kept(case, count, seed))
        except (LibraryError, SandboxError, ServiceError) as error:
            left_out.append(f"{case.data}: {error}")
    return found, left_out


def tables(cases: Iterable[TableCase], count: int, seeds: Iterable[int]) -> list[Passed]:
    """Judge right and planted batches, as many as there are seeds."""
    asked, drawn = list(cases), list(seeds)
    names = dict.fromkeys((name, each.against) for each in asked for name in (each.good, each.bad))
    passed: dict[tuple[int, str], int] = {}
    for seed in tqdm(drawn, desc="batches", file=sys.stderr):
        for name, against in names:
            for at, frame in _passing(asked, name, against, count, seed):
                passed[at, frame] = passed.get((at, frame), 0) + 1
    return [
        Passed(
            case.type,
            case.kind,
            case.blind,
            count,
            len(drawn),
            passed.get((at, case.good), 0),
            passed.get((at, case.bad), 0),
        )
        for at, case in enumerate(asked)
    ]


def _kept(case: RowCase, count: int, seed: int) -> Iterator[Kept]:
    planted = case.make(count, seed)
    frame = _judged(case, planted.frame.drop(KIND), planted)
    asked = suite(case.data, [(each.name, each.type, each.kwargs) for each in case.rules])
    verdicts = verifier.verify(frame, asked).verdicts
    kinds = planted.frame.select("row", pl.col(KIND).fill_null(""))
    for rule in case.rules:
        columns = next(each for each in asked.rules if each.name == rule.name).columns
        names = [rule.name, *(f"{column} known" for column in columns)]
        keeps = (
            verdicts.filter(pl.col("expectation").is_in(names))
            .group_by("row")
            .agg((pl.col("verdict") == "passed").all().alias("kept"))
            .join(kinds, on="row")
            .group_by(KIND)
            .agg(pl.len().alias("rows"), pl.col("kept").sum())
        )
        counts = {kind: (rows, kept) for kind, rows, kept in keeps.iter_rows()}
        right, right_kept = counts.pop("")
        counts.pop(UNCOUNTED, None)
        for kind, (of, kept) in sorted(counts.items()):
            meant = _meant(rule, kind)
            scorer = rule.scorer
            yield Kept(
                case.data, rule.name, rule.type, scorer, kind, meant, right, right_kept, of, kept
            )


def _meant(rule: Seen, kind: str) -> str | None:
    if kind in rule.kinds:
        return "refuses"
    return "misses" if kind in rule.misses else None


def _judged(case: RowCase, payload: pl.DataFrame, planted: Planted) -> pl.DataFrame:
    """What a suite judges: payload and the scores of all scorers, computed anew."""
    scores = payload.select("round", "row")
    for name, own in case.scorers.items():
        asked = ConfiguredScorer(
            name, registry.load(name), registry.settings(name, own), planted.given
        )
        found = asked.score(asked.shown(payload, "candidates"))
        scores = scores.hstack(found.drop(protocol.KEY))
    return judging.with_scores(payload, scores)


def _passing(
    asked: list[TableCase], name: str, against: str | None, count: int, seed: int
) -> Iterator[tuple[int, str]]:
    """The cases, by number, whose rule passes this frame."""
    mine = {
        f"rule {at}": at
        for at, case in enumerate(asked)
        if case.against == against and name in (case.good, case.bad)
    }
    if not mine:
        return
    frame = wholes.FRAMES.make(name, count, 2 * seed + 1).with_row_index("row")
    reference = None
    if against is not None:
        reference = {"real": wholes.FRAMES.make(against, 2 * count, 2 * seed)}
    rules = [(rule, asked[at].type, asked[at].kwargs) for rule, at in mine.items()]
    verdicts = verifier.verify(
        frame.with_columns(round=pl.lit(1)), suite(name, rules), reference=reference
    ).verdicts
    for rule, verdict in verdicts.select("expectation", "verdict").iter_rows():
        if rule in mine and verdict == "passed":
            yield mine[rule], name
