"""Preference pairs: an accepted and a refused answer to one question (Rafailov et al. 2023, DPO).

Each refused answer is used once, beside the accepted answers to the same question in turn; a real
answer counts as accepted. A refused candidate whose question nobody answered well makes no pair,
nor does one that equals an accepted answer, nor one that was refused for its number alone
(`curate.max_accepted`). The form is that of TRL's conversational preference data sets.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import cycle
from typing import Any, Final

from lineage import curation
from pipelines.inquiry.exports.conversations import EMPTY, Message, accepted, messages
from pipelines.inquiry.exports.rows import Source, origin

ALONE: Final = "refused_without_accepted_answer"
EQUAL: Final = "refused_equal_to_accepted"
FAULTLESS: Final = "refused_without_a_fault"
HARMLESS: Final = frozenset({curation.MAX_ACCEPTED, curation.NO_VERDICT})
"""Reasons for which a candidate is refused that say nothing against it."""


def records(source: Source, left_out: Counter[str]) -> Iterator[dict[str, Any]]:
    """Yield a pair for each refused answer to a question that has an accepted one."""
    accepted_answers = _accepted(source, left_out)
    chosen = {asked: cycle(answers) for asked, answers in accepted_answers.items()}
    for frame in source.refused():
        for row in frame.iter_rows(named=True):
            found = messages(source.dataset, row)
            if found is None or HARMLESS.issuperset(row["reasons"]):
                left_out[EMPTY if found is None else FAULTLESS] += 1
                continue
            question, refused = found
            answers = chosen.get(_key(question))
            if answers is None:
                left_out[ALONE] += 1
                continue
            if any(refused == other for other, _ in accepted_answers[_key(question)]):
                left_out[EQUAL] += 1
                continue
            answer, answer_row = next(answers)
            yield {
                "prompt": question,
                "chosen": answer,
                "rejected": refused,
                "stemma": {
                    "chosen": answer_row,
                    "rejected": origin(source.dataset, row),
                    "reasons": row["reasons"],
                },
            }


def _accepted(
    source: Source, left_out: Counter[str]
) -> dict[str, list[tuple[list[Message], dict[str, Any]]]]:
    """The accepted answers by question, each with the row that it is."""
    found: dict[str, list[tuple[list[Message], dict[str, Any]]]] = defaultdict(list)
    for question, answer, row in accepted(source, left_out):
        found[_key(question)].append((answer, row))
    return found


def _key(question: list[Message]) -> str:
    return json.dumps(question, sort_keys=True, default=str)
