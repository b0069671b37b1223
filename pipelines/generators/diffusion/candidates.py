"""Candidates: what a round asks of its generator, and how one shard of them is made.

A round makes all its shards; a replay makes one of them again. Both ask here, so
what is asked cannot differ. What the answer depends on beside the question is the environment: the
code, the libraries, the processor and the threads.
"""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.identity import sample_ids
from pipelines.common.seeds import derive_seed
from pipelines.common.shards import Shard
from pipelines.features import images
from pipelines.generators import model_folder
from pipelines.generators.diffusion import model as diffusion
from pipelines.generators.diffusion.settings import VERSION, DiffusionGenerate
from pipelines.generators.protocol import STAGE, GenerateRequest

LIBRARIES: Final = ("numpy", "pillow")


def labels(request: GenerateRequest[DiffusionGenerate]) -> NDArray[np.int64]:
    """Labels to ask for, [candidates]: each class equally often, in an order drawn by seed."""
    manifest, _ = model_folder.read_manifest(request.directory)
    classes = np.asarray(manifest["classes"], dtype=np.int64)
    round_labels = np.resize(classes, request.candidates)
    seed = derive_seed(request.seed, request.dataset, request.round, STAGE, "labels")
    return np.random.default_rng(seed).permutation(round_labels)


def make(
    request: GenerateRequest[DiffusionGenerate], shard: Shard, round_labels: NDArray[np.int64]
) -> pl.DataFrame:
    """Make the candidates of a shard.

    Args:
        request: what the round asks.
        shard: which rows, with which seed.
        round_labels: the labels of the whole round.

    Returns:
        row, image, label, seed, shard, sample_id.

    Raises:
        GeneratorError: the generator cannot be read, or knows no such label.
    """
    own = round_labels[shard.start : shard.stop]
    pixels = diffusion.generate(request.directory, own, request.settings, shard.seed)
    frame = pl.DataFrame(
        {
            "row": pl.Series(shard.rows, dtype=pl.Int64),
            "image": images.encode_lenient(pixels),
            "label": own,
        }
    ).with_columns(
        pl.lit(shard.seed, pl.Int64).alias("seed"), pl.lit(shard.index, pl.Int32).alias("shard")
    )
    return frame.with_columns(sample_ids(frame, request.identity).alias("sample_id"))


def environment(request: GenerateRequest[DiffusionGenerate]) -> dict[str, Any]:
    """Collect what another run must share with this one to produce the same bits.

    Returns:
        `generator` (its semantic version), `python`, a version for each library, and what the
        generator's own code says: its libraries, the processor and the threads.
    """
    return {
        "generator": VERSION,
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        **diffusion.environment(request.settings),
    }
