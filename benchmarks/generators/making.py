"""Let a generator learn from the training rows of a split and make candidates, and time both."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import polars as pl

from benchmarks.generators.worlds import Split
from benchmarks.measured import Taken, measured
from pipelines.common.seeds import derive_seed
from pipelines.generators import making
from pipelines.generators.protocol import GenerateRequest, GenerateResult, Generator
from pipelines.generators.registry import GENERATORS
from pipelines.llm import launch
from pipelines.llm.ask import CACHE
from pipelines.llm.home import DIRECTORY, ServerHome
from pipelines.llm.settings import LOCAL

SHARD: Final = 500
LEARNS: Final = ("row", "round", "sample_id")
SLOW: Final = ("torch", "diffusers", "sklearn.ensemble", "pandas")
"""Libraries that are loaded before the clock runs."""


@dataclass(frozen=True, slots=True)
class Made:
    """Candidates, and what they took."""

    rows: pl.DataFrame
    """Content and labels."""
    fit: Taken = field(default_factory=Taken)
    make: Taken = field(default_factory=Taken)
    dollars: float | None = 0.0
    """None: unknown."""
    cost: Mapping[str, Any] = field(default_factory=dict)
    """What a service took besides seconds, as the round's manifest has it."""


def shipped(split: Split, generator: str, generate: Mapping[str, Any]) -> Made:
    """Run a generator as a round does, from its training rows to all candidates.

    Args:
        split: the rows.
        generator: its reference, as in params.yaml.
        generate: settings in its section of `generate`, besides those that suit the data.
    """
    _load_libraries()
    plugin, suited = GENERATORS.load(generator), split.suited(generator)
    world = split.world
    samples = world.real.select(*LEARNS, *split.payload).with_columns(pl.lit(1.0).alias("weight"))
    seed = derive_seed(world.seed, world.dataset, generator)
    fit = plugin.FitSettings.model_validate(suited.fit.get(generator, {}))
    own = {**suited.generate.get(generator, {}), **generate}
    settings = plugin.GenerateSettings.model_validate(own)
    server = _served(settings)
    with tempfile.TemporaryDirectory() as folder:
        with measured() as fitted:
            plugin.fit(samples, fit, seed, Path(folder))
        request = _request(split, settings, seed, Path(folder))
        with measured(server) as making_:
            found = making.make(plugin, request)
    return _made(split, found, fitted, making_)


def version(generator: str) -> str:
    """Return the semantic version of a generator."""
    plugin: type[Generator[Any, Any]] = GENERATORS.find(generator)
    return str(plugin.version)


def _request(split: Split, settings: Any, seed: int, folder: Path) -> GenerateRequest[Any]:  # noqa: ANN401  each generator has its own
    world = split.world
    return GenerateRequest(
        dataset=world.dataset,
        round=1,
        seed=seed,
        identity=tuple(world.settings.identity),
        candidates=split.candidates,
        shard_rows=SHARD,
        settings=settings,
        directory=folder,
        answers=(world.settings.modality.answer,),
    )


def _made(split: Split, found: GenerateResult, fitted: Taken, making_: Taken) -> Made:
    cost = dict(found.report.cost)
    dollars = cost.get("dollars") if cost else 0.0
    return Made(found.candidates.select(split.payload), fitted, making_, dollars, cost)


def _served(settings: Any) -> int | None:  # noqa: ANN401  each generator has its own
    """Start the local model's server where it will be asked; returns its process.

    Answers that an ended run left are forgotten, so that the seconds are those of the whole.
    """
    service = getattr(settings, "service", None)
    if service is None:
        return None
    for kept in CACHE.glob("answers.db*"):
        kept.unlink()
    if service.model != LOCAL:
        return None
    launch.serve_on_demand()
    endpoint = ServerHome(DIRECTORY.absolute()).endpoint()
    return None if endpoint is None else endpoint.pid


def _load_libraries() -> None:
    for name in SLOW:
        if find_spec(name.partition(".")[0]) is not None:
            import_module(name)
