"""A real lake proves clean, and what somebody commits by hand is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import polars as pl
import pytest

from lake import refs
from pipelines.rounds import manifest, tables
from review.commands import lineage_stats, recompute
from review.errors import Findings, UsageError
from tests.flow.projects import Project, tiny_round

BRANCH = "by-hand"


def proof(
    ref: str, capsys: pytest.CaptureFixture[str], dataset: str | None = None
) -> dict[str, object]:
    """What the command prints as JSON."""
    capsys.readouterr()
    with suppress(Findings):
        recompute.run(ref=ref, dataset=dataset, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def tampered(
    project: Project, table: str, number: int, change: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    """Commit a changed table to a branch of its own."""
    lake = project.lake()
    if lake.head(BRANCH) is None:
        lake.set_branch(BRANCH, lake.resolve("main").id)
    frame = tables.read_round(lake, BRANCH, "tiny", table, number)
    lake.write(BRANCH, refs.part("tiny", table, number), change(frame))
    lake.commit(BRANCH, f"Change {table} by hand", {})


def put(row: int, **values: object) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def change(frame: pl.DataFrame) -> pl.DataFrame:
        at = pl.col("row") == row
        return frame.with_columns(
            pl.when(at).then(pl.lit(value, frame.schema[name])).otherwise(name).alias(name)
            for name, value in values.items()
        )

    return change


def places(found: dict[str, object]) -> list[tuple[str, str, int, int | None]]:
    rows = found["findings"]
    assert isinstance(rows, list)
    return [(row["check"], row["dataset"], row["round"], row["row"]) for row in rows]


def test_a_healthy_lake_is_proved_clean(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    copied.edit(lambda found: found["rounds"].update({"tiny-3": tiny_round(3)}))
    copied.round("tiny-3", "fit", "generate")
    lake = copied.lake()
    real = tables.read_round(lake, "main", "tiny", "lineage", 0).height
    expected = {"main": 48, "tiny-v1": 24, lake.resolve("tiny-v0").id: 0, "tiny-r003": 72}
    for ref, made in expected.items():
        found = proof(ref, capsys)
        assert (found["clean"], found["findings"], found["datasets"]) == (True, [], ["tiny"]), found
        assert (found["rows"], found["not_provable"], found["edges"]) == (real + made, 0, 0)
        assert found["commit"] == lake.resolve(ref).id
    recompute.run(ref="main", dataset="tiny", as_json=False)
    shown = capsys.readouterr().out
    assert f"proved: {real + 48} rows, 0 edges, 2 mixes" in shown
    assert "depth_mean" in shown
    with pytest.raises(UsageError, match="main holds no data set 'other'; it holds tiny"):
        recompute.run(ref="main", dataset="other", as_json=False)


@pytest.mark.slow
def test_what_somebody_changed_by_hand_is_found(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    orphan = {"dataset": "tiny", "round": 1, "row": 99, "relation": "seed", "weight": 0.5}
    tampered(copied, "lineage", 2, put(3, real_inputs=0.9))
    tampered(copied, "lineage", 2, put(5, parents=[orphan]))
    tampered(copied, "decisions", 2, put(7, sample_id=b"\0" * 32))
    lake = copied.lake()
    dropped = tables.read_round(lake, "main", "tiny", "samples", 2)["row"][0]
    tampered(copied, "samples", 2, lambda frame: frame.filter(pl.col("row") != dropped))
    found = proof(BRANCH, capsys)
    assert sorted(places(found)) == [
        ("decided", "tiny", 2, 7),
        ("decisions", "tiny", 2, dropped),
        ("generated", "tiny", 2, 3),
        ("generated", "tiny", 2, 5),
        ("parents", "tiny", 2, 5),
        ("real_inputs", "tiny", 2, 3),
        ("sample_ids", "tiny", 2, 7),
    ]
    assert (found["clean"], found["not_provable"]) == (False, 1)
    assert proof("main", capsys)["clean"]
    done = copied.stemma("audit", "--recompute", BRANCH)
    assert done.code == 1, done.said
    assert done.err.splitlines()[-1] == (
        f"stemma: the lineage of {BRANCH} does not hold: 7 findings (parents 1, real_inputs 1, "
        "decisions 1, sample_ids 1, generated 2, decided 1)"
    )
    sample = tables.read_round(lake, "main", "tiny", "lineage", 2).filter(pl.col("row") == 5)
    assert sample["sample_id"][0].hex()[:12] in done.out
    assert "names row 99 of round 1 of tiny as its seed, which the lake does not hold" in done.out
    assert "1 of" in done.out


def test_a_mix_that_was_altered_proves_nothing(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = copied.lake()
    lake.set_branch(BRANCH, lake.resolve("main").id)
    about = manifest.read(lake, BRANCH, "tiny", 2)
    about["mix"]["real_share"] = 0.99
    manifest.write(lake, BRANCH, "tiny", 2, about)
    lake.commit(BRANCH, "Make the mix look real", {})
    found = proof(BRANCH, capsys)
    assert places(found)[0] == ("mix_figures", "tiny", 2, None)
    assert places(found)[1:] == [("mixes", "tiny", 2, row) for row in range(24)]
    assert found["not_provable"] == 24
    assert "was altered" in str(found["findings"])


def test_statistics_of_a_real_lake(unchanged: Project, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    lineage_stats.run(ref="main", dataset=None, as_json=True)
    found = json.loads(capsys.readouterr().out)["datasets"]["tiny"]
    lake = unchanged.lake()
    for each in found["rounds"]:
        samples = tables.read_round(lake, "main", "tiny", "samples", each["round"])
        lineage = tables.read_round(lake, "main", "tiny", "lineage", each["round"])
        assert (each["accepted"], each["candidates"]) == (len(samples), len(lineage))
        assert each["founders"]["mass"] == pytest.approx(1)
        assert len(each["founders"]["top"]) == 10
        if each["round"]:
            about = manifest.read(lake, "main", "tiny", each["round"])
            assert each["real_share_mix"] == pytest.approx(about["mix"]["real_share"])
            summary = about["metrics"]["summary"]
            assert each["real_share_so_far"] == pytest.approx(summary["real_share"], abs=1e-6)
            assert each["real_inputs"] == pytest.approx(summary["real_inputs"], abs=1e-6)
    assert found["all"]["accepted"] == sum(each["accepted"] for each in found["rounds"])
    first = found["rounds"][0]
    assert first["founders"]["equivalents"] == pytest.approx(first["accepted"])
    lineage_stats.run(ref="main", dataset="tiny", as_json=False)
    shown = capsys.readouterr().out
    assert "they say little: shown, not gated" in shown
    assert "█" in shown
    assert first["founders"]["top"][0]["sample_id"][:12] in shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(1.0, "█" * 12), (0.5, "█" * 6), (1 / 96, "▏"), (1e-9, "▏"), (0.0, ""), (0.26, "███▏")],
)
def test_bars(share: float, shown: str) -> None:
    assert lineage_stats.bar(share) == shown
