"""Generator `pretrained`: a pipeline of diffusers that others trained draws the candidates.

What it learnt from is not known row by row, so the candidates are opaque (`opaque_share` 1), but
for what they owe to explicit parents: the image that was edited, or the row whose text is the
prompt. `fit` keeps the rows of the mix and what the pipeline is, and may train an adapter on the
mix; the pipeline itself is not copied into the lake.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from pipelines.common import digests, optional
from pipelines.common.errors import GeneratorError
from pipelines.common.seeds import derive_seed
from pipelines.common.shards import Shard
from pipelines.features import images
from pipelines.generators import model_folder
from pipelines.generators import pool as pools
from pipelines.generators.pool import Pool
from pipelines.generators.pretrained.settings import (
    OF_SOURCES,
    VERSION,
    PretrainedFit,
    PretrainedGenerate,
)
from pipelines.generators.prompts import checks, draws
from pipelines.generators.prompts.draws import Prompt
from pipelines.generators.protocol import (
    STAGE,
    GenerateBatch,
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
    GenerateResult,
    Generator,
)
from pipelines.generators.trained import candidates, machine

if TYPE_CHECKING:
    from pipelines.generators.pretrained.drawing import Box, Wanted
    from pipelines.generators.pretrained.pipeline_files import PipelineFiles

IMAGE: Final = "image"
LIBRARIES: Final = ("diffusers", "transformers")
NEEDED: Final = ("transformers", "peft")
REFUSED: Final = "the filter of the pipeline refused the image"
PretrainedRequest = GenerateRequest[PretrainedGenerate]


@dataclass
class Content:
    """What a round is made of, and the pipeline, loaded when the first shard asks for it."""

    request: PretrainedRequest
    pool: Pool
    prompts: list[Prompt]
    boxes: list[Box] | None
    pipeline: Any = None
    """In memory, once the first shard has asked for it."""
    filtered: dict[int, list[int]] = field(default_factory=dict)
    """By shard, the rows that the pipeline's own filter refused."""

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Of the generator's folder."""
        return model_folder.read_manifest(self.request.directory)[0]

    @cached_property
    def files(self) -> PipelineFiles:
        """The pipeline, which must be the one of the fit.

        Raises:
            GeneratorError: it is gone, or another one.
        """
        from pipelines.generators.pretrained import pipeline_files  # noqa: PLC0415  slow to import

        about = self.manifest.get("model") or {}
        found = pipeline_files.find(str(about.get("name") or ""), about.get("revision"))
        if found.digest != about.get("digest"):
            raise GeneratorError(
                f"the pipeline {found.model} is another one than when the stage fit looked at it; "
                "run the stage fit again"
            )
        return found

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Of the data's images."""
        return images.decode(self.pool.payload[IMAGE][:1]).shape[1:]


class Pretrained(Generator[PretrainedFit, PretrainedGenerate]):
    """Images drawn by a pipeline of diffusers that others trained."""

    name = "pretrained"
    version = VERSION
    FitSettings = PretrainedFit
    GenerateSettings = PretrainedGenerate
    attribution = "prompted/1"
    modalities = ("image",)
    opaque_share = 1.0
    reads_data = True

    def files(self, settings: PretrainedFit | PretrainedGenerate) -> tuple[Path, ...]:
        """Return the adapter that is loaded besides, if there is one."""
        lora = getattr(settings, "lora", None)
        return (Path(lora),) if isinstance(lora, str) else ()

    def fit_files(self, settings: PretrainedFit) -> tuple[Path, ...]:
        """Return the folder of the pipeline, where it is one."""
        folder = Path(settings.model)
        return (folder,) if settings.model and (folder / "model_index.json").is_file() else ()

    def reads(self, settings: PretrainedGenerate) -> tuple[tuple[str, int], ...]:
        """Return the round of another data set whose rows are the prompts."""
        return settings.prompts.rounds

    def check_ready(self, settings: PretrainedGenerate) -> None:  # noqa: ARG002  of the protocol
        """Check that the libraries are installed.

        Raises:
            LibraryError: one is not.
        """
        optional.check_installed(NEEDED, "pipelines that others trained", extra="pretrained")

    def check_rows(self, rows: pl.DataFrame, request: PretrainedRequest) -> None:
        """Check that prompts can be made of the rows.

        Raises:
            GeneratorError: they lack a column, or it holds no texts.
        """
        own = request.settings
        checks.check(rows, own.prompts, request.dataset, sources=own.task in OF_SOURCES)

    def fit(
        self, samples: pl.DataFrame, settings: PretrainedFit, seed: int, directory: Path
    ) -> None:
        """Keep the rows of the mix, and train an adapter on them if settings say so.

        Raises:
            GeneratorError: there is no such pipeline, or it cannot be trusted or trained.
            LibraryError: peft is not installed, and an adapter is to be trained.
        """
        from pipelines.generators.pretrained import loading, lora, pipeline_files  # noqa: PLC0415

        found = pipeline_files.find(settings.model, settings.revision)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / loading.LORA).unlink(missing_ok=True)
        about = {
            "name": settings.model,
            "revision": found.revision,
            "digest": found.digest,
            "licence": settings.licence or found.licence,
        }
        more: dict[str, Any] = {"model": about, "seed": seed}
        if settings.lora is not None:
            with machine.repeatable(settings.threads, settings.device) as device:
                pipeline = loading.load(found, "float32").to(device)
                lora.train(pipeline, samples, settings.lora, settings.size, seed, directory)
                more |= machine.environment(settings.threads, device)
            more["lora"] = {
                **settings.lora.model_dump(mode="json"),
                "sha256": digests.of_file(directory / loading.LORA),
            }
        pools.write(samples, directory, self.version, more)

    def plan(self, request: PretrainedRequest) -> GeneratePlan[PretrainedGenerate]:
        """Draw the prompts and sources of all candidates.

        Raises:
            GeneratorError: rows of the mix are damaged, or prompts cannot be made of them.
        """
        pool, settings = pools.read(request), request.settings
        sources = settings.task in OF_SOURCES
        if sources and settings.prompts.dataset is not None:
            raise GeneratorError(
                f"the prompts of {settings.task} are about its source; take them from a template "
                "or a column, and leave generate.pretrained.prompts.dataset out"
            )
        prompts = draws.drawn(request, settings.prompts, pool, sources=sources)
        content = Content(request, pool, prompts, _boxes(request))
        return GeneratePlan(request, request.shards(), content)

    def generate(
        self, plan: GeneratePlan[PretrainedGenerate], shard: Shard
    ) -> Iterator[GenerateBatch]:
        """Draw a shard; what the pipeline's own filter refuses gives no row.

        Raises:
            GeneratorError: the pipeline is gone or another one, or it fails.
        """
        from pipelines.generators.pretrained import drawing, loading  # noqa: PLC0415

        content: Content = plan.content
        settings, directory = plan.request.settings, plan.request.directory
        own = content.prompts[shard.start : shard.stop]
        with machine.repeatable(settings.threads, settings.device) as device:
            if content.pipeline is None:
                content.pipeline = loading.prepared(content.files, settings, device, directory)
            wanted = _wanted(content, shard)
            drawn = drawing.draw(content.pipeline, wanted, settings, content.shape)
        there = [at for at, each in enumerate(drawn) if each.pixels is not None]
        refused = [own[at].row for at in range(len(own)) if at not in set(there)]
        content.filtered[shard.index] = refused
        if there:
            pixels = np.stack([each.pixels for each in drawn if each.pixels is not None])
            yield _batch(plan.request, shard, [own[at] for at in there], pixels)

    def shard_facts(
        self, plan: GeneratePlan[PretrainedGenerate], shard: Shard
    ) -> Mapping[str, Any]:
        """Say how many images a shard asked for, which were refused, and where they were drawn."""
        content: Content = plan.content
        own = _environment(plan.request.settings)
        filtered = content.filtered.get(shard.index, [])
        return {"asked": len(shard.rows), "filtered": filtered, "environment": own}

    def report(self, plan: GeneratePlan[PretrainedGenerate]) -> GenerateReport:
        """Say which pipeline drew, on what, and what its filter refused."""
        content: Content = plan.content
        about, settings = content.manifest["model"], plan.request.settings
        made = list(plan.made.values())
        own = machine.together([each["environment"] for each in made]) or _environment(settings)
        named = {"model": about["name"], "weights": about["digest"]}
        said = {each: about[each] for each in ("revision", "licence") if about[each]}
        environment = {**candidates.environment(VERSION, own, LIBRARIES), **named, **said}
        if settings.lora is not None:
            environment["lora"] = digests.of_file(Path(settings.lora))
        facts = {"task": settings.task, "asked": sum(each["asked"] for each in made)}
        filtered = sorted(row for each in made for row in each["filtered"])
        refused = {"filtered": filtered} if filtered else {}
        drawn = draws.facts(content.prompts, content.pool)
        unmade = {REFUSED: len(filtered)} if filtered else {}
        return GenerateReport(environment, facts={**facts, **refused, **drawn}, unmade=unmade)

    def replay(
        self, request: PretrainedRequest, shard: Shard, recorded: Mapping[str, Any]
    ) -> GenerateResult:
        """Draw a shard again: on the processor where it was done on one, else as it may be.

        Raises:
            GeneratorError: as `generate`.
        """
        on_processor = "cpu" in (recorded.get("device"), request.settings.device)
        device = "cpu" if on_processor else "auto"
        settings = request.settings.model_copy(update={"device": device})
        plan = self.plan(replace(request, settings=settings))
        made = list(self.generate(plan, shard))
        plan = replace(plan, made={shard.index: self.shard_facts(plan, shard)})
        return GenerateResult(
            pl.concat([each.candidates for each in made]), None, self.report(plan)
        )


def _environment(settings: PretrainedGenerate) -> dict[str, Any]:
    """What the bits depend on here besides versions."""
    with machine.repeatable(settings.threads, settings.device) as device:
        return {**machine.environment(settings.threads, device), **machine.described(device)}


def _boxes(request: PretrainedRequest) -> list[Box] | None:
    """Draw what is made anew of each source."""
    if request.settings.task != "inpainting":
        return None
    from pipelines.generators.pretrained import drawing  # noqa: PLC0415

    seed = derive_seed(request.seed, request.dataset, request.round, STAGE, "boxes")
    draw = np.random.default_rng(seed)
    return list(drawing.boxes(request.candidates, request.settings.masked, draw))


def _wanted(content: Content, shard: Shard) -> list[Wanted]:
    """What is wanted of the pipeline for a shard."""
    from pipelines.generators.pretrained.drawing import Wanted  # noqa: PLC0415

    own = content.prompts[shard.start : shard.stop]
    sources: list[Any] = [None] * len(own)
    if content.request.settings.task in OF_SOURCES:
        keys = content.pool.keys.select("round", "row").rows()
        place = {key: at for at, key in enumerate(keys)}
        rows = [place[each.parent.round, each.parent.row] for each in own if each.parent]
        sources = list(images.decode(content.pool.payload[IMAGE][rows]))
    return [
        Wanted(
            seed=derive_seed(shard.seed, "image", each.row),
            prompt=each.text,
            label=each.label,
            source=source,
            box=None if content.boxes is None else content.boxes[each.row],
        )
        for each, source in zip(own, sources, strict=True)
    ]


def _batch(
    request: PretrainedRequest,
    shard: Shard,
    own: list[Prompt],
    pixels: Any,  # noqa: ANN401  array
) -> GenerateBatch:
    """Write images as candidates, with their parents."""
    frame = candidates.prompted(request, shard, own, pixels)
    settings = request.settings
    if settings.task == "image_to_image":
        return GenerateBatch(frame, draws.parents(own, "edited", 1 - settings.strength))
    if settings.task == "inpainting":
        return GenerateBatch(frame, draws.parents(own, "edited", 1 - settings.masked))
    return GenerateBatch(frame, draws.parents(own))
