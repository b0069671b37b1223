"""Splits of real data: which rows train, and which are held out before anything else happens.

Rows that are equal or near to each other go to one split together, or a held-out row would have its
twin in training. A group goes where the keyed hash of its name says, so rows that are added later
move no row that was there before. One thing can: a new row that is near to a group and has a
smaller id gives the group another name, and a new row that is near to two groups makes them one.
Such a group may change its split as a whole; it is never torn apart.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.errors import SplitError

TRAIN: Final = "train"
"""Name of the split that takes every row which no share claims."""
SCALE: Final = float(1 << 64)


def groups(ids: pl.Series, pairs: NDArray[np.int64]) -> pl.Series:
    """Group rows that are linked by equal content or by near-duplicate pairs.

    Args:
        ids: n sample ids.
        pairs: [p, 2] row numbers of near-duplicates.

    Returns:
        Binary series `group` of n names: the smallest sample id of each row's group.

    Raises:
        SplitError: an id is missing, or a pair names a row that is not there.
    """
    _check_ids(ids)
    if pairs.ndim != 2 or pairs.shape[1] != 2:  # noqa: PLR2004  a pair has two ends
        raise SplitError(f"near-duplicate pairs have shape {list(pairs.shape)}, not [pairs, 2]")
    if pairs.size and not (pairs.min() >= 0 and pairs.max() < len(ids)):
        raise SplitError(f"a near-duplicate pair names a row outside 0 to {len(ids) - 1}")
    linked = pl.DataFrame({"id": ids, "part": _components(ids, pairs)})
    return linked.select(pl.col("id").min().over("part").alias("group")).to_series()


def assign(
    ids: pl.Series, groups: pl.Series, shares: Mapping[str, float], *, key: str
) -> pl.Series:
    """Assign each row to the split of its group.

    Args:
        ids: n sample ids.
        groups: n names of groups, as `groups` gives them.
        shares: the expected share of the groups for each held-out split; what is left is "train".
            The splits claim the hash's range in this order, so a split added at the end takes rows
            from "train" only.
        key: of the hash; another key gives another, independent assignment.

    Returns:
        String series `split` of n names.

    Raises:
        SplitError: shares, groups or key do not fit.
    """
    _check_shares(shares, key)
    _check_groups(ids, groups)
    names = groups.unique(maintain_order=True)
    ends = np.cumsum(list(shares.values()))
    places = np.searchsorted(ends, _positions(names, key), side="right")
    labels = np.asarray([*shares, TRAIN], dtype=object)[places]
    chosen = pl.Series("split", labels.tolist(), dtype=pl.String)
    joined = groups.to_frame("group").join(
        pl.DataFrame({"group": names, "split": chosen}),
        on="group",
        how="left",
        maintain_order="left",
    )
    return joined["split"]


def check_whole(groups: pl.Series, split: pl.Series) -> None:
    """Prove that no group is in two splits, so that no row is near to a row of another split.

    Args:
        groups: n names of groups, as `groups` gives them.
        split: n names of splits.

    Raises:
        SplitError: a group is in two splits.
    """
    placed = pl.DataFrame({"group": groups, "split": split}).unique()
    if len(placed) > groups.n_unique():
        torn = len(placed) - groups.n_unique()
        raise SplitError(
            f"{torn} groups of near-duplicates are in more than one split; split by groups with "
            "lineage.splits.assign"
        )


def _components(ids: pl.Series, pairs: NDArray[np.int64]) -> NDArray[np.int32]:
    """Number the connected components of the rows, [n]."""
    from scipy.sparse import coo_array  # noqa: PLC0415  slow to import
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    rows = np.arange(len(ids))
    numbered = ids.to_frame("id").with_row_index("row")
    first = numbered.select(pl.col("row").first().over("id").cast(pl.Int64)).to_series()
    left = np.concatenate([rows, pairs[:, 0]])
    right = np.concatenate([first.to_numpy(), pairs[:, 1]])
    graph = coo_array((np.ones(len(left), dtype=np.bool_), (left, right)), shape=(len(ids),) * 2)
    _, parts = connected_components(graph, directed=False)
    return np.asarray(parts, dtype=np.int32)


def _positions(names: pl.Series, key: str) -> NDArray[np.float64]:
    """Map each group to [0, 1) by a keyed hash (HMAC-SHA256)."""
    secret = key.encode()
    heads = b"".join(hmac.digest(secret, name, "sha256")[:8] for name in names)
    return np.frombuffer(heads, dtype=">u8").astype(np.float64) / SCALE


def _check_ids(ids: pl.Series) -> None:
    if ids.dtype != pl.Binary or ids.null_count():
        raise SplitError("each row needs a sample id; make them with lineage.identity.sample_ids")


def _check_shares(shares: Mapping[str, float], key: str) -> None:
    if not key:
        raise SplitError("the key of a split is empty; give it one and keep it")
    if TRAIN in shares:
        raise SplitError(f"{TRAIN!r} takes what the other splits leave; give it no share")
    wrong = [name for name, share in shares.items() if not 0 <= share < 1]
    if wrong:
        raise SplitError(f"the share of {wrong[0]!r} is {shares[wrong[0]]}; it must be in [0, 1)")
    if math.fsum(shares.values()) >= 1:
        raise SplitError("the shares of the held-out splits leave nothing to train on; lower them")


def _check_groups(ids: pl.Series, groups: pl.Series) -> None:
    _check_ids(ids)
    _check_ids(groups)
    if len(ids) != len(groups):
        raise SplitError(f"there are {len(ids)} ids and {len(groups)} groups; they must match")
    torn = pl.DataFrame({"id": ids, "group": groups}).group_by("id").n_unique()
    if (torn["group"] > 1).any():
        raise SplitError("the same content is in two groups; make them with lineage.splits.groups")
