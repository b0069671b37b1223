"""Evidence about rounds of digits, modelled on what replace and accumulate did to real ones."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import polars as pl

from lineage import guard, training_mix
from lineage.guard import Evidence, GuardResult
from lineage.limits import Limits
from tests.lineage.conftest import content, derived, real_rows

REAL, SIZE = 1077, 560
NULL = {"recall": 0.96, "coverage": 0.95, "variance": 1.0, "tail": 1.0}
LEAKS = {
    "round": pl.Int32,
    "row": pl.Int64,
    "sample_id": pl.Binary,
    "equal": pl.Boolean,
    "distance": pl.Float64,
    "real_row": pl.Int64,
}
CLEAN = pl.DataFrame(schema=LEAKS)

# Of each round: recall, accuracy of the mix, and variance (of pixels in [-1, 1]; real rows: 18.8).
SEEN = {
    "replace": [(0.72, 0.969, 15.6), (0.32, 0.942, 13.4), (0.08, 0.929, 12.2)],
    "accumulate": [(0.72, 0.989, 15.6), (0.64, 0.993, 15.0), (0.54, 0.993, 14.6)],
}
REAL_ONLY, REAL_VARIANCE = 0.989, 18.8


def metric(value: float, spread: float, null: float | None = None) -> dict[str, float | None]:
    return {"value": value, "low": value - spread, "high": value + spread, "null": null}


def shape(recall: float, variance: float) -> dict[str, Any]:
    values = {"recall": recall, "coverage": recall, "variance": variance, "tail": 0.7}
    return {name: metric(each, 0.04, NULL[name]) for name, each in values.items()}


def beside(recall: float, variance: float) -> dict[str, Any]:
    """Figures of labels, copies, classes and style, as healthy rounds of digits have them."""
    return {
        "label_errors": metric(0.012, 0.01, 0.017),
        "memorised_ratio": metric(0.012, 0.01, 0.01),
        "holdout_leaning": metric(0.48, 0.04, 0.5),
        "holdout_closer": metric(0.002, 0.002, 0.004),
        "class_share": metric(0.8, 0.1, 1.0) | {"of": "5"},
        "class_coverage": metric(0.9, 0.1, 1.0) | {"of": "8"},
        "class_variance": metric(0.8, 0.1, 1.0) | {"of": "1"},
        "rare_recall": metric(0.7, 0.1, 0.85),
        **{f"content_{name}": each for name, each in shape(recall, variance).items()},
    }


def figures(regime: str, number: int) -> dict[str, Any]:
    """What evaluate writes; under accumulate the mix keeps the real rows' share of the shape."""
    recall, accuracy, pixels = SEEN[regime][number - 1]
    before = SEEN[regime][number - 2][1] if number > 1 else REAL_ONLY
    variance = pixels / REAL_VARIANCE
    mixed = shape(recall, variance)
    if regime == "accumulate":
        kept = REAL / (REAL + number * SIZE)
        mixed = shape(0.9, kept + (1 - kept) * variance)
    return {
        "round": shape(recall, variance) | beside(recall, variance),
        "second": {
            "task": "accuracy",
            "accuracy": {name: metric(REAL_ONLY, 0.008) for name in ("real_only", "mix")},
            "difference": {"real_only": metric(0.0, 0.012)},
            "pooled": {"real_only": metric(0.0, 0.01), "previous": metric(0.0, 0.01)},
        },
        "likelihood": {
            "temperature": 0.25,
            "probability": {name: metric(0.97, 0.01) for name in ("real_only", "mix")},
            "difference": {"real_only": metric(0.0, 0.004), "previous": metric(0.0, 0.004)},
        },
        "mix": mixed,
        "accuracy": {
            "real_only": metric(REAL_ONLY, 0.008),
            "mix": metric(accuracy, 0.008),
            "previous": metric(before, 0.008),
        },
        "difference": {
            "real_only": metric(accuracy - REAL_ONLY, 0.012),
            "previous": metric(accuracy - before, 0.012),
        },
    }


CALIBRATION = {
    "suite": "ab" * 32,
    "source": "planted",
    "round": 2,
    "kind": "blank",
    "keep_correct": metric(0.95, 0.03),
    "keep_wrong": metric(0.5, 0.1),
    "error": metric(0.1, 0.05),
    "threshold": metric(0.65, 0.05),
}
"""Of a verifier that is good enough."""


def evidence(regime: str, number: int) -> Evidence:
    """Evidence about round `number` of a chain of rounds under a regime."""
    rows, fitted = real_rows(REAL), None
    for each in range(1, number + 2):
        fitted = training_mix.build(
            rows, dataset="digits", commit=f"c{each}", regime=regime, real_weight=1.0
        ).manifest
        if each <= number:
            rows = pl.concat([rows, derived(SIZE, each, fitted, "digits")])
    assert fitted is not None
    return Evidence(
        dataset="digits",
        round=number,
        lineage=rows.filter(pl.col("round") == number),
        mix=fitted,
        counts={"candidates": 600, "accepted": SIZE, "rejected": 30, "duplicate": 10},
        copies=CLEAN,
        leaks=CLEAN,
        earlier_leaks=(0, SIZE * (number - 1)),
        licences=(REAL, {}),
        metrics=figures(regime, number),
        calibration=CALIBRATION,
        warned=CLEAN,
    )


HEALTHY = evidence("accumulate", 2)


def verdicts(result: GuardResult) -> dict[str, str]:
    return {item.name: item.verdict for item in result.checks}


def check(about: Evidence, name: str, **limits: float | str | None) -> guard.Check:
    found = {item.name: item for item in guard.judge(about, Limits(**limits)).checks}
    return found[name]


def hits(*rows: tuple[int, bool]) -> pl.DataFrame:
    return pl.DataFrame(
        [(2, row, content(f"digits round 2 row {row}"), equal, 0.01, 5) for row, equal in rows],
        schema=LEAKS,
        orient="row",
    )


def measured(part: str, name: str, **values: float | None) -> Evidence:
    """Healthy evidence with one metric changed, with the style of rows and without it."""
    changed = copy.deepcopy(dict(HEALTHY.metrics))
    changed[part][name] |= values
    if f"content_{name}" in changed[part]:
        changed[part][f"content_{name}"] |= values
    return replace(HEALTHY, metrics=changed)


def contaminated(about: Evidence) -> Evidence:
    """The same with a row that has a held-out ancestor."""
    parent = [{"dataset": "digits", "round": 1, "row": 8, "relation": "seed", "weight": 0.5}]
    parents = about.lineage["parents"]
    first = pl.Series("parents", [parent], dtype=parents.dtype)
    lineage = about.lineage.with_columns(pl.concat([first, parents[1:]]))
    ancestors = pl.DataFrame(
        {"dataset": ["digits"], "round": [1], "row": [8]},
        schema={"dataset": pl.String, "round": pl.Int32, "row": pl.Int64},
    )
    return replace(about, lineage=lineage, held_out_ancestors=ancestors)
