"""Removes rows of a round from a branch: from its samples, and from what else shows content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from lake import refs
from lake.client import Lake
from lineage import payload
from pipelines.generators import exchanges
from pipelines.rounds import tables
from pipelines.takedown.entries import identity_of
from pipelines.takedown.record import TouchedRound


@dataclass(frozen=True, slots=True)
class Removal:
    """Removes rows on a staging branch that starts at a commit."""

    lake: Lake
    branch: str
    commit: str

    def take(self, dataset: str, number: int, rows: pl.DataFrame) -> TouchedRound:
        """Remove rows of a round, as `record.ROW`; say what changed, still without checksums.

        Parts that hold such a row are written again, in place and in order. Of requests, those for
        the candidates go. Pages are removed whole: they show candidates, and verdicts make them
        again.
        """
        samples = rows.filter("sample")
        changed = [
            *self._without("samples", dataset, number, samples["row"]),
            *self._without(exchanges.TABLE, dataset, number, rows["row"]),
        ]
        pages = refs.partition(dataset, refs.DOCS, number)
        removed = {item.path: item.checksum for item in self.lake.objects(self.commit, pages)}
        self.lake.delete(self.branch, removed)
        counts = dict(samples.group_by("cause").len().iter_rows())
        return TouchedRound(
            dataset=dataset,
            round=number,
            named=counts.get("named", 0),
            direct=counts.get("direct", 0),
            changed=dict.fromkeys(changed, ("", "")),
            removed=removed,
            payload=self._payload(dataset) if len(samples) and not number else None,
        )

    def _without(self, table: str, dataset: str, number: int, rows: pl.Series) -> Iterator[str]:
        """Write parts of a table again that hold some rows; yield their paths."""
        listed = self.lake.objects(self.commit, refs.partition(dataset, table, number))
        for item in listed if len(rows) else ():
            if not item.path.endswith(".parquet"):
                continue
            parts = self.lake.scan_parts(self.commit, [item])
            frame = tables.collected(parts, f"{item.path} at {self.commit}")
            kept = without(frame, rows)
            if len(kept) < len(frame):
                self.lake.write(self.branch, item.path, kept)
                yield item.path

    def _payload(self, dataset: str) -> str:
        """Digest of the payload of real data that is left on the branch."""
        rows = self.lake.scan(self.branch, refs.partition(dataset, "samples", 0))
        return payload_digest(rows, identity_of(self.lake, self.branch, dataset), dataset)


def without(frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """The rows of a table that are about none of some rows of its round."""
    return frame.filter(~pl.col("row").is_in(rows.implode()).fill_null(value=False))


def payload_digest(
    rows: pl.LazyFrame,
    identity: tuple[str, ...],
    dataset: str,
    purged: pl.DataFrame | None = None,
) -> str:
    """Digest of the payload of the samples of round 0, block by block.

    Args:
        rows: the samples.
        identity: the columns that are their content.
        dataset: the data set.
        purged: rows that they lack since, with the digests that their purge recorded, as
            `purges.LACKING`; None: there are none.
    """
    blocks = payload.blocks(rows, f"the samples of round 0 of {dataset}")
    parts = [payload.packed(payload.digests(block, identity)) for block in blocks]
    if purged is not None:
        parts.append(payload.packed(purged.drop_nulls(payload.COLUMN)))
    return payload.digest_packed(parts)
