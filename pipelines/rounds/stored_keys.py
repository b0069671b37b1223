"""Current keys of rounds that an earlier release made, on the branch `stemma-keys`.

Commits of format 1 (`pipelines.rounds.metadata`) carry keys that covered bytes of code, which no
later release can compute again. Their current keys are stored here once they are compared
(`pipelines.rounds.earlier_release`). Nobody signs them, so they count for such commits alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from lake import documents, refs
from lake.client import Lake
from lake.documents import DocumentError
from lake.errors import NotFoundError
from lake.values import Commit
from pipelines.common.errors import DataError
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import PUBLISH_KEY, StageMetadata
from pipelines.rounds.staging_branch import staging_branch

BRANCH: Final = "stemma-keys"
"""Branch that holds the current keys of each round of an earlier release."""
MAX_BYTES: Final = 1 << 20
"""Limit of the size of a file with the current keys of a round, in bytes."""

Notes = Mapping[str, StageKey]
"""Current keys of a round's stages, by `<commit>/<stage>`."""


def path(dataset: str, number: int) -> str:
    """Path of the file with the current keys of a round: `digits/keys/003.json`."""
    return f"{dataset}/keys/{number:03d}.json"


def read(lake: Lake, dataset: str, number: int) -> Notes:
    """Read the current keys of a round; empty where the lake holds none.

    Raises:
        DataError: the file is damaged.
    """
    try:
        content = documents.parse_json(lake.read(BRANCH, path(dataset, number), MAX_BYTES))
        return {name: StageKey(**entry) for name, entry in content.items()}
    except NotFoundError:
        return {}
    except (DocumentError, TypeError, AttributeError) as error:
        raise DataError(f"{path(dataset, number)} on {BRANCH} is damaged; remove it") from error


def write(lake: Lake, dataset: str, number: int, notes: Notes) -> None:
    """Add current keys of a round to those that the lake holds."""
    merged = {**read(lake, dataset, number), **notes}
    content = {
        name: {"key": key.key, "recipe": key.recipe, "versions": dict(key.versions)}
        for name, key in merged.items()
    }
    data = json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"
    start = lake.head(BRANCH) or list(lake.log(refs.MAIN, first_parent=True))[-1].id
    with staging_branch(lake, BRANCH, start) as branch:
        lake.write_bytes(branch, path(dataset, number), data, "application/json")
        commit = lake.commit(branch, f"Note the keys of round {number} of {dataset}", {})
        lake.set_branch(BRANCH, commit.id)


def key_of(commit: Commit, stage: str, notes: Notes) -> StageKey | None:
    """The key of the stage's result in a commit; None if the commit holds no such result.

    Nobody signs notes, so they count only for a commit of format 1, which states no current key.
    """
    stored_key = notes.get(f"{commit.id}/{stage}")
    metadata = StageMetadata.from_commit(commit)
    if metadata is None:
        return stored_key
    if stored_key is not None and (metadata.key is None or metadata.key.recipe is None):
        return stored_key
    if stage == "fit":
        return metadata.fit
    if stage == "publish":
        return metadata.key if PUBLISH_KEY in metadata.extra else None
    return metadata.key if metadata.stage == stage else None
