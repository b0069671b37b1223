"""A language model as a generator: exemplars of the mix in, labelled texts out.

Nothing is trained. `fit` keeps a pool of exemplars, so that a round is made from its generator's
files alone; which service is asked is a setting of stage `generate`, and stands in the round's
manifest beside the names under which the service answered.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from lake.files import write_json
from pipelines.common import console
from pipelines.common.errors import GeneratorError
from pipelines.common.shards import Shard
from pipelines.generators import model_folder
from pipelines.generators.protocol import (
    GenerateBatch,
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
    Generator,
)
from pipelines.generators.text import (
    attribution,
    candidates,
    exemplars,
    plan,
    recipe,
    reporting,
    templates,
)
from pipelines.generators.text.answers import RoundAnswers
from pipelines.generators.text.candidate_making import Making
from pipelines.generators.text.exemplars import Pool
from pipelines.generators.text.plan import RoundPlan
from pipelines.generators.text.settings import VERSION, TextFit, TextGenerate
from pipelines.generators.text.trial import TextTrial
from pipelines.llm import cache, costs, readiness
from pipelines.llm.ask import CACHE
from pipelines.llm.service_cost import ServiceCost
from pipelines.llm.settings import Service
from pipelines.llm.values import Request

KIND: Final = "text/1"
"""Of the generator's folder."""


class Text(Generator[TextFit, TextGenerate]):
    """A language model behind a service, which is shown exemplars of the mix."""

    name = "text"
    version = VERSION
    FitSettings = TextFit
    GenerateSettings = TextGenerate
    attribution = attribution.RULE
    modalities = ("text",)
    opaque_share = 1.0
    no_replay = "a service wrote its texts; `stemma replay` asks the service for them again"

    def files(self, settings: TextFit | TextGenerate) -> tuple[Path, ...]:
        """Return the user's files: templates of prompts, attributes, a schema of the columns."""
        if isinstance(settings, TextFit):
            return ()
        named = recipe.prompts(settings) or [templates.name_of(None, ())]
        prompts = [path for name in named for path in templates.PROMPTS.own_files(name)]
        types = [Path(settings.types)] if isinstance(settings.types, str) else []
        return (*prompts, *map(Path, settings.attribute_files), *types)

    def check_ready(self, settings: TextGenerate) -> None:
        """Check that each service can be asked.

        Raises:
            ServiceError: One has no key.
            LibraryError: One is the local model, which is not installed.
        """
        for service in recipe.services(settings):
            readiness.check(service)

    def reads(self, settings: TextGenerate) -> tuple[tuple[str, int], ...]:
        """Return the round of pictures that prompts show."""
        pictures = settings.pictures
        return () if pictures is None else ((pictures.dataset, pictures.round),)

    def scored_by(self, settings: TextGenerate) -> str | None:
        """Return the column by which the best of several candidates is chosen."""
        return None if settings.best_of is None else settings.best_of.score

    def check_request(self, request: GenerateRequest[TextGenerate]) -> None:
        """Check columns, steps, classes, templates and files of a round, before it is fitted.

        Raises:
            GeneratorError: Names the setting, and what to do.
        """
        recipe.check(request)

    def fit(self, samples: pl.DataFrame, settings: TextFit, seed: int, directory: Path) -> None:
        """Keep a pool of exemplars of a mix.

        Raises:
            GeneratorError: no row can be an exemplar.
        """
        pool = exemplars.choose(samples, settings.pool_rows, seed, settings.keep)
        exemplars.write(pool, directory)
        manifest = {
            "kind": KIND,
            "rows": len(samples),
            "pool": len(pool.rows),
            "pool_digest": pool.digest,
            "columns": pool.columns,
            "classes": pool.labels,
            "attribution": self.attribution,
            "settings": _recorded(settings),
            "seed": seed,
        }
        write_json(directory / model_folder.MANIFEST, manifest)

    def plan(self, request: GenerateRequest[TextGenerate]) -> GeneratePlan[TextGenerate]:
        """Render every request of a round.

        Raises:
            GeneratorError: pool or prompt cannot be read.
        """
        pool = exemplars.read(request.directory, kept_in(request.directory))
        if request.settings.exemplars == "each":
            _check_whole(request.directory, pool)
        answers = RoundAnswers(plan.make(request, pool))
        return GeneratePlan(request, request.shards(), answers)

    def generate(self, plan: GeneratePlan[TextGenerate], shard: Shard) -> Iterator[GenerateBatch]:
        """Give the candidates of a shard; one of which a request failed for good gives no row.

        Raises:
            GeneratorError: no request of the round was answered.
            ServiceError: a service cannot be used, a budget would be passed, or too much failed.
        """
        answers: RoundAnswers = plan.content
        made, unfit = candidates.fitting(answers.plan, answers.of(shard))
        answers.unfit |= unfit
        if not made:
            return
        yield GenerateBatch(candidates.frame(answers.plan, made), _parents(answers.plan, made))

    def report(self, plan: GeneratePlan[TextGenerate]) -> GenerateReport:
        """Say who answered, what it cost and what failed."""
        answers: RoundAnswers = plan.content
        return reporting.report(answers.plan, answers.all, answers.unfit, answers.besides)

    def cost(
        self,
        samples: pl.DataFrame,
        fit: TextFit,
        seed: int,
        request: GenerateRequest[TextGenerate],
    ) -> Sequence[ServiceCost]:
        """Count the requests that the round would send; those with a kept answer cost nothing.

        A request of a later step is counted as it would be without the columns of earlier ones.

        Raises:
            GeneratorError: no row can be an exemplar, or the prompt cannot be rendered.
        """
        with tempfile.TemporaryDirectory(prefix="stemma-estimate-") as directory:
            self.fit(samples, fit, seed, Path(directory))
            pool = exemplars.read(Path(directory), fit.keep)
            round_plan = plan.make(replace(request, directory=Path(directory)), pool)
        return costs_of(round_plan)

    def trial(self, request: GenerateRequest[TextGenerate], count: int) -> TextTrial:
        """Plan a round, of which the first candidates are asked for.

        Raises:
            GeneratorError: pool or prompt cannot be read.
        """
        answers: RoundAnswers = self.plan(request).content
        return TextTrial.of(answers.plan, count, costs_of)


def _parents(round_plan: RoundPlan, made: Sequence[Making]) -> pl.DataFrame:
    """Edges from candidates to their exemplars, given rows and pictures."""
    request, gallery = round_plan.request, round_plan.gallery
    rows = [each.planned.row for each in made]
    shown = [each.planned.shown for each in made]
    of_pool = attribution.parents(
        request.dataset,
        round_plan.pool.rows,
        rows,
        shown,
        relation=request.settings.relation,
        besides=0 if gallery is None else 1,
    )
    if gallery is None:
        return of_pool
    pictures = [each.planned.picture or 0 for each in made]
    of_pictures = gallery.parents(rows, pictures, [len(each) for each in shown])
    return pl.concat([of_pool, of_pictures], how="diagonal").sort("row", maintain_order=True)


def kept_in(directory: Path) -> tuple[str, ...]:
    """Columns that a pool holds besides those of texts, as its fit was set.

    Raises:
        StaleError: the folder has no manifest, or a damaged one.
    """
    settings = model_folder.read_manifest(directory)[0].get("settings")
    keep = settings.get("keep") if isinstance(settings, dict) else None
    return tuple(str(each) for each in keep) if isinstance(keep, list) else ()


def _recorded(settings: TextFit) -> dict[str, Any]:
    """Settings of a fit in its manifest; columns to keep only if there are any."""
    return settings.model_dump(mode="json", exclude=set() if settings.keep else {"keep"})


def _check_whole(directory: Path, pool: Pool) -> None:
    """Check that the pool holds all rows that can be given, and say which cannot.

    Raises:
        GeneratorError: it has as many as it may hold, and the mix has more.
    """
    about, _ = model_folder.read_manifest(directory)
    rows, settings = about.get("rows"), about.get("settings")
    most = settings.get("pool_rows") if isinstance(settings, dict) else None
    if not isinstance(rows, int) or rows <= len(pool.rows):
        return
    if len(pool.rows) == most:
        raise GeneratorError(
            f"exemplars: each gives every row, and the pool holds {most:,} of {rows:,}; raise "
            "fit.text.pool_rows"
        )
    console.line(
        f"{rows - len(pool.rows):,} of {rows:,} rows of the mix are not given, as they have no "
        "weight, or no value in a column of the pool"
    )


def costs_of(round_plan: RoundPlan) -> list[ServiceCost]:
    """What the requests of a plan will take, for each service; nothing is sent."""
    requests: list[tuple[Service, Request]] = []
    best_of = round_plan.request.settings.best_of
    variants = range(1 if best_of is None else best_of.answers)
    expected = round_plan.candidates[: round_plan.request.expected]
    made = [replace(each, variant=number) for each in expected for number in variants]
    for step in round_plan.steps:
        for each in made:
            known = dict.fromkeys(round_plan.before(step), "") | round_plan.given(each)
            question = round_plan.question(each, step, known)
            requests.append((question.service, question.request))
    found = []
    for service in recipe.services(round_plan.request.settings):
        own = [request for asked, request in requests if asked is service or asked == service]
        cached = cache.answered(CACHE, [each.digest for each in own])
        found.append(ServiceCost(service, costs.estimate(own, service, cached)))
    return found
