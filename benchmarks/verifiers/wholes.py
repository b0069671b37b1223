"""Batches as a whole: numbers, texts, pictures and lineage, right and planted."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from benchmarks.verifiers.plan import Frames, TableCase
from pipelines.features import images

WORDS: Final = np.array([f"w{each}" for each in range(400)])
SIDE: Final = 6
PICTURES: Final = 6
"""Kinds of pictures."""


def numbers(rows: int, seed: int, *, shift: float = 0.0, scale: float = 1.0) -> pl.DataFrame:
    """Three columns of normal numbers, and classes, one of which one row in twenty has."""
    draw = np.random.default_rng(seed)
    values = draw.normal(shift, scale, (rows, 3))
    label = np.where(draw.random(rows) < 0.05, "rare", np.where(values[:, 0] > shift, "b", "a"))  # noqa: PLR2004  one in twenty
    return pl.DataFrame({"x": values[:, 0], "y": values[:, 1], "z": values[:, 2], "label": label})


def mode(rows: int, seed: int) -> pl.DataFrame:
    """Nine rows in ten near one point."""
    frame = numbers(rows, seed)
    narrow = numbers(rows, seed + 1, shift=0.2, scale=0.1)
    some = pl.Series(np.random.default_rng(seed).random(rows) < 0.9)  # noqa: PLR2004  nine in ten
    return frame.with_columns(
        narrow[name].zip_with(some, frame[name]).alias(name) for name in ("x", "y", "z")
    )


def class_lost(rows: int, seed: int) -> pl.DataFrame:
    """Without the rare class."""
    return numbers(rows, seed).with_columns(label=pl.col("label").replace({"rare": "a"}))


def class_grown(rows: int, seed: int) -> pl.DataFrame:
    """Half of one class made another."""
    draw = np.random.default_rng(seed)
    turned = pl.Series(draw.random(rows) < 0.5)  # noqa: PLR2004  half
    changed = pl.when(turned).then(pl.col("label").replace({"a": "b"})).otherwise("label")
    return numbers(rows, seed).with_columns(label=changed)


def texts(rows: int, seed: int, *, words: int = 400) -> pl.DataFrame:
    """Texts of twelve words."""
    draw = np.random.default_rng(seed)
    found = [" ".join(WORDS[draw.integers(words, size=12)]) for _ in range(rows)]
    return pl.DataFrame({"text": found})


def pictures(rows: int, seed: int, *, kinds: int = PICTURES) -> pl.DataFrame:
    """Noisy pictures of some kinds of bright bars."""
    draw = np.random.default_rng(seed)
    values = draw.normal(40, 12, (rows, SIDE, SIDE))
    values[np.arange(rows), draw.integers(kinds, size=rows), :] += 150
    files = images.encode(np.clip(values, 0, 255).astype(np.uint8))
    return pl.DataFrame({"image_bytes": files})


def lineage(rows: int, seed: int, *, depth: float = 1.0, share: float = 0.7) -> pl.DataFrame:
    """Depths around one, and shares of real data."""
    draw = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "depth_mean": depth * draw.uniform(0.9, 1.1, rows),
            "real_inputs": share * draw.uniform(0.9, 1.1, rows),
        }
    )


FRAMES: Final = Frames(
    {
        "numbers": numbers,
        "shifted": lambda rows, seed: numbers(rows, seed, shift=0.7),
        "narrow": lambda rows, seed: numbers(rows, seed, scale=0.25),
        "mode": mode,
        "class lost": class_lost,
        "class grown": class_grown,
        "texts": texts,
        "few words": lambda rows, seed: texts(rows, seed, words=40),
        "pictures": pictures,
        "kinds lost": lambda rows, seed: pictures(rows, seed, kinds=3),
        "lineage": lineage,
        "deep": lambda rows, seed: lineage(rows, seed, depth=4.0),
        "little real": lambda rows, seed: lineage(rows, seed, share=0.2),
    }
)
X: Final[dict[str, Any]] = {"column": "x"}
XYZ: Final[dict[str, Any]] = {"column_list": ["x", "y", "z"]}
LABEL: Final[dict[str, Any]] = {"column": "label"}
TEXT: Final[dict[str, Any]] = {"column": "text"}
PICTURE: Final[dict[str, Any]] = {"column_list": ["image_bytes"]}
P: Final[dict[str, Any]] = {"min_p_value": 0.01}
KS: Final = "expect_column_kolmogorov_smirnov_to_be_between"
W1: Final = "expect_column_wasserstein_to_be_between"
TV: Final = "expect_column_total_variation_to_be_between"
C2ST: Final = "expect_classifier_two_sample_accuracy_to_be_between"
COVERAGE: Final = "expect_rows_coverage_to_be_between"
RECALL: Final = "expect_rows_recall_to_be_between"
VENDI: Final = "expect_rows_vendi_score_to_be_between"
SHARES: Final = "expect_column_class_share_ratios_to_be_between"
RATIO: Final[dict[str, Any]] = {"min_ratio": 0.9}
BOTH: Final[dict[str, Any]] = {"min_ratio": 0.9, "max_ratio": 1.1}


def _compared(
    kind: str,
    kwargs: dict[str, Any],
    bad: str,
    planted: str,
    real: str = "numbers",
    *,
    blind: bool = False,
) -> TableCase:
    return TableCase(kind, kwargs, real, bad, planted, real, blind)


CASES: Final = (
    _compared(KS, X | P, "shifted", "shifted by 0.7 standard deviations"),
    _compared(KS, X | P, "mode", "collapsed to a mode"),
    _compared(W1, X | P, "shifted", "shifted by 0.7 standard deviations"),
    _compared(W1, X | P, "mode", "collapsed to a mode"),
    _compared(TV, X | P | {"bins": 8}, "mode", "collapsed to a mode"),
    _compared(TV, LABEL | P, "class grown", "half of a class relabelled"),
    _compared(C2ST, XYZ | P, "shifted", "shifted by 0.7 standard deviations"),
    _compared(C2ST, XYZ | P, "mode", "collapsed to a mode"),
    _compared(COVERAGE, XYZ | RATIO, "mode", "collapsed to a mode"),
    _compared(RECALL, XYZ | RATIO, "narrow", "a quarter of the spread"),
    _compared(RECALL, XYZ | RATIO, "mode", "collapsed to a mode", blind=True),
    _compared(VENDI, XYZ | BOTH, "mode", "collapsed to a mode"),
    _compared(
        VENDI, PICTURE | BOTH, "kinds lost", "half of the kinds of pictures lost", "pictures"
    ),
    _compared(SHARES, LABEL | P, "class lost", "rare class lost"),
    _compared(
        "expect_column_distinct_ngrams_to_be_between",
        TEXT | BOTH,
        "few words",
        "a tenth of the words",
        "texts",
    ),
    _compared(
        "expect_column_compression_ratio_to_be_between",
        TEXT | BOTH,
        "few words",
        "a tenth of the words",
        "texts",
    ),
    TableCase(
        "expect_column_classes_to_have_support",
        LABEL | {"classes": ["a", "b", "rare"], "min_count": 3},
        "numbers",
        "class lost",
        "rare class lost",
    ),
    TableCase(
        "expect_column_depth_to_be_between",
        {"column": "depth_mean", "max_value": 3},
        "lineage",
        "deep",
        "four generations from real data",
    ),
    TableCase(
        "expect_column_real_share_to_be_between",
        {"column": "real_inputs", "min_value": 0.5},
        "lineage",
        "little real",
        "a fifth of the inputs real",
    ),
)
