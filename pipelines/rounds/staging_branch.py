"""Staging branches: what a stage writes becomes visible as a whole or not at all.

Uncommitted objects in lakeFS belong to a branch, so two runs that write on one branch would commit
each other's objects. Each run of a stage therefore writes on a temporary branch,
`tmp-digits-r003-<random>`, and only a complete commit becomes the head of the round's branch. The
branches that killed runs leave are deleted when the round is published (docs/decisions/0008).
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
    """Create a temporary branch at a commit, and delete it when the `with` block ends.

    Args:
        lake: the lake.
        branch: the round's branch, which gives the temporary branch its name.
        start: a commit or another ref.
    """
    name = f"{PREFIX}{branch}-{secrets.token_hex(6)}"
    lake.set_branch(name, lake.resolve(start).id)
    try:
        yield name
    finally:
        with suppress(NotFoundError):
            lake.delete_branch(name)


def delete_stale(lake: Lake, branch: str) -> None:
    """Delete the temporary branches for a branch that killed runs left."""
    for name in lake.branches(f"{PREFIX}{branch}-"):
        with suppress(NotFoundError):
            lake.delete_branch(name)
