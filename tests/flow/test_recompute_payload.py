"""What somebody changes consistently, or below the ids, is found: payload, verdicts, decisions."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import polars as pl
import pytest
from PIL import Image

from lake import refs
from lake.client import Lake
from lineage import curation
from lineage.payload import columns_digests
from pipelines.rounds import manifest, payload, tables
from pipelines.verification import stored_suite
from review.commands import recompute
from review.errors import Findings
from tests.flow.projects import Project

Change = Callable[[pl.DataFrame], pl.DataFrame]
Found = list[tuple[str, int, int | None, str]]
"""Check, round, row and detail."""
Prove = Callable[[], tuple[Found, dict[str, Any]]]
NUMBERS = itertools.count()


@pytest.fixture
def by_hand(unchanged: Project) -> Iterator[str]:
    """A branch of main of its own, on which a test commits by hand."""
    lake, branch = unchanged.lake(), f"by-hand-{next(NUMBERS)}"
    lake.set_branch(branch, lake.resolve("main").id)
    yield branch
    lake.delete_branch(branch)


@pytest.fixture
def lake(unchanged: Project) -> Lake:
    return unchanged.lake()


@pytest.fixture
def found(lake: Lake, by_hand: str, capsys: pytest.CaptureFixture[str]) -> Prove:
    """Commit what is staged, and prove the branch."""

    def prove() -> tuple[Found, dict[str, Any]]:
        lake.commit(by_hand, "Change it by hand", {})
        capsys.readouterr()
        with suppress(Findings):
            recompute.run(ref=by_hand, dataset=None, as_json=True)
        answer = json.loads(capsys.readouterr().out)
        assert answer["clean"] == (not answer["findings"])
        names = ("check", "round", "row", "detail")
        return [tuple(row[name] for name in names) for row in answer["findings"]], answer

    return prove


def rewrite(lake: Lake, branch: str, table: str, number: int, *changes: Change) -> pl.DataFrame:
    """Stage a changed table; return it."""
    frame = tables.read_round(lake, branch, "tiny", table, number)
    for change in changes:
        frame = change(frame)
    lake.write(branch, refs.part("tiny", table, number), frame)
    return frame


def put(row: int, **values: object) -> Change:
    def change(frame: pl.DataFrame) -> pl.DataFrame:
        assert row in frame["row"]
        return frame.with_columns(
            pl.when(pl.col("row") == row)
            .then(pl.lit(value, frame.schema[name]))
            .otherwise(name)
            .alias(name)
            for name, value in values.items()
        )

    return change


def flipped(frame: pl.DataFrame) -> pl.DataFrame:
    """Every label is the other one."""
    return frame.with_columns((1 - pl.col("label")).alias("label"))


def picture() -> dict[str, object]:
    """An image of no sample."""
    buffer = io.BytesIO()
    Image.new("L", (8, 8), 77).save(buffer, "PNG")
    return {"bytes": buffer.getvalue(), "path": None}


def test_flipped_labels_are_found_row_by_row(
    unchanged: Project, lake: Lake, by_hand: str, found: Prove
) -> None:
    samples = rewrite(lake, by_hand, "samples", 2, flipped)
    findings, answer = found()
    assert [each[:3] for each in findings] == [("columns", 2, row) for row in samples["row"]]
    assert findings[0][3].startswith("has label that was not decided on: the digest is ")
    checks = {each["check"]: each for each in answer["checks"]}
    assert checks["columns"]["findings"] == len(samples)
    assert checks["payload"]["findings"] == checks["columns"]["not_provable"] == 0
    done = unchanged.stemma("audit", "--recompute", by_hand)
    assert done.code == 1
    assert done.err.splitlines()[-1] == (
        f"stemma: the lineage of {by_hand} does not hold: {len(samples)} findings "
        f"(columns {len(samples)})"
    )
    decisions = lake.scan(by_hand, refs.partition("tiny", "decisions", 2))
    told = payload.faults(samples.lazy(), decisions, ["image"])
    assert told is not None
    assert told.startswith(f"has samples that were changed: row {samples['row'][0]} (")


def test_labels_that_decisions_and_digests_follow_are_found(
    lake: Lake, by_hand: str, found: Prove
) -> None:
    samples = rewrite(lake, by_hand, "samples", 2, flipped)
    digests = samples.select("row", columns_digests(samples, ["image"]))
    rewrite(
        lake, by_hand, "decisions", 2, lambda frame: frame.update(digests, on="row", how="left")
    )
    findings, _ = found()
    assert [each[:3] for each in findings] == [("decided", 2, row) for row in samples["row"]]
    assert findings[0][3].startswith("columns_digest is ")


def test_a_replaced_image_is_found(lake: Lake, by_hand: str, found: Prove) -> None:
    row = tables.read_round(lake, by_hand, "tiny", "samples", 2)["row"][1]
    rewrite(lake, by_hand, "samples", 2, put(row, image=picture()))
    ((check, number, at, detail),) = found()[0]
    assert (check, number, at) == ("payload", 2, row)
    assert detail.startswith("has a payload whose id is ")


def test_a_table_that_is_stored_otherwise_is_the_same(
    lake: Lake, by_hand: str, found: Prove
) -> None:
    frame = tables.read_round(lake, by_hand, "tiny", "samples", 2)
    buffer = io.BytesIO()
    frame.sample(fraction=1, shuffle=True, seed=1).write_parquet(
        buffer, compression="snappy", row_group_size=5
    )
    path = refs.part("tiny", "samples", 2)
    lake.write_bytes(by_hand, path, buffer.getvalue())
    assert found()[0] == []
    other = put(int(frame["row"][0]), label=1 - int(frame["label"][0]))(frame)
    buffer = io.BytesIO()
    other.write_parquet(buffer, compression="snappy", row_group_size=5)
    lake.write_bytes(by_hand, path, buffer.getvalue())
    assert [each[:3] for each in found()[0]] == [("columns", 2, frame["row"][0])]


def test_real_data_with_another_label_is_found(lake: Lake, by_hand: str, found: Prove) -> None:
    samples = rewrite(lake, by_hand, "samples", 0, put(0, label=1))
    assert manifest.read(lake, by_hand, "tiny", 0)["payload"]["rows"] == len(samples)
    about = manifest.read(lake, by_hand, "tiny", 0)
    manifest.write(lake, by_hand, "tiny", 0, {k: v for k, v in about.items() if k != "payload"})
    findings, answer = found()
    assert [each[:3] for each in findings] == [("columns", 0, None)]
    assert f"holds {len(samples)} rows with the digest" in findings[0][3]
    assert answer["findings"][0]["dataset"] == "tiny"


def test_raised_weights_with_all_that_follows_from_them_are_found(
    lake: Lake, by_hand: str, found: Prove
) -> None:
    row = 4
    held = tables.read_round(lake, by_hand, "tiny", "lineage", 2).filter(pl.col("row") == row)
    parent = {"dataset": "tiny", "round": 0, "row": 0, "relation": "seed", "weight": 0.5}
    rewrite(
        lake,
        by_hand,
        "lineage",
        2,
        put(
            row,
            parents=[parent],
            real_inputs=0.5 + 0.5 * held["real_inputs"][0],
            depth_mean=0.5 + 0.5 * held["depth_mean"][0],
        ),
    )
    ((check, number, at, detail),) = found()[0]
    assert (check, number, at) == ("generated", 2, row)
    assert "parents is not what the generate commit " in detail
    assert "real_inputs is " in detail


def test_a_verdict_turned_with_its_decision_is_found(
    lake: Lake, by_hand: str, found: Prove
) -> None:
    row = int(tables.read_round(lake, by_hand, "tiny", "samples", 2)["row"][0])
    named = (pl.col("row") == row) & (pl.col("expectation") == "no_copy")
    word = pl.when(named).then(pl.lit("failed")).otherwise("verdict").alias("verdict")
    verdicts = rewrite(lake, by_hand, "verdicts", 2, lambda frame: frame.with_columns(word))
    rewrite(lake, by_hand, "samples", 2, lambda frame: frame.filter(pl.col("row") != row))
    rewrite(lake, by_hand, "decisions", 2, lambda old: decided(lake, by_hand, old, verdicts))
    ((check, number, at, detail),) = found()[0]
    assert (check, number, at) == ("suite", 2, row)
    assert detail.startswith("no_copy: verdict is failed, the suite gives passed")


def decided(lake: Lake, branch: str, old: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Decisions that follow from verdicts, as the stage curate makes them."""
    earlier = tables.read(lake, branch, "tiny", "samples").with_columns(dataset=pl.lit("tiny"))
    return curation.decide(
        old,
        verdicts,
        earlier.select("dataset", "round", "row", "sample_id").collect(),
        dataset="tiny",
    )


def test_scores_of_another_candidate_are_found(lake: Lake, by_hand: str, found: Prove) -> None:
    rewrite(lake, by_hand, "scores", 2, put(3, real_distance=9.5))
    ((check, number, at, detail),) = found()[0]
    assert (check, number, at) == ("scores", 2, 3)
    assert detail.startswith("real_distance is 9.5, the verify commit ")


def test_another_suite_is_found(lake: Lake, by_hand: str, found: Prove) -> None:
    suite = stored_suite.read(lake, by_hand, "tiny", 2)
    assert suite is not None
    loose = {**suite.document(), "expectations": suite.document()["expectations"][:1]}
    lake.write_bytes(by_hand, stored_suite.path("tiny", 2), json.dumps(loose).encode())
    ((check, number, at, detail),) = found()[0]
    assert (check, number, at) == ("suite", 2, None)
    assert detail.startswith("has another suite than the verify commit ")


def test_a_round_that_no_stage_made_is_found(lake: Lake, by_hand: str, found: Prove) -> None:
    for table in ("samples", "lineage", "decisions", "verdicts"):
        frame = tables.read_round(lake, by_hand, "tiny", table, 2)
        moved = frame.with_columns(pl.lit(7, pl.Int32).alias("round"))
        lake.write(by_hand, refs.part("tiny", table, 7), moved)
    about = manifest.read(lake, by_hand, "tiny", 2)
    manifest.write(lake, by_hand, "tiny", 7, about)
    findings, _ = found()
    told = [each[1:] for each in findings if each[0] == "generated"]
    assert told == [(7, None, "was made by no stage in the history of this ref")]


HOSTILE: dict[str, tuple[str, Change]] = {
    "no image": ("samples", lambda frame: frame.drop("image")),
    "an image elsewhere": (
        "samples",
        lambda frame: frame.with_columns(
            pl.struct(
                pl.lit(None, pl.Binary).alias("bytes"), pl.lit("/etc/passwd").alias("path")
            ).alias("image")
        ),
    ),
    "no samples": ("samples", lambda frame: frame.clear()),
    "odd digests": ("decisions", lambda frame: frame.with_columns(columns_digest=pl.lit("x"))),
    "no digests": ("decisions", lambda frame: frame.drop("columns_digest")),
    "reasons that are numbers": ("decisions", lambda frame: frame.with_columns(reasons=pl.lit(1))),
    "no verdicts": ("verdicts", lambda frame: frame.clear()),
    "verdicts of strangers": ("verdicts", lambda frame: frame.with_columns(row=pl.lit(999))),
    "scores that are texts": (
        "scores",
        lambda frame: frame.with_columns(real_distance=pl.lit("far")),
    ),
    "no scores": ("scores", lambda frame: frame.drop("real_distance")),
}


DAILY = ("no image", "odd digests", "no verdicts", "scores that are texts")
"""One of each table."""


@pytest.mark.parametrize(
    "name",
    [each if each in DAILY else pytest.param(each, marks=pytest.mark.slow) for each in HOSTILE],
)
def test_a_damaged_table_gives_findings_or_one_sentence(
    name: str, unchanged: Project, lake: Lake, by_hand: str
) -> None:
    table, change = HOSTILE[name]
    rewrite(lake, by_hand, table, 2, change)
    lake.commit(by_hand, "Damage a table", {})
    done = unchanged.stemma("audit", "--recompute", by_hand)
    assert done.code in (1, 4), done.said
    assert "Traceback" not in done.said
    assert done.err.splitlines()[-1].startswith("stemma: ")


def test_bytes_that_are_no_table_give_one_sentence(
    unchanged: Project, lake: Lake, by_hand: str
) -> None:
    for table in ("scores", "samples"):
        lake.write_bytes(by_hand, refs.part("tiny", table, 2), b"PAR1 or not")
        lake.commit(by_hand, "Damage a table", {})
        done = unchanged.stemma("audit", "--recompute", by_hand)
        assert done.code in (1, 4), done.said
        assert "Traceback" not in done.said
        assert "cannot be read" in done.said


@pytest.mark.parametrize("text", [b"{}", b"no json", b'{"name": "x", "expectations": []}'])
def test_a_stored_suite_that_is_none_is_an_error_of_one_sentence(
    text: bytes, lake: Lake, by_hand: str
) -> None:
    lake.write_bytes(by_hand, stored_suite.path("tiny", 2), text)
    with pytest.raises(Exception, match=r"suite\.json at ") as caught:
        stored_suite.read(lake, by_hand, "tiny", 2)
    assert "\n" not in str(caught.value)
    assert stored_suite.read(lake, by_hand, "tiny", 9) is None


def test_a_table_that_cannot_be_read_leaves_json_whole(copied: Project) -> None:
    lake = copied.lake()
    lake.write_bytes("main", refs.part("tiny", "samples", 0), b"")
    lake.commit("main", "by hand", {})
    done = copied.stemma("audit", "--recompute", "main", "--json")
    assert done.code == 4
    content = json.loads(done.out)
    assert content["clean"] is False
    assert content["error"] in done.err
