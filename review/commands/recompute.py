"""`stemma audit --recompute REF`: is what lineage says of each sample what the graph gives?"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, Final

import polars as pl
from rich.table import Table

from lake import refs
from lake.client import Lake
from lineage.errors import MixError
from lineage.proof.findings import CHECKS, Batch, batch
from lineage.proof.prove import prove
from lineage.proof.tables import Tables
from pipelines.common import progress
from pipelines.params import load
from pipelines.rounds import ancestry_index
from pipelines.rounds.context import open_lake
from review.cli.datasets import held_datasets
from review.cli.output import as_json, console, table
from review.errors import Findings

SHOWN: Final = 5
"""Findings of each check that people are shown; JSON has all."""
PREFIX: Final = 12
"""Hex digits by which a table names a sample."""
TABLES: Final = ("samples", "decisions", "verdicts")


@dataclass(slots=True, eq=False)
class Tally:
    """What one check came to."""

    checked: int = 0
    found: int = 0
    unproved: int = 0
    first: list[dict[str, Any]] = field(default_factory=list)

    def add(self, found: Batch) -> None:
        """Add what a part of the lake came to."""
        self.checked += found.checked
        self.found += len(found.found)
        self.unproved += found.unproved
        self.first += found.found.head(max(SHOWN - len(self.first), 0)).to_dicts()


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What all checks came to."""

    tallies: Mapping[str, Tally] = field(default_factory=lambda: {name: Tally() for name in CHECKS})

    @property
    def found(self) -> int:
        """Findings of all checks."""
        return sum(each.found for each in self.tallies.values())

    def to_dict(self) -> dict[str, Any]:
        """As JSON, without the findings."""
        checks = [
            {
                "check": name,
                "proves": CHECKS[name],
                "checked": each.checked,
                "findings": each.found,
                "not_provable": each.unproved,
            }
            for name, each in self.tallies.items()
        ]
        rows, edges = self.tallies["real_inputs"], self.tallies["parents"]
        return {
            "checks": checks,
            "rows": rows.checked,
            "not_provable": rows.unproved,
            "edges": edges.checked,
            "clean": not self.found,
        }


def run(*, ref: str, dataset: str | None, as_json: bool) -> None:
    """Prove the lineage of a ref and print what does not hold.

    Raises:
        Findings: something does not.
        NotFoundError: there is no such ref, or it holds no data set.
        UsageError: it does not hold this data set.
    """
    lake = open_lake(load())
    commit = lake.resolve(ref).id
    rounds, damaged = held(lake, commit)
    only = held_datasets(ref, {each.dataset for each in rounds}, dataset)
    result = Result()
    with progress.bar(2 * len(rounds), "proving lineage") as told:
        proved = prove(rounds, partial(ancestry_index.opened, verify="full"), only=only, told=told)
        found = _counted(chain((each for each in damaged if each.dataset in only), proved), result)
        if as_json:
            _write({"ref": ref, "commit": commit, "datasets": only}, found, result)
        else:
            for _ in found:
                pass
    if not as_json:
        _print(ref, result)
    if result.found:
        raise Findings(_sentence(ref, result))


def held(lake: Lake, commit: str) -> tuple[list[Tables], list[Batch]]:
    """All that a commit holds of every round, and what is wrong with mixes that cannot be read."""
    damaged: list[Batch] = []

    def note(dataset: str, number: int, error: MixError) -> None:
        said = pl.DataFrame({"says": [str(error)]})
        damaged.append(batch("mix_figures", 1, said, dataset, number))

    found = ancestry_index.sources_at(lake, commit, unusable=note)
    sources = {(each.dataset, each.round): each for each in found}
    tables = _tables(lake, commit)
    places = sorted({*sources, *((dataset, number) for dataset, number, _ in tables)})
    rounds = [
        Tables(
            dataset,
            number,
            source=sources.get((dataset, number)),
            samples=tables.get((dataset, number, "samples")),
            decisions=tables.get((dataset, number, "decisions")),
            verdicts=tables.get((dataset, number, "verdicts")),
        )
        for dataset, number in places
    ]
    return rounds, damaged


def _tables(lake: Lake, commit: str) -> dict[tuple[str, int, str], pl.LazyFrame]:
    """The tables of each data set and round, but for its lineage."""
    prefixes: dict[tuple[str, int, str], str] = {}
    for item in lake.objects(commit):
        dataset, _, rest = item.path.partition("/")
        name, number = rest.partition("/")[0], refs.round_of(item.path)
        if name in TABLES and number is not None and item.path.endswith(".parquet"):
            prefixes[dataset, number, name] = refs.partition(dataset, name, number)
    return {at: lake.scan(commit, prefix) for at, prefix in prefixes.items()}


def _counted(batches: Iterable[Batch], result: Result) -> Iterator[Batch]:
    for each in batches:
        result.tallies[each.check].add(each)
        yield each


def _write(about: Mapping[str, Any], batches: Iterable[Batch], result: Result) -> None:
    """Print JSON, each finding as it comes, so that no more than a round's are in memory."""
    out, before = sys.stdout, "\n"
    out.write(f'{as_json(about)[:-1]}, "findings": [')
    for each in batches:
        for row in each.found.iter_rows(named=True):
            out.write(f"{before}{as_json({'check': each.check, **_plain(row)})}")
            before = ",\n"
    out.write(f"\n], {as_json(result.to_dict(), indent=2)[1:]}\n")


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A finding with its sample id in hex."""
    sample = row["sample_id"]
    return {**row, "sample_id": None if sample is None else sample.hex()}


def _print(ref: str, result: Result) -> None:
    out = console()
    unproved = any(each.unproved for each in result.tallies.values())
    columns = ["check", "proves", "checked", *(["not provable"] if unproved else []), "findings"]
    body = [
        [
            name,
            CHECKS[name],
            each.checked,
            *([each.unproved] if unproved else []),
            each.found,
        ]
        for name, each in result.tallies.items()
    ]
    out.print(table(f"lineage of {ref}", columns, body))
    for name, each in result.tallies.items():
        if each.found:
            out.print(_findings(name, each))
            if each.found > len(each.first):
                out.print(f"[{each.found - len(each.first):,} more rows]")
    rows, edges = result.tallies["real_inputs"], result.tallies["parents"]
    if rows.unproved:
        every = rows.unproved + rows.checked
        said = f"{rows.unproved:,} of {every:,} rows cannot be derived until that is corrected"
        out.print(said)
    if not result.found:
        mixes = result.tallies["mix_figures"].checked
        said = f"proved: {rows.checked:,} rows, {edges.checked:,} edges, {mixes:,} mixes"
        out.print(said)


def _findings(name: str, tally: Tally) -> Table:
    body = [
        [
            row["dataset"],
            row["round"],
            row["row"],
            _plain(row)["sample_id"][:PREFIX] if row["sample_id"] else "–",
            row["says"],
        ]
        for row in tally.first
    ]
    return table(name, ["data set", "round", "row", "sample", "finding"], body)


def _sentence(ref: str, result: Result) -> str:
    counts = [f"{name} {each.found:,}" for name, each in result.tallies.items() if each.found]
    noun = "finding" if result.found == 1 else "findings"
    return f"the lineage of {ref} does not hold: {result.found:,} {noun} ({', '.join(counts)})"
