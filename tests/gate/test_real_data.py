"""Real data and its hold-out: what a merger brings by hand is named, and no generator learns it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import polars as pl
import pytest

from lake import refs
from lake.client import Lake
from lineage import record
from pipelines.rounds import context as contexts
from pipelines.rounds import mixes, receipts, tables
from pipelines.rounds.metadata import KEY
from pipelines.verification.calibrations import merges
from tests.flow.projects import Project, tiny_round
from tests.gate import attacker, victim


def brought(lake: Lake, more: pl.DataFrame) -> attacker.Change:
    """Add rows to round 0, marked as real like the others."""

    def change(at: Lake, branch: str) -> None:
        samples = tables.read_round(at, branch, "tiny", "samples", 0)
        lineage = tables.read_round(at, branch, "tiny", "lineage", 0)
        first = int(samples["row"].max()) + 1000  # type: ignore[arg-type]
        rows = more.select("sample_id", "image", "label").with_columns(
            pl.lit(0, pl.Int32).alias("round"),
            pl.int_range(first, first + len(more), dtype=pl.Int64).alias("row"),
        )
        real = record.real(
            rows.select("row", "sample_id").with_columns(
                source=pl.lit("tests/tiny"), licence=pl.lit("CC0-1.0")
            )
        )
        samples = pl.concat([samples, rows.select(samples.columns).cast(dict(samples.schema))])
        lineage = pl.concat([lineage, real.select(lineage.columns).cast(dict(lineage.schema))])
        at.write(branch, refs.part("tiny", "samples", 0), samples)
        at.write(branch, refs.part("tiny", "lineage", 0), lineage)

    assert lake.repository
    return change


def held_out(project: Project) -> pl.DataFrame:
    """The validation rows; a merger of a team may read them."""
    return project.lake(holdout=True).scan(refs.MAIN, "tiny/validation/").collect()


def synthetic(project: Project) -> pl.DataFrame:
    """Some candidates of round 2."""
    lake = project.lake()
    commit = receipts.read("tiny", 2, "generate").commit
    return tables.read_round(lake, commit, "tiny", "candidates", 2).head(5)


def test_rows_that_were_merged_into_the_real_data_by_hand(project: Project) -> None:
    lake = project.lake()
    start = lake.resolve(refs.MAIN).id
    ingested = lake.resolve(lake.resolve("tiny-v0").parents[1]).metadata
    kinds: dict[str, Callable[[Project], pl.DataFrame]] = {
        "held out": held_out,
        "synthetic": synthetic,
    }
    for rows in kinds.values():
        change = brought(lake, rows(project))
        for about in ({}, dict(lake.resolve("tiny-v0").metadata)):
            attacker.hard_reset(lake, refs.MAIN, start)
            source = attacker.commit(lake, start, change, ingested)
            bad = attacker.merged(lake, source.id, about)
            assert victim.wrongs(project).keys() == {bad.id}
        assert {"columns"} <= victim.recomputed(project)


def test_a_fit_learns_nothing_that_was_held_out(project: Project) -> None:
    """Held-out rows lie in round 0 of main before round 3 is published."""
    lake, held = project.lake(), held_out(project)
    bad = attacker.merged(
        lake,
        attacker.commit(lake, refs.MAIN, brought(lake, held), {}).id,
        dict(lake.resolve("tiny-v0").metadata),
    )
    victim.unblock(project)
    said = victim.run(project)
    assert victim.wrongs(project).keys() == {bad.id}
    if said is not None:  # the guard judges no round on such data
        assert "round 0" in said
        return
    project.edit(lambda found: found["rounds"].update({"tiny-4": tiny_round(4)}))
    said = victim.run(project, "fit", key="tiny-4")
    if said is not None:
        assert "round 0" in said
        return
    at = contexts.open_context("tiny-4")
    mix = mixes.read_manifest(at.round)
    left_out = mixes.read_left_out(at.round, mix)
    assert len(left_out.filter(pl.col("round") == 0)) >= len(held)


def halved(lake: Lake, branch: str) -> None:
    """Half of the validation rows, under the same key."""
    frame = lake.scan(branch, "tiny/validation/").collect()
    lake.write(branch, "tiny/validation/part-00000.parquet", frame.head(len(frame) // 2))


def emptied(lake: Lake, branch: str) -> None:
    """No fingerprint is left, so that nothing leaks."""
    frame = lake.scan(branch, "tiny/fingerprints/").collect()
    lake.write(branch, "tiny/fingerprints/part-00000.parquet", frame.clear())


def easier(lake: Lake, branch: str) -> None:
    """As many validation rows, all of them the first one."""
    frame = lake.scan(branch, "tiny/validation/").collect()
    first = frame["image"].gather([0] * len(frame))
    lake.write(branch, "tiny/validation/part-00000.parquet", frame.with_columns(first))


@pytest.mark.slow
def test_another_hold_out_under_the_same_key(project: Project) -> None:
    """What needs it stops; `ingest` puts the true one back from the source."""
    lake, held = project.lake(), project.lake(holdout=True)
    curated, start = receipts.read("tiny", 3, "curate").commit, held.resolve(refs.MAIN).id
    ingested = (commit.metadata for commit in held.log(refs.MAIN))
    key = next(found for found in ingested if KEY in found)
    expected = victim.unblock(project)
    for change in (halved, emptied, easier):
        attacker.hard_reset(held, refs.MAIN, start)
        attacker.on_main(held, change, key)
        lake.set_branch("tiny-r003", curated)
        said = victim.run(project, "evaluate")
        assert said is not None
        assert "the hold-out of tiny" in said
        assert "is not the one that round 0 names" in said
    project.run("ingest", "tiny")
    assert victim.run(project, "evaluate", "publish") is None
    assert victim.outcome(lake, refs.MAIN) == expected


def test_a_calibration_that_no_audit_signed(project: Project) -> None:
    """`{}`, and a record in all its form, merged with metadata in all its form."""
    lake = project.lake()
    about = {"stemma.stage": merges.STAGE, "stemma.dataset": "tiny", "stemma.round": "2"}
    planted = []
    for data in (b"{}", b"", b"[1", b"\xff"):
        digest = hashlib.sha256(data).hexdigest()

        def write(at: Lake, branch: str, data: bytes = data, digest: str = digest) -> None:
            path = f"tiny/calibration/{digest[:16]}/calibration.json"
            at.write_bytes(branch, path, data, "application/json")

        source = attacker.commit(lake, refs.MAIN, write, about)
        planted.append(
            attacker.merged(lake, source.id, {**about, merges.RECORD: digest, "stemma.suite": "x"})
        )
    expected = victim.unblock(project)
    assert victim.run(project, "publish") is None
    assert victim.outcome(lake, refs.MAIN) == expected
    assert victim.wrongs(project).keys() == {commit.id for commit in planted}
