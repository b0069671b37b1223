"""What take-downs took from the rounds that a commit holds, for whoever proves or believes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from lake import refs
from lake.client import Lake
from pipelines.rounds import attestation, trust
from pipelines.takedown import record
from pipelines.takedown.record import TakedownRecord, TouchedRound


@dataclass(frozen=True, slots=True, eq=False)
class Gone:
    """The take-downs that a commit holds, and their rows."""

    records: tuple[TakedownRecord, ...]
    """The oldest first."""
    taken: pl.DataFrame
    """takedown, and as `record.ROW`."""

    def rows(self, dataset: str, number: int) -> pl.DataFrame | None:
        """Row and sample_id of the rows that were taken from a round; None if none was."""
        here = (pl.col("dataset") == dataset) & (pl.col("round") == number)
        found = self.taken.filter(here).select("row", "sample_id").unique()
        return None if found.is_empty() else found

    def payload(self, dataset: str, held: Mapping[str, str]) -> str | None:
        """The digest of the payload of real data that a take-down left; None if none touched it.

        Args:
            dataset: the data set.
            held: checksums of its objects by path: of a round 0 that was ingested since then, the
                manifest states the digest.
        """
        for each in reversed(self._of_round(dataset, 0)):
            left = {path: checksums[1] for path, checksums in each.changed.items()}
            if each.payload is not None and left.items() <= held.items():
                return each.payload
        return None

    def before(self, held: Mapping[str, str]) -> dict[str, str]:
        """Checksums of the objects of a data set as they were before take-downs changed them.

        Args:
            held: checksums by path. A round that was made again since then is as it is.
        """
        found = dict(held)
        for each in (part for made in reversed(self.records) for part in made.rounds):
            if all(found.get(path) == left for path, (_, left) in each.changed.items()):
                then = {path: checksums[0] for path, checksums in each.changed.items()}
                found = {**each.removed, **found, **then}
        return found

    def _of_round(self, dataset: str, number: int) -> list[TouchedRound]:
        return [
            each
            for made in self.records
            for each in made.rounds
            if (each.dataset, each.round) == (dataset, number)
        ]


def at(lake: Lake, commit: str = refs.MAIN) -> Gone:
    """Read what take-downs took, as a ref holds it.

    Only a take-down counts whose merge names the record and is signed by a trusted key: anybody
    with write access can put a file there that excuses rows which are missing. Where no key is
    trusted, signatures are not verified.

    Raises:
        DataError: a record cannot be read.
        SigningError: a trusted key cannot be read.
    """
    trusted = trust.load(lake)
    proved = [
        each.record
        for each in record.merged(lake, commit)
        if each.merge.metadata.get(record.RECORD) == record.sha256(record.encoded(each.record))
        and (trusted is None or attestation.signer_of(lake, each.merge.metadata, trusted))
    ][::-1]
    parts = [
        record.rows(lake, commit, made.name).select(
            pl.lit(made.name).alias("takedown"), *record.ROW
        )
        for made in proved
    ]
    nothing = pl.DataFrame(schema={"takedown": pl.String, **record.ROW})
    return Gone(tuple(proved), pl.concat([nothing, *parts]))
