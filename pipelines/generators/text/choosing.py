"""The best of several candidates for one row, by a score.

Best-of-n sampling, as in Nakano et al. 2021, "WebGPT" (arXiv 2112.09332): the score is that of a
scorer which judges each row by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pipelines.common.errors import GeneratorError
from pipelines.generators.text import candidates
from pipelines.generators.text.candidate_making import Making
from pipelines.generators.text.plan import RoundPlan


def best(plan: RoundPlan, makings: Sequence[Making]) -> list[Making]:
    """Choose one candidate for each row: the first with the best score.

    One without a score is worse than all with one; one that failed, or that cannot be stored, is
    the worst.

    Args:
        plan: of the round.
        makings: in order of rows and variants.

    Raises:
        GeneratorError: no scorer is at hand.
    """
    fit, _ = candidates.fitting(plan, makings)
    scores = _scores(plan, fit)
    ranks = {id(each): (1, 0.0 if score is None else 1.0, score or 0.0) for each, score in scores}
    chosen: dict[int, Making] = {}
    for each in makings:
        now = chosen.get(each.planned.row)
        if now is None or _rank(ranks, each) > _rank(ranks, now):
            chosen[each.planned.row] = each
    return list(chosen.values())


def _rank(
    ranks: Mapping[int, tuple[int, float, float]], making: Making
) -> tuple[int, float, float]:
    return ranks.get(id(making), (0, 0.0, 0.0))


def _scores(plan: RoundPlan, fit: Sequence[Making]) -> list[tuple[Making, float | None]]:
    """Score candidates; the highest is the best."""
    best_of, score = plan.request.settings.best_of, plan.request.score
    if best_of is None or score is None:
        raise GeneratorError("best_of needs a scorer of the project, which is not there")
    if not fit:
        return []
    numbered = pl.int_range(pl.len(), dtype=pl.Int64).alias("row")
    values = score(best_of.score, candidates.frame(plan, fit).with_columns(numbered))
    sign = -1.0 if best_of.lowest else 1.0
    signed = [None if value is None else sign * value for value in values.fill_nan(None)]
    return list(zip(fit, signed, strict=True))
