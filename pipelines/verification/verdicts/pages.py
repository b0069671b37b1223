"""Draw the pages about a round's verdicts, which stage `verify` stores in the lake.

The looks of a page are not part of the stage's key: they change no verdict, so a page that is drawn
in another way does not publish a round again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from expectations import data_docs, wording
from expectations.suite import Suite
from expectations.tally import Tally
from lake import refs
from lake.client import Lake
from pipelines.verification.verdicts import page, page_store, report


@dataclass(frozen=True, slots=True)
class VerifiedRound:
    """A round and its verdicts, from which its pages are drawn."""

    dataset: str
    round: int
    suite: Suite
    tally: Tally
    generated: str
    """The commit with the candidates and their lineage."""


def described(suite: Suite, tally: Tally) -> dict[str, dict[str, Any]]:
    """Describe each expectation for the manifest: its counts, and what it expects."""
    summary = tally.summary()
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
    lake: Lake, branch: str, verified: VerifiedRound, section: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """Draw the pages of a round and stage them on a branch.

    Args:
        lake: The lake.
        branch: The branch to write on.
        verified: The round.
        section: The section `verdicts` of the round's manifest.

    Returns:
        By page, its path and SHA-256, for the manifest.
    """
    drawn = {
        "verdicts": _verdicts(lake, verified, section),
        "data_docs": _data_docs(verified, section),
    }
    dataset, number = verified.dataset, verified.round
    return {
        name: page_store.store(lake, branch, refs.page(dataset, number, name), text)
        for name, text in drawn.items()
    }


def _verdicts(lake: Lake, verified: VerifiedRound, section: Mapping[str, Any]) -> str:
    dataset, number = verified.dataset, verified.round
    lineage, candidates = (
        lake.scan(verified.generated, refs.partition(dataset, table, number))
        for table in ("lineage", "candidates")
    )
    verdicts = verified.tally.against()
    summary = report.build(verdicts, section, lineage, dataset=dataset, number=number)
    return page.draw(summary, report.shown(candidates, summary))


def _data_docs(verified: VerifiedRound, section: Mapping[str, Any]) -> str:
    facts = {"suite": section["suite"], "commit of the candidates": verified.generated}
    made = data_docs.About(verified.dataset, verified.round, datetime.now(UTC), facts)
    return data_docs.page(
        verified.tally.against(), verified.suite, made, counts=verified.tally.counts
    )
