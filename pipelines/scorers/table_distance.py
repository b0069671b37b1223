"""How far is each row of a table from the closest real training row?

The distance to the closest record (Park et al. 2018, VLDB 11(10), "Data synthesis based on
generative adversarial networks") is Gower's. Over the distance of that real row to its own closest
real neighbour it tells memorisation from a dense region: below 1, the candidate is closer to the
real row than any other real row is (as epsilon-identifiability of Yoon, Drumright & van der Schaar
2020, doi 10.1109/JBHI.2020.2980262).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.common.plugins import NoSettings
from pipelines.features.tables import gower
from pipelines.scorers import columns, digests
from pipelines.scorers.expected import Expected, Quantile
from pipelines.scorers.protocol import Given, Scorer

COLUMNS: Final = {
    "record_distance": pl.Float64,
    "record_ratio": pl.Float64,
    "record_round": pl.Int32,
    "record_row": pl.Int64,
}

Distances = NDArray[np.float64]
Rows = NDArray[np.int64]


class TableDistance(Scorer[NoSettings]):
    """Gower's distance of each row to the closest real one."""

    name = "table_distance"
    version = "table_distance/1"
    needs = ()
    reads_content = True
    rowwise = True
    Settings = NoSettings
    columns = COLUMNS

    def model_digest(self, given: Given, settings: NoSettings) -> str:  # noqa: ARG002  it has none
        """Digest the real rows."""
        return digests.of_values(
            real=digests.of_frame(given.real, ["round", "row", *given.content])
        )

    def expected(self, settings: NoSettings) -> tuple[Expected, ...]:  # noqa: ARG002  of the protocol
        """Expect rows as close to real ones as these are to each other, and no copies.

        What is closer than real rows are to each other only warns: a row between two neighbours,
        as interpolation makes it, is closer to both than they are, and no copy of either.
        """
        return (
            Expected("not_a_copy", "record_distance", low=Quantile(0.01, most=gower.NEAR)),
            Expected(
                "as_far_as_real_rows", "record_distance", low=Quantile(0.01), severity="warning"
            ),
            Expected("like_real_rows", "record_distance", high=Quantile(0.995)),
            Expected("not_memorised", "record_ratio", low=Quantile(0.005), severity="warning"),
        )

    def score(self, candidates: pl.DataFrame, given: Given, settings: NoSettings) -> pl.DataFrame:  # noqa: ARG002  it has none
        """Measure the distance to the closest real row.

        Args:
            candidates: round, row and content.
            given: round, row and content of the real rows.
            settings: none.

        Returns:
            round, row, and: record_distance to the closest real row, in [0, 1], which is
            record_round, record_row; record_ratio, that distance over the one of this real row to
            its own closest real row (1 where both are 0). Null where there is no real row.
        """
        rows, real = gower.points([candidates, given.real], given.content, given.real)
        distances, found = gower.closest(rows, real, 1)
        among_real = gower.closest(real, real, 1, skip_self=True)[0][:, 0]
        return _scores(candidates, given.real, (distances[:, 0], found[:, 0]), among_real)

    def score_real(self, given: Given, settings: NoSettings) -> pl.DataFrame:  # noqa: ARG002  it has none
        """Measure the distance of each real row to all others."""
        (real,) = gower.points([given.real], given.content, given.real)
        distances, found = gower.closest(real, real, 2, skip_self=True)
        closest = found[:, 0]
        itself = found[closest, 0] == np.arange(len(closest))
        among_others = np.where(itself, distances[closest, 1], distances[closest, 0])
        return _scores(given.real, given.real, (distances[:, 0], closest), among_others, own=True)


def _scores(
    rows: pl.DataFrame,
    real: pl.DataFrame,
    closest: tuple[Distances, Rows],
    among_real: Distances,
    *,
    own: bool = False,
) -> pl.DataFrame:
    """Build the scores.

    Args:
        rows: n rows.
        real: m real rows.
        closest: distance and number of the closest real row, [n] each.
        among_real: how far real rows are from each other: [m], or with `own` that of the closest
            real row of each row, [n].
        own: see there.
    """
    distance, at = closest
    known = at >= 0
    apart = among_real if own else _taken(among_real, at)
    floor = among_real[among_real > 0].min(initial=np.inf)
    least = np.where(apart > 0, apart, floor)
    ratio = np.where((distance == 0) & (apart == 0), 1.0, distance / least)
    values = {
        "record_distance": distance,
        "record_ratio": ratio,
        "record_round": _taken(real["round"].cast(pl.Int64).to_numpy(), at),
        "record_row": _taken(real["row"].cast(pl.Int64).to_numpy(), at),
    }
    is_ratio = known & np.isfinite(apart)
    return columns.scores(
        rows, COLUMNS, values, dict.fromkeys(COLUMNS, known) | {"record_ratio": is_ratio}
    )


def _taken(values: NDArray[Any], at: Rows) -> NDArray[Any]:
    """Return the values at these places; 0 where there is no place (-1)."""
    if not len(values):
        return np.zeros(len(at))
    return np.where(at >= 0, values[at], 0)
