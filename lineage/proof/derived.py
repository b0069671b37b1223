"""Derived columns against the graph: how far a stored value may be from the value derived anew.

Stored columns are single precision, and each round was derived from the stored values of the one
before. So errors grow with the generations that a value has come through. With u = 2⁻²⁴, the
relative error of rounding once, and g generations, of which `depth_max` is the most:

- `real_inputs` sums weights of direct inputs, which are stored as they are: it is rounded once.
- `real_roots` = Σ w·p sums what is not negative, so relative errors do not grow in the sum and add
  up over generations: at most g·u.
- `depth_mean` is a mean of 1 + d with weights w·p. Errors of d are averaged, and each generation
  rounds once more: g·u·depth_max. Relative errors of the weights, (g-1)·u at most, move a mean of
  values from depth_min to depth_max by half of that range times this error: over g generations
  g²·u·(depth_max − depth_min)/4.
- depths are integers and must be equal.

A sum over a mix is taken in double precision; its error is below u up to 10⁸ rows. The tolerances
below leave that and as much again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import polars as pl

from lineage import schema
from lineage.proof.findings import DERIVED, Batch, batch
from lineage.proof.rows import collect, columns

UNIT: Final = 2.0**-24
"""Unit roundoff u of single precision: the largest relative error of rounding once."""
NEGLIGIBLE: Final = 2.0**-90
"""Share of walks below which single precision cannot hold the weight; a depth that only such walks
give is not compared with the graph."""

STORED: Final = pl.Schema({name: schema.LINEAGE[name] for name in ("row", "sample_id", *DERIVED)})

NOTHING: Final = pl.Schema(
    {
        "row": pl.Int64(),
        **dict.fromkeys(("real_inputs", "real_roots", "depth_mean"), pl.Float64()),
        **dict.fromkeys(("depth_min", "depth_max"), pl.Int64()),
    }
)
"""Derived columns of a round of which nothing can be derived."""


def tolerance(column: str) -> pl.Expr:
    """Largest difference between a stored value and the derived one, from the derived columns.

    The derived columns have the suffix `_true`; depths are null if no walk ends at a real sample.
    """
    roots, low, high = (
        pl.col(f"{name}_true").cast(pl.Float64) for name in ("real_roots", "depth_min", "depth_max")
    )
    generations = high.fill_null(0) + 1
    if column == "real_roots":
        return 2 * UNIT * generations * roots + NEGLIGIBLE
    if column == "depth_mean":
        return UNIT * generations**2 * (1 + (high - low).fill_null(0) / 2)
    return pl.lit(0.0 if column in ("depth_min", "depth_max") else 2 * UNIT)


def prove(
    stored: pl.LazyFrame, derived: pl.DataFrame, dataset: str, number: int
) -> Iterator[Batch]:
    """Compare the stored columns of a round with those derived from the graph.

    Args:
        stored: its lineage.
        derived: row and the derived columns, in double precision and integers, of the rows that
            could be derived.
        dataset: the data set.
        number: the round.
    """
    held = collect(columns(stored, STORED, f"the lineage of round {number} of {dataset}"))
    both = held.unique("row", keep="none").join(derived, on="row", suffix="_true").sort("row")
    for name in DERIVED:
        findings = both.filter(differs(name)).with_columns(detail(name))
        made = batch(name, len(both), findings, dataset, number)
        yield replace(made, unproved=len(held) - len(both))


def differs(name: str) -> pl.Expr:
    """Whether a stored value, `name`, differs from the derived one, `name_true`."""
    stored, true = pl.col(name).cast(pl.Float64), pl.col(f"{name}_true").cast(pl.Float64)
    near = stored.is_finite() & ((stored - true).abs() <= tolerance(name))
    none = stored.is_null() & true.is_null()
    wrong = ~pl.when(stored.is_null() | true.is_null()).then(none).otherwise(near)
    if name == "depth_mean":
        return wrong & (true.is_null() | (pl.col("real_roots_true") > NEGLIGIBLE))
    return wrong


def detail(name: str) -> pl.Expr:
    """Write a stored value and the derived one as text."""
    stored, true = (
        pl.col(column).cast(pl.Float64).round_sig_figs(8).cast(pl.String).fill_null("none")
        for column in (name, f"{name}_true")
    )
    return pl.format(f"{name} is {{}}, the graph gives {{}}", stored, true).alias("detail")
