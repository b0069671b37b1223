from __future__ import annotations

import dataclasses

import polars as pl
import pytest

for package in ("dataframely", "pandera", "pointblank"):
    pytest.importorskip(package, reason="the peers come with the extra `benchmarks`")

from benchmarks.verify import peers, world  # noqa: E402  needs the peers
from benchmarks.verify import turns as bench  # noqa: E402  needs the peers


def test_every_way_finds_the_same_rows() -> None:
    found = bench.lines(600, 0.3, repeats=1, limit=600)
    assert [each.way for each in found] == [each.name for each in peers.PEERS]
    assert all(len(each.cpu) == len(each.seconds) == 1 for each in found)
    assert bench.ratio(found[1], found) == 1.0
    assert len(bench.record(found)["lines"]) == len(found)


def test_each_expectation_fails_and_lacks_as_often_as_asked() -> None:
    verdicts = peers.OURS.run(world.candidates(4000, 0.2))
    counted = {
        str(name): (rows["verdict"] == "failed").mean()
        for (name,), rows in verdicts.group_by("expectation")
    }
    for name in peers.JUDGED:
        expected = 0.0 if name.endswith("_known") else 0.2 * (1 - 0.02)
        assert counted[name] == pytest.approx(expected, abs=0.03)
    unknown = verdicts.filter(pl.col("verdict") == "unknown")
    assert set(unknown["expectation"]) == set(peers.JUDGED)


def test_a_result_that_differs_is_an_error() -> None:
    frame = world.candidates(200, 0.3)
    truth = peers.OURS.failing(peers.OURS.run(frame))
    careless = dataclasses.replace(
        peers.FLOOR, name="careless", failing=lambda found: {**truth, "text_asks": found["row"]}
    )
    with pytest.raises(ValueError, match="careless finds other rows by text_asks"):
        bench._turn(careless, frame, truth)


def test_a_way_that_is_too_slow_has_no_turn() -> None:
    found = bench.lines(200, 0.3, repeats=1, limit=0.0)
    assert not any(each.cpu for each in found)
