"""Lineage as W3C PROV, in its JSON form (https://www.w3.org/submissions/prov-json/).

A document is given in pieces, so that a lake of any size fits. It names

- an entity for each occurrence, with its content id, kind, decision, depth and share of real roots;
- an activity for each shard that was generated, each ingestion and each verification, and for what
  reviewers edited of a round, which is theirs and no generator's;
- a software agent for each generator, each model that was asked, and each verifier suite;
- an activity for each request to a model, where the round keeps its requests;
- collections for what each round accepted, and for each mix that a generator learned from
  (`prov_records` draws how they hang together);
- a derivation for each explicit parent, with its relation and weight: a `prov:Revision` where the
  parent was edited, a `stemma:Seed` where it was an exemplar or a condition.

The weight that a sample's parents leave goes to what its generation used: a mix or an opaque model.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from lineage import schema
from lineage.export import names, prov_records, prov_requests, prov_rows
from lineage.export.prov_records import Json
from lineage.export.prov_rows import Batches, Rows
from lineage.export.values import Origin, Round, Track, untracked

ELEMENTS: Final = ("agent", "activity", "entity")
RELATIONS: Final = (
    "used",
    "wasAssociatedWith",
    "wasInformedBy",
    "wasGeneratedBy",
    "wasDerivedFrom",
    "wasInfluencedBy",
    "hadMember",
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A unit of work: a batch of rows, or all records of a kind that do not come by the row."""

    kind: str
    rows: Rows | None
    start: int = 0


@dataclass(slots=True)
class Document:
    """A PROV document of some rounds, written piece by piece."""

    origin: Origin
    rounds: Sequence[Round]
    counts: Counter[str] = field(default_factory=Counter)
    """Number of records of each kind that were written so far."""

    def chunks(self, track: Track = untracked) -> Iterator[str]:
        """Yield the text of the document.

        Args:
            track: is given the pieces of the work and yields them, one at a time.

        Raises:
            SchemaError: a table of lineage or of decisions cannot be read.
        """
        with schema.readable("a table of lineage or of decisions"):
            yield from self._chunks(track)

    def _chunks(self, track: Track) -> Iterator[str]:
        surveyed = [prov_rows.survey(round_) for round_ in track(self.rounds, "survey")]
        models = [prov_requests.survey(rows) for rows in surveyed]
        records = prov_records.build(surveyed, models).content
        requests = [each.requests for each in models if each.requests is not None]
        sources: list[Rows] = [*surveyed, *requests, prov_rows.outside(surveyed)]
        opened = "prefix"
        yield f'{{"{opened}":{{\n{_text(names.prefixes(self.origin))}'
        for record_kind, lines in self._records(
            records, track(_pieces(records, sources), "export")
        ):
            yield ",\n" if record_kind == opened else f'}},\n"{record_kind}":{{\n'
            yield lines
            opened = record_kind
        yield "}}\n"

    def summary(self) -> dict[str, int]:
        """Return the numbers of what was written."""
        elements = {
            name: self.counts[record_kind]
            for name, record_kind in (("entities", "entity"), ("activities", "activity"))
        }
        relations = sum(self.counts[record_kind] for record_kind in RELATIONS)
        return {**elements, "agents": self.counts["agent"], "relations": relations}

    def _records(
        self, records: Mapping[str, Mapping[str, Json]], pieces: Iterable[Piece]
    ) -> Iterator[tuple[str, str]]:
        """Yield kind and text of the records of each piece that has any."""
        for (record_kind, rows), steps in groupby(pieces, key=lambda step: (step.kind, step.rows)):
            texts: Iterable[str]
            if rows is None:
                texts = [_text(records[record_kind])]
                self.counts[record_kind] += len(records[record_kind])
            else:
                texts = self._batches(record_kind, rows.batches(record_kind), steps)
            yield from ((record_kind, text) for text in texts if text)

    def _batches(self, record_kind: str, batches: Batches, steps: Iterable[Piece]) -> Iterator[str]:
        for step in steps:
            made = batches(step.start, self.counts[record_kind])
            self.counts[record_kind] += len(made)
            yield made.str.join(",\n").item()


def _pieces(records: Container[str], sources: Sequence[Rows]) -> list[Piece]:
    """List the work in document order; within a kind, records not by the row come first."""
    pieces = []
    for record_kind in (*ELEMENTS, *RELATIONS):
        pieces += [Piece(record_kind, None)] if record_kind in records else []
        for source in sources:
            if record_kind in source.kinds:
                pieces += [
                    Piece(record_kind, source, start)
                    for start in range(0, source.rows, prov_rows.BATCH)
                ]
    return pieces


def _text(records: Mapping[str, object]) -> str:
    lines = (
        f"{json.dumps(name)}:{json.dumps(content, ensure_ascii=False, separators=(',', ':'))}"
        for name, content in records.items()
    )
    return ",\n".join(lines)
