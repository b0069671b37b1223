"""Rules by which a lakeFS server's garbage collection keeps what branches no longer hold.

An object goes once no branch's head has held it for the days of the branch's rule, or of the
default (https://docs.lakefs.io/howto/garbage-collection/gc.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lake.client.lake import Lake
from lake.errors import ForbiddenError, NotFoundError, UnauthorizedError, UnsupportedError


@dataclass(frozen=True, slots=True)
class Retention:
    """Days for which objects are kept after no head of a branch holds them."""

    default: int
    branches: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Convert to the JSON of the API, which `lakectl gc set-config -f FILE` takes."""
        rules = [
            {"branch_id": branch, "retention_days": days}
            for branch, days in sorted(self.branches.items())
        ]
        return {"default_retention_days": self.default, "branches": rules}


def read(lake: Lake) -> Retention | None:
    """The rules of a repository; None where it has none, or these keys may not read them."""
    method = lake.connection.sdk.repositories_api.get_gc_rules
    try:
        rules = lake.connection.call(method, lake.repository)
    except (NotFoundError, ForbiddenError, UnauthorizedError, UnsupportedError):
        return None
    branches = {str(rule.branch_id): int(rule.retention_days) for rule in rules.branches}
    return Retention(int(rules.default_retention_days), branches)
