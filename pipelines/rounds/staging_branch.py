"""Attempts: what a stage writes becomes visible whole or not at all.

Staging in lakeFS belongs to a branch, so two runs that write on one branch would commit each
other's objects. Each attempt therefore has a branch of its own, `tmp-digits-r003-<random>`, and
only a commit that is whole becomes the head of the round's branch. What a killed attempt leaves
behind is removed when the round is published (docs/decisions/0008).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from lake.client import Lake
from lake.errors import NotFoundError

PREFIX: Final = "tmp-"


@contextmanager
def staging_branch(lake: Lake, branch: str, start: str) -> Iterator[str]:
    """Give a branch of this attempt's own, at a commit; it is gone when the attempt ends.

    Args:
        lake: the lake.
        branch: the branch that the attempt is for.
        start: a commit, or another ref.
    """
    name = f"{PREFIX}{branch}-{secrets.token_hex(6)}"
    lake.set_branch(name, lake.resolve(start).id)
    try:
        yield name
    finally:
        with suppress(NotFoundError):
            lake.delete_branch(name)


def delete_stale(lake: Lake, branch: str) -> None:
    """Remove what killed attempts for a branch left behind."""
    for name in lake.branches(f"{PREFIX}{branch}-"):
        with suppress(NotFoundError):
            lake.delete_branch(name)
