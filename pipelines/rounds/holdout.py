"""The hold-out: real rows that no generator sees, in a separate repository.

Rounds are gated on validation rows. No stage reads the labels of test rows; gates see only their
fingerprints (id and content, no label), to find leaked samples. Round 0 of a data set names the
input key of its hold-out, so a round is always measured on the rows that were split off from the
real data that it descends from, whatever was ingested later. It also names digests of these rows
(`pipelines.rounds.holdout_digest`), so that other rows under the same key are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import ConflictError, CorruptError, NotFoundError
from lineage.errors import LineageError
from lineage.schema import UNREADABLE
from pipelines.common.errors import StaleError
from pipelines.rounds import held_out_removals, holdout_digest, parts, purges, tables
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import DATASET, KEY, StageMetadata
from pipelines.rounds.staging_branch import staging_branch

SPLITS: Final = ("validation", "test")
FINGERPRINTS: Final = "fingerprints"
LABEL: Final = "label"


def merge(held_out: Lake, commit: str, message: str, dataset: str) -> None:
    """Merge a commit into main of the hold-out's repository.

    Raises:
        StaleError: another run changed the hold-out of the data set meanwhile.
    """
    try:
        held_out.merge(commit, refs.MAIN, message, {})
    except ConflictError as error:
        raise StaleError(
            f"another run changed the hold-out of {dataset} meanwhile; run this again"
        ) from error


@dataclass(frozen=True, slots=True)
class Named:
    """The hold-out that round 0 of a data set names."""

    dataset: str
    key: str
    """Input key of the ingest that split the rows off."""
    identity: tuple[str, ...]
    digest: str | None = None
    """Digest of all its rows; None if an earlier release wrote round 0."""
    tables: Mapping[str, str] = field(default_factory=dict)
    """Digests of its tables, by name; empty if there is no digest."""
    rows: Mapping[str, int] = field(default_factory=dict)
    """Number of rows, by split."""

    def section(self) -> dict[str, Any]:
        """The section `holdout` of the manifest of round 0."""
        return {"input_key": self.key, "digest": self.digest, "tables": dict(self.tables)}

    def table_rows(self, table: str) -> int:
        """Number of rows of a table."""
        splits = SPLITS if table == FINGERPRINTS else (table,)
        return sum(self.rows.get(split, 0) for split in splits)


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class HeldOut:
    """The held-out rows of a data set, at a commit of the hold-out repository.

    Each table is read once and compared with its digest in round 0.
    """

    lake: Lake
    commit: str
    named: Named
    _read: dict[str, pl.DataFrame] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> str:
        """Input key of the ingest that split the rows off."""
        return self.named.key

    def validation(self) -> pl.DataFrame:
        """The rows on which rounds are gated: row, sample_id, payload.

        Raises:
            StaleError: they are not the rows that round 0 names.
        """
        return self.table("validation")

    def fingerprints(self) -> pl.DataFrame:
        """Ids and content of all held-out rows, without labels: split, row, sample_id, payload.

        Raises:
            StaleError: they are not the rows that round 0 names.
        """
        return self.table(FINGERPRINTS)

    def table(self, name: str) -> pl.DataFrame:
        """A table, of which round 0 names the digest.

        Raises:
            StaleError: it is another table.
        """
        if name not in self._read:
            found = self._stored(name)
            wrong = self._difference(name, found) if self.named.digest else None
            if wrong is not None:
                raise self._stale(wrong)
            self._read[name] = found if self.named.digest else self._identified(name, found)
        return self._read[name]

    def _difference(self, name: str, found: pl.DataFrame) -> str | None:
        """Say how a table differs from the one that round 0 names; rows that went count as there.

        What take-downs took is looked up only where rows are missing.
        """
        prefix = f"{self.named.dataset}/{name}/"
        purged = purges.lacking_at(self.lake, self.commit, prefix)
        wrong = _difference(self.named, name, found, purged)
        if wrong is None:
            return None
        taken = held_out_removals.lacking_at(self.lake, self.commit, prefix)
        return _difference(self.named, name, found, taken) if len(taken) > len(purged) else wrong

    def _identified(self, name: str, found: pl.DataFrame) -> pl.DataFrame:
        """A table that no digest covers, with the ids of its content."""
        try:
            return found.with_columns(holdout_digest.content_ids(found, self.named.identity))
        except (LineageError, *UNREADABLE) as error:
            raise self._stale(f"its {_words(name)} have other columns") from error

    def _stored(self, name: str) -> pl.DataFrame:
        try:
            rows = self.lake.scan(self.commit, f"{self.named.dataset}/{name}/")
            return tables.collected(rows, f"the hold-out of {self.named.dataset}")
        except (NotFoundError, CorruptError, LineageError) as error:
            raise self._stale(f"its {_words(name)} cannot be read") from error

    def _stale(self, wrong: str) -> StaleError:
        dataset = self.named.dataset
        return StaleError(
            f"the hold-out of {dataset} in {self.lake.repository} is not the one that round 0 "
            f"names: {wrong}; restore it with `{_restore(dataset)}`"
        )


def named(dataset: str, real: Mapping[str, Any]) -> Named:
    """Read from the manifest of round 0 which hold-out it names.

    Raises:
        MissingError: it names none.
    """
    section = real["holdout"]
    return Named(
        dataset,
        section["input_key"],
        tuple(real.get("identity", ["image"])),
        digest_of(real),
        section.get("tables", {}),
        real.get("counts", {}),
    )


def digest_of(real: Mapping[str, Any]) -> str | None:
    """The digest of the hold-out that the manifest of round 0 names; None if it names none."""
    digest: str | None = real.get("holdout", {}).get("digest")
    return digest or None


def name(
    dataset: str,
    rows: pl.DataFrame,
    identity: tuple[str, ...],
    key: str,
    kept: Sequence[str] = (),
) -> Named:
    """Name the hold-out of real rows, for the manifest of round 0.

    Args:
        dataset: the data set's name.
        rows: row, sample_id, payload, split of all real rows.
        identity: the columns that are the content of a sample.
        key: the input key of the ingest.
        kept: columns that are kept beside the content, which gates never see.
    """
    digests = holdout_digest.of_tables(split_off(rows, kept), identity)
    sizes = dict(rows["split"].value_counts().iter_rows())
    return Named(dataset, key, identity, holdout_digest.whole(digests), digests, sizes)


def open_named(lake: Lake, wanted: Named) -> HeldOut:
    """Find the hold-out that round 0 names.

    Args:
        lake: the hold-out repository.
        wanted: what round 0 names.

    Raises:
        StaleError: the repository does not hold it, or round 0 contradicts itself.
    """
    dataset = wanted.dataset
    if wanted.digest and holdout_digest.whole(wanted.tables) != wanted.digest:
        raise StaleError(
            f"round 0 of {dataset} names digests of its hold-out that contradict each other; "
            f"ingest the real data again with `{_restore(dataset)}`"
        )
    commit = _find(lake, dataset, wanted.key)
    if commit is None:
        raise StaleError(
            f"the hold-out of {dataset} is not in {lake.repository}; run `{_restore(dataset)}`"
        )
    return HeldOut(lake, commit, wanted)


def holds(lake: Lake, wanted: Named) -> bool:
    """Tell whether the repository holds the hold-out that round 0 names, with exactly its rows."""
    try:
        held = open_named(lake, wanted)
        for name in wanted.tables:
            held.table(name)
    except StaleError:
        return False
    return True


def store(
    lake: Lake, dataset: str, frame: pl.DataFrame, wanted: Named, kept: Sequence[str] = ()
) -> None:
    """Commit the held-out rows of `frame` to the hold-out repository.

    Args:
        lake: the hold-out repository.
        dataset: the data set's name.
        frame: row, sample_id, payload, split of all real rows.
        wanted: what round 0 names, or will name.
        kept: as for `name`.

    Raises:
        StaleError: these are not the rows that round 0 names, or another run was faster.
    """
    split = split_off(frame, kept)
    _refuse_others(lake, wanted, split)
    metadata = StageMetadata("ingest", dataset, 0, key=StageKey(wanted.key, None))
    message = f"Hold out validation and test rows of {dataset}"
    with staging_branch(lake, refs.branch_name(dataset, 0), refs.MAIN) as branch:
        _write(lake, branch, dataset, split)
        commit = lake.commit(branch, message, metadata.to_metadata())
        try:
            lake.merge(commit.id, refs.MAIN, message, {})
        except ConflictError as error:
            if not holds(lake, wanted):
                raise StaleError(
                    f"another run changed the hold-out of {dataset} meanwhile; run this again"
                ) from error


def _write(lake: Lake, branch: str, dataset: str, split: Mapping[str, pl.DataFrame]) -> None:
    """Stage the tables of a hold-out in parts, in the place of those that are there."""
    written = set()
    for name, rows in split.items():
        for index, part in enumerate(parts.pieces(rows)):
            path = f"{dataset}/{name}/part-{index:05d}.parquet"
            lake.write(branch, path, part)
            written.add(path)
    others = {item.path for item in lake.objects(branch, f"{dataset}/")} - written
    of_tables = tuple(f"{dataset}/{name}/" for name in split)
    lake.delete(branch, sorted(path for path in others if path.startswith(of_tables)))


def split_off(frame: pl.DataFrame, kept: Sequence[str] = ()) -> dict[str, pl.DataFrame]:
    """The tables of the hold-out, by name.

    Args:
        frame: row, sample_id, payload, split of all real rows.
        kept: as for `name`; a kept column can be an answer, as a label is.
    """
    split = {name: frame.filter(pl.col("split") == name).drop("split") for name in SPLITS}
    held_out = frame.filter(pl.col("split").is_in(SPLITS))
    return {**split, FINGERPRINTS: held_out.select("split", pl.exclude("split", LABEL, *kept))}


def _refuse_others(lake: Lake, wanted: Named, split: Mapping[str, pl.DataFrame]) -> None:
    """Refuse to store other rows than round 0 names."""
    found = holdout_digest.of_tables(split, wanted.identity) if wanted.digest else {}
    if found != wanted.tables:
        raise StaleError(
            f"the source of {wanted.dataset} does not give the hold-out that round 0 names any "
            f"more; restore the source, or {lake.repository} from a backup, or split anew with "
            "another ingest.split_key in params.yaml"
        )


def _difference(wanted: Named, name: str, table: pl.DataFrame, purged: pl.DataFrame) -> str | None:
    """Say how a table differs from the one that round 0 names; None if it does not.

    Rows that were taken down or purged from it count as there (`purges.LACKING`).
    """
    words = _words(name)
    try:
        found = holdout_digest.of_table(table, wanted.identity, purged)
    except (LineageError, *UNREADABLE):
        return f"its {words} have other columns"
    if found.misnamed:
        return f"{found.misnamed:,} of its {words} have another id than their content"
    if found.digest == wanted.tables.get(name):
        return None
    count = wanted.table_rows(name)
    if found.rows != count:
        return f"it has {found.rows:,} {words}, and round 0 counts {count:,}"
    return f"its {found.rows:,} {words} have other content"


def _words(name: str) -> str:
    """What the rows of a table are called."""
    return name if name == FINGERPRINTS else f"{name} rows"


def _restore(dataset: str) -> str:
    return f"dvc repro --force --single-item ingest@{dataset}"


def _find(lake: Lake, dataset: str, key: str) -> str | None:
    """The newest commit that an ingest with this key made."""
    try:
        for commit in lake.log(refs.MAIN):
            if commit.metadata.get(DATASET) == dataset and commit.metadata.get(KEY) == key:
                return commit.id
    except NotFoundError:
        return None
    return None
