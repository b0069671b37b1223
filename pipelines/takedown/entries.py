"""Makes the entries of the deny-list for what a take-down takes from main."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from lake.client import Lake
from pipelines import modalities
from pipelines.rounds import manifest, tables
from pipelines.takedown import deny_list


def of_rows(
    lake: Lake,
    commit: str,
    ids: Sequence[str],
    datasets: Sequence[str],
    rows: pl.DataFrame,
    *,
    held_out: Mapping[str, pl.DataFrame] | None = None,
) -> pl.DataFrame:
    """Make the entries of a take-down, as `deny_list.ENTRY`, each content once.

    Named content that main holds as a sample has its fingerprints, and so have rows that are held
    out. What was made from it has its ids alone, since whoever made something like it from other
    rows has done no wrong; so have refused candidates, which main holds in no sample.

    Args:
        lake: the lake.
        commit: id of the commit of main from which the rows are taken.
        ids: of the content that was named, as hex digits.
        datasets: that hold it, or descend from it.
        rows: the rows that it takes, as `record.ROW`.
        held_out: by data set, the held-out rows that were named: sample_id, payload; None where
            the hold-out is not at hand, so that they have their ids alone.
    """
    parts = [pl.DataFrame(schema=deny_list.ENTRY), *_named(lake, commit, rows)]
    for dataset, frame in (held_out or {}).items():
        modality, identity = _modality(lake, commit, dataset), identity_of(lake, commit, dataset)
        made = deny_list.entries_of(frame, dataset, modality, identity)
        known = pl.concat(part.select("sample_id") for part in parts)
        parts.append(made.join(known, on="sample_id", how="anti", maintain_order="left"))
    seen = pl.concat(part.select("sample_id") for part in parts)
    for dataset in datasets:
        own = rows.filter(pl.col("dataset") == dataset).select("sample_id")
        parts.append(_ids_alone(own, seen, dataset, _modality(lake, commit, dataset).name))
        seen = pl.concat([seen, parts[-1].select("sample_id")])
    asked = pl.DataFrame({"sample_id": [bytes.fromhex(one) for one in ids]})
    if datasets:
        parts.append(_ids_alone(asked, seen, datasets[0], ""))
    return pl.concat(parts)


def _named(lake: Lake, commit: str, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Entries with fingerprints, data set by data set and round by round."""
    seen = pl.DataFrame(schema={"sample_id": pl.Binary})
    held = rows.filter((pl.col("cause") == "named") & pl.col("sample"))
    for (dataset, number), part in held.group_by("dataset", "round", maintain_order=True):
        name = str(dataset)
        modality = _modality(lake, commit, name)
        frame = tables.read_round(lake, commit, name, "samples", int(str(number)))
        taken = frame.filter(pl.col("row").is_in(part["row"].implode()))
        made = deny_list.entries_of(taken, name, modality, identity_of(lake, commit, name))
        fresh = made.join(seen, on="sample_id", how="anti", maintain_order="left")
        seen = pl.concat([seen, fresh.select("sample_id")])
        yield fresh


def _modality(lake: Lake, ref: str, dataset: str) -> modalities.Modality:
    return modalities.recorded(manifest.read_if_there(lake, ref, dataset, 0))


def identity_of(lake: Lake, ref: str, dataset: str) -> tuple[str, ...]:
    """The identity columns of a data set, as the manifest of round 0 names them."""
    return tuple(manifest.read_if_there(lake, ref, dataset, 0).get("identity", ["image"]))


def _ids_alone(rows: pl.DataFrame, seen: pl.DataFrame, dataset: str, modality: str) -> pl.DataFrame:
    """Entries without fingerprints of content that has none yet."""
    fresh = rows.unique("sample_id").join(seen, on="sample_id", how="anti").sort("sample_id")
    return fresh.select(
        pl.col("sample_id").cast(pl.Binary),
        pl.lit(dataset).alias("dataset"),
        pl.lit(modality).alias("modality"),
        *(pl.lit(None, pl.Binary).alias(name) for name in ("exact", "near")),
    )
