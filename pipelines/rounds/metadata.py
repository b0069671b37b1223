"""The metadata of a stage's commit: the only module that spells `stemma.stage`.

Every commit that a stage makes carries metadata: which stage of which round made it, on which line,
and under which key. The lake's log can therefore be queried, and no second database is needed.

The metadata has a format. Format 1 (releases before 0.2) has no recipe and no versions; the
settings and inputs of such a commit are compared once, and its current keys are stored on a
separate branch (`pipelines.rounds.adoption`). Format 3 states what the commit holds and was made
from, and is signed (`pipelines.rounds.attestation`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lake import documents, refs
from lake.documents import DocumentError
from lake.values import Commit
from pipelines.common import digests
from pipelines.common.errors import DataError, FormatError
from pipelines.rounds.keys import StageKey

FORMAT: Final = 3
"""Format of the metadata that this release writes, and the highest that it reads."""

STAGE: Final = "stemma.stage"
DATASET: Final = "stemma.dataset"
ROUND: Final = "stemma.round"
LINE: Final = "stemma.line"
KEY: Final = "stemma.input_key"
RECIPE: Final = "stemma.recipe"
VERSIONS: Final = "stemma.versions"
BASE: Final = "stemma.base"
"""Entry of a generate commit: the commit at which its branch started."""
FIT_KEY: Final = "stemma.fit_key"
FIT_RECIPE: Final = "stemma.fit_recipe"
FIT_VERSIONS: Final = "stemma.fit_versions"
SUITE: Final = "stemma.suite"
GUARD: Final = "stemma.guard"
"""Entry of the merge of a round: digest of the guard's answer."""
PUBLISH_KEY: Final = "stemma.publish_key"
"""Entry of a guard commit that lets its round pass: the key under which it is published."""
FORMAT_ENTRY: Final = "stemma.format"


@dataclass(frozen=True, slots=True)
class StageMetadata:
    """The stage that made a commit, the round that it belongs to, and its key."""

    stage: str
    dataset: str
    round: int
    line: str = refs.MAIN
    key: StageKey | None = None
    """None for a commit without a key, such as a removal or a rejection."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Further entries of the stage, by their full names."""
    format: int = FORMAT

    @classmethod
    def from_commit(cls, commit: Commit) -> StageMetadata | None:
        """Read the metadata of a commit; None if no stage made it, or if it is damaged.

        Raises:
            FormatError: a newer release wrote it.
        """
        try:
            return cls.strictly(commit)
        except DataError:
            return None

    @classmethod
    def strictly(cls, commit: Commit) -> StageMetadata | None:
        """Read the metadata of a commit; None if no stage made it.

        Raises:
            FormatError: a newer release wrote it.
            DataError: it is damaged.
        """
        entries = dict(commit.metadata)
        stage, dataset = entries.pop(STAGE, None), entries.pop(DATASET, None)
        number = refs.number(entries.pop(ROUND, None))
        if stage is None or dataset is None or number is None or not refs.NAME.match(dataset):
            return None
        written = _format(commit.id, entries.pop(FORMAT_ENTRY, "1"))
        key, recipe = entries.pop(KEY, ""), entries.pop(RECIPE, None)
        versions = _versions(commit.id, entries.pop(VERSIONS, "{}"))
        return cls(
            stage=stage,
            dataset=dataset,
            round=number,
            line=entries.pop(LINE, refs.MAIN),
            key=StageKey(key, recipe, versions) if key else None,
            extra=entries,
            format=written,
        )

    def to_metadata(self) -> dict[str, str]:
        """Convert to commit metadata; recipe and versions are left out if there are none."""
        entries = {
            STAGE: self.stage,
            DATASET: self.dataset,
            ROUND: str(self.round),
            LINE: self.line,
            FORMAT_ENTRY: str(self.format),
            KEY: self.key.key if self.key else "",
            **self.extra,
        }
        if self.key is not None and self.key.recipe is not None:
            entries |= {RECIPE: self.key.recipe, VERSIONS: _encoded(self.key.versions)}
        return entries

    def publishes(self, dataset: str, number: int | None = None) -> bool:
        """Tell whether the commit publishes a data set's round; None stands for any round."""
        is_merge = self.stage == "publish" and self.dataset == dataset
        return is_merge and number in (None, self.round)

    @property
    def fit(self) -> StageKey | None:
        """Key of the fit whose generator a generate commit holds; None if it is damaged."""
        key = self.extra.get(FIT_KEY)
        if key is None:
            return None
        try:
            versions = _versions("a generate commit", self.extra.get(FIT_VERSIONS, "{}"))
        except DataError:
            return None
        return StageKey(key, self.extra.get(FIT_RECIPE), versions)


def fit_entries(key: StageKey) -> dict[str, str]:
    """Metadata entries of a generate commit about the fit whose generator it holds."""
    entries = {FIT_KEY: key.key, FIT_VERSIONS: _encoded(key.versions)}
    return entries | ({FIT_RECIPE: key.recipe} if key.recipe else {})


def _encoded(versions: Mapping[str, str]) -> str:
    return digests.canonical(dict(versions)).decode()


def _format(commit: str, text: str) -> int:
    written = refs.number(text)
    if written is None:
        raise DataError(f"commit {commit[:12]} names no format of its metadata")
    if written > FORMAT:
        raise FormatError(
            f"commit {commit[:12]} was written by a newer release (format {written}; this release "
            f"reads formats up to {FORMAT}); upgrade stemma to work with this lake"
        )
    return written


def _versions(commit: str, text: str) -> dict[str, str]:
    try:
        versions = documents.parse_json(text)
    except DocumentError as error:
        raise DataError(f"the versions in the metadata of {commit[:12]} are no JSON") from error
    valid = isinstance(versions, dict) and all(
        isinstance(version, str) for version in versions.values()
    )
    if not valid:
        raise DataError(f"the versions in the metadata of {commit[:12]} are no texts by name")
    return dict(versions)
