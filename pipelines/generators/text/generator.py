"""A language model as a generator: exemplars of the mix in, labelled texts out.

Nothing is trained. `fit` keeps a pool of exemplars, so that a round is made from its generator's
files alone; which service is asked is a setting of stage `generate`, and stands in the round's
manifest beside the names under which the service answered.
"""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import polars as pl

from lake.files import write_json
from lineage.identity import sample_ids
from pipelines.common import digests, progress
from pipelines.common.errors import GeneratorError
from pipelines.generators import model_folder
from pipelines.generators.protocol import GenerateResult
from pipelines.generators.text import attribution, exemplars, plan, templates
from pipelines.generators.text.exemplars import LABEL
from pipelines.generators.text.plan import Question, Wanted
from pipelines.generators.text.settings import TextFit, TextGenerate
from pipelines.llm import costs, prompt_escaping
from pipelines.llm.ask import ask
from pipelines.llm.settings import LOCAL
from pipelines.llm.values import WEIGHTS, Failure, Reply

KIND: Final = "text/1"
ATTRIBUTION: Final = attribution.RULE
OPAQUE: Final = True
CODE: Final = ("generators/text", "llm", "common/seeds.py", "common/shards.py")
"""What turns pool and settings into requests, and answers into candidates."""
LIBRARIES: Final = ("jinja2", "numpy", "openai", "polars")
REASONS: Final = 10
"""Reasons of failures that the round's manifest names, the most frequent first."""


def files(settings: TextGenerate | None) -> tuple[str, ...]:
    """A template outside of the generator's folder, which candidates depend on too."""
    name = None if settings is None else settings.prompt
    place = templates.place_of(name, ())
    return () if place.parent == templates.FOLDER else (str(place),)


def fit(samples: pl.DataFrame, settings: TextFit | None, seed: int, directory: Path) -> None:
    """Keep a pool of exemplars of a mix.

    Raises:
        GeneratorError: no row can be an exemplar.
    """
    own = settings or TextFit()
    pool = exemplars.choose(samples, own.pool_rows, seed)
    exemplars.write(pool, directory)
    about = {
        "kind": KIND,
        "rows": len(samples),
        "pool": len(pool.rows),
        "pool_digest": pool.digest,
        "columns": pool.columns,
        "classes": pool.labels,
        "attribution": ATTRIBUTION,
        "settings": own.model_dump(mode="json"),
        "seed": seed,
    }
    write_json(directory / model_folder.MANIFEST, about)


def make(asked: Wanted) -> GenerateResult:
    """Ask for every candidate of a round.

    A request that fails for good gives no candidate; rows stay dense.

    Raises:
        GeneratorError: pool or prompt cannot be read, or no request was answered.
        ServiceError: the service cannot be used, the budget would be passed, or too much failed.
    """
    pool = exemplars.read(asked.directory)
    questions = plan.questions(asked, pool)
    service = plan.settings_of(asked).service
    with progress.bar(len(questions), f"asking {service.model}") as told:
        answers = ask([each.request for each in questions], service, progress=told)
    answered = [
        (question, answer)
        for question, answer in zip(questions, answers, strict=True)
        if isinstance(answer, Reply)
    ]
    if not answered:
        raise GeneratorError(f"no request was answered; the last one: {_reasons(answers)[-1][0]}")
    return GenerateResult(
        candidates=_candidates(asked, answered),
        environment=environment(asked, [answer for _, answer in answered]),
        cost=cost(answers),
        parents=attribution.parents(
            asked.dataset, pool.rows, [question.shown for question, _ in answered]
        ),
        facts=_facts(asked, questions, answers),
    )


def cost(answers: Sequence[Reply | Failure]) -> dict[str, Any]:
    """What the answers of a round took: requests, tokens, dollars (null: the price is unknown)."""
    return {**asdict(costs.total(answers)), "attempts": sum(each.attempts for each in answers)}


def environment(asked: Wanted, replies: Sequence[Reply]) -> dict[str, Any]:
    """What a second making must share with this one to give the same; no address and no key."""
    root = Path(__file__).parents[2]
    code = [digests.of_file(root / name) for name in CODE]
    service = plan.settings_of(asked).service
    return {
        "code": hashlib.sha256("".join(code).encode()).hexdigest(),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in LIBRARIES},
        "prompt": plan.template_of(asked).digest,
        "endpoint": service.kind,
        "model": service.model,
        "served": sorted({reply.model for reply in replies}),
        **({"weights": WEIGHTS} if service.model == LOCAL else {}),
    }


def _candidates(asked: Wanted, answered: Sequence[tuple[Question, Reply]]) -> pl.DataFrame:
    """row, payload, seed, shard, prompt_digest, sample_id of the answers, in order."""
    texts = {
        name: pl.Series(
            [prompt_escaping.sound(reply.parsed[name]) for _, reply in answered], dtype=pl.String
        )
        for name in asked.identity
    }
    labels = [question.label for question, _ in answered]
    labelled = {LABEL: pl.Series(labels, dtype=pl.String)} if labels[0] is not None else {}
    own = [question for question, _ in answered]
    frame = pl.DataFrame(
        {
            "row": pl.Series(range(len(own)), dtype=pl.Int64),
            **texts,
            **labelled,
            "seed": pl.Series([each.shard.seed for each in own], dtype=pl.Int64),
            "shard": pl.Series([each.shard.index for each in own], dtype=pl.Int32),
            "prompt_digest": pl.Series([each.prompt_digest for each in own], dtype=pl.Binary),
        }
    )
    return frame.with_columns(sample_ids(frame, asked.identity).alias("sample_id"))


def _facts(
    asked: Wanted, questions: Sequence[Question], answers: Sequence[Reply | Failure]
) -> Mapping[str, Any]:
    template = plan.template_of(asked)
    failed = [number for number, each in enumerate(answers) if isinstance(each, Failure)]
    return {
        "prompt": {"name": template.name, "digest": template.digest},
        "attribution": ATTRIBUTION,
        "asked": len(questions),
        "failed": len(failed),
        "failed_questions": failed,
        "reasons": dict(_reasons(answers)[:REASONS]),
        "finish": dict(Counter(each.finish_reason for each in answers if isinstance(each, Reply))),
        "shots": dict(Counter(str(len(each.shown)) for each in questions)),
    }


def _reasons(answers: Sequence[Reply | Failure]) -> list[tuple[str, int]]:
    """Why requests failed, the most frequent reason first."""
    return Counter(each.reason for each in answers if isinstance(each, Failure)).most_common()
