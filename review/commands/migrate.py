"""`stemma lake migrate`: move a project from the embedded lake to a lakeFS server."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from lake import documents, files, settings
from lake.migration.run import NotReproduced, Outcome
from lake.settings import ACCESS_KEY, ENDPOINT, NAMESPACE, SECRET_KEY, Remote
from pipelines.inquiry import migration
from pipelines.params import load
from pipelines.rounds import moved_commits
from review.cli.byte_bar import byte_bar
from review.cli.output import make_console, number, print_json
from review.errors import UsageError

MAX_SECRET: Final = 4096
"""Limit of the size of a file with a secret key, in bytes."""
DIFFERENCES: Final = {
    "dates": "commits have another date there (merges, and the first one)",
    "committers": "commits have another committer there, who these keys belong to",
    "server_entries": "commits have metadata of the server's own there",
    "flattened": "merges have one parent there, since no strategy gives their tree",
    "uncommitted": "changed paths that nobody committed stay behind",
    "unprotected": "rules of branch protection were not taken",
}
"""What a target cannot make as it was, by the names in the result."""


def run(
    *,
    home: Path,
    endpoint: str | None,
    access_key_id: str | None,
    secret_key_file: Path | None,
    namespace: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Move a project, or say what a move would take."""
    params = load()
    target = _target(endpoint, access_key_id, secret_key_file, namespace)
    if dry_run:
        outcomes = migration.look(params, home.absolute(), target)
    else:
        with byte_bar("moving") as tell:
            outcomes = migration.move(
                params, home.absolute(), target, lambda _, done, total: tell(done, total)
            )
    if as_json:
        found = [_facts(outcome) for outcome in outcomes]
        print_json({"endpoint": target.endpoint, "dry_run": dry_run, "repositories": found})
        return
    out = make_console()
    for line in _lines(outcomes, target, dry_run=dry_run):
        out.print(line, soft_wrap=True)


def _target(
    endpoint: str | None, access_key_id: str | None, secret: Path | None, namespace: str | None
) -> Remote:
    """The lake to move to: what options name comes before what the environment does.

    Raises:
        UsageError: nothing names a lake, or the file with the secret key cannot be read.
        MisconfiguredError: the lake has no keys.
    """
    given = {
        ENDPOINT: endpoint,
        ACCESS_KEY: access_key_id,
        SECRET_KEY: None if secret is None else _secret(secret),
        NAMESPACE: namespace,
    }
    env = {**os.environ, **{name: value for name, value in given.items() if value}}
    where = settings.resolve(Path.cwd(), env)
    if not isinstance(where, Remote):
        raise UsageError(
            f"nothing names the lakeFS to move to: set {ENDPOINT}, {ACCESS_KEY} and {SECRET_KEY}, "
            "or give --endpoint, --access-key-id and --secret-key-file"
        )
    return where


def _secret(file: Path) -> str:
    try:
        return files.read_text(file, MAX_SECRET).strip()
    except OSError as error:
        reason = documents.one_line(error.strerror or "it is no file")
        raise UsageError(f"the file with the secret key cannot be read: {reason}") from error


def _lines(outcomes: Sequence[Outcome], target: Remote, *, dry_run: bool) -> list[str]:
    """What was moved, what is not as it was, and what to do next."""
    lines = []
    for outcome in outcomes:
        lines.append(_sentence(outcome, dry_run=dry_run))
        lines += [f"  {number(count)} {what}" for count, what in _differences(outcome)]
    if dry_run:
        return [*lines, f"nothing was written to {target.endpoint}, which can take them"]
    maps = ", ".join(str(moved_commits.path(outcome.repository)) for outcome in outcomes)
    then = (
        f"from now on name {target.endpoint} in {ENDPOINT}, with its keys; `dvc repro` and `stemma "
        "audit --history` read through the maps"
    )
    ids = f"commits have other ids there; signed maps from the former ones are for git: {maps}"
    return [*lines, ids, then]


def _sentence(outcome: Outcome, *, dry_run: bool) -> str:
    """What a repository has, and what of it this run made, or would make."""
    kept = f", {number(outcome.kept)} commits that only receipts name" if outcome.kept else ""
    whole = (
        f"{outcome.repository}: {number(outcome.commits)} commits ({number(outcome.merges)} "
        f"merges), {number(outcome.branches)} branches, {number(outcome.tags)} tags{kept}, "
        f"{number(outcome.objects)} objects ({number(outcome.object_bytes)} bytes)"
    )
    if dry_run:
        return (
            f"{whole}: {number(outcome.made)} commits with {number(outcome.to_send)} objects "
            f"({number(outcome.to_send_bytes)} bytes) are to be moved"
        )
    tally = outcome.tally
    copied = f", {number(tally.copied)} copied there" if tally.copied else ""
    return (
        f"{whole}: {number(tally.commits)} commits were made, {number(tally.sent)} objects "
        f"({number(tally.sent_bytes)} bytes) sent{copied}"
    )


def _differences(outcome: Outcome) -> list[tuple[int, str]]:
    """What is not as it was, counted; where nothing was moved, what would stay behind."""
    found: NotReproduced | None = outcome.not_reproduced
    counts: dict[str, int] = {} if found is None else asdict(found)
    counts["uncommitted"] = outcome.uncommitted
    return [(counts[name], what) for name, what in DIFFERENCES.items() if counts.get(name)]


def _facts(outcome: Outcome) -> dict[str, Any]:
    """The result as JSON values; of the map of commits, its path."""
    facts = asdict(outcome)
    moved = facts.pop("moved")
    return {**facts, "map": str(moved_commits.path(outcome.repository)) if moved else None}
