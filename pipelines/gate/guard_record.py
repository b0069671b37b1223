"""What the merge of a round records of the guard's answer, and what a key signs of it."""

from __future__ import annotations

import json

from lineage.guard import GuardResult
from pipelines.gate.signing import Statement


def guard_metadata(result: GuardResult) -> dict[str, str]:
    """What the merge of a round says of the guard's answer, which is bound to a commit."""
    about = {
        "stemma.guard": result.digest,
        "stemma.guard.verdict": result.verdict,
        "stemma.guard.judged": result.judged,
        "stemma.guard.checks": json.dumps({item.name: item.verdict for item in result.checks}),
    }
    return about | ({"stemma.override": result.override} if result.override else {})


def statement(repository: str, result: GuardResult, key: str) -> Statement:
    """What a key of the guard signs about the merge of a round that is published under a key."""
    return Statement(
        repository=repository,
        dataset=result.dataset,
        round=result.round,
        judged=result.judged,
        guard=result.digest,
        verdict=result.verdict,
        override=result.override,
        publish_key=key,
    )
