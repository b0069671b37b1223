"""A made world of lineage: where its files are, and what its rounds and mixes are.

Round 0 is real, with gaps between its row numbers as a hold-out leaves them. Every later round has
as many candidates, each with two explicit parents. A *slot*, round × stride + row, names an
occurrence by one small number, so that no peer has to join on two columns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from lineage import training_mix
from lineage.ancestry.source import Source
from lineage.manifest import MixManifest

DATASET: Final = "world"
REAL_WEIGHT: Final = 2.0
"""Weight of a real row in every mix."""


@dataclass(frozen=True, slots=True)
class World:
    """The files of a made world."""

    home: Path
    rounds: int
    rows: int
    seed: int

    @property
    def stride(self) -> int:
        """Slots that a round takes: a tenth of them are gaps."""
        return self.rows + max(self.rows // 10, 1)

    @property
    def slots(self) -> int:
        """All slots, gaps included."""
        return self.rounds * self.stride

    def part(self, table: str, number: int) -> Path:
        """The Parquet file of a round."""
        return self.home / table / f"round={number:03d}" / "part-00000.parquet"

    def mix_file(self, number: int) -> Path:
        """The manifest of the mix that a round's model was fitted on."""
        return self.home / "mixes" / f"{number:03d}.json"

    def mix(self, number: int) -> MixManifest:
        """What a round's model was fitted on."""
        return training_mix.read(self.mix_file(number).read_bytes())

    def mixes(self) -> list[tuple[int, str, int, int]]:
        """Number, digest, first and last round of the mix of each synthetic round."""
        manifests = [(number, self.mix(number)) for number in range(1, self.rounds)]
        return [
            (number, manifest.digest, manifest.rounds[0].round, manifest.rounds[-1].round)
            for number, manifest in manifests
        ]

    def lineage(self, number: int) -> pl.LazyFrame:
        """Lineage of a round, as `schema.LINEAGE`."""
        return pl.scan_parquet(self.part("lineage", number), glob=False)

    def decisions(self, number: int) -> pl.LazyFrame:
        """Decisions of a synthetic round: round, row, decision."""
        return pl.scan_parquet(self.part("decisions", number), glob=False)

    def sources(self, rounds: int | None = None) -> Iterator[Source]:
        """What the index is told of the first rounds; by default of all."""
        for number in range(self.rounds if rounds is None else rounds):
            yield self._source(number)

    def _source(self, number: int) -> Source:
        synthetic = number > 0
        manifest = self.mix(number) if synthetic else None
        return Source(
            dataset=DATASET,
            round=number,
            digest=_digest([self.part("lineage", number), self.part("decisions", number)]),
            lineage=lambda: self.lineage(number),
            decisions=(lambda: self.decisions(number)) if synthetic else None,
            mixes={manifest.digest: manifest} if manifest else {},
            left_out={},
        )

    def save(self) -> None:
        """Write down what the world is."""
        facts = {"rounds": self.rounds, "rows": self.rows, "seed": self.seed}
        (self.home / "world.json").write_text(json.dumps(facts), encoding="utf-8")


def load(home: Path) -> World:
    """The world that was made here."""
    return World(home, **json.loads((home / "world.json").read_text(encoding="utf-8")))


def _digest(files: list[Path]) -> str:
    """Digest of the checksums that were taken when the files were written."""
    sums = [checksum(file).read_text("ascii") for file in files if file.exists()]
    return hashlib.sha256("".join(sums).encode()).hexdigest()


def checksum(file: Path) -> Path:
    """Where the checksum of a file is kept, as a lake keeps it."""
    return file.with_suffix(".sha256")
