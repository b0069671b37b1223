"""Rounds by hand: candidates with other images, labels and parents than the generator gave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import polars as pl

from lake import refs
from lake.client import Lake
from lake.values import Commit
from lineage import edges, record, training_mix
from lineage.identity import sample_ids
from pipelines.features import images
from pipelines.rounds import attestation, context, manifest, receipts, tables
from pipelines.rounds.metadata import StageMetadata
from pipelines.rounds.staging_branch import staging_branch

Planted: TypeAlias = Mapping[int, tuple[object, int]]
"""Image and label by row."""
Parent: TypeAlias = tuple[int, int, int, str]
"""Row, and the round, row and relation of its parent."""


def plant(number: int, found: Planted, *parents: Parent) -> None:
    """Commit the candidates of a round again: other images, labels and parents.

    The commit is signed, as by a generator that made these candidates.
    """
    at = context.open_context(f"tiny-{number}")
    lake, made = at.lake, receipts.read("tiny", number, "generate")
    old = tables.read_round(lake, made.commit, "tiny", "candidates", number).sort("row")
    changed = [
        found.get(row, (image, label))
        for row, image, label in old.select("row", "image", "label").iter_rows()
    ]
    frame = old.drop("sample_id").with_columns(
        pl.Series("image", [image for image, _ in changed], dtype=images.IMAGE),
        pl.Series("label", [label for _, label in changed]),
    )
    ids = sample_ids(frame, at.round.identity).alias("sample_id")
    before = tables.read_round(lake, made.commit, "tiny", "lineage", number).sort("row")
    known = tables.read(lake, made.commit, "tiny", "lineage").collect()
    rows = record.derive(
        before.select("row", "seed", "shard").with_columns(ids),
        round_number=number,
        dataset="tiny",
        generator=before["generator"][0],
        attribution="by hand/1",
        mix=training_mix.read(manifest.read(lake, made.commit, "tiny", number)["mix"]),
        parents=links(*parents),
        stored=known.filter(pl.col("round") < number).with_columns(dataset=pl.lit("tiny")),
    )
    commit = made_again(
        lake,
        made.commit,
        {
            refs.part("tiny", "candidates", number): frame.with_columns(ids),
            refs.part("tiny", "lineage", number): rows,
        },
    )
    lake.set_branch(made.branch, commit.id)
    context.write_receipt(at, "generate", commit.id, made.key, made.rows)


def made_again(lake: Lake, made: str, parts: Mapping[str, pl.DataFrame]) -> Commit:
    """Commit what a stage wrote again on its input, with other tables, and sign it."""
    commit = lake.resolve(made)
    (start,) = commit.parents
    with staging_branch(lake, "again", start) as branch:
        for change in lake.diff(start, made, three_dot=False):
            if change.kind == "removed":
                lake.delete(branch, [change.path])
            elif change.path not in parts:
                lake.write_bytes(branch, change.path, lake.read(made, change.path))
        for path, frame in parts.items():
            lake.write(branch, path, frame)
        metadata = StageMetadata.from_commit(commit)
        assert metadata is not None
        held = attestation.contents(lake, branch, start, metadata.dataset, metadata.round)
        return lake.commit(branch, "Again", attestation.seal(lake, {**commit.metadata, **held}))


def links(*parents: Parent) -> pl.DataFrame:
    rows = [(row, "tiny", number, parent, how, 1.0) for row, number, parent, how in parents]
    return pl.DataFrame(rows, schema=edges.PARENT, orient="row")


def shifted(image: object) -> object:
    """The same image, one pixel down."""
    pixels = images.decode(pl.Series([image], dtype=images.IMAGE))
    return images.encode_lenient(images.to_unit(np.roll(pixels, 1, axis=1)))[0]


def derived(
    frame: pl.DataFrame,
    number: int,
    dataset: str,
    parents: pl.DataFrame | None,
    stored: pl.DataFrame | None,
) -> pl.DataFrame:
    seeded = frame.select("row", "sample_id", pl.lit(1).alias("seed"), pl.lit(0).alias("shard"))
    return record.derive(
        seeded,
        round_number=number,
        dataset=dataset,
        generator="g",
        attribution="by hand/1",
        mix=None,
        parents=parents,
        stored=stored,
    )
