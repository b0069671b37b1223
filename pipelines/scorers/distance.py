"""How far is each candidate from the closest real training image, and from the others?

A candidate at distance 0 from a real image is a copy. The ratio to the second closest tells copies
from images in a dense region: a memorised image is far closer to one real image than to any other.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines import nearest
from pipelines.scorers import columns

COLUMNS: Final = {
    "real_distance": pl.Float64,
    "real_ratio": pl.Float64,
    "real_round": pl.Int32,
    "real_row": pl.Int64,
    "candidate_distance": pl.Float64,
    "candidate_row": pl.Int64,
}


def score(candidates: pl.DataFrame, real: pl.DataFrame, *, block_rows: int = 2048) -> pl.DataFrame:
    """Measure RMS pixel distances to real rows and to the other candidates.

    Args:
        candidates: round, row, image.
        real: round, row, image.
        block_rows: candidates whose distances are held in memory at once.

    Returns:
        round, row, and: real_distance to the closest real row, which is real_round, real_row;
        real_ratio, that distance over the one to the second closest (1 if both are 0);
        candidate_distance to the closest other candidate, which is candidate_row.

    Raises:
        ImageError: a real image cannot be read.
    """
    asked, known = columns.vectors(candidates, real)
    close, at = nearest.nearest(asked, known, 2, block_rows=block_rows)
    others, other = nearest.nearest(asked, asked, 1, block_rows=block_rows, skip_self=True)
    found, second, fellow = (np.isfinite(each) for each in (close[:, 0], close[:, 1], others[:, 0]))
    first, next_ = close.T
    ratio = np.divide(first, next_, out=np.ones_like(first), where=second & (next_ > 0))
    row = candidates["row"].cast(pl.Int64).to_numpy()
    places = {name: real[name].to_numpy() for name in ("round", "row")}
    values = {
        "real_distance": first,
        "real_ratio": ratio,
        "real_round": _taken(places["round"], at[:, 0]),
        "real_row": _taken(places["row"], at[:, 0]),
        "candidate_distance": others[:, 0],
        "candidate_row": _taken(row, other[:, 0]),
    }
    there = dict.fromkeys(COLUMNS, found) | {"real_ratio": second}
    there |= {"candidate_distance": fellow, "candidate_row": fellow}
    return columns.scores(candidates, COLUMNS, values, there)


def _taken(
    values: NDArray[np.int64],
    at: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The values at these places; 0 where there is no place (-1)."""
    if not len(values):
        return np.zeros(len(at), dtype=np.int64)
    return np.where(at >= 0, values[at], 0)
