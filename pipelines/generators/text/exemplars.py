"""Exemplars: the rows of the training mix that prompts show, and what is drawn of them.

The pool is a priority sample of the mix for each label: of rows with weights w and uniform random
u, those with the largest w/u are kept, and each counts max(w, τ), where τ is the largest w/u that
was not kept. So drawing from the pool by these weights stands for drawing from the mix by its own
(Duffield, Lund and Thorup 2007, "Priority sampling for estimation of arbitrary subset sums",
doi 10.1145/1314690.1314696). A pool that holds the whole mix has the mix's weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage import schema
from lineage.errors import SchemaError
from pipelines.common import parquet
from pipelines.common.errors import DataError, GeneratorError
from pipelines.common.settings import nearest

FILE: Final = "pool.parquet"
LABEL: Final = "label"
KNOWN: Final = pl.Schema({**schema.SAMPLE_KEY, "weight": pl.Float64()})
OWN: Final = tuple(KNOWN)
"""Columns of a mix that are no payload."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Rows of a mix: round, row, sample_id, payload, weight."""

    rows: pl.DataFrame

    @property
    def columns(self) -> list[str]:
        """Columns with the content of a row."""
        return [name for name in self.rows.columns if name not in {*OWN, LABEL}]

    @property
    def labels(self) -> list[str] | None:
        """Distinct labels, sorted; None if rows have no labels."""
        if LABEL not in self.rows.columns:
            return None
        return [str(each) for each in self.rows[LABEL].unique().sort()]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of occurrences, contents, labels and weights."""
        names = ["round", "row", *([LABEL] if self.labels is not None else []), "weight"]
        digest = hashlib.sha256(self.rows.select(names).write_csv().encode())
        digest.update(b"".join(self.rows["sample_id"]))
        return digest.hexdigest()

    def of(self, label: str | None) -> NDArray[np.int64]:
        """Numbers of the rows of a label; all rows, where there are no labels."""
        if label is None:
            return np.arange(len(self.rows))
        same = self.rows[LABEL].cast(pl.String) == label
        return same.arg_true().to_numpy().astype(np.int64)

    def weight_of(self, label: str) -> float:
        """How much the mix has of a label, by its weights."""
        return float(self.rows["weight"].to_numpy()[self.of(label)].sum())


def choose(samples: pl.DataFrame, most: int, seed: int, keep: Sequence[str] = ()) -> Pool:
    """Draw a pool from a mix.

    Args:
        samples: round, row, sample_id, payload, weight; a row without content in a column, or
            without weight, is no exemplar. Columns that hold no texts, or that no row of a round
            has, are left out.
        most: rows to keep; labels share them as evenly as they have rows.
        seed: of the draw.
        keep: columns that the pool holds besides, whatever their type.

    Raises:
        GeneratorError: no row can be an exemplar, or a column to keep is not there.
    """
    payload = list(dict.fromkeys((*_content(samples), *_there(samples, keep))))
    usable = samples.drop_nulls(payload).filter(pl.col("weight") > 0).sort("round", "row")
    if usable.is_empty() or not set(payload) - {LABEL}:
        raise GeneratorError(
            "no row of the training mix can be an exemplar: all are empty, or hold other things "
            "than texts, which fit.text.keep would keep"
        )
    uniform = np.random.default_rng(seed).uniform(np.finfo(float).tiny, 1.0, len(usable))
    group = pl.col(LABEL) if LABEL in payload else pl.lit(0)
    first = usable.with_columns(priority=pl.col("weight") / pl.Series(uniform))
    ranked = first.with_columns(
        place=pl.col("priority").rank("ordinal", descending=True).over(group)
    )
    order = ranked.sort("place", "priority", descending=[False, True]).with_row_index("order")
    outside = pl.col("priority").filter(pl.col("order") >= most).max().over(group).fill_null(0.0)
    weighted = order.with_columns(pl.max_horizontal("weight", outside).alias("weight"))
    chosen = weighted.filter(pl.col("order") < most).sort("round", "row")
    return Pool(chosen.select("round", "row", "sample_id", *payload, "weight"))


def _there(samples: pl.DataFrame, keep: Sequence[str]) -> Sequence[str]:
    """Check that a mix has the columns to keep."""
    absent = next((name for name in keep if name not in samples.columns or name in OWN), None)
    if absent is not None:
        raise GeneratorError(
            f"fit.text.keep: the samples have no column {absent!r}"
            f"{nearest(absent, [name for name in samples.columns if name not in OWN])}; a column "
            "that is no content is kept by ingest.keep"
        )
    return keep


def _content(samples: pl.DataFrame) -> list[str]:
    """The label, and the columns of texts that some row of each round has.

    The columns of the identity are such; of those that only travel with the samples, many are not.
    """
    rounds = samples.partition_by("round")
    return [
        name
        for name, kind in samples.schema.items()
        if name == LABEL
        or (
            kind == pl.String
            and name not in OWN
            and not any(each[name].null_count() == len(each) for each in rounds)
        )
    ]


def write(pool: Pool, directory: Path) -> None:
    """Write a pool into a generator's folder."""
    directory.mkdir(parents=True, exist_ok=True)
    pool.rows.write_parquet(directory / FILE)


def read(directory: Path, keep: Collection[str] = ()) -> Pool:
    """Read the pool of a generator's folder.

    Args:
        directory: the folder.
        keep: columns that may hold other things than texts.

    Raises:
        GeneratorError: it is not there or damaged.
    """
    path = directory / FILE
    try:
        rows = parquet.read(path)
        checked = schema.conform(rows.select(OWN), KNOWN, required=tuple(KNOWN))
    except (OSError, DataError, SchemaError, *schema.UNREADABLE) as error:
        raise GeneratorError(f"{path} cannot be read; run the stage fit again") from error
    weights = checked["weight"]
    payload = [rows[name] for name in rows.columns if name not in OWN]
    texts = [each for each in payload if each.name not in keep]
    if any(each.null_count() for each in payload) or any(each.dtype != pl.String for each in texts):
        raise GeneratorError(f"{path} holds other things than texts; run the stage fit again")
    if not len(rows) or not weights.is_finite().all() or not (weights > 0).all():
        raise GeneratorError(f"{path} holds no weights to draw by; run the stage fit again")
    return Pool(rows.with_columns(checked))


def draw(weights: NDArray[np.float64], draws: int, shots: int, seed: int) -> NDArray[np.int64]:
    """Draw rows by weight, without replacement within one draw.

    Each row gets an exponential time with its weight as rate; the first `shots` are drawn, in
    order of their times (Efraimidis and Spirakis 2006).

    Args:
        weights: [m], positive.
        draws: how many prompts.
        shots: rows per draw; all m where there are fewer.
        seed: of the draws.

    Returns:
        [draws, min(shots, m)] of row numbers.
    """
    rate: NDArray[Any] = np.random.default_rng(seed).standard_exponential((draws, len(weights)))
    times = rate / weights
    return np.argsort(times, axis=1, kind="stable")[:, :shots]
