"""Merging a round into main: which rounds may be superseded, the merge, and the tag."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from typing import Final

from lake import documents, polling, refs
from lake.client import Lake
from lake.documents import DocumentError
from lake.errors import ConflictError, NotFoundError, TooLargeError
from lake.values import Commit
from pipelines.common.errors import StaleError
from pipelines.rounds import path_scope, receipts
from pipelines.rounds.history import Published
from pipelines.rounds.metadata import StageMetadata

TAG_ATTEMPTS: Final = 10
HEAD_BYTES: Final = 1 << 10
"""Limit of the size of a head file, in bytes."""
ATTEMPT: Final = re.compile(r"[0-9a-f]{16}")


def refuse_unknown(
    dataset: str,
    number: int,
    published_rounds: Mapping[int, Published],
    *,
    supersede: bool,
    redo: str,
) -> None:
    """Refuse to supersede rounds that this checkout's receipts do not know.

    Args:
        dataset: the data set.
        number: the round to be written; it supersedes itself and all later rounds.
        published_rounds: the rounds of the data set that main holds.
        supersede: allow it, because the person asked for it.
        redo: the command that supersedes deliberately, for the message.

    Raises:
        StaleError: main holds such a round.
    """
    if supersede:
        return
    known_commits = receipts.known_commits(dataset)
    for other, published in sorted(published_rounds.items()):
        if other >= number and known_commits.get(other) != published.commit:
            raise StaleError(
                f"main holds round {other} of {dataset} at {published.commit[:12]}, which the "
                f"receipts in rounds/{dataset} do not know; fetch your team's receipts (git pull) "
                f"or your own (git restore rounds dvc.lock), or replace it deliberately with "
                f"`{redo} --supersede` and then `dvc repro`"
            )


def supersede(lake: Lake, branch: str, removal: StageMetadata) -> str:
    """Remove the partitions that a round supersedes from a branch, in a separate commit.

    After that, `main...branch` shows what a merge would change.

    Args:
        lake: the lake.
        branch: the branch.
        removal: metadata of the commit; it names the round that supersedes them.

    Returns:
        Id of the removal commit, or of the branch's head if there was nothing to remove.
    """
    head = lake.resolve(branch).id
    dataset, number = removal.dataset, removal.round
    outdated = [
        item.path
        for item in lake.objects(head, f"{dataset}/")
        if path_scope.supersedes(item.path, dataset, number)
    ]
    if not outdated:
        return head
    lake.delete(branch, outdated)
    message = f"Remove round {number} and later of {dataset}"
    return lake.commit(branch, message, removal.to_metadata()).id


def write_head(lake: Lake, branch: str, dataset: str, number: int, key: str) -> None:
    """Stage the head file, on which concurrent merges of a data set conflict (decision 0006)."""
    content = {"round": number, "input_key": key, "attempt": secrets.token_hex(8)}
    data = json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"
    lake.write_bytes(branch, refs.head(dataset), data, "application/json")


def touch_head(lake: Lake, branch: str, dataset: str) -> None:
    """Stage the head file anew, of the same round and key, for a merge that publishes no round.

    Merges of rounds of the data set that started before then conflict with it.

    Raises:
        StaleError: the branch holds no such file.
    """
    path = refs.head(dataset)
    try:
        content = documents.parse_json(lake.read(branch, path, HEAD_BYTES))
        number, key = int(content["round"]), str(content["input_key"])
    except (NotFoundError, TooLargeError, DocumentError, LookupError, TypeError, ValueError) as why:
        raise StaleError(
            f"{path} is not what a stage writes; see `stemma audit --history main`"
        ) from why
    write_head(lake, branch, dataset, number, key)


def head_checksum(lake: Lake, ref: str, dataset: str) -> str:
    """The checksum of the head file at a ref; empty if there is none."""
    path = refs.head(dataset)
    return next((item.checksum for item in lake.objects(ref, path) if item.path == path), "")


def head_fault(lake: Lake, ref: str, dataset: str, number: int, key: str) -> str | None:
    """Find out why the head file at a ref is not what `write_head` wrote; None if it is.

    Args:
        lake: the lake.
        ref: the ref.
        dataset: the data set.
        number: the round that the ref publishes.
        key: the key under which it is published.
    """
    path = refs.head(dataset)
    try:
        content = documents.parse_json(lake.read(ref, path, HEAD_BYTES))
    except (NotFoundError, TooLargeError):
        return f"{path} is missing or too large"
    except DocumentError as error:
        return f"{path} {error}"
    if not isinstance(content, dict) or set(content) != {"round", "input_key", "attempt"}:
        return f"{path} holds something else than a stage writes"
    attempt = content["attempt"]
    if not isinstance(attempt, str) or not ATTEMPT.fullmatch(attempt):
        return f"{path} holds something else than a stage writes"
    if (content["round"], content["input_key"]) != (number, key):
        return f"{path} is of another round or key"
    return None


def merge(lake: Lake, source: str, message: str, metadata: Mapping[str, str]) -> Commit:
    """Merge a round into main.

    Raises:
        StaleError: main changed for this data set meanwhile.
    """
    try:
        return lake.merge(source, refs.MAIN, message, metadata)
    except ConflictError as error:
        raise StaleError(
            "main changed at the same time; run `dvc repro` again, and if that does not help, see "
            "who committed to main (stemma audit --history main)"
        ) from error


def ensure_tag(lake: Lake, dataset: str, number: int, commit: str) -> str:
    """Return the tag of a published round; create it if a killed stage has not done so.

    Raises:
        ConflictError: others took the name first in every attempt.
    """

    def find_or_create() -> str:
        tags = lake.tags(f"{dataset}-v{number}")
        if not _pointing_to(commit, tags):
            lake.tag(refs.next_tag(dataset, number, tags), commit)
            tags = lake.tags(f"{dataset}-v{number}")
        return _pointing_to(commit, tags)[0]

    return polling.repeat(find_or_create, on=ConflictError, interval=0, attempts=TAG_ATTEMPTS)


def _pointing_to(commit: str, tags: Mapping[str, str]) -> list[str]:
    """The sorted names of the round tags that point to a commit."""
    return sorted(
        name for name, target in tags.items() if target == commit and refs.TAG.match(name)
    )
