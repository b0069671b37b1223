"""Candidates: what a round asks of a trained network, and how one shard of them is made.

A round makes all its shards; a replay makes one of them again. Both ask here, so
what is asked cannot differ. What the answer depends on beside the question is the environment: the
code, the libraries, the processor and the threads.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.identity import sample_ids
from pipelines.common.shards import Shard
from pipelines.features import images
from pipelines.generators.prompts.draws import Prompt
from pipelines.generators.protocol import GenerateRequest

LIBRARIES: Final = ("numpy", "pillow")


def frame(
    request: GenerateRequest[Any],
    shard: Shard,
    labels: pl.Series | None,
    pixels: NDArray[np.float32],
    numbers: Sequence[int] | None = None,
) -> pl.DataFrame:
    """Write the images of a shard as candidates.

    Args:
        request: what the round asks.
        shard: which rows, with which seed.
        labels: of the shard, [n]; None: there are none.
        pixels: [n, h, w] or [n, h, w, 3] in [0, 1]; what is not finite is no image.
        numbers: of the rows, where some of the shard are left out.

    Returns:
        row, image, label if there are labels, seed, shard, sample_id.
    """
    rows = pl.Series("row", shard.rows if numbers is None else numbers, dtype=pl.Int64)
    payload = [images.encode_lenient(pixels), *([] if labels is None else [labels])]
    made = pl.DataFrame([rows, *payload]).with_columns(
        pl.lit(shard.seed, pl.Int64).alias("seed"), pl.lit(shard.index, pl.Int32).alias("shard")
    )
    return made.with_columns(sample_ids(made, request.identity).alias("sample_id"))


def prompted(
    request: GenerateRequest[Any],
    shard: Shard,
    prompts: Sequence[Prompt],
    pixels: NDArray[np.float32],
) -> pl.DataFrame:
    """Write images of prompts, one or more, as candidates with the digests of their prompts."""
    labelled = prompts[0].label is not None
    labels = pl.Series("label", [each.label for each in prompts]) if labelled else None
    numbers = [each.row for each in prompts]
    digests = pl.Series("prompt_digest", [each.digest for each in prompts], dtype=pl.Binary)
    return frame(request, shard, labels, pixels, numbers).with_columns(digests)


def environment(
    generator: str, own: Mapping[str, Any], libraries: Sequence[str] = ()
) -> dict[str, Any]:
    """Collect what another run must share with this one to produce the same bits.

    Args:
        generator: its semantic version.
        own: what the generator's own code says: its libraries, the processor and the threads.
        libraries: further ones, whose versions count.
    """
    return {
        "generator": generator,
        "python": platform.python_version(),
        **{name: version(name) for name in (*LIBRARIES, *libraries)},
        **own,
    }
