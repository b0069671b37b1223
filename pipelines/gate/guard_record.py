"""The record of the guard's answer in the merge of a round.

The entries are signed with the other metadata of the merge (`pipelines.rounds.attestation`).
Earlier releases signed a statement of its own form, which is still verified (`EarlierStatement`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

from lineage.guard import GuardResult
from pipelines.common import digests
from pipelines.rounds.metadata import GUARD

VERDICT: Final = "stemma.guard.verdict"
JUDGED: Final = "stemma.guard.judged"
"""Metadata entry: id of the commit that was judged."""
LIMITS: Final = "stemma.guard.limits"
"""Metadata entry: digest of the limits that the round was judged by."""
HEAD: Final = "stemma.head"
"""Metadata entry: checksum of the head file that was merged."""
CHECKS: Final = "stemma.guard.checks"
OVERRIDE: Final = "stemma.override"


EARLIER_SIGNATURE: Final = "stemma.guard.signature"
"""Metadata entry in which earlier releases signed the guard's answer."""
EARLIER_FORM: Final = "stemma-guard/1"


@dataclass(frozen=True, slots=True)
class EarlierStatement:
    """What earlier releases signed: the guard's answer, the judged commit, and the publish key."""

    repository: str
    dataset: str
    round: int
    judged: str
    guard: str
    """Digest of the guard's answer."""
    verdict: str
    override: str | None
    publish_key: str

    def encoded(self) -> bytes:
        """Encode as canonical JSON: sorted names, no spaces, ASCII."""
        return digests.canonical({"form": EARLIER_FORM, **asdict(self)})


def guard_metadata(result: GuardResult) -> dict[str, str]:
    """Metadata entries of a merge about the guard's answer, which is bound to a commit."""
    metadata = {
        GUARD: result.digest,
        VERDICT: result.verdict,
        JUDGED: result.judged,
        CHECKS: json.dumps({item.name: item.verdict for item in result.checks}),
    }
    return metadata | ({OVERRIDE: result.override} if result.override else {})


def earlier_statement(repository: str, result: GuardResult, key: str) -> EarlierStatement:
    """The statement that an earlier release signed about a round published under a key."""
    return EarlierStatement(
        repository=repository,
        dataset=result.dataset,
        round=result.round,
        judged=result.judged,
        guard=result.digest,
        verdict=result.verdict,
        override=result.override,
        publish_key=key,
    )
