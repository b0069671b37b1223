"""The tables of every round that a commit holds, as the proofs of lineage take them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage.errors import MixError
from lineage.proof import findings
from lineage.proof.findings import Batch
from lineage.proof.tables import Tables
from pipelines.common.errors import DataError
from pipelines.inquiry.stage_commits import Finder
from pipelines.rounds import ancestry_index, manifest, purges
from pipelines.rounds.listing import checksums
from pipelines.takedown import gone

TABLES: Final = ("samples", "decisions", "verdicts", refs.REVIEWED)


@dataclass(frozen=True, slots=True)
class RealData:
    """What the manifest of a data set's real data states of payloads."""

    identity: tuple[str, ...] = ()
    payload: str | None = None


def read(lake: Lake, commit: str) -> tuple[list[Tables], list[Batch]]:
    """Find the tables of every round at a commit, and findings about mixes that cannot be read."""
    damaged: list[Batch] = []

    def note(dataset: str, number: int, error: MixError) -> None:
        message = pl.DataFrame({"detail": [str(error)]})
        damaged.append(findings.batch("mix_figures", 1, message, dataset, number))

    all_sources = ancestry_index.sources_at(lake, commit, unusable=note)
    sources = {(source.dataset, source.round): source for source in all_sources}
    tables = _tables(lake, commit)
    keys = sorted({*sources, *((dataset, number) for dataset, number, _ in tables)})
    finder = Finder(lake, commit)
    taken = gone.at(lake, commit)
    real = {
        dataset: _real_data(
            finder, dataset, taken.payload(dataset, checksums(lake, commit, dataset))
        )
        for dataset, _ in keys
    }
    purged = _purged(lake, commit, keys)
    rounds = [
        Tables(
            dataset,
            number,
            source=sources.get((dataset, number)),
            samples=tables.get((dataset, number, "samples")),
            decisions=tables.get((dataset, number, "decisions")),
            verdicts=tables.get((dataset, number, "verdicts")),
            identity=real[dataset].identity,
            payload=real[dataset].payload,
            taken=taken.rows(dataset, number),
            purged=purged.get((dataset, number)),
            reviewed=tables.get((dataset, number, refs.REVIEWED)),
        )
        for dataset, number in keys
    ]
    return rounds, damaged


def _purged(
    lake: Lake, commit: str, keys: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], pl.DataFrame]:
    """The rows that the samples of rounds lack since they were purged, by data set and round."""
    if not purges.of_lake(lake).originals:
        return {}
    prefixes = {key: refs.partition(key[0], "samples", key[1]) for key in keys}
    lacking = {key: purges.lacking_at(lake, commit, prefix) for key, prefix in prefixes.items()}
    return {key: rows for key, rows in lacking.items() if len(rows)}


def _tables(lake: Lake, commit: str) -> dict[tuple[str, int, str], pl.LazyFrame]:
    """The tables of each data set and round except lineage, by data set, round and name."""
    prefixes: dict[tuple[str, int, str], str] = {}
    for item in lake.objects(commit):
        dataset, _, rest = item.path.partition("/")
        name, number = rest.partition("/")[0], refs.round_of(item.path)
        if name in TABLES and number is not None and item.path.endswith(".parquet"):
            prefixes[dataset, number, name] = refs.partition(dataset, name, number)
    return {key: lake.scan(commit, prefix) for key, prefix in prefixes.items()}


def _real_data(finder: Finder, dataset: str, left: str | None) -> RealData:
    """Read what was stated when real data was ingested, whatever its manifest says at the ref.

    Args:
        finder: of commits of stages.
        dataset: the data set.
        left: digest of the payload that a take-down left; None: what was ingested counts.
    """
    try:
        ingested = finder.find(dataset, 0).get("ingest")
        ref = finder.ref if ingested is None else ingested.id
        recorded = manifest.read(finder.lake, ref, dataset, 0)
    except (DataError, NotFoundError):
        return RealData()
    stated: Mapping[str, Any] = recorded.get("payload") or {}
    return RealData(tuple(recorded.get("identity", ())), left or stated.get("digest"))
