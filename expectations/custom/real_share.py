"""`expect_column_real_share_to_be_between`: how much of what a round was made from is real."""

from __future__ import annotations

from typing import ClassVar, Final

import polars as pl

from expectations.custom.table import PHRASES, Bounded, Finding, values
from expectations.errors import CannotJudge

VERSION: Final = "real_share/1"
"""Raised when the verdicts change for equal input."""


class ExpectColumnRealShareToBeBetween(Bounded):
    """Expect enough of the direct inputs of a round to be real.

    The observed value is the mean share of real data among the direct inputs of the candidates, in
    [0, 1], as their lineage has it: column `real_inputs`.

    Args:
        column: of shares.
        min_value: the least mean share that passes.
        max_value: the largest mean share that passes.
    """

    column: str

    args_keys: ClassVar[tuple[str, ...]] = ("column", "min_value", "max_value")
    sentence: ClassVar[str] = "The mean share of real inputs, $column, must be right"
    phrases: ClassVar[dict[str, str]] = {name: PHRASES[name] for name in ("min_value", "max_value")}

    def find(self, candidates: pl.DataFrame, reference: pl.DataFrame | None) -> Finding:  # noqa: ARG002  it needs none
        """Compute the mean share."""
        shares = values(candidates, self.column)
        lacking = len(candidates) - len(shares)
        if lacking:
            raise CannotJudge(f"{lacking} of {len(candidates)} candidates have no {self.column}")
        if not shares.is_between(0, 1).all():
            raise CannotJudge(f"column {self.column!r} holds numbers that are no shares")
        mean = float(shares.to_numpy().mean())
        return Finding(self.within(mean), mean, {"least": float(shares.to_numpy().min())})
