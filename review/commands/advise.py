"""`stemma advise DATASET`: generator, verifiers, regime, audit and cost, with the evidence."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Literal, cast

import typer

from pipelines.inquiry.foresight import advice, evidence
from pipelines.inquiry.foresight.advice import Advice, Ease, Judged
from pipelines.params import load
from pipelines.rounds.context import open_lake
from review.cli.datasets import wanted_dataset
from review.cli.output import make_console, print_json, sentence, table
from review.errors import UsageError

QUESTIONS = {
    "collection": "are more real rows easy to collect",
    "verification": "is it easy to tell right rows from wrong ones",
}


def run(*, dataset: str, collection: str | None, verification: str | None, as_json: bool) -> None:
    """Ask or infer, and answer."""
    _ease("collection", collection)
    _ease("verification", verification)
    params = load()
    settings = params.datasets[wanted_dataset(params, dataset)]
    found = evidence.collect(open_lake(params), dataset, settings)
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not as_json

    def judged(
        name: Literal["collection", "verification"],
        given: str | None,
        infer: Callable[[evidence.Evidence, Ease | None], Judged],
    ) -> Judged:
        told = _ease(name, given)
        inferred = infer(found, told)
        if told is not None or not asks:
            return inferred
        question = f"{QUESTIONS[name]} (easy or hard; {inferred.why})"
        return infer(found, _ease(name, typer.prompt(question, default=inferred.ease)))

    collect = judged("collection", collection, advice.collection)
    verify = judged("verification", verification, advice.verification)
    answer = advice.advise(found, collect, verify)
    if as_json:
        print_json(answer.to_dict())
    else:
        _print(answer)


def _ease(name: str, given: str | None) -> Ease | None:
    if given not in (None, "easy", "hard"):
        raise UsageError(f"{name} is {given!r}; say easy or hard")
    return cast("Ease | None", given)


def _print(answer: Advice) -> None:
    out = make_console()
    out.print(sentence(answer.dataset, "bold"))
    for name, each in (("collection", answer.collection), ("verification", answer.verification)):
        out.print(sentence(f"{name} is {each.ease}: {each.why}"))
    rows = [[each.topic, each.answer, each.why] for each in answer.items]
    out.print(table("", ("", "answer", "because"), rows))
    if not (answer.collection.given and answer.verification.given):
        out.print(sentence("say otherwise with --collection and --verification easy or hard"))
