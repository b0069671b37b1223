"""Contamination that went through two generations, on a real lake: left out, stored, blocked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import yaml

import stemma
from lake import refs
from lake.client import Lake
from lake.tables import encode
from lineage import contamination as reasons
from lineage import training_mix
from pipelines.common.errors import BlockedError, StaleError
from pipelines.gate import contamination, evidence, stored_leaks
from pipelines.modalities.images import Images
from pipelines.rounds import (
    ancestry_index,
    attestation,
    context,
    holdout,
    manifest,
    mixes,
    model_store,
    receipts,
    tables,
)
from pipelines.rounds.metadata import StageMetadata
from pipelines.rounds.staging_branch import staging_branch
from tests.flow.planting import Parent, Planted, derived, links, plant, shifted
from tests.flow.projects import Project, copy, tiny_round

pytestmark = pytest.mark.slow  # many rounds of its own; some of each kind are tested every day

FIRST, LATER = ("fit", "generate"), ("verify", "curate", "evaluate", "publish")


def candidates(project: Project, number: int) -> pl.DataFrame:
    commit = receipts.read("tiny", number, "generate").commit
    return tables.read_round(project.lake(), commit, "tiny", "candidates", number)


def held_out(project: Project) -> pl.DataFrame:
    return project.lake(holdout=True).scan("main", "tiny/validation/").collect()


def left_out(number: int) -> list[tuple[object, ...]]:
    frame = pl.read_parquet(model_store.directory("tiny", number) / model_store.LEFT_OUT)
    return frame.rows()


@pytest.fixture(scope="module")
def line(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Three more rounds of `tiny`; the current directory.

    Two candidates of round 3 are held-out rows: 0 is accepted, 1 refused for its label. In round 4
    candidates 0 and 1 are made of them and 2 of a clean one; in round 5 candidate 0 is made of
    round 4's, and 1 of the clean one. Round 5 is blocked.
    """
    project = copy(published, tmp_path_factory.mktemp("contamination") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        project.edit(lambda found: found["rounds"].update(rounds()))
        project.round("tiny-3", *FIRST)
        plant(3, leaked(project))
        project.round("tiny-3", *LATER)
        again(project, 4, (0, 3, 0, "edited"), (1, 3, 1, "seed"), (2, 3, 2, "edited"))
        project.round("tiny-4", *LATER)
        again(project, 5, (0, 4, 0, "edited"), (1, 4, 2, "edited"))
        with pytest.raises(BlockedError, match=r"guard blocks tiny-5 \(holdout_ancestry\)"):
            project.round("tiny-5", *LATER)
        yield project
    project.drop_lake()


def rounds() -> dict[str, object]:
    found = {f"tiny-{number}": tiny_round(number) for number in (3, 4, 5)}
    found["tiny-5"]["publish"] = {"guard": {"holdout_ancestry_block": 0.0}}
    return found


def leaked(project: Project) -> Planted:
    """Two held-out images; the second with a label that it has not."""
    held = held_out(project)
    return {
        row: (held["image"][row], abs(held["label"][row] - wrong))
        for row, wrong in enumerate((0, 1))
    }


def again(project: Project, number: int, *parents: Parent) -> None:
    """Fit and generate a round; some of its candidates are images of the last one, shifted."""
    project.round(f"tiny-{number}", *FIRST)
    before = candidates(project, number - 1).sort("row")
    made = {row: (shifted(before["image"][at]), before["label"][at]) for row, _, at, _ in parents}
    plant(number, made, *parents)


def decisions(project: Project, ref: str, number: int) -> list[str]:
    found = tables.read_round(project.lake(), ref, "tiny", "decisions", number)
    return found.sort("row")["decision"].to_list()


def test_leaks_of_earlier_rounds_are_counted_with_those_of_this_one(line: Project) -> None:
    accepted = tables.read(line.lake(), "main", "tiny", "samples").collect()
    earlier = accepted.filter(pl.col("round").is_between(1, 4))
    commit = receipts.read("tiny", 5, "evaluate").commit
    about = evidence.collect(context.open_context("tiny-5"), commit)
    assert about.earlier_leaks == (1, len(earlier))


def test_the_leaks_of_a_round_are_stored_refused_candidates_too(line: Project) -> None:
    assert decisions(line, "main", 3)[:3] == ["accepted", "rejected", "accepted"]
    stored = tables.read_round(line.lake(), "main", "tiny", "leaks", 3)
    assert stored.columns == list(contamination.STORED)
    assert stored.select("round", "row", "equal", "distance").rows() == [
        (3, 0, True, 0.0),
        (3, 1, True, 0.0),
    ]
    about = manifest.read(line.lake(), "main", "tiny", 3)
    held = manifest.read(line.lake(), "main", "tiny", 0)["holdout"]
    assert about["leaks"] == {
        "rows": 2,
        "near": 0.0,
        "holdout": held["input_key"],
        "holdout_digest": held["digest"],
        "samples": stored_leaks.samples_checksum(line.lake(), "main", "tiny", 3),
    }
    checks = {each["name"]: each["value"] for each in about["guard"]["checks"]}
    assert checks["holdout_equal"] == pytest.approx(1 / about["counts"]["accepted"])
    for number in (0, 1, 2, 4):
        assert tables.read_round(line.lake(), "main", "tiny", "leaks", number).is_empty()


def test_a_fit_leaves_out_what_leaked_and_what_came_of_it(line: Project) -> None:
    assert left_out(3) == []
    assert left_out(4) == [(3, 0, reasons.EQUAL)]
    assert decisions(line, "main", 4)[:3] == ["accepted", "rejected", "accepted"]
    assert left_out(5) == [(3, 0, reasons.EQUAL), (4, 0, reasons.DESCENDS)]
    lake = line.lake()
    for number, ref in ((4, "main"), (5, "tiny-r005")):
        stored = tables.read_round(lake, ref, "tiny", "left_out", number)
        assert list(stored.iter_rows()) == left_out(number)
        mix = training_mix.read(manifest.read(lake, ref, "tiny", number)["mix"])
        digest = training_mix.list_digest(stored)
        assert (mix.left_out, mix.left_out_digest) == (len(stored), digest)
    third = manifest.read(lake, "main", "tiny", 3)["mix"]
    assert "left_out" not in third
    assert not list(lake.objects("main", refs.partition("tiny", "left_out", 3)))


def test_whoever_loads_a_version_trains_on_no_contaminated_row_either(line: Project) -> None:
    data = stemma.load("tiny-v3", project=line.root)
    fitted = mixes.read_manifest(context.open_context("tiny-4").round)
    assert data.manifest == fitted
    assert data.rows.filter(round=3, row=0).is_empty()
    assert not data.rows.filter(round=3, row=2).is_empty()
    assert len(data.frame()) == fitted.rows


def test_the_family_tree_proves_the_mix(line: Project) -> None:
    index = ancestry_index.open_at(line.lake(), "tiny-r005")
    (last,) = (each for each in index.segments if each.round == 5)
    (mix,) = last.mixes
    members = index.nodes(index.members(last, mix.digest)).select("round", "row")
    assert len(members) == mix.rows
    samples = tables.read(line.lake(), "main", "tiny", "samples").select("round", "row").collect()
    kept = set(samples.iter_rows()) - {each[:2] for each in left_out(5)}
    assert sorted(members.rows()) == sorted(kept)


def test_the_guard_blocks_what_content_does_not_show(line: Project) -> None:
    lake = line.lake()
    guard = manifest.read(lake, "tiny-r005", "tiny", 5)["guard"]
    checks = {each["name"]: each for each in guard["checks"]}
    assert (checks["holdout_equal"]["value"], checks["holdout_near"]["value"]) == (0, 0)
    found = checks["holdout_ancestry"]
    rows = tables.read_round(lake, "tiny-r005", "tiny", "lineage", 5).sort("row")
    assert found["verdict"] == "block"
    assert rows["sample_id"][0].hex()[:12] in found["evidence"]
    assert rows["sample_id"][1].hex()[:12] not in found["evidence"]
    assert tables.rounds(lake, "main", "tiny") == [0, 1, 2, 3, 4]
    at = context.open_context("tiny-5")
    collected = evidence.collect(at, receipts.read("tiny", 5, "evaluate").commit)
    assert collected.held_out_ancestors is not None
    assert list(collected.held_out_ancestors.iter_rows()) == [
        ("tiny", 3, 0, reasons.EQUAL),
        ("tiny", 3, 1, reasons.EQUAL),
        ("tiny", 4, 0, reasons.DESCENDS),
        ("tiny", 4, 1, reasons.DESCENDS),
        ("tiny", 5, 0, reasons.DESCENDS),
    ]


def test_contamination_is_computed_once_a_round(
    line: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = tables.read_round(line.lake(), "main", "tiny", contamination.CONTAMINATED, 4)
    assert list(stored.iter_rows()) == [
        ("tiny", 3, 0, reasons.EQUAL),
        ("tiny", 3, 1, reasons.EQUAL),
        ("tiny", 4, 0, reasons.DESCENDS),
        ("tiny", 4, 1, reasons.DESCENDS),
    ]
    fifth, judged = context.open_context("tiny-5"), receipts.read("tiny", 5, "evaluate").commit
    whole = contamination.at_commit(fifth, judged)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("contamination is looked for again")

    monkeypatch.setattr(contamination, "propagate", refuse)
    assert contamination.at_commit(fifth, judged).equals(whole)
    assert contamination.at_commit(fifth, "main").equals(stored)
    with pytest.raises(AssertionError, match="again"):
        contamination.at_commit(under(0.1), "main")


def under(near: float) -> context.RoundContext:
    """Round 5 under another distance of near-duplicates, which ingest has not seen."""
    found = context.open_context("tiny-5")
    tiny_ = found.params.datasets["tiny"]
    other = tiny_.model_copy(update={"ingest": tiny_.ingest.model_copy(update={"near": near})})
    return replace(found, params=found.params.model_copy(update={"datasets": {"tiny": other}}))


def rows_of(frame: pl.DataFrame) -> set[tuple[object, ...]]:
    return set(frame.select("round", "row").iter_rows())


def test_a_wider_distance_looks_again(line: Project) -> None:
    wide, held = 0.1, line.lake(holdout=True).scan("main", "tiny/fingerprints/").collect()
    samples = tables.read(line.lake(), "main", "tiny", "samples").collect()
    expected = rows_of(contamination.near_duplicates(samples, held, wide, Images(("image",))))
    assert len(expected) > 2
    assert rows_of(contamination.leaks_at(under(wide), "main")) == expected


def test_stored_leaks_answer_a_narrower_distance_if_their_stage_is_attested(line: Project) -> None:
    """The stored rows are made up, so that they show where an answer comes from."""
    lake = line.lake()
    made_up = pl.DataFrame(
        [
            (2, 5, b"a" * 32, False, 0.005),
            (2, 6, b"b" * 32, False, 0.015),
            (2, 7, b"c" * 32, True, 0.0),
        ],
        schema={name: contamination.SCHEMA[name] for name in contamination.STORED},
        orient="row",
    )
    named = holdout.named("tiny", manifest.read(lake, "main", "tiny", 0))
    said = stored_leaks.describe(made_up, 0.02, named, "of these samples")
    about = StageMetadata("evaluate", "tiny", 2).to_metadata()

    def evaluated(*, sealed: bool = True, **changes: str) -> str:
        """The evaluate commit of round 2 with the made-up leaks."""
        with staging_branch(lake, "made-up", "main") as branch:
            lake.write(branch, refs.part("tiny", contamination.LEAKS, 2), made_up)
            manifest.extend(lake, branch, "tiny", 2, leaks={**said, **changes})
            held = attestation.contents(lake, branch, "main", "tiny", 2)
            entries = attestation.seal(lake, about | held) if sealed else {}
            return lake.commit(branch, "By hand", entries).id

    def leaks(near: float, commit: str) -> set[tuple[object, ...]]:
        every = rows_of(contamination.leaks_at(under(near), commit))
        return {occurrence for occurrence in every if occurrence[0] == 2}

    wide = evaluated()
    assert leaks(0.01, wide) == {(2, 5), (2, 7)}
    assert leaks(0.02, wide) == {(2, 5), (2, 6), (2, 7)}
    assert not leaks(0.02, evaluated(holdout="other"))
    assert not leaks(0.02, evaluated(holdout_digest="other"))
    assert not leaks(0.02, evaluated(sealed=False))
    assert not leaks(0.02, resampled(lake, wide))


def resampled(lake: Lake, commit: str) -> str:
    """Round 2 with other samples than its evaluate commit has."""
    with staging_branch(lake, "resampled", commit) as branch:
        path = refs.part("tiny", "samples", 2)
        lake.write(branch, path, lake.scan(branch, path).collect()[1:])
        return lake.commit(branch, "By hand", {}).id


def test_a_leak_in_another_data_set_contaminates_what_was_made_of_it(line: Project) -> None:
    """`other` has the rows of `tiny` under another split; its round 1 recites its hold-out."""
    content = {"other": under_another_key()}
    line.edit(lambda found: found["datasets"].update(content))
    line.run("ingest", "other")
    lake = line.lake()
    held = line.lake(holdout=True).scan("main", "other/validation/").collect()[:1]
    one = pl.lit(1, pl.Int32).alias("round")
    sample = held.select(one, pl.lit(0, pl.Int64).alias("row"), "sample_id", "image", "label")
    child = links((0, 1, 0, "edited")).with_columns(dataset=pl.lit("other"))
    with staging_branch(lake, "across", "main") as branch:
        first = derived(sample, 1, "other", None, None)
        lake.write(branch, refs.part("other", "samples", 1), sample)
        lake.write(branch, refs.part("other", "lineage", 1), first)
        manifest.write(lake, branch, "other", 1, {"dataset": "other", "round": 1})
        stored = first.with_columns(dataset=pl.lit("other"))
        lake.write(
            branch, refs.part("tiny", "lineage", 5), derived(sample, 5, "tiny", child, stored)
        )
        commit = lake.commit(branch, "Across", {}).id
    found = contamination.at_commit(context.open_context("tiny-5"), commit).filter(
        pl.col("round").is_in([1, 5])
    )
    assert list(found.iter_rows()) == [
        ("other", 1, 0, reasons.EQUAL),
        ("tiny", 5, 0, reasons.DESCENDS),
    ]
    mix = mixes.build(lake, commit, context.open_context("tiny-5").round, contaminated=found)
    assert mix.left_out.is_empty()  # candidates of round 5 are not accepted


def under_another_key() -> dict[str, object]:
    tiny_ = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["datasets"]["tiny"]
    return {**tiny_, "ingest": {**tiny_["ingest"], "split_key": "other"}}


@pytest.mark.usefixtures("line")
def test_a_list_that_is_not_the_mixs_is_refused() -> None:
    at_work = context.open_context("tiny-5").round
    mix, place = (
        mixes.read_manifest(at_work),
        model_store.directory("tiny", 5) / model_store.LEFT_OUT,
    )
    whole = place.read_bytes()
    place.write_bytes(encode(mixes.read_left_out(at_work, mix)[:1]))
    with pytest.raises(StaleError, match=r"left_out\.parquet is not the list that the mix names"):
        mixes.read_left_out(at_work, mix)
    place.unlink()
    with pytest.raises(StaleError, match=r"left_out\.parquet is not the list"):
        mixes.read_left_out(at_work, mix)
    place.write_bytes(whole)


def test_a_round_made_again_takes_its_lists_with_it(line: Project) -> None:
    """Last, because it changes main: round 4 is superseded, by a round of fewer candidates."""
    lake = line.lake()
    line.edit(lambda found: found["rounds"]["tiny-4"].update(generate={"candidates": 20}))
    line.round("tiny-4", "generate")
    removed = lake.resolve(receipts.read("tiny", 4, "generate").commit).parents[0]
    held = {item.path for item in lake.objects(removed, "tiny/")}
    assert not [path for path in held if (refs.round_of(path) or 0) >= 4]
    line.round("tiny-4", *LATER)
    assert left_out(4) == [(3, 0, reasons.EQUAL)]
    assert len(tables.read_round(lake, "main", "tiny", "left_out", 4)) == 1
    assert tables.read_round(lake, "main", "tiny", "leaks", 4).is_empty()
