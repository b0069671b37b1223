"""The tables that a query names, such as `samples('digits-v3')`, as Parquet files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.inquiry.training import data
from pipelines.inquiry.training.blocks import PartFiles
from pipelines.params import Params
from pipelines.rounds import history, manifest, tables
from review.cli.datasets import dataset_at

STORED: Final = ("samples", "lineage", "verdicts", "decisions", "scores")
"""Tables that the lake keeps as they are; each has the rows of all rounds that a ref holds."""
TABLES: Final[Mapping[str, str]] = {
    "samples": "accepted samples and real rows: round, row, sample_id, payload",
    "candidates": "every candidate of the rounds, as it was generated: round, row, payload",
    "lineage": "where each candidate came from: parents, depth, real inputs, source, licence",
    "verdicts": "one row per candidate and expectation: verdict, observed, detail",
    "decisions": "accepted, rejected, duplicate or surplus, with reasons",
    "scores": "what the scorers wrote about each candidate",
    "mix": "rows that the next model would learn from at the ref, with weights",
    "figures": "figures of each round's evaluation: round, figure, value",
}
_CALL: Final = re.compile(
    rf"\b({'|'.join(TABLES)})\s*\(\s*'((?:[^']|'')*)'\s*(?:,\s*'((?:[^']|'')*)'\s*)?\)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Named:
    """A table that a query names."""

    table: str
    ref: str
    dataset: str | None

    @property
    def name(self) -> str:
        """The name under which the process knows it: DuckDB reads dots, and no capitals, in one."""
        named = (self.ref, *([self.dataset] if self.dataset else []))
        return "@".join((self.table, *(each.encode().hex().upper() for each in named)))


def find(query: str) -> list[Named]:
    """Find the tables that a query names; what a comment or a text names is found too."""
    calls = (
        Named(table.lower(), _unquoted(ref), _unquoted(dataset) or None)
        for table, ref, dataset in _CALL.findall(query)
    )
    return list(dict.fromkeys(calls))


def files(lake: Lake, params: Params, named: Named, folder: Path) -> list[PartFiles | str]:
    """The Parquet files of a table: those of the lake, or one in a folder of this query.

    What was fetched of a lake that is served lasts as long as its `PartFiles` are held.

    Args:
        lake: the lake.
        params: settings of the project, for the training mix.
        named: the table.
        folder: of files that the lake does not keep.

    Raises:
        NotFoundError: there is no such ref, or it does not hold the table.
        UsageError: the ref holds several data sets, and none is named.
    """
    commit = lake.resolve(named.ref).id
    dataset = dataset_at(lake, named.ref, commit, named.dataset)
    if named.table in STORED:
        found = PartFiles(lake, commit, [refs.table(dataset, named.table)])
        if not lake.objects(commit, found.prefixes[0]):
            raise NotFoundError(f"{named.ref} holds no {named.table} of {dataset}")
        return [found]
    if named.table == "candidates":
        return _candidates(lake, commit, dataset)
    path = folder / f"{named.table}-{dataset}-{commit[:12]}.parquet"
    MADE[named.table](lake, params, named.ref, dataset).write_parquet(path)
    return [str(path)]


def _candidates(lake: Lake, commit: str, dataset: str) -> list[PartFiles | str]:
    """Files of the candidates of all rounds, each at the commit that generated it."""
    found: list[PartFiles | str] = []
    for number in tables.rounds(lake, commit, dataset):
        generated = history.generated(lake, dataset, number, commit) if number else None
        if generated is not None:
            prefix = refs.partition(dataset, "candidates", number)
            found.append(PartFiles(lake, generated.id, [prefix]))
    if not found:
        raise NotFoundError(f"{commit[:12]} holds no candidates of {dataset}")
    return found


def _mix(lake: Lake, params: Params, ref: str, dataset: str) -> pl.DataFrame:
    return data.open_at(lake, params, ref, dataset, ("train",)).rows


def _figures(lake: Lake, _: Params, ref: str, dataset: str) -> pl.DataFrame:
    rows = [
        (number, name, float(value))
        for number in tables.rounds(lake, ref, dataset)
        for name, value in _summary(manifest.read(lake, ref, dataset, number)).items()
        if isinstance(value, int | float)
    ]
    if not rows:
        raise NotFoundError(f"{ref} holds no round of {dataset} that was evaluated")
    columns = {"round": pl.Int32, "figure": pl.String, "value": pl.Float64}
    return pl.DataFrame(rows, schema=columns, orient="row")


def _summary(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The figures of a round by flat name; none where it was not evaluated."""
    found: Mapping[str, Any] = (content.get("metrics") or {}).get("summary") or {}
    return found


MADE: Final[Mapping[str, Callable[[Lake, Params, str, str], pl.DataFrame]]] = {
    "mix": _mix,
    "figures": _figures,
}


def _unquoted(text: str) -> str:
    return text.replace("''", "'")
