"""The hold-out is the one that round 0 names, and nothing of it is learned from."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from lake import refs
from lake.client import Lake
from lineage import contamination as reasons
from pipelines import params
from pipelines.common.errors import StaleError
from pipelines.features import images
from pipelines.gate import contamination
from pipelines.rounds import (
    attestation,
    context,
    holdout,
    manifest,
    mixes,
    model_store,
    round_holdout,
    tables,
)
from pipelines.rounds.holdout import HeldOut
from pipelines.rounds.metadata import StageMetadata
from pipelines.rounds.staging_branch import staging_branch
from pipelines.stages import fit
from pipelines.verification.calibrations import audits, planted_audits
from tests.flow.projects import Project, tiny_round

RESTORE = r"; restore it with `dvc repro --force --single-item ingest@tiny`"


def opened() -> HeldOut:
    return round_holdout.open_at(context.open_context("tiny-2"), "main")


def replace(lake: Lake, **changed: pl.DataFrame) -> None:
    """Commit other tables of the hold-out under the key that round 0 names."""
    path = "tiny/{}/part-00000.parquet"
    named = opened().named
    about = StageMetadata("ingest", "tiny", 0).to_metadata() | {"stemma.input_key": named.key}
    with staging_branch(lake, "replaced", "main") as branch:
        for name, frame in changed.items():
            lake.write(branch, path.format(name), frame)
        made = lake.commit(branch, "Hold out", about)
        lake.merge(made.id, "main", "Hold out", {})


def stored(lake: Lake) -> dict[str, pl.DataFrame]:
    names = (*holdout.SPLITS, holdout.FINGERPRINTS)
    return {name: lake.scan("main", f"tiny/{name}/").collect() for name in names}


def reencoded(image: dict[str, object]) -> dict[str, object]:
    """The same pixels in another PNG."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(bytes(image["bytes"]))) as picture:  # type: ignore[call-overload]
        picture.save(file, "PNG", compress_level=0)
    assert file.getvalue() != image["bytes"]
    return {**image, "bytes": file.getvalue()}


@pytest.mark.slow
def test_a_halved_hold_out_is_refused_and_can_be_restored(copied: Project) -> None:
    lake, whole = copied.lake(holdout=True), stored(copied.lake(holdout=True))
    count = len(whole["validation"])
    replace(lake, **{name: frame[: len(frame) // 2] for name, frame in whole.items()})
    copied.edit(lambda found: found["rounds"].update({"tiny-3": tiny_round(3)}))
    copied.edit(lambda found: found["rounds"]["tiny-2"].update(evaluate={"null_draws": 5}))
    said = r"the hold-out of tiny in stemma-holdout is not the one that round 0 names: it has "
    rows = f"{count // 2} validation rows, and round 0 counts {count}"
    with pytest.raises(StaleError, match=f"{said}[0-9]+ fingerprints, and .*{RESTORE}"):
        copied.run("fit", "tiny-3")
    with pytest.raises(StaleError, match=said):
        copied.run("evaluate", "tiny-2")
    with pytest.raises(StaleError, match=f"{said}{rows}{RESTORE}"):
        planted_audits.planted(audits.subject(copied.lake(), params.load(), "tiny"), 10)
    before = manifest.read(copied.lake(), "main", "tiny", 0)["holdout"]
    copied.run("ingest", "tiny")
    assert manifest.read(copied.lake(), "main", "tiny", 0)["holdout"] == before
    assert all(opened().table(name).equals(frame) for name, frame in whole.items())
    copied.run("fit", "tiny-3")


def test_the_same_rows_written_in_another_way_are_the_hold_out(copied: Project) -> None:
    lake = copied.lake(holdout=True)
    changed = {
        name: frame.with_columns(
            pl.col("image").map_elements(reencoded, return_dtype=images.IMAGE)
        ).select(sorted(frame.columns))[::-1]
        for name, frame in stored(lake).items()
    }
    replace(lake, **changed)
    held = opened()
    assert held.validation().equals(changed["validation"])
    assert held.fingerprints().equals(changed["fingerprints"])
    assert holdout.holds(lake, held.named)


def test_any_other_row_label_or_id_is_noticed(copied: Project) -> None:
    lake = copied.lake(holdout=True)
    whole = stored(lake)
    flipped = {name: whole[name].with_columns(1 - pl.col("label")) for name in holdout.SPLITS}
    renamed = whole["fingerprints"].with_columns(pl.col("sample_id").reverse())
    replace(lake, **flipped, fingerprints=renamed)
    held = opened()
    with pytest.raises(StaleError, match=r"its \d+ validation rows have other content"):
        held.validation()
    with pytest.raises(StaleError, match=r"fingerprints have another id than their content"):
        held.fingerprints()
    replace(lake, **{**whole, "test": flipped["test"]})
    assert opened().validation().equals(whole["validation"])
    assert not holdout.holds(lake, held.named)  # no gate reads the labels of test rows
    replace(lake, **{**whole, "validation": whole["validation"].drop("sample_id")})
    with pytest.raises(StaleError, match="its validation rows have other columns"):
        opened().validation()


def test_a_source_that_changed_under_its_key_is_no_hold_out(copied: Project) -> None:
    lake = copied.lake(holdout=True)
    rows = pl.concat([stored(lake)["validation"], stored(lake)["test"]])
    other = rows[1:].with_columns(split=pl.lit("validation"))
    with pytest.raises(StaleError, match="the source of tiny does not give the hold-out"):
        holdout.store(lake, "tiny", other, opened().named)


def test_held_out_rows_that_were_merged_by_hand_are_not_learned_from(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    copied.edit(lambda found: found["rounds"].update({"tiny-3": tiny_round(3)}))
    lake, held = copied.lake(), opened().validation()
    with_held_out(lake, held)
    commit = str(lake.head("main"))
    capsys.readouterr()
    fit._fit(context.open_context("tiny-3"), commit)
    assert f"left out {len(held)} contaminated rows" in capsys.readouterr().err
    folder = model_store.directory("tiny", 3)
    left_out = pl.read_parquet(folder / model_store.LEFT_OUT)
    assert set(left_out["why"]) == {reasons.EQUAL}
    assert (left_out["round"] == 0).all()
    assert len(left_out) == len(held)
    mix = mixes.read_manifest(context.open_context("tiny-3").round)
    assert mix.rows == len(tables.read(lake, "tiny-v2", "tiny", "samples").collect())
    assert mix.left_out == len(held)


def with_held_out(lake: Lake, held: pl.DataFrame) -> None:
    """Merge held-out rows into round 0 by hand, as real rows without leaks."""
    rows = held.with_columns(pl.col("row") + 10_000, pl.lit(0, pl.Int32).alias("round"))
    samples = tables.read_round(lake, "main", "tiny", "samples", 0)
    lineage = tables.read_round(lake, "main", "tiny", "lineage", 0)
    of_rows = pl.concat([lineage[:1]] * len(rows)).with_columns(rows["row"], rows["sample_id"])
    with staging_branch(lake, "by-hand", "main") as branch:
        for table, old, new in (("samples", samples, rows), ("lineage", lineage, of_rows)):
            path = refs.part("tiny", table, 0)
            lake.write(branch, path, pl.concat([old, new.select(old.columns)]))
        made = lake.commit(branch, "More real rows", {})
        lake.merge(made.id, "main", "More real rows", {})


def test_content_is_compared_although_stage_and_ids_deny_a_leak(copied: Project) -> None:
    """Whoever has the key signs samples whose payload was exchanged under their ids."""
    copied.edit(lambda found: found["rounds"].update({"tiny-3": tiny_round(3)}))
    lake, held = copied.lake(), opened()
    rows = tables.read_round(lake, "main", "tiny", "samples", 2).sort("row")
    twin = held.validation()[:2].select("image", "label")
    exchanged = rows.with_columns(twin[name].append(rows[name][2:]) for name in twin.columns)
    with staging_branch(lake, "signed", "main") as branch:
        lake.write(branch, refs.part("tiny", "samples", 2), exchanged)
        curated = signed(lake, branch, "curate", "main")
        manifest.extend(lake, branch, "tiny", 2, note="evaluated")
        commit = signed(lake, branch, "evaluate", curated)
    ctx = context.open_context("tiny-3")
    assert contamination.leaks_at(ctx, commit).is_empty()
    found = contamination.of_mix(ctx, commit, held)
    expected = [("tiny", 2, row, reasons.EQUAL) for row in rows["row"][:2]]
    assert list(found.iter_rows()) == expected
    judged = context.open_context("tiny-2")
    assert contamination.of_round(judged, commit)["row"].to_list() == rows["row"][:2].to_list()
    assert contamination.leaks_at(judged, commit)["row"].to_list() == rows["row"][:2].to_list()


def signed(lake: Lake, branch: str, stage: str, start: str) -> str:
    """Commit what a branch holds, as a stage of round 2."""
    about = StageMetadata(stage, "tiny", 2).to_metadata()
    entries = attestation.seal(lake, about | attestation.contents(lake, branch, start, "tiny", 2))
    return lake.commit(branch, "By hand", entries).id


def test_a_hold_out_without_digest_is_accepted(unchanged: Project) -> None:
    real = manifest.read(unchanged.lake(), "main", "tiny", 0)
    real["holdout"] = {"input_key": real["holdout"]["input_key"]}
    named = holdout.named("tiny", real)
    assert holdout.digest_of(real) is None
    lake = unchanged.lake(holdout=True)
    assert holdout.open_named(lake, named).validation().equals(stored(lake)["validation"])


def test_digests_that_contradict_each_other_are_refused(unchanged: Project) -> None:
    real = manifest.read(unchanged.lake(), "main", "tiny", 0)
    real["holdout"]["tables"]["test"] = "0" * 64
    with pytest.raises(StaleError, match="digests of its hold-out that contradict each other"):
        holdout.open_named(unchanged.lake(holdout=True), holdout.named("tiny", real))


def test_the_rows_are_read_once_while_a_hold_out_is_open(unchanged: Project) -> None:
    assert Path.cwd() == unchanged.root
    held = opened()
    assert opened() is held
    assert held.fingerprints() is opened().fingerprints()
