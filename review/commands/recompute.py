"""`stemma audit --recompute REF`: does the recorded lineage agree with the graph of parents?"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, Final

from lineage.proof.findings import CHECKS, Batch
from lineage.proof.prove import prove
from pipelines.common import progress
from pipelines.common.fitted_table import FittedTable
from pipelines.inquiry import held_rounds, rederivation
from pipelines.params import load
from pipelines.rounds import ancestry_index
from pipelines.rounds.context import open_lake
from review.cli.datasets import held_datasets
from review.cli.output import as_json, make_console, table
from review.errors import FAILURES, Findings

SHOWN: Final = 5
"""Findings of each check that the table lists; JSON has all."""
PREFIX: Final = 12
"""Hex digits of a sample id that a table shows."""


@dataclass(slots=True, eq=False)
class Tally:
    """The result of one check: rows that were checked, findings, rows that cannot be checked."""

    checked: int = 0
    found: int = 0
    unproved: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Rows that cannot be checked, by reason."""
    first: list[dict[str, Any]] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        """Add the result of a part of the lake."""
        self.checked += batch.checked
        self.found += len(batch.findings)
        self.unproved += batch.unproved
        if batch.reason:
            self.reasons[batch.reason] += batch.unproved
        self.first += batch.findings.head(max(SHOWN - len(self.first), 0)).to_dicts()


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """The results of all checks, by name."""

    tallies: Mapping[str, Tally] = field(default_factory=lambda: {name: Tally() for name in CHECKS})

    @property
    def found(self) -> int:
        """Number of findings of all checks."""
        return sum(tally.found for tally in self.tallies.values())

    def to_dict(self) -> dict[str, Any]:
        """The content of `--json`, without the findings."""
        checks = [
            {
                "check": name,
                "proves": CHECKS[name],
                "checked": tally.checked,
                "findings": tally.found,
                "not_provable": tally.unproved,
                "not_provable_because": dict(tally.reasons),
            }
            for name, tally in self.tallies.items()
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
    """Derive the lineage, verdicts and decisions of a ref again, and print where they differ.

    Raises:
        Findings: something differs.
        NotFoundError: there is no such ref, or it holds no data set.
        UsageError: the ref does not hold this data set.
    """
    lake = open_lake(load())
    commit = lake.resolve(ref).id
    rounds, damaged = held_rounds.read(lake, commit)
    only = held_datasets(ref, {tables.dataset for tables in rounds}, dataset)
    result = Result()
    with progress.bar(2 * len(rounds), "proving lineage") as report:
        proved = prove(
            rounds, partial(ancestry_index.opened, verify="full"), only=only, told=report
        )
        wanted = [tables for tables in rounds if tables.dataset in only]
        again = rederivation.prove(lake, commit, wanted)
        known = (batch for batch in damaged if batch.dataset in only)
        batches = _counted(chain(known, proved, again), result)
        if as_json:
            _write({"ref": ref, "commit": commit, "datasets": only}, batches, result)
        else:
            for _ in batches:
                pass
    if not as_json:
        _print(ref, result)
    if result.found:
        raise Findings(_sentence(ref, result))


def _counted(batches: Iterable[Batch], result: Result) -> Iterator[Batch]:
    for batch in batches:
        result.tallies[batch.check].add(batch)
        yield batch


def _write(head: Mapping[str, Any], batches: Iterable[Batch], result: Result) -> None:
    """Print JSON, one finding at a time, so that memory holds the findings of one round."""
    out, before = sys.stdout, "\n"
    out.write(f'{as_json(head)[:-1]}, "findings": [')
    try:
        for batch in batches:
            for row in batch.findings.iter_rows(named=True):
                out.write(f"{before}{as_json({'check': batch.check, **_plain(row)})}")
                before = ",\n"
    except FAILURES as error:
        out.write(f"\n], {as_json({'clean': False, 'error': str(error)}, indent=2)[1:]}\n")
        raise
    out.write(f"\n], {as_json(result.to_dict(), indent=2)[1:]}\n")


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A finding with its sample id in hex, and `says`, which is what `detail` was called before."""
    sample = row["sample_id"]
    detail = row["detail"]
    return {**row, "sample_id": None if sample is None else sample.hex(), "says": detail}


def _print(ref: str, result: Result) -> None:
    out = make_console()
    unproved = any(tally.unproved for tally in result.tallies.values())
    columns = ["check", "proves", "checked", *(["not provable"] if unproved else []), "findings"]
    body = [
        [
            name,
            CHECKS[name],
            tally.checked,
            *([tally.unproved] if unproved else []),
            tally.found,
        ]
        for name, tally in result.tallies.items()
    ]
    out.print(table(f"lineage of {ref}", columns, body))
    for name, tally in result.tallies.items():
        if tally.found:
            out.print(_findings(name, tally))
            if tally.found > len(tally.first):
                out.print(f"[{tally.found - len(tally.first):,} more rows]")
    rows, edges = result.tallies["real_inputs"], result.tallies["parents"]
    if rows.unproved:
        every = rows.unproved + rows.checked
        message = f"{rows.unproved:,} of {every:,} rows cannot be derived until that is corrected"
        out.print(message)
    for name, tally in result.tallies.items():
        for reason, count in tally.reasons.items():
            out.print(f"{name}: {count:,} rows cannot be proved: {reason}")
    if not result.found:
        mixes = result.tallies["mix_figures"].checked
        message = f"proved: {rows.checked:,} rows, {edges.checked:,} edges, {mixes:,} mixes"
        out.print(message)


def _findings(name: str, tally: Tally) -> FittedTable:
    body = [
        [
            row["dataset"],
            row["round"],
            row["row"],
            _plain(row)["sample_id"][:PREFIX] if row["sample_id"] else "–",
            row["detail"],
        ]
        for row in tally.first
    ]
    return table(name, ["data set", "round", "row", "sample", "finding"], body)


def _sentence(ref: str, result: Result) -> str:
    counts = [f"{name} {tally.found:,}" for name, tally in result.tallies.items() if tally.found]
    noun = "finding" if result.found == 1 else "findings"
    return f"the lineage of {ref} does not hold: {result.found:,} {noun} ({', '.join(counts)})"
