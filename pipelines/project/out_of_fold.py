"""Scores of real training rows, each as if it were a candidate that its scorer has never seen.

The rows are cut into folds, near-duplicates into the same one. Each fold is scored as a round of
candidates would be: the other folds are the real rows, and stand for the held-out ones where a
scorer reads these. No validation or test row is looked at, so what is measured there later is not
what thresholds were fitted to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from lineage import splits
from lineage.errors import LineageError
from pipelines.common import progress
from pipelines.common.errors import PipelineError
from pipelines.modalities import Modality
from pipelines.scorers import registry
from pipelines.scorers.protocol import KEY, EstimatesCost, Given
from pipelines.scorers.scoring import ConfiguredScorer

FOLDS: Final = 5
MOST: Final = 3000
"""Training rows that are scored; of more, those with the lowest ids, which are a random sample."""
STAND_IN: Final = "validation"
"""Name under which the other folds stand for held-out rows."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Real training rows with their scores."""

    rows: pl.DataFrame
    """round, row and payload as scorers and suites see it, and the columns of the scorers."""
    folds: int
    left_out: Mapping[str, str]
    """Why a scorer gave no scores, by its name."""


def measure(
    train: pl.DataFrame,
    modality: Modality,
    near: float,
    scorers: Mapping[str, Mapping[str, Any]],
    *,
    seed: int,
    content: tuple[str, ...],
) -> Measured:
    """Score real training rows out of fold.

    Args:
        train: row, sample_id and payload of the training rows.
        modality: What they are.
        near: Distance of near-duplicates, which stay in one fold.
        scorers: Settings by name.
        seed: Of the scorers.
        content: Columns that are the content of a row, without what is to be predicted.

    Returns:
        The rows and their scores. A scorer that asks a service is not run, and one that cannot
        score these rows is left out with its reason.
    """
    chosen = train.sort("sample_id").head(MOST).sort("row")
    fold = _folds(chosen, modality, near)
    shown = modality.shown(chosen.with_columns(pl.lit(0, pl.Int32).alias("round")))
    parts = [shown.filter(fold == name) for name in fold.unique().sort()]
    folds = [(part, _others(part, parts, seed, content)) for part in parts]
    left_out: dict[str, str] = {}
    columns = []
    for name, given in scorers.items():
        scorer = registry.load(name)
        if isinstance(scorer, EstimatesCost):
            left_out[name] = "it asks a service, so no real row was scored"
            continue
        try:
            columns.append(_scores(name, given, folds))
        except (PipelineError, LineageError) as error:
            left_out[name] = str(error)
    rows = pl.concat(parts)
    for scores in columns:
        rows = rows.join(scores, on=KEY, how="left", maintain_order="left")
    return Measured(rows.sort("row"), len(parts), left_out)


def _folds(rows: pl.DataFrame, modality: Modality, near: float) -> pl.Series:
    """Assign each row to a fold, near-duplicates to the same one."""
    groups = splits.groups(rows["sample_id"], modality.pairs(rows, near))
    shares = {f"fold {number}": 1 / FOLDS for number in range(1, FOLDS)}
    return splits.assign(rows["sample_id"], groups, shares, key="folds of a suite")


def _others(
    part: pl.DataFrame, parts: list[pl.DataFrame], seed: int, content: tuple[str, ...]
) -> Given:
    """What scorers of a part are given: the other parts, as the real rows and the held-out ones."""
    real = pl.concat([other for other in parts if other is not part])
    held_out = real.with_columns(pl.lit(STAND_IN).alias("split"))
    return Given(real=real, earlier=real.clear(), held_out=held_out, seed=seed, content=content)


def _scores(
    name: str, given: Mapping[str, Any], folds: list[tuple[pl.DataFrame, Given]]
) -> pl.DataFrame:
    """Score each part by the others: round, row and the scorer's columns."""
    scorer, settings = registry.load(name), registry.settings(name, given)
    scored = []
    for part, others in folds:
        with progress.bar(len(part), f"scoring real rows by {name}") as report:
            given_others = replace(others, progress=report)
            configured = ConfiguredScorer(name, scorer, settings, given_others)
            configured.shown(others.real, "real rows")
            scored.append(configured.score(configured.shown(part, "real rows")))
    return pl.concat(scored)
