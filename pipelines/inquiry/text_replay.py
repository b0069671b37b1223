"""Ask a service again what a round of texts asked it, and compare the answers.

The round keeps what was asked and answered (`generators/exchanges.py`). Each request is rendered
anew from the generator's files in the lake and the settings of the round's manifest, and is sent
only if its prompt is the recorded one, with the seed of the recorded answer. A service that takes a
seed answers the same as long as model, weights and software behind its name are the same. Answers
come from the service and not from what this machine has kept; they are compared and not stored.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from lake import documents
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.common.errors import GoneError, ReplayError, TooManyFailures
from pipelines.generators import exchanges
from pipelines.generators.registry import GENERATORS
from pipelines.generators.text.answers import RoundAnswers
from pipelines.generators.text.generator import Text
from pipelines.generators.text.plan import Question, RoundPlan
from pipelines.generators.text.transcript import recorded_prompt
from pipelines.inquiry.replay import recorded_request
from pipelines.llm import ask, costs
from pipelines.llm.ask import Asking
from pipelines.llm.service_cost import ServiceCost
from pipelines.llm.settings import Service
from pipelines.llm.values import Failure, Reply, Request
from pipelines.rounds import history, manifest, model_store, pinned_samples, tables

NO_SEED: Final = "they were asked without a seed"
OTHER_PROMPT: Final = "their prompt cannot be rendered as it was"
UNREADABLE: Final = "an earlier step of theirs has no answer that can be read"
Verdict = Literal["same", "differs", "the model is gone", "incomplete"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request of a round with its recorded answer."""

    row: int
    """The candidate."""
    step: int
    model: str
    served: str
    """The name under which the service answered."""
    answer: str
    service: Service
    request: Request
    """As it was sent, with the seed of the answer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A request that was sent again."""

    recorded: Recorded
    result: Literal["same", "differs", "failed"]
    served: str | None
    """The name under which the service answers now; None where it did not."""
    why: str = ""
    """Why it failed, in the service's words."""


@dataclass(frozen=True, slots=True)
class TextReplay:
    """The requests of a round that can be sent again, or some of them."""

    dataset: str
    round: int
    commit: str
    requests: tuple[Recorded, ...]
    of: int
    """Requests of the round that can be sent again."""
    skipped: Mapping[str, int]
    """Requests that cannot, by the reason."""

    def costs(self) -> list[ServiceCost]:
        """Estimate what sending them takes; nothing is sent, and nothing counts as answered."""
        return [
            ServiceCost(service, costs.estimate([each.request for each in own], service))
            for service, own in _by_service(self.requests)
        ]

    def run(self) -> Replayed:
        """Send the requests and compare the answers.

        Raises:
            ServiceError: a service cannot be used for another reason than that the model is gone.
            BudgetError: `budget_usd` of a service would be passed.
        """
        gone, failed, results = list[str](), list[str](), dict[str, Reply | Failure]()
        for service, own in _by_service(self.requests):
            asked = service.model_copy(update={"batch": False, "max_failures": 1.0})
            try:
                results |= _answers(asked, [each.request for each in own])
            except GoneError as error:
                gone.append(str(error))
            except TooManyFailures as error:
                failed.append(str(error))
        found = [_outcome(each, results.get(each.request.digest)) for each in self.requests]
        outcomes = tuple(each for each in found if each is not None)
        return Replayed(self, outcomes, tuple(gone), tuple(failed))


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of sending requests again."""

    replay: TextReplay
    outcomes: tuple[Outcome, ...]
    gone: tuple[str, ...]
    """Why services are gone, a sentence each, in part in their own words."""
    failed: tuple[str, ...] = ()
    """Why services were not asked on, in the same way."""

    @property
    def counts(self) -> Counter[str]:
        """Requests by result."""
        return Counter(each.result for each in self.outcomes)

    @property
    def verdict(self) -> Verdict:
        """What the answers say of the service.

        A request that failed is no answer: it neither differs nor is it the same.
        """
        if self.gone:
            return "the model is gone"
        if self.counts["differs"]:
            return "differs"
        complete = self.counts["same"] == len(self.replay.requests)
        return "same" if complete else "incomplete"


def prepare(
    lake: Lake, commit: str, dataset: str, number: int, rows: int | None = None
) -> TextReplay:
    """Find the requests of a round that can be sent again.

    Args:
        lake: the lake.
        commit: a commit that holds the round.
        dataset: the data set.
        number: of the round.
        rows: candidates whose requests are sent, evenly spread over the round; None: all.

    Raises:
        ReplayError: the round is none of texts by a service, or its record is incomplete.
    """
    generated = history.generated(lake, dataset, number, commit)
    if generated is None:
        raise ReplayError(f"{commit[:12]} holds no generated round {number} of {dataset}")
    content = manifest.read(lake, generated.id, dataset, number)
    _check_generator(dataset, number, content)
    try:
        asked = tables.read_round(lake, generated.id, dataset, exchanges.TABLE, number)
    except NotFoundError as error:
        raise ReplayError(
            f"round {number} of {dataset} keeps no requests, as rounds of earlier releases do not"
        ) from error
    with tempfile.TemporaryDirectory(prefix="stemma-replay-") as folder:
        model_store.download(lake, generated.id, dataset, number, Path(folder))
        request = recorded_request(
            dataset, number, content, str(content["generator"]["reference"]), Path(folder)
        )
        pinned = content.get("generation", {}).get("parents") or {}
        request = replace(request, samples=pinned_samples.reader(lake, pinned))
        answers: RoundAnswers = Text().plan(request).content
        found, skipped = _requests(answers.plan, asked)
    if not found:
        why = "; ".join(f"{count} requests: {reason}" for reason, count in skipped.items())
        raise ReplayError(f"no request of round {number} of {dataset} can be sent again: {why}")
    chosen = _sample(found, rows)
    return TextReplay(dataset, number, generated.id, chosen, len(found), skipped)


def _check_generator(dataset: str, number: int, content: Mapping[str, Any]) -> None:
    """Check that a round was made by the generator of texts.

    Raises:
        ReplayError: it was not.
    """
    about = content.get("generator") or {}
    reference = str(about.get("reference"))
    if reference in GENERATORS.names() and isinstance(GENERATORS.load(reference), Text):
        return
    raise ReplayError(
        f"round {number} of {dataset} was made by a generator of kind {about.get('kind')}, and not "
        "by a service that writes texts; `stemma audit ID --replay` makes a sample's shard again"
    )


def _requests(plan: RoundPlan, asked: pl.DataFrame) -> tuple[list[Recorded], dict[str, int]]:
    """The requests of candidates that were answered and chosen, and why others are left out."""
    answered = asked.filter(pl.col("answer").is_not_null(), pl.col("chosen"))
    found, skipped = list[Recorded](), Counter[str]()
    for (planned,), rows in answered.sort("planned", "step").group_by(
        "planned", maintain_order=True
    ):
        known = dict(plan.given(plan.candidates[int(str(planned))]))
        for row in rows.iter_rows(named=True):
            step = plan.steps[row["step"]]
            if any(name not in known for name in plan.before(step)):
                skipped[UNREADABLE] += 1
                continue
            question = plan.question(plan.candidates[row["planned"]], step, known)
            made = _recorded(question, row)
            if isinstance(made, Recorded):
                found.append(made)
            else:
                skipped[made] += 1
            known |= _columns(row["answer"], step.columns)
    return found, dict(skipped)


def _recorded(question: Question, row: Mapping[str, Any]) -> Recorded | str:
    """A request as it was sent; or why it cannot be sent again."""
    if row["seed"] is None:
        return NO_SEED
    if recorded_prompt(question.request) != row["prompt"]:
        return OTHER_PROMPT
    sent = replace(question.request, seed=row["seed"])
    return Recorded(
        row=row["planned"],
        step=row["step"],
        model=row["model"],
        served=row["served"],
        answer=row["answer"],
        service=question.service,
        request=sent,
    )


def _columns(answer: str, names: Sequence[str]) -> dict[str, Any]:
    """The columns that a recorded answer gives to later steps; none where it is no object."""
    try:
        value = documents.parse_json(answer, strict=False)
    except ValueError:
        return {}
    there = isinstance(value, dict) and all(name in value for name in names)
    return {name: value[name] for name in names} if there else {}


def _sample(found: Sequence[Recorded], rows: int | None) -> tuple[Recorded, ...]:
    """The requests of so many candidates, evenly spread."""
    every = sorted({each.row for each in found})
    if rows is None or rows >= len(every):
        return tuple(found)
    places = np.linspace(0, len(every) - 1, rows).round().astype(int)
    chosen = {every[place] for place in places}
    return tuple(each for each in found if each.row in chosen)


def _by_service(requests: Sequence[Recorded]) -> list[tuple[Service, list[Recorded]]]:
    services: list[Service] = []
    for each in requests:
        if each.service not in services:
            services.append(each.service)
    return [
        (service, [each for each in requests if each.service == service]) for service in services
    ]


def _answers(service: Service, requests: Sequence[Request]) -> dict[str, Reply | Failure]:
    """The answers of a service, by the digests of the requests, without those kept before."""
    with tempfile.TemporaryDirectory(prefix="stemma-replay-") as folder:
        (answers,) = ask.ask_all([Asking(requests, service)], cache=Path(folder))
    return {each.digest: each for each in answers}


def _outcome(recorded: Recorded, result: Reply | Failure | None) -> Outcome | None:
    """Compare an answer with the recorded one; None where the service was not reached."""
    if result is None:
        return None
    if isinstance(result, Failure):
        return Outcome(recorded, "failed", None, result.reason)
    same = result.text == recorded.answer and result.seed == recorded.request.seed
    return Outcome(recorded, "same" if same else "differs", result.model)
