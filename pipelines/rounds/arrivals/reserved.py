"""Held-out rows of later rounds of real data, in the repository of the hold-out.

Rows that arrive are assigned by the keyed hash that assigned those of round 0, so some of them are
not for training. They are kept apart and no round is measured on them: a round is measured on the
hold-out that round 0 names, or rounds could not be compared. What is near to them stays out of
training as well. When real data is ingested anew as a whole, the same rows are held out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import CorruptError, NotFoundError
from lineage.errors import LineageError
from lineage.schema import UNREADABLE
from pipelines.common.errors import StaleError
from pipelines.params import Round
from pipelines.rounds import held_out_removals, holdout, holdout_digest, manifest, tables
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import StageMetadata
from pipelines.rounds.staging_branch import staging_branch

TABLE: Final = "reserved"
PREFIX: Final = 16
"""Hex digits of their digest in the name of the rows' file."""


def described(rows: pl.DataFrame, identity: tuple[str, ...]) -> dict[str, Any]:
    """Describe held-out rows for the manifest of their round: number and digest."""
    found = holdout_digest.of_table(rows, identity)
    return {"rows": found.rows, "digest": found.digest}


def store(lake: Lake, round_: Round, rows: pl.DataFrame, key: StageKey) -> None:
    """Commit the held-out rows of a round; nothing where there are none, or where they are there.

    Their place is named by their digest, so no line and no later run overwrites other rows.

    Args:
        lake: the repository of the hold-out.
        round_: the round.
        rows: split, row, sample_id, payload.
        key: the key of the stage `generate` of the round.

    Raises:
        StaleError: another run changed the hold-out meanwhile.
    """
    dataset, number = round_.dataset, round_.number
    path = _path(dataset, number, described(rows, round_.identity)["digest"])
    if rows.is_empty() or any(item.path == path for item in lake.objects(refs.MAIN, path)):
        return
    metadata = StageMetadata("generate", dataset, number, key=StageKey(key.key, None))
    message = f"Hold out rows of round {number} of {dataset}"
    with staging_branch(lake, refs.branch_name(dataset, number), refs.MAIN) as branch:
        lake.write(branch, path, rows)
        commit = lake.commit(branch, message, metadata.to_metadata())
        holdout.merge(lake, commit.id, message, dataset)


def read(lake: Lake, held: Lake, commit: str, dataset: str, before: int) -> pl.DataFrame:
    """Read the held-out rows of the rounds of real data between round 0 and a round.

    Args:
        lake: the lake.
        held: the repository of the hold-out.
        commit: a commit of the lake, whose manifests name digests of the rows.
        dataset: the data set.
        before: the round.

    Returns:
        split, row, sample_id, payload; no columns where there are no rows.

    Raises:
        StaleError: they are missing, or others than a manifest names.
    """
    identity = tuple(manifest.read(lake, commit, dataset, 0)["identity"])
    frames = []
    for number in tables.real_rounds(lake, commit, dataset):
        if not 0 < number < before:
            continue
        content = manifest.read(lake, commit, dataset, number)
        named = content[manifest.ARRIVALS].get("held_out") or {}
        if named.get("rows"):
            frames.append(_verified(held, dataset, number, named, identity))
    return pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()


def _verified(
    held: Lake, dataset: str, number: int, named: Mapping[str, Any], identity: tuple[str, ...]
) -> pl.DataFrame:
    """Read the held-out rows of a round and hold them against its manifest."""
    what = f"the held-out rows of round {number} of {dataset}"
    try:
        place = _path(dataset, number, str(named.get("digest")))
        rows = tables.collected(held.scan(refs.MAIN, place), what)
        lacking = held_out_removals.lacking_at(held, refs.MAIN, place)
        found = holdout_digest.of_table(rows, identity, lacking).digest
    except (NotFoundError, CorruptError, LineageError, *UNREADABLE) as error:
        raise StaleError(
            f"{what} cannot be read from {held.repository}; restore it from a backup"
        ) from error
    if found != named.get("digest"):
        raise StaleError(
            f"{what} in {held.repository} are not those that its manifest names; restore them from "
            "a backup"
        )
    return rows


def _path(dataset: str, number: int, digest: str) -> str:
    return f"{refs.partition(dataset, TABLE, number)}{digest[:PREFIX]}.parquet"
