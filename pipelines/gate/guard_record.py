"""What the merge of a round records of the guard's answer, and what a key signs of it."""

from __future__ import annotations

import json
from typing import Final

from lineage.guard import GuardResult
from pipelines.gate.signing import Statement

GUARD: Final = "stemma.guard"
"""Digest of the answer."""
VERDICT: Final = "stemma.guard.verdict"
JUDGED: Final = "stemma.guard.judged"
"""The commit that was judged."""
CHECKS: Final = "stemma.guard.checks"
OVERRIDE: Final = "stemma.override"


def guard_metadata(result: GuardResult) -> dict[str, str]:
    """What the merge of a round says of the guard's answer, which is bound to a commit."""
    metadata = {
        GUARD: result.digest,
        VERDICT: result.verdict,
        JUDGED: result.judged,
        CHECKS: json.dumps({item.name: item.verdict for item in result.checks}),
    }
    return metadata | ({OVERRIDE: result.override} if result.override else {})


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
