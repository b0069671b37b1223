"""Training mixes: the distribution that a generator is fitted on, and its description.

A mix is one node of the family tree. A candidate of a fitted generator descends from the mix, never
from each of its rows; so the manifest carries what lineage needs of the distribution: by weight,
the share of real rows, the probability that a backward walk ends at a real sample, and the depths.

The regimes are those of Gerstgrasser et al. 2024 (replace, accumulate) and Kazdan et al. 2024
(accumulate-subsample).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ValidationError

from lineage import schema
from lineage.errors import MixError
from lineage.manifest import REGIMES, MixManifest, RoundPart

__all__ = [
    "AUTO",
    "REGIMES",
    "Mix",
    "MixManifest",
    "RoundPart",
    "best_weight",
    "build",
    "list_digest",
    "lowest",
    "order",
    "read",
]

SUBSAMPLE: Final = "splitmix64/1"
"""Rule that orders occurrences for a subsample: by a hash of seed, round and row. An order does not
change when rows are added, so the next subsample keeps most of this one."""

ROWS: Final = pl.Schema(
    {
        name: schema.LINEAGE[name]
        for name in ("round", "row", "kind", "real_roots", "depth_mean", "depth_min", "depth_max")
    }
)
"""Columns of lineage that a mix is computed from."""
REQUIRED: Final = ("round", "row", "kind", "real_roots")
AUTO: Final = "auto"
"""In place of a weight of real rows: the best one for the rows of the mix, by `best_weight`."""
Amount = TypeVar("Amount", float, NDArray[np.float64])
OCCURRENCE: Final = pl.Schema({name: schema.LINEAGE[name] for name in ("round", "row")})


@dataclass(frozen=True, slots=True)
class Mix:
    """The rows that a generator learns from, their weights, and the manifest of both."""

    rows: pl.DataFrame
    """round, row, weight (Float64), in order."""
    manifest: MixManifest
    left_out: pl.DataFrame
    """round, row of the accepted rows that the regime could choose but that were left out, sorted.
    """


def build(
    rows: pl.DataFrame,
    *,
    dataset: str,
    commit: str,
    regime: str,
    real_weight: float | Literal["auto"] = 1.0,
    sample_size: int | None = None,
    seed: int = 0,
    left_out: pl.DataFrame | None = None,
) -> Mix:
    """Compose the mix that a regime takes from the accepted rows of a commit.

    Args:
        rows: lineage of all accepted rows of the data set, round 0 included.
        dataset: the data set's name.
        commit: the commit that holds the rows.
        regime: `replace` takes the last round alone, `accumulate` all, `accumulate-subsample` all,
            thinned out at random to `sample_size`.
        real_weight: weight of a real row; a synthetic or edited row has weight 1. `auto` takes
            `best_weight` of the rows of the mix.
        sample_size: of accumulate-subsample; None: as many as there are real rows.
        seed: of the subsample.
        left_out: round, row of rows that must not be in the mix; other columns are ignored. The
            regime chooses first (`replace` never goes back to an earlier round), the subsample is
            drawn from what is left.

    Raises:
        MixError: there are no rows, none is left, or regime, weight or size cannot be used.
        SchemaError: a column is missing, or a row comes twice.
    """
    accepted = _checked(rows, regime, real_weight, sample_size)
    kept, left = _leave_out(_offered(accepted, regime), left_out)
    thinned = regime == "accumulate-subsample"
    size = _size(kept, sample_size) if thinned else None
    taken = _take(kept, size, seed)
    chosen = _best_weight_of(taken) if real_weight == AUTO else float(real_weight)
    weighted = _weigh(taken, chosen)
    manifest = MixManifest(
        dataset=dataset,
        commit=commit,
        regime=regime,
        rounds=_parts(kept, weighted),
        rows=len(weighted),
        real_weight=chosen,
        sample_size=size,
        subsample=SUBSAMPLE if thinned else None,
        seed=seed if thinned else None,
        left_out=len(left) or None,
        left_out_digest=list_digest(left) if len(left) else None,
        **_distribution(weighted),
    )
    return Mix(weighted.select("round", "row", "weight"), manifest, left)


def best_weight(made: Amount) -> Amount:
    """Weight of a real row beside so many synthetic ones for each real row, r = (1 + √(1 + 4k))/2.

    The real rows together then have the share 1/r, for which the error of a mean is least where
    each round has fresh real rows (He et al. 2025, arXiv:2502.18049). It is 1 for k = 0.

    Args:
        made: synthetic rows for each real one, k, at least 0.
    """
    weight: Amount = (1 + (1 + 4 * made) ** 0.5) / 2
    return weight


def list_digest(rows: pl.DataFrame) -> str:
    """Digest a list of rows of a data set, regardless of their order.

    Args:
        rows: round, row; other columns are ignored.

    Returns:
        SHA-256 over `round` and `row` of each row, as little-endian integers of 8 bytes each, by
        round and row: 64 hex digits.

    Raises:
        SchemaError: a column is missing or null, or a row comes twice.
    """
    listed = schema.conform(rows, OCCURRENCE, required=tuple(OCCURRENCE), extra=True)
    schema.unique_key(listed, list(OCCURRENCE), "the list")
    numbers = listed.sort(list(OCCURRENCE)).select(pl.all().cast(pl.Int64)).to_numpy()
    return hashlib.sha256(np.ascontiguousarray(numbers, dtype="<i8").tobytes()).hexdigest()


def read(content: str | bytes | Mapping[str, Any]) -> MixManifest:
    """Read a mix manifest from JSON.

    Args:
        content: its JSON, as text or parsed.

    Raises:
        MixError: it is damaged, inconsistent, or was altered since it was written.
    """
    try:
        if isinstance(content, Mapping):
            return MixManifest.model_validate(dict(content))
        return MixManifest.model_validate_json(content)
    except (ArithmeticError, TypeError) as error:  # of numbers that no float is, or no content
        raise MixError("the mix manifest cannot be used: it holds what no mix has") from error
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise MixError(f"the mix manifest cannot be used: {field} {problem['msg']}") from error


def _checked(
    rows: pl.DataFrame, regime: str, real_weight: float | Literal["auto"], sample_size: int | None
) -> pl.DataFrame:
    """Check rows and settings of a mix, and sort the rows."""
    accepted = schema.conform(rows, ROWS, required=REQUIRED, extra=True).sort("round", "row")
    schema.unique_key(accepted, ["round", "row"], "the mix")
    if regime not in REGIMES:
        raise MixError(f"there is no regime {regime!r}; choose one of {', '.join(REGIMES)}")
    if rows.is_empty():
        raise MixError("there are no accepted rows to compose a mix from; publish round 0 first")
    if real_weight != AUTO and not (math.isfinite(real_weight) and real_weight > 0):
        raise MixError(f"real_weight is {real_weight}; it must be a number above 0, or {AUTO}")
    if sample_size is not None and sample_size < 1:
        raise MixError(f"sample_size is {sample_size}; it must be at least 1")
    return accepted


def _size(rows: pl.DataFrame, sample_size: int | None) -> int:
    size = int((rows["kind"] == "real").sum()) if sample_size is None else sample_size
    if not size:
        raise MixError("there are no real rows to take the subsample's size from; set sample_size")
    return size


def order(
    rounds: NDArray[np.int32] | int, rows: NDArray[np.int64], seed: int
) -> NDArray[np.uint64]:
    """Hash occurrences with the seed of a subsample, which takes the lowest hashes.

    Args:
        rounds: the round of each occurrence, or of all.
        rows: [n], the row of each.
        seed: the subsample's.

    Returns:
        [n], uniform over 64 bits.
    """
    start = _splitmix(np.array([seed % (1 << 64)], dtype=np.uint64))
    with_round = start ^ np.asarray(rounds).astype(np.uint64)
    return _splitmix(_splitmix(with_round) ^ rows.astype(np.uint64))


def lowest(hashes: NDArray[np.uint64], size: int) -> NDArray[np.bool_]:
    """Select the occurrences with the lowest hashes; of equal hashes the first ones.

    Args:
        hashes: [n], of the occurrences by round and row.
        size: how many to take.
    """
    if size >= len(hashes):
        return np.ones(len(hashes), dtype=np.bool_)
    last = np.partition(hashes, size - 1)[size - 1]
    taken: NDArray[np.bool_] = hashes < last
    taken[np.flatnonzero(hashes == last)[: size - int(taken.sum())]] = True
    return taken


def _offered(rows: pl.DataFrame, regime: str) -> pl.DataFrame:
    """Select the rows that a regime chooses from."""
    if regime == "replace":
        return rows.filter(pl.col("round") == pl.col("round").max())
    return rows


def _leave_out(
    rows: pl.DataFrame, unwanted: pl.DataFrame | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split rows into those that may be taken, and round and row of those that must not be."""
    given = OCCURRENCE.to_frame() if unwanted is None else unwanted
    wrong = schema.conform(given, OCCURRENCE, required=tuple(OCCURRENCE), extra=True)
    left = rows.join(wrong, on=list(OCCURRENCE), how="semi").select(list(OCCURRENCE))
    kept = rows.join(left, on=list(OCCURRENCE), how="anti", maintain_order="left")
    if kept.is_empty():
        raise MixError(
            f"all {len(rows)} rows that the mix could take are to be left out; nothing is left to "
            "train on"
        )
    return kept, left.sort(list(OCCURRENCE))


def _take(rows: pl.DataFrame, size: int | None, seed: int) -> pl.DataFrame:
    if size is None:
        return rows
    hashes = order(rows["round"].to_numpy(), rows["row"].to_numpy(), seed)
    return rows.filter(pl.Series(lowest(hashes, size)))


def _weigh(rows: pl.DataFrame, real_weight: float) -> pl.DataFrame:
    is_real = pl.col("kind") == "real"
    return rows.with_columns(pl.when(is_real).then(real_weight).otherwise(1.0).alias("weight"))


def _best_weight_of(rows: pl.DataFrame) -> float:
    """The best weight of the real rows of a mix; 1 where there are none."""
    real = int((rows["kind"] == "real").sum())
    return best_weight((len(rows) - real) / real) if real else 1.0


def _splitmix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Apply the output function of SplitMix64 (Steele, Lea & Flood 2014), a bijection."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _parts(offered: pl.DataFrame, taken: pl.DataFrame) -> tuple[RoundPart, ...]:
    """Summarise the rows and the weight that each round gives to the mix."""
    accepted = offered.group_by("round").agg(pl.len().alias("accepted"))
    parts = (
        taken.group_by("round")
        .agg(pl.len().alias("rows"), pl.col("weight").sum())
        .join(accepted, on="round")
        .sort("round")
    )
    return tuple(RoundPart(**part) for part in parts.to_dicts())


def _distribution(rows: pl.DataFrame) -> dict[str, Any]:
    """Compute the manifest's figures of the weighted rows."""
    weight, roots = pl.col("weight"), pl.col("real_roots").cast(pl.Float64)
    ending = weight * roots
    length = ending * pl.col("depth_mean").cast(pl.Float64)
    sums = rows.select(
        ((pl.col("kind") == "real") * weight).sum().alias("real"),
        ending.sum().alias("ending"),
        length.sum().alias("length"),
        weight.sum().alias("total"),
        pl.col("depth_min").min(),
        pl.col("depth_max").max(),
    ).row(0, named=True)
    return {
        "real_share": sums["real"] / sums["total"],
        "real_roots": min(sums["ending"] / sums["total"], 1.0),
        "depth_mean": sums["length"] / sums["ending"] if sums["ending"] else None,
        "depth_min": sums["depth_min"],
        "depth_max": sums["depth_max"],
    }
