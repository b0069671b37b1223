"""Rounds planted in a lake without models: samples that were made from samples."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from lake import refs
from lake.client import Lake
from lineage import edges, record, schema, training_mix
from lineage.identity import sample_ids
from lineage.training_mix import MixManifest
from pipelines.rounds import manifest, merging, tables
from pipelines.rounds.metadata import StageMetadata

Edge = tuple[int, str, int, int, str, float]
"""Candidate; data set, round and row of the parent; relation; weight."""


def real(lake: Lake, dataset: str, rows: int, licence: str | None, *, same: bool = False) -> None:
    """Publish `rows` real rows of a data set, all of the same content if told so."""
    named = _named(dataset, 0, rows)
    if same:
        named = named.with_columns(pl.col("sample_id").first())
    lineage = record.real(
        named.with_columns(
            pl.lit(f"web/[{dataset}]").alias("source"), pl.lit(licence, pl.String).alias("licence")
        )
    )
    _publish(lake, dataset, 0, {"lineage": lineage, "samples": _samples(lineage)})


def made(  # noqa: PLR0917  a round reads as a line of a table
    lake: Lake,
    dataset: str,
    number: int,
    rows: int,
    parents: Sequence[Edge],
    mix: MixManifest | None = None,
    version: str = "",
) -> None:
    """Publish a round of `rows` candidates, of which the last is rejected if there are several."""
    links = pl.DataFrame(list(parents), schema=edges.PARENT, orient="row")
    places = links.select("dataset", "round", pl.col("parent_row").alias("row"))
    stored = tables.rows_at(lake, refs.MAIN, places, "lineage") if parents else None
    lineage = record.derive(
        _named(dataset, number, rows, version).with_columns(seed=pl.lit(7), shard=pl.lit(0)),
        round_number=number,
        dataset=dataset,
        generator="0123456789abcdef",
        attribution="planted/1",
        mix=mix,
        parents=links,
        stored=stored,
    )
    rejected = (pl.col("row") == rows - 1) & (rows > 1)
    decisions = lineage.select(
        *schema.SAMPLE_KEY,
        pl.when(rejected).then(pl.lit("rejected")).otherwise(pl.lit("accepted")).alias("decision"),
        pl.lit([], pl.List(pl.String)).alias("reasons"),
        pl.lit([], pl.List(pl.String)).alias("warnings"),
        pl.lit(None, schema.OCCURRENCE).alias("duplicate_of"),
    )
    kept = lineage.join(decisions.filter(pl.col("decision") == "accepted"), on="row", how="semi")
    found = {"lineage": lineage, "decisions": decisions, "samples": _samples(kept)}
    _publish(lake, dataset, number, found, mix)


def mix_of(lake: Lake, dataset: str, regime: str = "accumulate") -> MixManifest:
    """The mix that a regime takes from main."""
    rows = tables.accepted_lineage(lake, refs.MAIN, dataset)
    commit = lake.resolve(refs.MAIN).id
    return training_mix.build(rows, dataset=dataset, commit=commit, regime=regime).manifest


def sample_id(dataset: str, number: int, row: int, version: str = "") -> str:
    """The id of a planted sample."""
    frame = _named(dataset, number, row + 1, version)
    return bytes(frame["sample_id"][row]).hex()


def _named(dataset: str, number: int, rows: int, version: str = "") -> pl.DataFrame:
    texts = [f"{dataset} {number} {row}{version}" for row in range(rows)]
    frame = pl.DataFrame({"row": pl.Series(range(rows), dtype=pl.Int64), "text": texts})
    return frame.select("row", sample_ids(frame, ["text"]))


def _samples(lineage: pl.DataFrame) -> pl.DataFrame:
    return lineage.select("round", "row", "sample_id", pl.lit("a text").alias("text"))


def _publish(
    lake: Lake,
    dataset: str,
    number: int,
    found: dict[str, pl.DataFrame],
    mix: MixManifest | None = None,
) -> None:
    branch = refs.branch_name(dataset, number)
    about = {"stemma.dataset": dataset, "stemma.round": str(number), "stemma.line": refs.MAIN}
    lake.set_branch(branch, str(lake.head(refs.MAIN)))
    merging.supersede(lake, branch, StageMetadata("supersede", dataset, number))
    for table, frame in found.items():
        lake.write(branch, refs.part(dataset, table, number), frame)
    content = {"round": number, "generator": {"kind": "planted/1"} if number else None}
    content |= {"mix": mix.model_dump(mode="json")} if mix else {}
    manifest.write(lake, branch, dataset, number, content)
    commit = lake.commit(branch, "plant", {**about, "stemma.stage": "plant"})
    key = {"stemma.stage": "publish", "stemma.input_key": commit.id}
    merged = merging.merge(lake, commit.id, "publish", {**about, **key})
    merging.ensure_tag(lake, dataset, number, merged.id)
