"""Is content accepted only once, by the first round that has it?

Ids are long and a lake has many rows, so the first pass keeps 8 bytes of each accepted id. These
are equal by chance for one pair in 2⁶⁴; a second pass reads whole ids, and only where 8 bytes
occurred twice.

Round 0 holds real data as it came, without decisions, so a repeated row is no finding there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage import schema
from lineage.proof.findings import FINDING, Batch, batch


@dataclass(slots=True, eq=False)
class Contents:
    """The accepted content of one data set, round by round."""

    dataset: str
    _starts: list[NDArray[np.uint64]] = field(default_factory=list)
    _rounds: list[int] = field(default_factory=list)

    def add(self, number: int, accepted: pl.DataFrame) -> None:
        """Add the accepted rows of a round: row, sample_id."""
        self._rounds.append(number)
        self._starts.append(accepted.select(_start()).drop_nulls()["sample_id"].to_numpy())

    def prove(self, read: Callable[[int], pl.DataFrame]) -> Iterator[Batch]:
        """Find rows whose content was accepted before, in an earlier round or by a lower row.

        Args:
            read: gives the accepted rows of a round again: row, sample_id.
        """
        twice = _repeated(self._starts)
        seen = pl.DataFrame(schema={"sample_id": pl.Binary, "at": pl.Int32, "first": pl.Int64})
        for number, starts in sorted(zip(self._rounds, self._starts, strict=True), key=_by_round):
            findings = FINDING.to_frame()
            if len(twice) and np.isin(starts, twice).any():
                rows = read(number).filter(_start().is_in(pl.Series(twice).implode())).sort("row")
                seen, findings = _again(seen, rows, number)
            yield batch("contents", len(starts), findings, self.dataset, number)


def _by_round(pair: tuple[int, NDArray[np.uint64]]) -> int:
    return pair[0]


def _start() -> pl.Expr:
    """Build the first 8 bytes of a sample id as a number; null for what is no sample id."""
    ids = pl.col("sample_id")
    whole = pl.when(ids.bin.size() == schema.ID_BYTES).then(ids)
    return whole.bin.head(8).bin.reinterpret(dtype=pl.UInt64)


def _repeated(parts: list[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """Find the numbers that occur more than once; each is returned once."""
    together = np.sort(np.concatenate(parts)) if parts else np.empty(0, np.uint64)
    return np.unique(together[1:][together[1:] == together[:-1]])


def _again(
    seen: pl.DataFrame, rows: pl.DataFrame, number: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Extend the content seen so far by a round, and find the rows that repeat some of it."""
    here = rows.group_by("sample_id", maintain_order=True).agg(pl.col("row").first().alias("first"))
    new = here.join(seen, on="sample_id", how="anti").select(
        "sample_id", pl.lit(number, pl.Int32).alias("at"), "first"
    )
    all_contents = pl.concat([seen, new])
    both = rows.join(all_contents, on="sample_id", how="inner", maintain_order="left")
    repeats = both.filter((pl.col("at") < number) | (pl.col("first") < pl.col("row")))
    words = "is accepted, as row {} of round {} with the same content was"
    detail = pl.format(words, "first", "at")
    return all_contents, repeats.with_columns(detail.alias("detail")).filter(pl.lit(number > 0))
