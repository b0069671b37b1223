"""The record of the guard's answer in the merge of a round, and the statement that is signed."""

from __future__ import annotations

import json
from typing import Final

from lineage.guard import GuardResult
from pipelines.gate.signing import Statement

GUARD: Final = "stemma.guard"
"""Metadata entry: digest of the guard's answer."""
VERDICT: Final = "stemma.guard.verdict"
JUDGED: Final = "stemma.guard.judged"
"""Metadata entry: id of the commit that was judged."""
CHECKS: Final = "stemma.guard.checks"
OVERRIDE: Final = "stemma.override"


def guard_metadata(result: GuardResult) -> dict[str, str]:
    """Metadata entries of a merge about the guard's answer, which is bound to a commit."""
    metadata = {
        GUARD: result.digest,
        VERDICT: result.verdict,
        JUDGED: result.judged,
        CHECKS: json.dumps({item.name: item.verdict for item in result.checks}),
    }
    return metadata | ({OVERRIDE: result.override} if result.override else {})


def statement(repository: str, result: GuardResult, key: str) -> Statement:
    """The statement that the guard signs about a round that is published under a key."""
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
