"""From a ref expression to the commit that it names, and the branch whose staged changes count."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Final

from lake.errors import InvalidError, NotFoundError
from lake.server.catalog import commit_graph, commits, ref_expression
from lake.server.catalog.catalog import Catalog
from lake.server.catalog.commits import Commit

_COMMIT_ID: Final = re.compile(r"[0-9a-f]{64}")
_COMMIT_PREFIX: Final = re.compile(r"[0-9a-f]{1,64}")


@dataclass(frozen=True, slots=True)
class ResolvedRef:
    """What a ref expression names: a commit, and the branch whose staged changes count."""

    commit: Commit
    branch: str | None


def resolve(catalog: Catalog, repository: str, ref: str) -> ResolvedRef:
    """Resolve a ref expression.

    Raises:
        NotFoundError: it names nothing.
        InvalidError: it is no expression, or `@`/`$` follow something that is no branch.
    """
    catalog.repository(repository)
    expression = ref_expression.parse(ref)
    commit_id, branch = _resolve_base(catalog, repository, expression.base)
    if expression.mark and branch is None:
        raise InvalidError(f"{ref!r}: {expression.mark} goes with a branch")
    read = partial(commits.read, catalog.database, repository)
    commit = read(commit_id)
    for sign, count in expression.steps:
        commit = commit_graph.step(read, commit, sign, count)
    staged = branch if not expression.steps and expression.mark != "@" else None
    return ResolvedRef(commit, staged)


def _resolve_base(catalog: Catalog, repository: str, base: str) -> tuple[str, str | None]:
    """The commit id that a name stands for, and the branch if it is one."""
    if _COMMIT_ID.fullmatch(base) and commits.exists(catalog.database, repository, base):
        return base, None
    for table in ("branches", "tags"):
        try:
            ref = catalog.refs.get(table, repository, base)
        except NotFoundError:
            continue
        return ref.commit, ref.name if table == "branches" else None
    if _COMMIT_PREFIX.fullmatch(base):
        ids = commits.ids_with_prefix(catalog.database, repository, base, 2)
        if len(ids) == 1:
            return ids[0], None
    raise NotFoundError(f"ref {base!r} not found in {repository!r}")
