"""What the suite's selection does to the rare rows: tail mass and coverage, before and after it.

A verifier that knows only a part of the real data refuses what it has not seen, and then the rare
modes go by the selection itself, whatever the generator makes (Qiao et al. 2026, arXiv:2606.13732).
Shape figures of the accepted rows cannot tell that from a generator that never made them. So all
candidates are measured beside those that were accepted; the null is a random selection of as many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from expectations.measures.manifold import coverage
from pipelines.common.seeds import derive_seed
from pipelines.metrics import values
from pipelines.metrics.accepted import AcceptedMetric
from pipelines.metrics.neighbours import MOST, drawn
from pipelines.metrics.protocol import CANDIDATES, MetricRequest
from pipelines.metrics.values import Metric

TENTHS: Final = 10
LEAST: Final = 20
"""Rare candidates below which nothing is said of them."""
DRAWS: Final = 5
"""Random selections that make the null of coverage."""
NAMES: Final = ("selection_tail", "selection_coverage")
UNKNOWN: Final = Metric(np.nan, np.nan, np.nan)

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ByRarity(Metric):
    """A figure of rare rows, with the acceptance of the others beside it."""

    acceptance: tuple[float, ...] = ()
    """Share of the candidates that were accepted, by tenths of the real rows' rarity, the most
    common first; NaN in a tenth without a candidate."""

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as JSON, with the acceptance of each tenth."""
        accepted = [values.finite(each) for each in self.acceptance]
        return {**Metric.to_dict(self), "acceptance": accepted}


class Selection(AcceptedMetric):
    """What a selection leaves of the tail and of the coverage that the candidates have."""

    name = "selection"
    version = "selection/1"
    reads: ClassVar[tuple[str, ...]] = (CANDIDATES,)

    def of_accepted(self, request: MetricRequest) -> Mapping[str, Metric]:
        """Measure the accepted rows beside all candidates that can be read.

        Returns:
            selection_tail: share of the accepted rows that are rare over that of the candidates;
            rare is a row that is farther from the real mean than nine tenths of the real training
            rows, in units of their spread in each direction. Its interval is by the bootstrap of
            the candidates, its null that of random selections. NaN with under 20 rare candidates.
            selection_coverage: coverage of the held-out rows by the accepted rows less that by the
            candidates; its null has the least and the greatest of five random selections.
        """
        made, kept = request.whole.get(CANDIDATES), request.of("accepted")
        if made is None or len(made.labels) < len(kept.labels):
            return dict.fromkeys(NAMES, UNKNOWN)
        seed = derive_seed(request.seed, "selection")
        rarity = request.features.rarity
        edges = np.quantile(rarity(request.real.vectors), np.arange(1, TENTHS) / TENTHS)
        of_made, of_kept = (
            np.bincount(np.searchsorted(edges, rarity(rows.vectors)), minlength=TENTHS)
            for rows in (made, kept)
        )
        tail = of_tail(of_made, of_kept, request.bootstrap, derive_seed(seed, "tail"))
        return {"selection_tail": tail, "selection_coverage": _of_coverage(request, seed)}


def of_tail(made: Counts, kept: Counts, resamples: int, seed: int) -> ByRarity:
    """Compute the rare share of what a selection keeps, over that of what it chose from.

    Args:
        made: candidates by tenths of rarity, [10], the rarest last.
        kept: accepted rows likewise.
        resamples: of the bootstrap, and random selections.
        seed: of both.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        acceptance = tuple(np.minimum(kept / made, 1.0).tolist())
    total, chosen, rare = int(made.sum()), int(kept.sum()), int(made[-1])
    if rare < LEAST or not chosen:
        return ByRarity(np.nan, np.nan, np.nan, acceptance=acceptance)
    draw = np.random.default_rng(seed)
    by_chance = draw.hypergeometric(rare, total - rare, chosen, resamples) / chosen / (rare / total)
    cells = np.asarray([kept[-1], max(rare - kept[-1], 0), kept[:-1].sum(), 0])
    cells[3] = max(total - cells.sum(), 0)
    again = draw.multinomial(total, cells / cells.sum(), resamples)
    value = float(kept[-1] / chosen / (rare / total))
    return ByRarity(
        value,
        *values.interval(_ratios(again)),
        float(by_chance.mean()),
        *values.interval(by_chance),
        acceptance=acceptance,
    )


def _ratios(cells: Counts) -> NDArray[np.float64]:
    """Rare share of the kept rows over that of all, [resamples], of counts [resamples, 4]."""
    rare_kept, rare_left, kept, left = cells.T
    whole = np.maximum(rare_kept + rare_left + kept + left, 1)
    rare = np.maximum(rare_kept + rare_left, 1) / whole
    ratios: NDArray[np.float64] = rare_kept / np.maximum(rare_kept + kept, 1) / rare
    return ratios


def _of_coverage(request: MetricRequest, seed: int) -> Metric:
    """Coverage of held-out rows by accepted rows less that by candidates, in the fixed features."""
    made, kept = request.whole[CANDIDATES], request.of("accepted")
    share = len(kept.labels) / len(made.labels)
    made = drawn(made, MOST, derive_seed(seed, "candidates"))
    size = max(1, round(share * len(made.labels)))
    kept = drawn(kept, size, derive_seed(seed, "accepted"))
    held, candidates, accepted = (
        request.features.project(rows.vectors) for rows in (request.validation, made, kept)
    )
    whole = coverage(held, candidates)
    draw = np.random.default_rng(derive_seed(seed, "random"))
    chances = np.asarray(
        [
            coverage(held, candidates[draw.permutation(len(candidates))[:size]]) - whole
            for _ in range(DRAWS)
        ]
    )
    value = coverage(held, accepted) - whole
    ends = float(chances.mean()), float(chances.min()), float(chances.max())
    return Metric(value, np.nan, np.nan, *ends)
