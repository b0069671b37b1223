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
from typing import Final

import polars as pl

from lake.files import write_json
from lineage.identity import sample_ids
from pipelines.common.shards import Shard
from pipelines.generators import model_folder
from pipelines.generators.protocol import (
    GenerateBatch,
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
    Generator,
)
from pipelines.generators.text import attribution, exemplars, plan, reporting, templates
from pipelines.generators.text.answers import RoundAnswers
from pipelines.generators.text.exemplars import LABEL
from pipelines.generators.text.plan import Question
from pipelines.generators.text.settings import VERSION, TextFit, TextGenerate
from pipelines.llm import cache, costs, prompt_escaping, readiness
from pipelines.llm.ask import CACHE
from pipelines.llm.service_cost import ServiceCost
from pipelines.llm.values import Reply

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

    def files(self, settings: TextFit | TextGenerate) -> tuple[Path, ...]:
        """Return the prompt template if it is a file of the user's."""
        if isinstance(settings, TextFit):
            return ()
        return templates.PROMPTS.own_files(templates.name_of(settings.prompt, ()))

    def check_ready(self, settings: TextGenerate) -> None:
        """Check that the service can be asked.

        Raises:
            ServiceError: It has no key.
            LibraryError: It is the local model, which is not installed.
        """
        readiness.check(settings.service)

    def fit(self, samples: pl.DataFrame, settings: TextFit, seed: int, directory: Path) -> None:
        """Keep a pool of exemplars of a mix.

        Raises:
            GeneratorError: no row can be an exemplar.
        """
        pool = exemplars.choose(samples, settings.pool_rows, seed)
        exemplars.write(pool, directory)
        manifest = {
            "kind": KIND,
            "rows": len(samples),
            "pool": len(pool.rows),
            "pool_digest": pool.digest,
            "columns": pool.columns,
            "classes": pool.labels,
            "attribution": self.attribution,
            "settings": settings.model_dump(mode="json"),
            "seed": seed,
        }
        write_json(directory / model_folder.MANIFEST, manifest)

    def plan(self, request: GenerateRequest[TextGenerate]) -> GeneratePlan[TextGenerate]:
        """Render every request of a round.

        Raises:
            GeneratorError: pool or prompt cannot be read.
        """
        pool = exemplars.read(request.directory)
        answers = RoundAnswers(request, pool, plan.questions(request, pool))
        return GeneratePlan(request, request.shards(), answers)

    def generate(self, plan: GeneratePlan[TextGenerate], shard: Shard) -> Iterator[GenerateBatch]:
        """Give the answers to the questions of a shard; one that failed for good gives no row.

        Raises:
            GeneratorError: no request of the round was answered.
            ServiceError: the service cannot be used, the budget would be passed, or too much
                failed.
        """
        answers: RoundAnswers = plan.content
        answered = [
            (row, question, answer)
            for row, question, answer in answers.of(shard)
            if isinstance(answer, Reply)
        ]
        if not answered:
            return
        rows = [row for row, _, _ in answered]
        yield GenerateBatch(
            _candidates(plan.request, answered),
            attribution.parents(
                plan.request.dataset,
                answers.pool.rows,
                rows,
                [question.shown for _, question, _ in answered],
            ),
        )

    def report(self, plan: GeneratePlan[TextGenerate]) -> GenerateReport:
        """Say who answered, what it cost and what failed."""
        answers: RoundAnswers = plan.content
        return reporting.report(plan.request, answers.questions, answers.all)

    def cost(
        self,
        samples: pl.DataFrame,
        fit: TextFit,
        seed: int,
        request: GenerateRequest[TextGenerate],
    ) -> Sequence[ServiceCost]:
        """Count the requests that the round would send; those with a kept answer cost nothing.

        Raises:
            GeneratorError: no row can be an exemplar, or the prompt cannot be rendered.
        """
        with tempfile.TemporaryDirectory(prefix="stemma-estimate-") as directory:
            self.fit(samples, fit, seed, Path(directory))
            pool = exemplars.read(Path(directory))
            questions = plan.questions(replace(request, directory=Path(directory)), pool)
        requests = [each.request for each in questions]
        service = request.settings.service
        cached = cache.answered(CACHE, [each.digest for each in requests])
        return [ServiceCost(service, costs.estimate(requests, service, cached))]


def _candidates(
    request: GenerateRequest[TextGenerate], answered: Sequence[tuple[int, Question, Reply]]
) -> pl.DataFrame:
    """row, payload, seed, shard, prompt_digest, sample_id of the answers, in order."""
    texts = {
        name: pl.Series(
            [prompt_escaping.sound(reply.parsed[name]) for _, _, reply in answered], dtype=pl.String
        )
        for name in request.identity
    }
    own = [question for _, question, _ in answered]
    labels = [each.label for each in own]
    labelled = {LABEL: pl.Series(labels, dtype=pl.String)} if labels[0] is not None else {}
    frame = pl.DataFrame(
        {
            "row": pl.Series([row for row, _, _ in answered], dtype=pl.Int64),
            **texts,
            **labelled,
            "seed": pl.Series([each.shard.seed for each in own], dtype=pl.Int64),
            "shard": pl.Series([each.shard.index for each in own], dtype=pl.Int32),
            "prompt_digest": pl.Series([each.prompt_digest for each in own], dtype=pl.Binary),
        }
    )
    return frame.with_columns(sample_ids(frame, request.identity).alias("sample_id"))
