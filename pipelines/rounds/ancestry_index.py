"""The family tree of a commit: which tables it is made of, and where its index is kept.

A commit never changes, so the list of its tables is kept beside the index: opening it again asks
the lake for nothing but the ref. Parents may be in another data set, so the index always holds all
of them.
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
"""The tables that the family tree is made of, beside the manifests."""
MOST_BYTES: Final = 32 << 30
"""Size above which segments that the opened commit does not use are dropped, oldest use first."""

Place: TypeAlias = tuple[str, int]
"""Data set and round."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a commit holds of a round."""

    parts: Mapping[str, Mapping[str, str]]
    """Table, to the checksums of its parts by path."""
    mix: Mapping[str, Any] | None
    """The training mix in its manifest."""


def open_at(lake: Lake, ref: str) -> Ancestry:
    """Open the family tree of a ref, building what is not indexed yet.

    Args:
        lake: the lake.
        ref: branch, tag or commit.

    Raises:
        NotFoundError: there is no such ref.
        SchemaError: a table of lineage is not what it should be.
    """
    return opened(sources_at(lake, lake.resolve(ref).id))


def sources_at(
    lake: Lake, commit: str, *, unusable: Callable[[str, int, MixError], None] | None = None
) -> list[Source]:
    """The rounds of a commit whose lineage it holds, without reading their tables.

    Args:
        lake: the lake.
        commit: commit id.
        unusable: told of each data set and round whose manifest has a mix that cannot be read,
            which then counts as absent; None: that is an error.

    Raises:
        MixError: the mix of a manifest cannot be read.
    """
    found = []
    for place, about in _rounds(lake, commit).items():
        try:
            mix = training_mix.read(about.mix) if about.mix else None
        except MixError as error:
            if unusable is None:
                raise
            unusable(*place, error)
            mix = None
        found.append(_source(lake, commit, place, about, mix))
    return found


def opened(
    sources: Sequence[Source], *, verify: Literal["changed", "full"] = "changed"
) -> Ancestry:
    """Open the family tree of some rounds, building what is not indexed yet.

    Args:
        sources: the rounds.
        verify: as `open_index`.

    Raises:
        SchemaError: a table of lineage is not what it should be.
    """
    private.folder(CACHE.parent)
    with progress.bar(len(sources), "indexing lineage") as told:
        found = open_index(CACHE, sources, progress=told, verify=verify)
    _prune({segment.digest for segment in found.segments})
    return found


def datasets(index: Ancestry) -> list[str]:
    """The data sets that a family tree holds, by name."""
    return sorted({segment.dataset for segment in index.segments})


def _rounds(lake: Lake, commit: str) -> dict[Place, Round]:
    """The rounds of a commit whose lineage it holds."""
    name = hashlib.sha256(f"{lake.repository}/{commit}".encode()).hexdigest()
    place = CACHE / COMMITS / f"{name}.json"
    kept = _kept(place)
    if kept is not None:
        return kept
    listed = _listed(lake, commit)
    private.folder(CACHE.parent)
    files.write_json(place, listed)
    return {(dataset, number): Round(parts, mix) for dataset, number, parts, mix in listed}


def _kept(place: Path) -> dict[Place, Round] | None:
    """The rounds of a commit as they were kept; None where they are not, or damaged."""
    try:
        listed = documents.read_json(place, strict=False)
        found = {
            (dataset, number): Round(parts, mix)
            for dataset, number, parts, mix in listed
            if type(dataset) is str and type(number) is int and "lineage" in parts
        }
    except (OSError, ValueError, TypeError):
        return None
    plain = all(isinstance(each.mix, Mapping | None) for each in found.values())
    return found if plain and len(found) == len(listed) else None


def _listed(lake: Lake, commit: str) -> list[tuple[str, int, dict[str, dict[str, str]], Any]]:
    """Data set, round, parts and mix of each round, as the lake has them."""
    found: dict[Place, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for item in lake.objects(commit):
        belongs = _belongs(item.path)
        if belongs is not None:
            dataset, table, number = belongs
            found[dataset, number][table][item.path] = item.checksum
    held = [(at, parts) for at, parts in sorted(found.items()) if "lineage" in parts]
    mixes = [_mix(lake, commit, *at) if MANIFESTS in parts else None for at, parts in held]
    return [(*at, parts, mix) for (at, parts), mix in zip(held, mixes, strict=True)]


def _mix(lake: Lake, commit: str, dataset: str, number: int) -> Any:  # noqa: ANN401  JSON
    """The training mix that a round's manifest describes, if it does."""
    return manifest.read(lake, commit, dataset, number).get("mix")


def _belongs(path: str) -> tuple[str, str, int] | None:
    """Data set, table and round of a part of lineage, or None for anything else."""
    dataset, _, rest = path.partition("/")
    table = rest.partition("/")[0]
    number = refs.round_of(path)
    if number is None or not refs.NAME.match(dataset) or table not in (*TABLES, MANIFESTS):
        return None
    return dataset, table, number


def _source(lake: Lake, commit: str, place: Place, about: Round, mix: MixManifest | None) -> Source:
    dataset, number = place
    frames = {
        table: partial(lake.scan, commit, refs.partition(dataset, table, number))
        for table in TABLES
        if table in about.parts
    }
    read = {table: about.parts[table] for table in frames}  # the rest of the manifest may change
    return Source(
        dataset=dataset,
        round=number,
        digest=digests.of_spaced_json([read, mix.digest if mix else None]),
        lineage=frames["lineage"],
        decisions=frames.get("decisions"),
        mixes={mix.digest: mix} if mix else {},
        left_out={mix.digest: frames["left_out"]} if mix and "left_out" in frames else {},
    )


def _prune(used: Iterable[str]) -> None:
    """Drop segments that were not used for longest, until the rest fits."""
    keep = {*used, COMMITS}
    held = [(_size(place), place) for place in CACHE.iterdir() if place.is_dir()]
    total = sum(size for size, _ in held)
    for size, place in sorted(held, key=lambda each: each[1].stat().st_mtime_ns):
        if total <= MOST_BYTES:
            return
        if place.name not in keep:
            shutil.rmtree(place, ignore_errors=True)
            total -= size


def _size(place: Path) -> int:
    return sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
