"""Verdicts on a round that is read block by block, so that nobody holds all of its rows.

An expectation of a type that looks at one row at a time judges each block by itself. One that
compares rows, or judges the round as a whole, is shown all rows, and of their columns those that it
names. What comes out is what `verifier.verify` says of the whole round, in the order of the blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import polars as pl
from polars import selectors as cs

from expectations import catalogue, references, verifier
from expectations.outcomes import Outcome, outcomes
from expectations.suite import Rule, Suite
from expectations.verifier import KEY
from lineage.schema import VERDICTS, conform

ROW_COUNT: Final = (
    "expect_table_row_count_to_be_between",
    "expect_table_row_count_to_equal",
)
"""Types that count rows, and so need none of their columns."""


class Blocks(Protocol):
    """The rows of a round, which are read in blocks."""

    @property
    def names(self) -> Sequence[str]:
        """All columns of the rows."""

    def read(self, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Read round, row and these columns, block by block, in the order of the rows.

        However often they are read, the rows are the same; blocks may be cut elsewhere.
        """


def verify(
    blocks: Blocks, suite: Suite, *, reference: Mapping[str, pl.DataFrame] | None = None
) -> Iterator[pl.DataFrame]:
    """Judge the candidates of one round block by block.

    Args:
        blocks: the candidates, with every column that the suite names; NaN counts as no value.
        suite: as `verifier.verify`.
        reference: as `verifier.verify`.

    Returns:
        The verdicts of each block, as `lineage.schema.VERDICTS`, in the order of the suite, then of
        the candidates. Those on the whole round are with the first block.

    Raises:
        SuiteError: as `verifier.verify`.
        BatchError: as `verifier.verify`; that no candidate has a value in a column is known, and
            raised, after the last block.
    """
    catalogue.check(suite)
    verifier.check_columns(suite, blocks.names)
    verifier.check_key(pl.concat(list(blocks.read([]))))
    names = _columns(rule for rule in suite.rules if catalogue.judges_rows(rule))
    with references.using(verifier.checked_references(suite, reference or {})):
        types = next(iter(blocks.read(names))).schema
        whole = [rule for rule in suite.rules if _needs_all_rows(rule, types)]
        judged = _Judged(suite, _of_whole(blocks, suite.name, whole))
        for block in blocks.read(names):
            yield judged.verdicts(block.with_columns(cs.float().fill_nan(None)))
    judged.check_values()


def _columns(rules: Iterator[Rule]) -> list[str]:
    """List the columns of rules besides the key, each once."""
    names = dict.fromkeys(name for rule in rules for name in rule.columns)
    return [name for name in names if name not in KEY]


def _needs_all_rows(rule: Rule, types: pl.Schema) -> bool:
    """Whether a rule would say something else of a row if it saw a block alone.

    Great Expectations sees whole numbers as such where none of them is null, and otherwise as
    floating-point numbers, which have other texts (`12.0`) and are not exact beyond 2⁵³.
    """
    if not catalogue.judges_row_by_row(rule):
        return True
    asks_values = rule.type not in catalogue.ABOUT_ONE_NULL
    return asks_values and any(types[name].is_integer() for name in rule.columns)


def _of_whole(blocks: Blocks, name: str, whole: Sequence[Rule]) -> dict[str, Outcome]:
    """Judge what needs all rows, of the suite of this name: outcomes by names of expectations."""
    found: dict[str, Outcome] = {}
    for rule in whole:
        if rule.type in ROW_COUNT or catalogue.needs_its_columns_alone(rule):
            names = _columns(iter([rule]))
        else:
            names = [each for each in blocks.names if each not in KEY]
        batch = pl.concat(list(blocks.read(names))).with_columns(cs.float().fill_nan(None))
        verifier.check_values(rule, batch)
        (found[rule.name],) = outcomes(batch, Suite(name, (rule,)))
    return found


@dataclass(slots=True)
class _Judged:
    """What is known of a round while its blocks are judged."""

    suite: Suite
    whole: Mapping[str, Outcome]
    """Outcomes of the expectations that needed all rows."""
    done: int = 0
    """Rows that were judged."""
    with_values: set[str] = field(default_factory=set)
    """Columns in which a row had a value."""

    def verdicts(self, block: pl.DataFrame) -> pl.DataFrame:
        """Give the verdicts of the next block."""
        self.with_values |= {
            name for name in block.columns if block[name].null_count() < len(block)
        }
        alone = [rule for rule in self.suite.rules if rule.name not in self.whole]
        judged = [rule for rule in alone if _is_shown(rule, block)]
        outcome_of = {rule.name: Outcome(None, failing=_none_fails(block)) for rule in alone}
        for rule, outcome in zip(
            judged, outcomes(block, Suite(self.suite.name, tuple(judged))), strict=True
        ):
            outcome_of[rule.name] = outcome
        parts = []
        for rule in self.suite.rules:
            if catalogue.judges_rows(rule):
                outcome = outcome_of.get(rule.name) or self._part(rule, len(block))
                parts.append(verifier.row_verdicts(block, rule, outcome))
            elif not self.done:
                parts.append(verifier.table_verdict(block, rule, self.whole[rule.name]))
        self.done += len(block)
        return conform(pl.concat(parts), VERDICTS)

    def _part(self, rule: Rule, rows: int) -> Outcome:
        """Take the part of an outcome that is about the next rows."""
        outcome = self.whole[rule.name]
        failing, unjudged = (
            None if flags is None else flags[self.done : self.done + rows]
            for flags in (outcome.failing, outcome.unjudged)
        )
        return replace(outcome, failing=failing, unjudged=unjudged)

    def check_values(self) -> None:
        """Refuse a round without any value in a column that is judged."""
        for rule in self.suite.rules:
            for name in rule.columns if rule.name not in self.whole else ():
                if rule.type != catalogue.ASKS_FOR_NULL and name not in self.with_values:
                    raise verifier.no_value(name, self.done)


def _is_shown(rule: Rule, block: pl.DataFrame) -> bool:
    """Whether a block has a value in each column of a rule, or the rule asks for none."""
    about_nulls = rule.type in catalogue.ABOUT_NULLS
    return about_nulls or all(block[name].null_count() < len(block) for name in rule.columns)


def _none_fails(block: pl.DataFrame) -> pl.Series:
    return pl.repeat(value=False, n=len(block), dtype=pl.Boolean, eager=True)
