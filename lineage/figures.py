"""The guard's figures: each turns evidence into a number, with how it came about.

Figures of ancestry come from lineage alone; figures of shape are ratios to their real-versus-real
null. A figure that cannot be computed has no value, and its detail says so. A frame without the
columns that a figure needs raises an error of Polars, which `checks.check` handles in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

import polars as pl

from lineage import schema
from lineage.evidence import (
    Evidence,
    Figure,
    exact,
    inapplicable,
    mean,
    number,
    samples,
    unmeasured,
)

Z: Final = 1.96
"""Standard deviations of half a 95 % interval."""
MISSING: Final = "could not be computed"
REAL: Final = "the round brings real rows, which no generator made"
NO_DIGEST: Final = "; round 0 names no digest of its hold-out"


def real_share(evidence: Evidence) -> Figure:
    """Share of real rows in the next training mix, by weight."""
    mix = evidence.mix
    numbers = ", ".join(str(part.round) for part in mix.rounds)
    depth = "unknown" if mix.depth_mean is None else f"{mix.depth_mean:.2f}"
    detail = f"{mix.regime}: {mix.rows:,} rows of round {numbers}; mean depth {depth}"
    return exact(mix.real_share, detail)


def depth_mean(evidence: Evidence) -> Figure:
    """Mean generations from real data over the accepted rows that descend from real data."""
    rows = evidence.lineage
    rooted = rows.filter(pl.col("depth_mean").is_not_null())
    detail = f"{len(rooted):,} of {len(rows):,} accepted rows have real roots"
    return exact(mean(rooted, "depth_mean"), detail)


def depth_max(evidence: Evidence) -> Figure:
    """Most generations from real data along any line of descent."""
    rows = evidence.lineage
    deepest = number(rows["depth_max"].max())
    deepest_rows = (
        rows.filter(pl.col("depth_max") == deepest) if deepest is not None else rows.clear()
    )
    named = samples(deepest_rows)
    detail = (
        f"{len(deepest_rows):,} accepted rows: {named}" if named else "none descends from real data"
    )
    return exact(deepest, detail)


def real_inputs(evidence: Evidence) -> Figure:
    """Mean share of direct inputs that are real."""
    return _mean(evidence, "real_inputs")


def real_inputs_low(evidence: Evidence) -> Figure:
    """Mean share of direct inputs that are real if seeds count for nothing.

    A generator that was shown seeds then stands for all of their weight. Its own real share
    follows from what is stored: real_inputs less the weight of real parents (in round 0 of any data
    set, or in a later round of real data), over the weight that the parents leave. Where they leave
    none, the share is taken to be 0. A row's bound is never above its `real_inputs`.
    """
    rows = evidence.lineage
    bound = rows.select(seedless(evidence.real_rounds).cast(pl.Float64).alias("real_inputs_low"))
    return exact(mean(bound, "real_inputs_low"), f"{len(rows):,} accepted rows, seeds weigh 0")


def opaque_roots(evidence: Evidence) -> Figure:
    """Share of backward walks that end at no real sample.

    They end at a model of unknown training data, or at code that simulates, which is said.
    """
    mean_roots = mean(evidence.lineage, "real_roots")
    detail = f"{len(evidence.lineage):,} accepted rows"
    by_code = pl.col("attribution") == schema.SIMULATED
    simulated = int(evidence.lineage.select(by_code.sum()).item())
    if simulated:
        detail += f", {simulated:,} of them made by code of no data"
    return exact(None if mean_roots is None else 1.0 - mean_roots, detail)


def memorised(evidence: Evidence) -> Figure:
    """Share of accepted rows that are equal or near to a real training row.

    Real rows that arrive later may be near to those that were there; they copied nothing.
    """
    if _are_real(evidence.lineage):
        return inapplicable(REAL)
    return _hits(evidence, evidence.copies, "equal or near to real training rows")


def holdout_equal(evidence: Evidence) -> Figure:
    """Share of accepted rows that are equal to a held-out row."""
    equal = evidence.leaks.filter(pl.col("equal").fill_null(value=True))
    found = _hits(evidence, equal, "equal to held-out rows")
    return replace(found, detail=f"{found.detail}{NO_DIGEST}") if _unnamed(evidence) else found


def _unnamed(evidence: Evidence) -> bool:
    return evidence.holdout_digest is not None and not evidence.holdout_digest


def holdout_near(evidence: Evidence) -> Figure:
    """Share of accepted rows that are near to a held-out row, or equal to it."""
    return _hits(evidence, evidence.leaks, "near to held-out rows")


def holdout_near_rounds(evidence: Evidence) -> Figure:
    """Share of the accepted rows of all generated rounds that are near to held-out rows.

    Its interval (Wilson 1927) is narrower the more rounds there are, so a few leaks in each of many
    rounds add up where chance explains those of one round.
    """
    if _are_real(evidence.lineage):
        return inapplicable(REAL)
    if evidence.earlier_leaks is None:
        return unmeasured("nobody counted the leaks of earlier rounds")
    hits, rows = evidence.earlier_leaks
    hits, rows = hits + evidence.leaks["row"].n_unique(), rows + len(evidence.lineage)
    if not rows:
        return exact(None, MISSING)
    share = hits / rows
    low, above = least_share(share, rows), least_share(1 - share, rows)
    high = None if above is None else 1 - above
    detail = f"{hits:,} of {rows:,} accepted rows of all generated rounds are near to held-out rows"
    return Figure(share, low, high, detail)


def least_share(share: float | None, rows: int) -> float | None:
    """Lower end of the 95 % interval of a share of rows (Wilson 1927); None where it is unknown."""
    if share is None or not rows:
        return None
    square = Z**2 / rows
    half = Z * math.sqrt(share * (1 - share) / rows + square / (4 * rows))
    return max((share + square / 2 - half) / (1 + square), 0.0)


def holdout_ancestry(evidence: Evidence) -> Figure:
    """Share of accepted rows with a parent that leaked from the hold-out or descends from it.

    This follows explicit parents. What went through a whole training mix has no such edge: the fit
    leaves out held-out content and what is near to it. Rows without parents therefore count as
    clean; rows with parents need to be told which occurrences are contaminated.
    """
    rows, contaminated = evidence.lineage, evidence.held_out_ancestors
    parents = rows.select("row", pl.col("parents").cast(schema.PARENTS)).explode("parents")
    edges = parents.drop_nulls("parents").unnest("parents", separator=".")
    return _descent(evidence, edges, contaminated)


def duplicates(evidence: Evidence) -> Figure:
    """Share of candidates that repeat content accepted before."""
    return _share_of_candidates(evidence, "duplicate")


def acceptance(evidence: Evidence) -> Figure:
    """Share of candidates that are accepted, or that passed after the round had enough."""
    return _share_of_candidates(evidence, "accepted", "surplus")


def loss(evidence: Evidence, other: str) -> Figure:
    """Loss on real validation rows against another classifier, `real_only` or `previous`.

    It is lost of the figure that judges the data set's task: accuracy, where none is named. The
    interval is that of the paired difference, turned round.
    """
    path = evidence.metrics, "difference", other
    value, low, high = (number(*path, end) for end in ("value", "low", "high"))
    figure = str(evidence.metrics.get("task", "accuracy"))
    ours, theirs = (
        number(evidence.metrics, figure, classifier, "value") for classifier in ("mix", other)
    )
    if value is None or low is None or high is None:
        reason = inapplicable_because(evidence, "difference")
        return exact(None, MISSING) if reason is None else inapplicable(reason)
    scores = (
        f"{figure.replace('_', '-')} {_short(ours)}, {other.replace('_', ' ')} {_short(theirs)}"
    )
    interval = f"95 % of the loss {_short(-high)} to {_short(-low)}"
    return Figure(-value, -high, -low, f"{scores}; {interval}")


def drop(evidence: Evidence) -> Figure:
    """Loss of accuracy against real data alone, as measured; 0 while chance alone may explain it.

    On few validation rows the favourable end of a loss stays small although the loss is plain. So
    a large loss counts as it is measured as soon as its interval holds none but losses.
    """
    lost = loss(evidence, "real_only")
    if lost.value is None or lost.low is None:
        return lost
    return exact(lost.value if lost.low > 0 else 0.0, lost.detail)


def ratio(evidence: Evidence, part: str, name: str, *, interval: bool = False) -> Figure:
    """Ratio of a shape figure of `round` or `mix` to its real-versus-real null.

    Args:
        evidence: the evidence.
        part: round or mix.
        name: recall, coverage, variance or tail.
        interval: whether limits are held against the ends of its interval.
    """
    path = evidence.metrics, part, name
    value, low, high, null = (number(*path, end) for end in ("value", "low", "high", "null"))
    if value is None or null is None or null <= 0:
        reason = inapplicable_because(evidence, part)
        return exact(None, MISSING) if reason is None else inapplicable(reason)
    detail = f"{value:.3f}; real rows have {null:.3f}"
    if not interval:
        return exact(value / null, detail)
    if low is None or high is None:
        return exact(None, MISSING)
    low, high = low / null, high / null
    return Figure(value / null, low, high, f"{detail}; 95 % of the ratio {low:.2f} to {high:.2f}")


def _mean(evidence: Evidence, column: str) -> Figure:
    return exact(mean(evidence.lineage, column), f"{len(evidence.lineage):,} accepted rows")


def _hits(evidence: Evidence, hits: pl.DataFrame, what: str) -> Figure:
    """Share of the accepted rows that are among the hits."""
    total = len(evidence.lineage)
    if not total:
        return exact(None, MISSING)
    unique_hits = hits.unique("row", maintain_order=True)
    named = samples(unique_hits)
    detail = f"{len(unique_hits):,} of {total:,} accepted rows are {what}"
    return exact(len(unique_hits) / total, f"{detail}: {named}" if named else detail)


def _share_of_candidates(evidence: Evidence, name: str, *more: str) -> Figure:
    count, total = number(evidence.counts, name), number(evidence.counts, "candidates")
    if count is None or not total:
        return exact(None, MISSING)
    count += sum(number(evidence.counts, other) or 0 for other in more)
    return exact(count / total, f"{count:,.0f} of {total:,.0f} candidates")


def _descent(evidence: Evidence, edges: pl.DataFrame, contaminated: pl.DataFrame | None) -> Figure:
    """Share of accepted rows with a contaminated parent; unknown where parents have no list."""
    if evidence.lineage.is_empty():
        return exact(None, MISSING)
    if edges.is_empty():
        return exact(0.0, "no accepted row has explicit parents")
    if contaminated is None:
        return exact(None, "rows have parents, and nobody looked which of them leaked")
    key = ["parents.dataset", "parents.round", "parents.row"]
    bad = edges.join(contaminated, left_on=key, right_on=["dataset", "round", "row"], how="semi")
    descended = evidence.lineage.join(bad, on="row", how="semi")
    return _hits(evidence, descended, "descended from held-out rows")


def seedless(real_rounds: Collection[tuple[str, int]] = ()) -> pl.Expr:
    """Build `real_inputs` of a row with seed weights 0, as `real_inputs_low` describes.

    Args:
        real_rounds: data set and number of rounds after round 0 that bring real rows.
    """
    parent = pl.element().struct
    weight = parent.field("weight").cast(pl.Float64)
    is_seed, is_real = parent.field("relation") == "seed", parent.field("round") == 0
    for dataset, real in sorted(real_rounds):
        is_real |= (parent.field("dataset") == dataset) & (parent.field("round") == real)

    def total(chosen: pl.Expr) -> pl.Expr:
        return pl.col("parents").list.eval(weight.filter(chosen)).list.sum()

    given = pl.col("parents").list.eval(weight).list.sum()
    rest = (1.0 - given).clip(0, 1)
    from_model = (pl.col("real_inputs") - total(is_real)).clip(0, rest)
    share = pl.when(rest > 0).then((from_model / rest).clip(0, 1)).otherwise(0.0)
    bound = total(is_real & ~is_seed) + (rest + total(is_seed)) * share
    return pl.min_horizontal("real_inputs", bound)


def _are_real(rows: pl.DataFrame) -> bool:
    """Whether these are the rows of a round of real data."""
    return len(rows) > 0 and bool((rows["kind"].cast(pl.String) == "real").all())


def inapplicable_because(evidence: Evidence, section: str) -> str | None:
    """The reason why the data cannot have a section of the metrics; None if it can."""
    reasons = evidence.metrics.get("not_applicable")
    reason = reasons.get(section) if isinstance(reasons, Mapping) else None
    return reason if isinstance(reason, str) else None


def _short(value: float | None) -> str:
    return "unknown" if value is None else f"{round(value, 3) + 0.0:.3f}"
