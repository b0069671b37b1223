"""The hold-out: real rows that no generator sees, in a separate repository.

Rounds are gated on validation rows. No stage reads the labels of test rows; gates see only their
fingerprints (id and content, no label), to find leaked samples. Round 0 of a data set names the
input key of its hold-out, so a round is always measured on the rows that were split off from the
real data that it descends from, whatever was ingested later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import ConflictError, NotFoundError
from pipelines.common.errors import StaleError
from pipelines.rounds import tables
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import DATASET, KEY, StageMetadata
from pipelines.rounds.staging_branch import staging_branch

SPLITS: Final = ("validation", "test")
FINGERPRINTS: Final = "fingerprints"
LABEL: Final = "label"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The held-out rows of a data set, at a commit of the hold-out repository."""

    lake: Lake
    dataset: str
    commit: str
    key: str
    """Input key of the ingest that split the rows off."""

    def validation(self) -> pl.DataFrame:
        """The rows on which rounds are gated: row, sample_id, payload."""
        return self._read("validation")

    def fingerprints(self) -> pl.DataFrame:
        """Ids and content of all held-out rows, without labels: split, row, sample_id, payload."""
        return self._read(FINGERPRINTS)

    def _read(self, split: str) -> pl.DataFrame:
        rows = self.lake.scan(self.commit, f"{self.dataset}/{split}/")
        return tables.collected(rows, f"the hold-out of {self.dataset} at {self.commit}")


def open_at(lake: Lake, dataset: str, key: str) -> HeldOut:
    """Find the hold-out that an ingest split off.

    Args:
        lake: the hold-out repository.
        dataset: the data set's name.
        key: the input key of the ingest.

    Raises:
        StaleError: the repository does not hold it.
    """
    commit = _find(lake, dataset, key)
    if commit is None:
        raise StaleError(
            f"the hold-out of {dataset} is not in {lake.repository}; "
            f"run `dvc repro --force --single-item ingest@{dataset}`"
        )
    return HeldOut(lake, dataset, commit, key)


def holds(lake: Lake, dataset: str, key: str) -> bool:
    """Tell whether the repository holds the hold-out of an ingest."""
    return _find(lake, dataset, key) is not None


def store(lake: Lake, dataset: str, frame: pl.DataFrame, key: str) -> None:
    """Commit the held-out rows of `frame` to the hold-out repository.

    Args:
        lake: the hold-out repository.
        dataset: the data set's name.
        frame: row, sample_id, payload, split of all real rows.
        key: the input key of the ingest.
    """
    metadata = StageMetadata("ingest", dataset, 0, key=StageKey(key, None))
    message = f"Hold out validation and test rows of {dataset}"
    with staging_branch(lake, refs.branch_name(dataset, 0), refs.MAIN) as branch:
        for split in SPLITS:
            rows = frame.filter(pl.col("split") == split)
            lake.write(branch, _path(dataset, split), rows.drop("split"))
        held_out = frame.filter(pl.col("split").is_in(SPLITS))
        fingerprints = held_out.select("split", pl.exclude("split", LABEL))
        lake.write(branch, _path(dataset, FINGERPRINTS), fingerprints)
        commit = lake.commit(branch, message, metadata.to_metadata())
        try:
            lake.merge(commit.id, refs.MAIN, message, {})
        except ConflictError as error:
            if not holds(lake, dataset, key):
                raise StaleError(
                    f"another run changed the hold-out of {dataset} meanwhile; run this again"
                ) from error


def _path(dataset: str, split: str) -> str:
    return f"{dataset}/{split}/part-00000.parquet"


def _find(lake: Lake, dataset: str, key: str) -> str | None:
    """The newest commit that an ingest with this key made."""
    try:
        for commit in lake.log(refs.MAIN):
            if commit.metadata.get(DATASET) == dataset and commit.metadata.get(KEY) == key:
                return commit.id
    except NotFoundError:
        return None
    return None
