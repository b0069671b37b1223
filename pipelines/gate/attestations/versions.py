"""Which published version a ref names, proved before anything is signed about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lake import refs
from lake.client import Lake
from lake.errors import UnknownRefError
from lake.values import Commit
from lineage.guard import GuardResult
from pipelines.common.errors import StaleError
from pipelines.gate import history_audit
from pipelines.rounds import history, trust
from pipelines.rounds.metadata import StageMetadata
from pipelines.takedown import record
from pipelines.takedown.record import JudgedMain, TakedownRecord

TAKEN_DOWN: Final = re.compile(
    r"(?P<dataset>[a-z][a-z0-9_]*)-takedown-(?P<takedown>[a-z0-9][-a-z0-9]{0,62})\Z"
)
"""Name of the version of a data set that a take-down left."""
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
    takedown: TakedownRecord | None = None
    """Of a version that a take-down left, which no tag names: its record. `number` is that of the
    last round, and `tag` the data set and the take-down, such as `digits-takedown-letter`."""

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
        ref: a tag of a round, or a ref of its commit; or the name of a version that a take-down
            left, or a ref of that merge.

    Raises:
        NotFoundError: there is no such ref.
        StaleError: no tag of a round names its commit, and it is no merge of a take-down; or the
            take-down touched several data sets, or none.
    """
    named_so = TAKEN_DOWN.match(ref)
    if named_so and ref not in lake.tags(ref):
        return _left_by(lake, named_so["takedown"], named_so["dataset"])
    commit = lake.resolve(ref)
    named = (name for name, id_ in sorted(lake.tags().items()) if id_ == commit.id)
    tags = {name: match for name in named if (match := refs.TAG.match(name))}
    if not tags and record.ENTRY in commit.metadata:
        return _left_at(lake, commit)
    if not tags:
        raise StaleError(
            f"{ref} ({commit.id[:SHORT]}) is no published version, which a tag of a round names, "
            "such as digits-v3; `stemma status` lists them"
        )
    tag = ref if ref in tags else list(tags)[-1]
    dataset, number = tags[tag]["dataset"], int(tags[tag]["round"])
    return Version(lake.repository, dataset, number, tag, commit)


def _left_by(lake: Lake, name: str, dataset: str) -> Version:
    """The version of a data set that a take-down on main left.

    Raises:
        NotFoundError: main holds no such take-down.
        StaleError: it took no sample of the data set.
    """
    for taken in record.merged(lake):
        if taken.record.name == name:
            return _left(lake, taken.merge, taken.record, dataset)
    raise UnknownRefError(
        f"main holds no take-down called {name}; `stemma takedown list` lists them"
    )


def _left_at(lake: Lake, commit: Commit) -> Version:
    """The version that the merge of a take-down left, of the only data set that it touched.

    Raises:
        StaleError: it touched several, or none.
    """
    made = record.read(lake, commit.id, commit.metadata[record.ENTRY])
    names = sorted({each.dataset for each in made.rounds})
    if len(names) > 1:
        listed = ", ".join(f"{each}-takedown-{made.name}" for each in names)
        raise StaleError(f"{made.name} took samples of several data sets; name one: {listed}")
    return _left(lake, commit, made, names[0] if names else "")


def _left(lake: Lake, merge: Commit, made: TakedownRecord, dataset: str) -> Version:
    if dataset not in {each.dataset for each in made.rounds}:
        of = f" of {dataset}" if dataset else ""
        raise StaleError(f"the take-down {made.name} took no sample{of}, so it left no new version")
    number = max(history.published(lake, dataset, merge.id))
    return Version(lake.repository, dataset, number, f"{dataset}-takedown-{made.name}", merge, made)


def proved(lake: Lake, version: Version) -> GuardResult | None:
    """Prove the merge of a version as `stemma audit --history` does.

    Returns:
        The guard's answer about its round, or about the data set that a take-down left; None for
        real data, which nothing judges, and where a take-down was not judged.

    Raises:
        StaleError: the merge is not proved, or is of another round than its tag says.
    """
    (step,) = history_audit.walk(lake, [version.commit], trust.load(lake))
    if version.takedown is not None and step.wrong is None:
        return version.takedown.guard.get(version.dataset, JudgedMain()).result()
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
    """The commits by which the stages of a version's round made it, newest first.

    There are none of a version that a take-down left.
    """
    if version.takedown is not None:
        return
    for commit in lake.log(version.commit.parents[1], first_parent=True):
        metadata = StageMetadata.from_commit(commit)
        of_round = metadata is not None and (
            metadata.dataset == version.dataset and metadata.round == version.number
        )
        if metadata is None or not of_round or metadata.stage == "publish":
            return
        yield commit, metadata
