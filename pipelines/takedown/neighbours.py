"""Samples of main that are near-duplicates of those that go, and were not named themselves."""

from __future__ import annotations

import polars as pl

from lake.client import Lake
from pipelines import modalities
from pipelines.rounds import manifest, parts, tables
from pipelines.takedown import entries, record
from pipelines.takedown.deny_list import DenyList

KEY = pl.Schema({name: record.ROW[name] for name in ("dataset", "round", "row", "sample_id")})


def of_rows(lake: Lake, commit: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Find the samples whose fingerprints are those of named rows, block by block.

    They stay on main, and no later fit learns from them, since the deny-list has the fingerprints.

    Args:
        lake: the lake.
        commit: id of the commit from which rows go.
        rows: these, as `record.ROW`.

    Returns:
        dataset, round, row, sample_id of others in the data sets that named rows go from.
    """
    named = rows.filter((pl.col("cause") == "named") & pl.col("sample"))
    listed = entries.of_rows(lake, commit, (), (), named)
    denied = DenyList(listed.select(pl.lit("").alias("takedown"), pl.all()))
    found = [pl.DataFrame(schema=KEY)]
    for dataset in named["dataset"].unique().sort():
        described = manifest.read_if_there(lake, commit, dataset, 0)
        modality = modalities.recorded(described)
        identity = entries.identity_of(lake, commit, dataset)
        for number in tables.rounds(lake, commit, dataset):
            blocks = parts.blocks(lake, commit, dataset, "samples", number)
            found += [
                block.filter(denied.refuses(block, modality, identity))
                .select(pl.lit(dataset).alias("dataset"), "round", "row", "sample_id")
                .cast(KEY)
                for block in blocks
            ]
    key = ["dataset", "round", "row"]
    return pl.concat(found).join(rows, on=key, how="anti").sort(key)
