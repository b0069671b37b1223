"""Lineage rows: where each sample came from, and how far from real data that is.

A candidate's inputs are its explicit parents, each with its weight, and, with the weight that they
leave, its generator: a draw from the generator's training mix, or an opaque root where its training
data is unknown. All derived columns follow from the inputs' stored values, so a round costs what
the round is large. With inputs i of weight w, probability p of ending at a real sample (real 1,
opaque 0) and mean depth d,

    real_roots = Σ w·p        depth_mean = Σ w·p·(1 + d) / Σ w·p

the latter being the mean length of the backward walks that end at a real sample.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from lineage import edges, schema
from lineage.errors import ParentError, SchemaError
from lineage.manifest import MixManifest

__all__ = ["REVIEWED", "derive", "edited", "real"]

REVIEWED: Final = "review/1"
"""Attribution of rows that a reviewer edited: all of such a row is owed to the one it edits."""

REAL: Final = pl.Schema(
    {name: schema.LINEAGE[name] for name in ("row", "sample_id", "source", "licence")}
)
CANDIDATE: Final = pl.Schema(
    {name: schema.LINEAGE[name] for name in ("row", "sample_id", "seed", "shard")}
)
OPTIONAL: Final = pl.Schema(
    {name: schema.LINEAGE[name] for name in ("prompt_digest", "kind", "source", "licence")}
)
OPAQUE: Final = {
    "real_share": 0.0,
    "real_roots": 0.0,
    "depth_mean": None,
    "depth_min": None,
    "depth_max": None,
}
"""Derived values that a model of unknown training data passes on to its samples."""


def real(frame: pl.DataFrame, *, round_number: int = 0) -> pl.DataFrame:
    """Record real rows: round 0 of their data set, or a later round that brings real rows alone.

    Args:
        frame: row, sample_id, source, licence (the last two may be null).
        round_number: the round.

    Returns:
        Lineage rows, in order of `row`.

    Raises:
        SchemaError: a column is missing or a row comes twice.
    """
    rows = schema.conform(frame, REAL, required=("row", "sample_id"))
    schema.unique_key(rows, ["row"], f"round {round_number}")
    complete = rows.sort("row").with_columns(
        pl.lit(round_number).alias("round"),
        pl.lit("real").alias("kind"),
        pl.lit([], dtype=schema.PARENTS).alias("parents"),
        pl.lit(1.0).alias("real_inputs"),
        pl.lit(1.0).alias("real_roots"),
        pl.lit(0.0).alias("depth_mean"),
        pl.lit(0).alias("depth_min"),
        pl.lit(0).alias("depth_max"),
    )
    return _complete(complete)


def derive(
    candidates: pl.DataFrame,
    *,
    round_number: int,
    dataset: str,
    generator: str,
    attribution: str,
    mix: MixManifest | None,
    parents: pl.DataFrame | None = None,
    stored: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Record the candidates of a round.

    Args:
        candidates: row, sample_id, seed, shard; `prompt_digest`, `kind`, and `source` and `licence`
            of rows without parents may be given. A kind that is not given follows from the
            parents: edited if one is edited, else synthetic.
        round_number: the round, at least 1.
        dataset: its data set.
        generator: digest of the generator's manifest.
        attribution: name and version of the rule that gave the weights.
        mix: what the generator was fitted on; None: unknown, the generator is an opaque root.
        parents: explicit parents, as `edges.PARENT`: row (of the candidate), dataset, round and
            parent_row (of the parent), relation, weight.
        stored: lineage of the parents, as `edges.STORED`: dataset, round, row, kind, real_roots
            and depths; other rows and columns are ignored.

    Returns:
        Lineage rows, in order of `row`.

    Raises:
        ParentError: a parent does not exist, is not earlier, or weighs too much; the mix holds
            this round or a later one; a candidate's kind contradicts its parents.
        SchemaError: a column is missing, or a candidate comes twice.
    """
    rows = _candidates(candidates)
    _check_mix(mix, dataset, round_number)
    linked = edges.resolve(rows["row"], parents, stored, dataset, round_number)
    joined = rows.join(edges.collect(linked), on="row", how="left", maintain_order="left")
    derived = _derived(joined, mix).with_columns(
        pl.lit(round_number).alias("round"),
        pl.lit(generator).alias("generator"),
        pl.lit(attribution).alias("attribution"),
        pl.lit(mix.digest if mix else None, pl.String).alias("trained_on"),
        pl.col("parents").fill_null(pl.lit([], dtype=schema.PARENTS)),
    )
    return _complete(_with_kind(derived))


def edited(
    rows: pl.DataFrame, of: pl.DataFrame, *, round_number: int, dataset: str
) -> pl.DataFrame:
    """Record rows that a reviewer made of candidates of the same round.

    Such a row has the candidate as its only parent, relation edited, with weight 1: it is one edit
    further from real data, and nothing of it is owed to the generator beyond that.

    Args:
        rows: row, sample_id, and edits, the row of the candidate.
        of: the lineage of the candidates, as `schema.LINEAGE`.
        round_number: the round.
        dataset: its data set.

    Returns:
        Lineage rows, in order of `row`, with the candidate's generator.

    Raises:
        ParentError: a candidate is not among `of`, or is no lower row.
        SchemaError: a column is missing, or a row comes twice.
    """
    own = _candidates(
        rows.select(
            "row",
            "sample_id",
            pl.lit(None, pl.Int64).alias("seed"),
            pl.lit(None, pl.Int32).alias("shard"),
        )
    )
    parents = rows.select(
        "row",
        pl.lit(dataset).alias("dataset"),
        pl.lit(round_number, pl.Int32).alias("round"),
        pl.col("edits").alias("parent_row"),
        pl.lit("edited").alias("relation"),
        pl.lit(1.0, pl.Float32).alias("weight"),
    )
    stored = of.with_columns(pl.lit(dataset).alias("dataset"))
    links = edges.resolve(own["row"], parents, stored, dataset, round_number, within=True)
    joined = own.join(edges.collect(links), on="row", how="left", maintain_order="left")
    makers = of.select(pl.col("row").alias("edits"), "generator")
    made_by = rows.select("row", "edits").join(makers, on="edits", how="left")
    derived = _derived(joined, None).join(made_by, on="row", how="left", maintain_order="left")
    named = derived.with_columns(
        pl.lit(round_number).alias("round"), pl.lit(REVIEWED).alias("attribution")
    )
    return _complete(_with_kind(named))


def _candidates(frame: pl.DataFrame) -> pl.DataFrame:
    given = pl.Schema({name: dtype for name, dtype in OPTIONAL.items() if name in frame.columns})
    wanted = pl.Schema({**CANDIDATE, **given})
    required = ("row", "sample_id", *(["kind"] if "kind" in given else []))
    rows = schema.conform(frame, wanted, required=required)
    schema.unique_key(rows, ["row"], "the round")
    return rows.sort("row")


def _check_mix(mix: MixManifest | None, dataset: str, round_number: int) -> None:
    if round_number < 1:
        raise SchemaError(f"round {round_number} is real data; record it with lineage.record.real")
    last = max(part.round for part in mix.rounds) if mix else 0
    if mix and mix.dataset == dataset and last >= round_number:
        raise ParentError(
            f"the generator's mix holds round {last} of {dataset}, which is not earlier than round "
            f"{round_number}; fit it on earlier rounds"
        )


def _derived(joined: pl.DataFrame, mix: MixManifest | None) -> pl.DataFrame:
    """Add the derived columns to candidates joined with the sums over their explicit parents."""
    model = mix.model_dump(include=set(OPAQUE)) if mix else OPAQUE
    summed = joined.with_columns(
        pl.col("weight", "real", "ending", "length").fill_null(0.0),
    )
    left = 1.0 - pl.col("weight")
    rest = pl.when(left > edges.TOLERANCE).then(left).otherwise(0.0)
    from_model = rest * model["real_roots"]
    ending = pl.col("ending") + from_model
    length = pl.col("length") + from_model * (1.0 + (model["depth_mean"] or 0.0))
    depths = {
        name: pl.when(rest > 0).then(pl.lit(model[name], pl.Int32))
        for name in ("depth_min", "depth_max")
    }
    return summed.with_columns(
        (pl.col("real") + rest * model["real_share"]).clip(0, 1).alias("real_inputs"),
        ending.clip(0, 1).alias("real_roots"),
        pl.when(ending > 0).then(length / ending).alias("depth_mean"),
        (1 + pl.min_horizontal("depth_min", depths["depth_min"])).alias("depth_min"),
        (1 + pl.max_horizontal("depth_max", depths["depth_max"])).alias("depth_max"),
    )


def _with_kind(rows: pl.DataFrame) -> pl.DataFrame:
    """Set the kind of each row, or check the kind that it has."""
    edited = pl.col("edited").fill_null(value=False)
    follows = pl.when(edited).then(pl.lit("edited")).otherwise(pl.lit("synthetic"))
    if "kind" not in rows.columns:
        return rows.with_columns(follows.alias("kind"))
    wrong = rows.filter(pl.col("kind").cast(pl.String) != follows)
    if not wrong.is_empty():
        raise ParentError(
            f"candidate {wrong['row'][0]} is said to be {wrong['kind'][0]}, which its parents "
            "contradict: edited is what has a parent of relation edited, and no other"
        )
    return rows


def _complete(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the columns of lineage that are not known, as nulls."""
    absent = [name for name in schema.LINEAGE if name not in rows.columns]
    full = rows.with_columns(pl.lit(None, schema.LINEAGE[name]).alias(name) for name in absent)
    return schema.conform(full, schema.LINEAGE, required=schema.LINEAGE_REQUIRED, extra=True)
