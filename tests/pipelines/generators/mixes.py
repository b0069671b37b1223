"""Mixes of texts that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from lineage.identity import sample_ids
from pipelines.generators.protocol import GenerateRequest
from pipelines.generators.text.generator import Text
from pipelines.generators.text.settings import TextFit, TextGenerate

PAIR = ("prompt", "completion")


def mix(texts: Mapping[str, Sequence[Any]], weights: Sequence[float] | None = None) -> pl.DataFrame:
    """A mix of these columns: round 0 and 1 by turns, weight 1 unless given."""
    frame = pl.DataFrame(texts)
    identity = [name for name in frame.columns if name != "label"]
    known = frame.with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
        (pl.int_range(pl.len()) % 2).cast(pl.Int32).alias("round"),
        pl.Series("weight", weights or [1.0] * len(frame), dtype=pl.Float64),
    )
    return known.with_columns(sample_ids(known, identity).alias("sample_id"))


def pairs(count: int, labels: Sequence[str] = ("animals", "food")) -> pl.DataFrame:
    """Pairs of a prompt and a completion, their labels by turns."""
    return mix(
        {
            "prompt": [f"what is {number}?" for number in range(count)],
            "completion": [f"it is {number}." for number in range(count)],
            "label": [labels[number % len(labels)] for number in range(count)],
        }
    )


def fitted(
    samples: pl.DataFrame,
    place: Path,
    *,
    candidates: int = 12,
    identity: tuple[str, ...] = PAIR,
    settings: TextGenerate | None = None,
    fit: TextFit | None = None,
) -> GenerateRequest[TextGenerate]:
    """Fit on a mix and ask for a round."""
    Text().fit(samples, fit or TextFit(), 3, place)
    asked = settings or TextGenerate()
    return GenerateRequest("talk", 2, 7, identity, candidates, 5, asked, place)
