"""Leaks that a round stored, and when they are believed.

The search for leaks runs once a round, and its result is stored beside the round. A table that says
"no leaks" is easily written by hand, so stored leaks answer for a round only where the stage that
searched is attested (`pipelines.rounds.attestation`), or main held the round before signing began;
where the round's samples, lineage and leaks are still those of that stage; and where it searched
the same hold-out, at least as far. Any other round is searched again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import polars as pl

from lake import refs
from lake.client import Lake
from lake.values import Commit
from pipelines.rounds import attestation, listing, manifest, purges, tables, trust
from pipelines.rounds.holdout import Named
from pipelines.rounds.metadata import StageMetadata
from pipelines.takedown import gone
from pipelines.takedown.gone import Gone

LEAKS: Final = "leaks"
"""Name of the table with a round's leaks."""
CONTAMINATED: Final = "contaminated"
"""Name of the table with all contaminated occurrences at the round's evaluate commit."""
SEARCHING: Final = ("evaluate", "ingest")
"""Stages that search for leaks."""
TABLES: Final = ("samples", "lineage", LEAKS, CONTAMINATED)
"""Tables that must be those of the stage that searched."""
MERGED: Final = 2
"""Number of parents of a merge."""
STORED: Final = ("round", "row", "sample_id", "equal", "distance")
"""Columns of the table of leaks."""
COLUMNS: Final = ("dataset", *STORED)
NODE: Final = ("dataset", "round", "row")
"""Columns that name a row of any data set."""
SCHEMA = {
    "round": pl.Int32,
    "row": pl.Int64,
    "sample_id": pl.Binary,
    "equal": pl.Boolean,
    "distance": pl.Float64,
    "real_row": pl.Int64,
}
NO_LEAKS: Final = pl.DataFrame(
    schema={"dataset": pl.String, **{name: SCHEMA[name] for name in STORED}}
)
ROUNDING: Final = 1 + 1e-9
"""Relative tolerance: rounding may put a distance at the limit slightly above it."""

RoundId: TypeAlias = tuple[str, int]
"""Data set and number of a round."""


@dataclass(frozen=True, slots=True)
class Search:
    """The commit of the stage that searched a round for leaks."""

    commit: Commit
    merge: str | None
    """Id of the merge that brought it; None if it was not merged."""


@dataclass(slots=True)
class Rounds:
    """The rounds at a commit, and which of them hold what the stage that searched them wrote."""

    lake: Lake
    commit: str
    _tables: dict[RoundId, dict[str, str]] = field(default_factory=dict)
    _log: list[Commit] = field(default_factory=list)
    _gone: Gone | None = None

    def numbers(self) -> dict[str, list[int]]:
        """Sorted numbers of the rounds with samples, by data set."""
        found: dict[str, list[int]] = defaultdict(list)
        for (dataset, number), parts in sorted(self._all().items()):
            if any(path.startswith(f"{dataset}/samples/") for path in parts):
                found[dataset].append(number)
        return dict(found)

    def checksums(self, *names: str) -> dict[str, dict[str, str]]:
        """Checksums of some tables of each round, in order of their paths: data set, number."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for (dataset, number), parts in sorted(self._all().items()):
            prefixes = tuple(refs.table(dataset, name) for name in names)
            chosen = [parts[path] for path in sorted(parts) if path.startswith(prefixes)]
            if chosen:
                found[dataset][str(number)] = "".join(chosen)
        return dict(found)

    def attested(self, dataset: str, number: int) -> dict[str, Any] | None:
        """The manifest of a round as the stage that searched it wrote it.

        Returns:
            The manifest; None if the stage is not attested, or the round's tables are not those
            that it wrote.
        """
        round_id = dataset, number
        search = next(self._searches(round_id), None)
        if search is None:
            return None
        here, there = (
            _of_round(self._taken().before(listing.checksums(self.lake, ref, dataset)), *round_id)
            for ref in (self.commit, search.commit.id)
        )
        if here != there or not self._is_proved(search):
            return None
        return manifest.read(self.lake, search.commit.id, dataset, number)

    def _taken(self) -> Gone:
        """What was taken down: a search before that found the leaks of what is left, and more."""
        if self._gone is None:
            self._gone = gone.at(self.lake, self.commit)
        return self._gone

    def _is_proved(self, search: Search) -> bool:
        trusted = trust.load(self.lake)
        if trusted is not None and search.merge is not None and trusted.is_earlier(search.merge):
            return True
        return attestation.fault(self.lake, search.commit, trusted) is None

    def _searches(self, round_id: RoundId) -> Iterator[Search]:
        """The commits in the history that searched a round for leaks, newest first."""
        self._log = self._log or list(self.lake.log(self.commit, first_parent=True))
        for made in self._log:
            metadata = StageMetadata.from_commit(made)
            if metadata is None or (metadata.dataset, metadata.round) != round_id:
                continue
            if metadata.stage in SEARCHING:
                yield Search(made, None)
            elif metadata.stage == "publish" and len(made.parents) == MERGED:
                yield from _merged(self.lake, made, round_id)

    def _all(self) -> dict[RoundId, dict[str, str]]:
        """Checksums of the tables of all rounds: by round, then by path."""
        if not self._tables:
            found: dict[RoundId, dict[str, str]] = defaultdict(dict)
            original = purges.of_lake(self.lake).original
            for item in self.lake.objects(self.commit):
                dataset, _, rest = item.path.partition("/")
                number = refs.round_of(item.path)
                if number is not None and rest.startswith(("samples/", "lineage/")):
                    found[dataset, number][item.path] = original(item.checksum)
            self._tables = dict(found)
        return self._tables


def _of_round(paths: Mapping[str, str], dataset: str, number: int) -> dict[str, str]:
    """The paths, with their checksums, of the tables that the search for leaks is about."""
    prefixes = tuple(refs.partition(dataset, table, number) for table in TABLES)
    return {path: checksum for path, checksum in paths.items() if path.startswith(prefixes)}


def describe(leaks: pl.DataFrame, near: float, named: Named, samples: str) -> dict[str, Any]:
    """The section `leaks` of a round's manifest.

    Args:
        leaks: the leaks of the round.
        near: distance at or below which rows counted as near-duplicates.
        named: the hold-out that was searched.
        samples: checksum of the samples that were searched, from `samples_checksum`.
    """
    return {"rows": len(leaks), "near": near, "samples": samples, **hold_out(named)}


def of_dataset(dataset: str, leaks: pl.DataFrame) -> pl.DataFrame:
    """Leaks of a data set, with the columns `COLUMNS`."""
    columns = (pl.col(name).cast(SCHEMA[name]) for name in STORED)
    return leaks.select(pl.lit(dataset).alias("dataset"), *columns)


def hold_out(named: Named) -> dict[str, str]:
    """The entries of a manifest that say which hold-out was searched."""
    digest = {"holdout_digest": named.digest} if named.digest else {}
    return {"holdout": named.key, **digest}


def samples_checksum(lake: Lake, commit: str, dataset: str, number: int) -> str:
    """Checksum of the samples of a round at a commit."""
    parts = lake.objects(commit, refs.partition(dataset, "samples", number))
    original = purges.of_lake(lake).original
    return "".join(original(item.checksum) for item in sorted(parts, key=lambda item: item.path))


def answers(recorded: Mapping[str, Any] | None, near: float, named: Named) -> bool:
    """Tell whether leaks that a manifest records cover a distance and a hold-out."""
    if recorded is None or near > recorded["near"]:
        return False
    return {name: recorded.get(name) for name in ("holdout", "holdout_digest")} == {
        "holdout": named.key,
        "holdout_digest": named.digest,
    }


def read(lake: Lake, commit: str, dataset: str, numbers: list[int], near: float) -> pl.DataFrame:
    """Stored leaks of rounds at or below a distance, which may be smaller than the stored one."""
    is_near = pl.col("equal") | (pl.col("distance") <= near * ROUNDING)
    leaks = tables.read(lake, commit, dataset, LEAKS)
    selected = leaks.filter(pl.col("round").is_in(numbers) & is_near)
    return tables.collected(selected, f"the leaks of {dataset} at {commit}")


def _merged(lake: Lake, merge: Commit, round_id: RoundId) -> Iterator[Search]:
    """The commits of a merged branch that searched its round, newest first."""
    for made in lake.log(merge.parents[1], first_parent=True):
        metadata = StageMetadata.from_commit(made)
        if metadata is None or (metadata.dataset, metadata.round) != round_id:
            return
        if metadata.stage in SEARCHING:
            yield Search(made, merge.id)
