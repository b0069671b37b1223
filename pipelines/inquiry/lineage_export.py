"""Collect what an export of lineage contains: the rounds and files of a commit in the lake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import polars as pl

from lake import refs, settings
from lake.client import Lake
from lake.errors import NotFoundError
from lake.settings import Embedded
from lake.tables import SUFFIX
from lake.values import ObjectInfo
from lineage.export import croissant, prov
from lineage.export.values import File, Origin, Round
from pipelines.rounds import history, manifest

EXCHANGES = "exchanges"
"""What models were asked and answered, where a round keeps it."""
TABLES = ("samples", "lineage", "verdicts", "decisions", EXCHANGES)
MANIFESTS = "rounds"


@dataclass(frozen=True, slots=True)
class Holding:
    """The objects of a commit that belong to data sets with lineage."""

    origin: Origin
    objects: dict[str, list[ObjectInfo]] = field(repr=False)
    """Objects by data set."""


def hold(lake: Lake, ref: str, dataset: str | None = None) -> Holding:
    """List what a ref holds, of all data sets or of one.

    Raises:
        NotFoundError: The ref does not exist.
    """
    commit = lake.resolve(ref)
    objects: dict[str, list[ObjectInfo]] = {}
    for item in lake.objects(commit.id, f"{dataset}/" if dataset else ""):
        name, inside, _ = item.path.partition("/")
        if inside:
            objects.setdefault(name, []).append(item)
    with_lineage = {
        name: items
        for name, items in objects.items()
        if _numbers(items, refs.table(name, "lineage"))
    }
    origin = Origin(lake.repository, ref, commit.id, commit.created, _server(lake))
    return Holding(origin, with_lineage)


def compose(lake: Lake, holding: Holding, form: str) -> prov.Document | croissant.Document:
    """Prepare the document in a format.

    Args:
        lake: The lake.
        holding: What is exported.
        form: `prov` or `croissant`.
    """
    if form == "prov":
        return prov.Document(holding.origin, rounds(lake, holding))
    return croissant.Document(holding.origin, rounds(lake, holding), list(files(lake, holding)))


def rounds(lake: Lake, held: Holding) -> list[Round]:
    """List the rounds in the order of their numbers."""
    unsorted = (round_ for name in held.objects for round_ in _rounds(lake, held, name))
    return sorted(unsorted, key=lambda round_: (round_.number, round_.dataset))


def files(lake: Lake, held: Holding) -> Iterator[File]:
    """Yield the parts of the tables, with their columns, and the manifests of the rounds."""
    for name, items in held.objects.items():
        for item in items:
            table, number = item.path.split("/")[1], refs.round_of(item.path)
            part = table in TABLES and item.path.endswith(SUFFIX)
            if number is not None and (part or table == MANIFESTS):
                columns = partial(_columns, lake, held, item.path) if part else None
                yield File(item.path, item.checksum, item.size, name, table, number, columns)


def _rounds(lake: Lake, held: Holding, dataset: str) -> Iterator[Round]:
    commit, items = held.origin.commit, held.objects[dataset]
    published = history.published(lake, dataset, commit)
    tags = {target: name for name, target in sorted(lake.tags(f"{dataset}-v").items())}
    decided = _numbers(items, refs.table(dataset, "decisions"))
    asked = _numbers(items, refs.table(dataset, EXCHANGES))
    for number in _numbers(items, refs.table(dataset, "lineage")):
        merge = published[number].commit if number in published else None
        yield Round(
            dataset=dataset,
            number=number,
            lineage=_scan(lake, commit, dataset, "lineage", number),
            decisions=_scan(lake, commit, dataset, "decisions", number)
            if number in decided
            else None,
            manifest=_manifest(lake, commit, dataset, number),
            commit=merge,
            tag=tags.get(merge) if merge else None,
            exchanges=_scan(lake, commit, dataset, EXCHANGES, number) if number in asked else None,
        )


def _scan(lake: Lake, commit: str, dataset: str, table: str, number: int) -> partial[pl.LazyFrame]:
    return partial(lake.scan, commit, refs.partition(dataset, table, number))


def _server(lake: Lake) -> str | None:
    """The address of a served lake; an embedded lake gets another address at each start."""
    if isinstance(settings.resolve(Path.cwd()), Embedded):
        return None
    address = urlsplit(lake.endpoint)
    return urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2]))


def _columns(lake: Lake, held: Holding, path: str) -> pl.Schema:
    return lake.scan(held.origin.commit, path).collect_schema()


def _manifest(lake: Lake, commit: str, dataset: str, number: int) -> dict[str, Any]:
    try:
        return manifest.read(lake, commit, dataset, number)
    except NotFoundError:
        return {}


def _numbers(items: Sequence[ObjectInfo], prefix: str) -> list[int]:
    """List the rounds that have objects under a prefix, in order."""
    numbers = {refs.round_of(item.path) for item in items if item.path.startswith(prefix)}
    return sorted(number for number in numbers if number is not None)
