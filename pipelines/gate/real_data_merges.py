"""Verification of a merge of real data: the stage ingest made it, and its rows are real.

Real data has no guard's answer, because there is nothing synthetic to judge. What the stage ingest
committed is signed, and so is its merge; the lineage of each row must record that it is real and
has no parents; and no row may have content that is known from a candidate of any round.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage.schema import UNREADABLE
from pipelines.gate import merges
from pipelines.gate.merges import Merge
from pipelines.rounds import attestation, generated_rows, manifest, path_scope
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


def later_fault(merge: Merge, dataset: str, number: int) -> str | None:
    """Verify that a later round brings real rows alone if its manifest says so, and else none.

    Its other properties are those of any round, which the guard judges.

    Args:
        merge: the merge of the round.
        dataset: its data set.
        number: the round.

    Returns:
        As `fault`.
    """
    content = manifest.read_if_there(merge.lake, merge.commit.id, dataset, number)
    try:
        if manifest.ARRIVALS in content:
            wrong = _contradiction(merge.lake, merge.commit.id, dataset, number)
            return wrong or _known_candidates(merge, dataset, number)
        return _real_among_generated(merge.lake, merge.commit.id, dataset, number)
    except NotFoundError:
        return f"it leaves round {number} of {dataset} without samples or without lineage"
    except UNREADABLE:
        return f"the samples or the lineage of round {number} of {dataset} cannot be read"


def _real_among_generated(lake: Lake, commit: str, dataset: str, number: int) -> str | None:
    """Name rows that say that they are real in a round that a generator made."""
    lineage = lake.scan(commit, refs.partition(dataset, "lineage", number))
    real = lineage.filter(pl.col("kind").cast(pl.String) == "real").select("row").collect()
    if real.is_empty():
        return None
    return (
        f"{_rows(real)} of round {number} of {dataset} marked as real, and its manifest says that "
        f"a generator made the round: row {real['row'][0]}"
    )


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


def _known_candidates(merge: Merge, dataset: str, number: int = path_scope.REAL) -> str | None:
    """Name new real rows whose content a round had generated before; None if there are none.

    A generator can copy a real row, so rows that main held as real before are no finding.
    """
    key = ["sample_id"]
    new = generated_rows.ids(merge.lake, merge.commit.id, dataset, "samples", number)
    old = generated_rows.ids(merge.lake, merge.before, dataset, "samples", number)
    fresh = new.join(old, on=key, how="anti").unique("sample_id", keep="first", maintain_order=True)
    when, lake = merge.commit.created, merge.lake
    rounds = generated_rows.rounds_before(lake, merge.before, when)
    if number:
        rounds = generated_rows.before_arrival(lake, merge.before, dataset, number, when)
    for ref, name, earlier in rounds:
        if fresh.is_empty():
            break
        made = generated_rows.generated_ids(merge.lake, ref, name, earlier)
        copies = fresh.join(made, on=key, how="semi")
        if not copies.is_empty():
            row = copies["row"][0]
            twin = made.filter(pl.col("sample_id") == copies["sample_id"][0])["row"][0]
            return (
                f"{_rows(copies)} of round {number} of {dataset} marked as real, with the content "
                f"of a candidate: row {row} is row {twin} of round {earlier} of {name}"
            )
    return None


def _contradiction(
    lake: Lake, commit: str, dataset: str, number: int = path_scope.REAL
) -> str | None:
    """The first property of a round of real data that it cannot have; None if there is none."""
    key = ["round", "row", "sample_id"]
    lineage = lake.scan(commit, refs.partition(dataset, "lineage", number)).select(
        *key, "kind", "parents", "generator", "trained_on"
    )
    wrong = (
        (pl.col("kind").cast(pl.String) != "real").fill_null(value=True)
        | (pl.col("round") != number).fill_null(value=True)
        | (pl.col("parents").list.len() > 0).fill_null(value=False)
        | pl.col("generator").is_not_null()
        | pl.col("trained_on").is_not_null()
    )
    unreal = lineage.filter(wrong).select("row", "kind").collect()
    samples = lake.scan(commit, refs.partition(dataset, "samples", number)).select(key)
    strange = samples.join(lineage, on=key, how="anti").select("row").collect()
    return next(_contradictions(unreal, strange, f"of round {number} of {dataset}"), None)


def _contradictions(unreal: pl.DataFrame, strange: pl.DataFrame, what: str) -> Iterator[str]:
    if not unreal.is_empty():
        row, kind = unreal.row(0)
        yield f"{_rows(unreal)} {what} not real: row {row} is {kind}, or has parents or a generator"
    if not strange.is_empty():
        yield f"{_rows(strange)} {what} without lineage: row {strange['row'][0]}"


def _rows(frame: pl.DataFrame) -> str:
    return "1 row" if len(frame) == 1 else f"{len(frame):,} rows"
