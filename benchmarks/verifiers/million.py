"""What near-duplicates of a million rows cost: `text_duplicates` and `image_duplicates`.

One row in ten is copied and one in ten nearly so; a tenth as many real rows. Run with one thread:

    OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1 python -m benchmarks.verifiers.million text
"""

from __future__ import annotations

import argparse
import resource
import time
from typing import Any, Final

import numpy as np
import polars as pl
from PIL import Image

from pipelines.features import images
from pipelines.scorers.image_duplicates import ImageDuplicates
from pipelines.scorers.protocol import Given, Scorer
from pipelines.scorers.text_duplicates import TextDuplicates

WORDS: Final = 17
"""A text; some 100 bytes."""
VOCABULARY: Final = 5000
SIDE: Final = 16
"""Pixels of an image."""


def texts(rows: int, seed: int) -> pl.Series:
    """Texts of random words; one in ten copied, one in ten with another word."""
    draw = np.random.default_rng(seed)
    letters = [draw.integers(97, 123, size) for size in draw.integers(2, 9, VOCABULARY)]
    words = np.array(["".join(map(chr, each)) for each in letters])
    part = rows // 10
    at = draw.integers(0, VOCABULARY, (rows - 2 * part, WORDS))
    near = at[part : 2 * part].copy()
    near[np.arange(len(near)), draw.integers(0, WORDS, len(near))] = 0
    return pl.Series(
        "text", [" ".join(words[each]) for each in np.concatenate([at, at[:part], near])]
    )


def pictures(rows: int, seed: int) -> pl.Series:
    """Smooth pictures; one in ten copied, one in ten slightly lighter or darker in places."""
    draw = np.random.default_rng(seed)
    part = rows // 10
    base = draw.integers(0, 256, (rows - 2 * part, 6, 6), dtype=np.uint8)
    moved = base[part : 2 * part].astype(np.int16) + draw.integers(-3, 4, (part, 6, 6))
    near = np.clip(moved, 0, 255).astype(np.uint8)
    size = (SIDE, SIDE)
    files = [
        {"bytes": images.png(Image.fromarray(each).resize(size)), "path": None}
        for each in np.concatenate([base, base[:part], near])
    ]
    return pl.Series("image", files, dtype=images.IMAGE)


def main() -> None:
    """Score, and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verifiers.million")
    parser.add_argument("what", choices=["text", "image"])
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args()
    make, scorer = (
        (texts, TextDuplicates()) if asked.what == "text" else (pictures, ImageDuplicates())
    )
    frame, real = _frame(make(asked.rows, 0), 1), _frame(make(asked.rows // 10, 1), 0)
    before = _peak()
    _measure(scorer, frame, real)
    print(f"peak memory {_peak():.2f} GB, of which {before:.2f} GB before scoring")


def _measure(scorer: Scorer[Any], frame: pl.DataFrame, real: pl.DataFrame) -> None:
    began, busy = time.perf_counter(), time.process_time()
    found = scorer.score(frame, Given(real), scorer.Settings())
    seconds, cpu = time.perf_counter() - began, time.process_time() - busy
    again = found.select(pl.col("^.*_candidate_row$").is_not_null().sum()).item()
    print(f"{len(frame)} rows, {len(real)} real: {seconds:.0f} s, {cpu:.0f} s of a processor")
    print(f"near an earlier one: {again}")


def _frame(payload: pl.Series, number: int) -> pl.DataFrame:
    return (
        payload.to_frame()
        .with_row_index("row")
        .select(pl.lit(number, pl.Int32).alias("round"), pl.col("row").cast(pl.Int64), payload.name)
    )


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
