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

from lineage.identity import sample_ids
from pipelines.common.seeds import derive_seed
from pipelines.common.shards import Shard
from pipelines.features import images
from pipelines.generators import model_folder
from pipelines.generators.diffusion import model as diffusion
from pipelines.generators.diffusion.settings import VERSION, DiffusionGenerate
from pipelines.generators.protocol import STAGE, GenerateRequest

LIBRARIES: Final = ("numpy", "pillow")


def labels(request: GenerateRequest[DiffusionGenerate]) -> pl.Series | None:
    """Labels to ask for, [candidates]: each class equally often, in an order drawn by seed.

    None where the generator was fitted on images without labels.
    """
    manifest, _ = model_folder.read_manifest(request.directory)
    if not manifest["classes"]:
        return None
    classes = pl.Series("label", manifest["classes"])
    seed = derive_seed(request.seed, request.dataset, request.round, STAGE, "labels")
    places = np.resize(np.arange(len(classes)), request.candidates)
    return classes.gather(np.random.default_rng(seed).permutation(places))


def make(
    request: GenerateRequest[DiffusionGenerate], shard: Shard, round_labels: pl.Series | None
) -> pl.DataFrame:
    """Make the candidates of a shard.

    Args:
        request: what the round asks.
        shard: which rows, with which seed.
        round_labels: the labels of the whole round; None: there are none.

    Returns:
        row, image, label if there are labels, seed, shard, sample_id.

    Raises:
        GeneratorError: the generator cannot be read, or knows no such label.
    """
    own = None if round_labels is None else round_labels[shard.start : shard.stop]
    asked = len(shard.rows) if own is None else own.to_numpy()
    pixels = diffusion.generate(request.directory, asked, request.settings, shard.seed)
    rows = pl.Series("row", shard.rows, dtype=pl.Int64)
    payload = [images.encode_lenient(pixels), *([] if own is None else [own])]
    frame = pl.DataFrame([rows, *payload]).with_columns(
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
