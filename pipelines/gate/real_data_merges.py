"""Verification of a merge of real data: the stage ingest made it, and its rows are real.

Real data has no guard's answer, because there is nothing synthetic to judge. What the stage ingest
committed is signed, and so is its merge; the lineage of each row must record that it is real and
has no parents; and no row may have content that is known from a candidate of any round.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage.schema import UNREADABLE
from pipelines.gate import merges
from pipelines.gate.merges import Merge
from pipelines.rounds import attestation, path_scope
from pipelines.rounds.metadata import StageMetadata
from pipelines.rounds.trust import Trust


def fault(merge: Merge, dataset: str, trusted: Trust | None) -> str | None:
    """Verify that a merge brought nothing but real data that a stage ingested.

    Args:
        merge: the merge.
        dataset: the data set whose round 0 it brings.
        trusted: the trusted keys, of which one must have signed what was made since signing began;
            None: signatures are not verified.

    Returns:
        Why verification failed, in one sentence; None: the merge brought only real data.
    """
    other = path_scope.foreign(merge.changes, dataset, path_scope.REAL)
    if other is not None:
        return (
            f"it brings real data of {dataset}, and {path_scope.verb(other)} {other.path} besides"
        )
    try:
        wrong = _contradiction(merge.lake, merge.commit.id, dataset)
    except NotFoundError:
        return f"it leaves round 0 of {dataset} without samples or without lineage"
    except UNREADABLE:
        return f"the samples or the lineage of round 0 of {dataset} cannot be read"
    return wrong or _made_otherwise(merge, dataset, trusted) or _known_candidates(merge, dataset)


def _made_otherwise(merge: Merge, dataset: str, trusted: Trust | None) -> str | None:
    """Why a merge is not what the stage ingest made; None if it is."""
    metadata = merge.commit.metadata
    if trusted is not None and trusted.is_earlier(merge.commit.id):
        trusted = None
    if trusted is None and attestation.CONTENT not in metadata:
        return None  # of an earlier release
    if trusted is not None and attestation.signer_of(merge.lake, metadata, trusted) is None:
        return f"the merge of real data {attestation.unsigned(metadata)}"
    source = StageMetadata.from_commit(merge.lake.resolve(merge.source))
    if source is None or (source.stage, source.dataset) != ("ingest", dataset):
        return "what it merged was not ingested by a stage"
    return merges.made_otherwise(merge, trusted) or merges.altered(merge)


def _known_candidates(merge: Merge, dataset: str) -> str | None:
    """Name new real rows whose content a round had generated before; None if there are none.

    A generator can copy a real row, so rows that main held as real before are no finding.
    """
    key = ["sample_id"]
    new = _ids(merge.lake, merge.commit.id, dataset, "samples", path_scope.REAL)
    old = _ids(merge.lake, merge.before, dataset, "samples", path_scope.REAL)
    fresh = new.join(old, on=key, how="anti").unique("sample_id", keep="first", maintain_order=True)
    for ref, name, number in _generated_before(merge):
        if fresh.is_empty():
            break
        made = _ids(merge.lake, ref, name, "lineage", number)
        copies = fresh.join(made, on=key, how="semi")
        if not copies.is_empty():
            row = copies["row"][0]
            twin = made.filter(pl.col("sample_id") == copies["sample_id"][0])["row"][0]
            return (
                f"{_rows(copies)} of round 0 of {dataset} marked as real, with the content of a "
                f"candidate: row {row} is row {twin} of round {number} of {name}"
            )
    return None


def _ids(lake: Lake, ref: str, dataset: str, table: str, number: int) -> pl.DataFrame:
    """Rows and sample ids of a round's table at a ref; empty where the ref does not hold it."""
    try:
        rows = lake.scan(ref, refs.partition(dataset, table, number))
    except NotFoundError:
        return pl.DataFrame(schema={"row": pl.Int64, "sample_id": pl.Binary})
    return rows.select(pl.col("row").cast(pl.Int64), pl.col("sample_id").cast(pl.Binary)).collect()


def _generated_before(merge: Merge) -> Iterator[tuple[str, str, int]]:
    """The rounds generated before a merge, on main or on a branch: ref, data set, number."""
    lake = merge.lake
    for item in lake.objects(merge.before):
        name, number = item.path.partition("/")[0], refs.round_of(item.path)
        if number and item.path == refs.manifest(name, number):
            yield merge.before, name, number
    for branch, head in sorted(lake.branches().items()):
        match = refs.BRANCH.match(branch)
        number = int(match["round"]) if match else path_scope.REAL
        if match is None or number == path_scope.REAL:
            continue
        if _generated_at(lake, head, match["dataset"], number) < merge.commit.created:
            yield head, match["dataset"], number


def _generated_at(lake: Lake, head: str, dataset: str, number: int) -> float:
    """When the candidates of a branch were generated (Unix seconds); infinity if never."""
    for commit in lake.log(head, first_parent=True):
        metadata = StageMetadata.from_commit(commit)
        if metadata is None or (metadata.dataset, metadata.round) != (dataset, number):
            break
        if metadata.stage == "generate":
            return commit.created
    return math.inf


def _contradiction(lake: Lake, commit: str, dataset: str) -> str | None:
    """The first property of round 0 that real data cannot have; None if there is none."""
    key = ["round", "row", "sample_id"]
    lineage = lake.scan(commit, refs.partition(dataset, "lineage", path_scope.REAL)).select(
        *key, "kind", "parents", "generator", "trained_on"
    )
    wrong = (
        (pl.col("kind").cast(pl.String) != "real").fill_null(value=True)
        | (pl.col("round") != path_scope.REAL).fill_null(value=True)
        | (pl.col("parents").list.len() > 0).fill_null(value=False)
        | pl.col("generator").is_not_null()
        | pl.col("trained_on").is_not_null()
    )
    unreal = lineage.filter(wrong).select("row", "kind").collect()
    samples = lake.scan(commit, refs.partition(dataset, "samples", path_scope.REAL)).select(key)
    strange = samples.join(lineage, on=key, how="anti").select("row").collect()
    return next(_contradictions(unreal, strange, dataset), None)


def _contradictions(unreal: pl.DataFrame, strange: pl.DataFrame, dataset: str) -> Iterator[str]:
    what = f"of round 0 of {dataset}"
    if not unreal.is_empty():
        row, kind = unreal.row(0)
        yield f"{_rows(unreal)} {what} not real: row {row} is {kind}, or has parents or a generator"
    if not strange.is_empty():
        yield f"{_rows(strange)} {what} without lineage: row {strange['row'][0]}"


def _rows(frame: pl.DataFrame) -> str:
    return "1 row" if len(frame) == 1 else f"{len(frame):,} rows"
