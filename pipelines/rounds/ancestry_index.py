"""The lineage graph of a commit: the tables that it is built from, and the cache of its index.

A commit never changes, so the list of its tables is cached beside the index: opening it again only
resolves the ref. Parents may be in another data set, so the index always covers all data sets.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from lake import documents, files, private, refs
from lake.client import Lake
from lineage import training_mix
from lineage.ancestry.index import Ancestry, open_index
from lineage.ancestry.source import Source
from lineage.errors import MixError
from lineage.manifest import MixManifest
from pipelines.common import digests, progress
from pipelines.rounds import manifest

CACHE: Final = Path(".stemma") / "ancestry"
COMMITS: Final = "commits"
MANIFESTS: Final = "rounds"
TABLES: Final = ("lineage", "decisions", "left_out")
"""The tables that the lineage graph is built from, besides the manifests."""
MAX_BYTES: Final = 32 << 30
"""Size of the cache above which segments that the opened commit does not use are removed, the least
recently used first."""

RoundId: TypeAlias = tuple[str, int]
"""Data set and round number."""


@dataclass(frozen=True, slots=True)
class RoundContents:
    """The lineage tables and the training mix of a round at a commit."""

    parts: Mapping[str, Mapping[str, str]]
    """Checksums of the parts of each table: table, then path."""
    mix: Mapping[str, Any] | None
    """The training mix in the round's manifest."""
    real: bool
    """Whether it is a later round of real data, as its manifest says."""


def open_at(lake: Lake, ref: str) -> Ancestry:
    """Open the lineage graph of a ref and index what is not indexed yet.

    Args:
        lake: the lake.
        ref: branch, tag or commit.

    Raises:
        NotFoundError: there is no such ref.
        SchemaError: a lineage table does not have the schema that it should have.
    """
    return opened(sources_at(lake, lake.resolve(ref).id))


def sources_at(
    lake: Lake, commit: str, *, unusable: Callable[[str, int, MixError], None] | None = None
) -> list[Source]:
    """List the rounds of a commit that have lineage, without reading their tables.

    Args:
        lake: the lake.
        commit: commit id.
        unusable: called with data set, round and error for each manifest whose mix cannot be read;
            the mix then counts as absent. None: such a mix is an error.

    Raises:
        MixError: the mix of a manifest cannot be read.
    """
    sources = []
    for round_id, contents in _rounds(lake, commit).items():
        try:
            mix = training_mix.read(contents.mix) if contents.mix else None
        except MixError as error:
            if unusable is None:
                raise
            unusable(*round_id, error)
            mix = None
        sources.append(_source(lake, commit, round_id, contents, mix))
    return sources


def opened(
    sources: Sequence[Source], *, verify: Literal["changed", "full"] = "changed"
) -> Ancestry:
    """Open the lineage graph of some rounds and index what is not indexed yet.

    Args:
        sources: the rounds.
        verify: as `open_index`.

    Raises:
        SchemaError: a lineage table does not have the schema that it should have.
    """
    private.folder(CACHE.parent)
    with progress.bar(len(sources), "indexing lineage") as report:
        ancestry = open_index(CACHE, sources, progress=report, verify=verify)
    _prune({segment.digest for segment in ancestry.segments})
    return ancestry


def datasets(index: Ancestry) -> list[str]:
    """The names of the data sets in a lineage graph, sorted."""
    return sorted({segment.dataset for segment in index.segments})


def _rounds(lake: Lake, commit: str) -> dict[RoundId, RoundContents]:
    """The rounds of a commit that have lineage, from the cache or from the lake."""
    name = hashlib.sha256(f"{lake.repository}/{commit}".encode()).hexdigest()
    path = CACHE / COMMITS / f"{name}.json"
    cached = _cached(path)
    if cached is not None:
        return cached
    listed = _listed(lake, commit)
    private.folder(CACHE.parent)
    files.write_json(path, listed)
    return {
        (dataset, number): RoundContents(parts, mix, real)
        for dataset, number, parts, mix, real in listed
    }


def _cached(path: Path) -> dict[RoundId, RoundContents] | None:
    """The cached rounds of a commit; None if they are not cached or the file is damaged."""
    try:
        listed = documents.read_json(path, strict=False)
        rounds = {
            (dataset, number): RoundContents(parts, mix, real)
            for dataset, number, parts, mix, real in listed
            if type(dataset) is str and type(number) is int and "lineage" in parts
        }
    except (OSError, ValueError, TypeError):
        return None
    valid = all(
        isinstance(contents.mix, Mapping | None) and type(contents.real) is bool
        for contents in rounds.values()
    )
    return rounds if valid and len(rounds) == len(listed) else None


def _listed(lake: Lake, commit: str) -> list[tuple[str, int, dict[str, dict[str, str]], Any, bool]]:
    """Data set, round, parts, mix, and whether it is real, of each round in the lake."""
    by_round: dict[RoundId, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for item in lake.objects(commit):
        belongs = _belongs(item.path)
        if belongs is not None:
            dataset, table, number = belongs
            by_round[dataset, number][table][item.path] = item.checksum
    with_lineage = [
        (round_id, parts) for round_id, parts in sorted(by_round.items()) if "lineage" in parts
    ]
    manifests = [
        manifest.read(lake, commit, *round_id) if MANIFESTS in parts else {}
        for round_id, parts in with_lineage
    ]
    return [
        (*round_id, parts, content.get("mix"), manifest.ARRIVALS in content)
        for (round_id, parts), content in zip(with_lineage, manifests, strict=True)
    ]


def _belongs(path: str) -> tuple[str, str, int] | None:
    """Data set, table and round of a path in the lineage tables; None for any other path."""
    dataset, _, rest = path.partition("/")
    table = rest.partition("/")[0]
    number = refs.round_of(path)
    if number is None or not refs.NAME.match(dataset) or table not in (*TABLES, MANIFESTS):
        return None
    return dataset, table, number


def _source(
    lake: Lake, commit: str, round_id: RoundId, contents: RoundContents, mix: MixManifest | None
) -> Source:
    dataset, number = round_id
    frames = {
        table: partial(lake.scan, commit, refs.partition(dataset, table, number))
        for table in TABLES
        if table in contents.parts
    }
    # The digest leaves out the manifest's checksum: the rest of the manifest may change.
    checksums = {table: contents.parts[table] for table in frames}
    return Source(
        dataset=dataset,
        round=number,
        digest=digests.of_spaced_json([checksums, mix.digest if mix else None]),
        lineage=frames["lineage"],
        decisions=frames.get("decisions"),
        mixes={mix.digest: mix} if mix else {},
        left_out={mix.digest: frames["left_out"]} if mix and "left_out" in frames else {},
        real=contents.real,
    )


def _prune(used: Iterable[str]) -> None:
    """Remove the least recently used segments until the rest fits into `MAX_BYTES`."""
    keep = {*used, COMMITS}
    sized = [(_size(folder), folder) for folder in CACHE.iterdir() if folder.is_dir()]
    total = sum(size for size, _ in sized)
    for size, folder in sorted(sized, key=lambda entry: entry[1].stat().st_mtime_ns):
        if total <= MAX_BYTES:
            return
        if folder.name not in keep:
            shutil.rmtree(folder, ignore_errors=True)
            total -= size


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
