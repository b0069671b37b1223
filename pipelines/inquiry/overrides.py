"""Who published a round although the guard blocked it, when and why, as the merge tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from lake.values import Commit
from pipelines.gate import guard_record

FIRST: Final = -62_135_596_800
"""Unix seconds of the first moment of the year 1."""
LAST: Final = 253_402_300_799
"""Unix seconds of the last second of the year 9999."""


@dataclass(frozen=True, slots=True)
class Override:
    """An override of the guard's block."""

    reason: str
    committer: str
    """As the lake names who merged."""
    created: int
    """Unix seconds."""
    blocking: tuple[str, ...]
    """Names of the checks that blocked; none where the merge does not tell."""

    @property
    def sentence(self) -> str:
        """One sentence that says what was done, by whom, when and why."""
        checks = f" ({', '.join(self.blocking)})" if self.blocking else ""
        when = f"{_time(self.created):%Y-%m-%d %H:%M} UTC"
        reason = " ".join(self.reason.split())
        return (
            f"published although the guard blocked it{checks}, by {self.committer} on {when}: "
            f"{reason}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The content of `--json`."""
        return {
            **asdict(self),
            "blocking": list(self.blocking),
            "when": _time(self.created).isoformat(),
        }


def of_merge(merge: Commit) -> Override | None:
    """Read the override that a merge tells of; None where it tells of none."""
    reason = merge.metadata.get(guard_record.OVERRIDE)
    if not reason:
        return None
    try:
        verdicts = json.loads(merge.metadata.get(guard_record.CHECKS, "{}"))
    except (ValueError, RecursionError):
        verdicts = {}
    named = verdicts.items() if isinstance(verdicts, Mapping) else ()
    blocking = tuple(str(name) for name, verdict in named if verdict == "block")
    return Override(reason, merge.committer, merge.created, blocking)


def _time(seconds: int) -> datetime:
    """A time of Unix; the first or last that Python knows where a lake names one beyond it."""
    return datetime.fromtimestamp(min(max(seconds, FIRST), LAST), UTC)
