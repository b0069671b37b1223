"""Rounds made by several executors: what each has to give, as one digest."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.generation import round_making
from pipelines.generation.kept_shards import KeptShards
from pipelines.generators.protocol import GenerateResult
from pipelines.rounds import stage_inputs
from pipelines.rounds.context import RoundContext, open_context
from pipelines.rounds.keys import StageKey
from tests import golden
from tests.flow.projects import HERE, Project, tiny_round

KEY = "tiny-3"
STRIPES = """
import numpy as np

SOURCE = "stripes 1"
LICENCE = "MIT"


def simulate(seed: int, contrast: int) -> dict[str, object]:
    draw, label = np.random.default_rng(seed), seed % 2
    pixels = draw.integers(20, 60, (8, 8))
    pixels[:, 4 * label : 4 * label + 4] += contrast
    return {"image": pixels.astype(np.uint8), "label": label}
"""
"""A function that makes images like those of `tiny`."""


def fitted(project: Project, generator: str, **generate: Any) -> None:
    """Fit a third round of `tiny` with a generator, in the current directory."""
    for name in ("noisy.py", "marked.py"):
        shutil.copy2(HERE / name, project.root / name)
    (project.root / "stripes.py").write_text(STRIPES)
    entry = tiny_round(3) | {"generator": generator, "generate": generate}
    project.edit(lambda content: content["rounds"].update({KEY: entry}))
    project.run("fit", KEY)


def opened(key: str = KEY) -> tuple[RoundContext, StageKey]:
    """A round and the key of its stage `generate`."""
    ctx = open_context(key)
    return ctx, stage_inputs.key(ctx.round, "generate", ctx.receipt("fit").key)


def made_by(executor: str | Mapping[str, Any], project: Project, key: str = KEY) -> GenerateResult:
    """Make a round by an executor, and forget its shards; candidates have all columns."""
    project.edit(lambda content: content.update(executor=executor))
    ctx, stage_key = opened(key)
    made = round_making.make(ctx, stage_key)
    candidates = pl.concat(made.payload())
    KeptShards.of(ctx.round, stage_key).remove()
    return replace(made.result, candidates=candidates)


def digest(result: GenerateResult) -> str:
    """Digest of candidates, parents and report, with the types of their columns."""
    report = asdict(result.report)
    del report["cost"]  # seconds and tries
    return golden.digest_of(
        {
            "candidates": _plain(result.candidates),
            "parents": _plain(result.parents),
            "report": {**report, "exchanges": _plain(report["exchanges"])},
        }
    )


def shard_folders(root: Path = Path()) -> list[str]:
    """Names of the kept shards of a project, of whatever key."""
    return sorted(path.name for path in (root / ".stemma" / "shards").glob("*/[0-9]*"))


def _plain(frame: pl.DataFrame | None) -> Any:
    if frame is None:
        return None
    types = {name: str(kind) for name, kind in frame.schema.items()}
    return {"types": types, "rows": frame.to_dicts()}
