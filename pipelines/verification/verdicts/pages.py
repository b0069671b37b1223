"""The pages about a round's verdicts, drawn and kept in the lake by stage `verify`.

How a page looks is no part of the stage's input key: it changes no verdict, so a page that is drawn
in another way does not publish a round again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from expectations import data_docs, wording
from expectations.suite import Suite
from expectations.verifier import Verification
from lake import refs
from lake.client import Lake
from pipelines.verification.verdicts import page, places, report


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the pages about a round are drawn from."""

    dataset: str
    round: int
    suite: Suite
    found: Verification
    generated: str
    """The commit with the candidates and their lineage."""


def described(suite: Suite, found: Verification) -> dict[str, dict[str, Any]]:
    """What the manifest says of each expectation: counts, and what it asks for."""
    summary = found.summary()
    return {
        rule.name: {
            **summary[rule.name],
            "type": rule.type,
            "columns": list(rule.columns),
            "limits": dict(rule.limits),
            "sentence": wording.sentence(rule),
        }
        for rule in suite.rules
    }


def write(
    lake: Lake, branch: str, judgement: Judgement, about: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """Draw the pages of a round and stage them on a branch.

    Args:
        lake: the lake.
        branch: to write on.
        judgement: what they are drawn from.
        about: the section `verdicts` of the round's manifest.

    Returns:
        By page its path and SHA-256, for the manifest.
    """
    drawn = {
        "verdicts": _verdicts(lake, judgement, about),
        "data_docs": _data_docs(judgement, about),
    }
    dataset, number = judgement.dataset, judgement.round
    return {
        name: places.store(lake, branch, refs.page(dataset, number, name), text)
        for name, text in drawn.items()
    }


def _verdicts(lake: Lake, judgement: Judgement, about: Mapping[str, Any]) -> str:
    dataset, number = judgement.dataset, judgement.round
    lineage, candidates = (
        lake.scan(judgement.generated, refs.partition(dataset, table, number))
        for table in ("lineage", "candidates")
    )
    told = report.build(judgement.found.verdicts, about, lineage, dataset=dataset, number=number)
    return page.draw(told, report.shown(candidates, told))


def _data_docs(judgement: Judgement, about: Mapping[str, Any]) -> str:
    facts = {"suite": about["suite"], "commit of the candidates": judgement.generated}
    made = data_docs.About(judgement.dataset, judgement.round, datetime.now(UTC), facts)
    return data_docs.page(judgement.found.verdicts, judgement.suite, made)
