"""Which published version a ref names, proved before anything is signed about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lake import refs
from lake.client import Lake
from lake.values import Commit
from lineage.guard import GuardResult
from pipelines.common.errors import StaleError
from pipelines.gate import history_audit
from pipelines.rounds import trust
from pipelines.rounds.metadata import StageMetadata

SHORT: Final = 12
"""Number of hex digits that abbreviate a commit id."""


@dataclass(frozen=True, slots=True)
class Version:
    """A published version: a round of a data set, at the merge that its tag names."""

    repository: str
    dataset: str
    number: int
    tag: str
    commit: Commit

    @property
    def folder(self) -> str:
        """Path of the data set's objects, as they are named in the lake: `digits/`."""
        return f"{self.dataset}/"

    @property
    def uri(self) -> str:
        """Address of the version, by commit: a tag could be made again."""
        return f"lakefs://{self.repository}/{self.commit.id}/{self.folder}"


def find(lake: Lake, ref: str) -> Version:
    """Find the version that a ref names.

    Args:
        lake: the lake.
        ref: a tag of a round, or a ref of its commit.

    Raises:
        NotFoundError: there is no such ref.
        StaleError: no tag of a round names its commit.
    """
    commit = lake.resolve(ref)
    named = (name for name, id_ in sorted(lake.tags().items()) if id_ == commit.id)
    tags = {name: match for name in named if (match := refs.TAG.match(name))}
    if not tags:
        raise StaleError(
            f"{ref} ({commit.id[:SHORT]}) is no published version, which a tag of a round names, "
            "such as digits-v3; `stemma status` lists them"
        )
    tag = ref if ref in tags else list(tags)[-1]
    dataset, number = tags[tag]["dataset"], int(tags[tag]["round"])
    return Version(lake.repository, dataset, number, tag, commit)


def proved(lake: Lake, version: Version) -> GuardResult | None:
    """Prove the merge of a version as `stemma audit --history` does.

    Returns:
        The guard's answer about its round; None for real data, which nothing judges.

    Raises:
        StaleError: the merge is not proved, or is of another round than its tag says.
    """
    (step,) = history_audit.walk(lake, [version.commit], trust.load(lake))
    metadata = StageMetadata.from_commit(version.commit)
    wrong = step.wrong
    if wrong is None and (
        metadata is None or not metadata.publishes(version.dataset, version.number)
    ):
        wrong = f"it is no merge of round {version.number} of {version.dataset}"
    if wrong is not None:
        raise StaleError(
            f"nothing is attested of {version.tag}, whose merge {version.commit.id[:SHORT]} is not "
            f"proved: {wrong}; see `stemma audit --history main`"
        )
    return step.result


def stage_commits(lake: Lake, version: Version) -> Iterator[tuple[Commit, StageMetadata]]:
    """The commits by which the stages of a version's round made it, newest first."""
    for commit in lake.log(version.commit.parents[1], first_parent=True):
        metadata = StageMetadata.from_commit(commit)
        of_round = metadata is not None and (
            metadata.dataset == version.dataset and metadata.round == version.number
        )
        if metadata is None or not of_round or metadata.stage == "publish":
            return
        yield commit, metadata
