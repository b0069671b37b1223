"""Frames that the tests of lineage share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import polars as pl
from hypothesis import settings

from lineage import record
from lineage.training_mix import MixManifest

settings.register_profile("busy", deadline=None)  # the first example pays for imports
settings.load_profile("busy")


def content(name: object) -> bytes:
    """A sample id that stands for some content."""
    return hashlib.sha256(str(name).encode()).digest()


def ids(names: Iterable[object]) -> pl.Series:
    return pl.Series("sample_id", [content(name) for name in names], dtype=pl.Binary)


def real_rows(count: int, dataset: str = "d") -> pl.DataFrame:
    """Lineage of `count` real rows."""
    frame = pl.DataFrame({"row": range(count), "source": "s", "licence": "l"})
    return record.real(frame.with_columns(ids(f"{dataset} real {row}" for row in range(count))))


def candidate_rows(count: int, number: int, dataset: str = "d") -> pl.DataFrame:
    """Candidates as a generator gives them."""
    return pl.DataFrame({"row": range(count), "seed": 7, "shard": 0}).with_columns(
        ids(f"{dataset} round {number} row {row}" for row in range(count))
    )


def derived(
    count: int, number: int, mix: MixManifest | None, dataset: str = "d", **more: pl.DataFrame
) -> pl.DataFrame:
    """Lineage of `count` candidates without parents, unless some are given."""
    return record.derive(
        candidate_rows(count, number, dataset),
        round_number=number,
        dataset=dataset,
        generator="g",
        attribution="mix/1",
        mix=mix,
        **more,
    )
