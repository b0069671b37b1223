from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

from pipelines.features import images, knn
from pipelines.scorers import agreement, distance
from pipelines.scorers.protocol import Given, Scorer
from tests.pipelines.kinds import Split

SCORERS = [agreement.Agreement(), distance.Distance()]


def scored(scorer: Scorer[Any], candidates: pl.DataFrame, real: pl.DataFrame) -> pl.DataFrame:
    found = scorer.score(candidates, Given(real), scorer.Settings())
    assert isinstance(found, pl.DataFrame)
    return found


@pytest.fixture(scope="module")
def candidates(split: Split) -> pl.DataFrame:
    """Unseen real digits, a copy of a real row, a missing, a broken and a wrongly sized image."""
    broken = [
        None,
        {"bytes": b"no image", "path": None},
        {"bytes": images.encode(np.zeros((1, 9, 8), dtype=np.uint8))[0], "path": None},
    ]
    odd = pl.DataFrame({"image": pl.Series(broken, dtype=images.IMAGE), "label": [0, 0, 0]})
    payload = ["image", "label"]
    frame = pl.concat(
        [split.validation[:200].select(payload), split.real[5:6].select(payload), odd]
    )
    return frame.with_row_index("row").with_columns(
        pl.lit(3, pl.Int32).alias("round"), pl.col("row").cast(pl.Int64)
    )


@pytest.mark.parametrize("scorer", SCORERS)
def test_each_scorer_keeps_the_contract(
    scorer: Scorer[Any], candidates: pl.DataFrame, split: Split
) -> None:
    found = scored(scorer, candidates, split.real)
    assert found.schema == {"round": pl.Int32, "row": pl.Int64, **scorer.columns}
    assert found.select("round", "row").equals(candidates.select("round", "row"))
    assert all(found[name][:201].null_count() == 0 for name in scorer.columns)
    assert all(found[name][201:].null_count() == 3 for name in scorer.columns)
    assert found.equals(scored(scorer, candidates, split.real))


@pytest.mark.parametrize("scorer", SCORERS)
def test_no_candidates(scorer: Scorer[Any], candidates: pl.DataFrame, split: Split) -> None:
    found = scored(scorer, candidates.clear(), split.real)
    assert found.schema == {"round": pl.Int32, "row": pl.Int64, **scorer.columns}
    assert found.is_empty()


def test_agreement_sees_labels(candidates: pl.DataFrame, split: Split) -> None:
    found = scored(agreement.Agreement(), candidates, split.real)[:200]
    assert (found["predicted_label"] == candidates["label"][:200]).mean() >= 0.97


def test_a_copy_is_found(candidates: pl.DataFrame, split: Split) -> None:
    found = scored(distance.Distance(), candidates, split.real).row(200, named=True)
    assert found["real_distance"] == 0
    assert found["real_ratio"] == 0
    assert (found["real_round"], found["real_row"]) == (0, split.real["row"][5])


def test_a_real_row_is_classified_by_others(split: Split) -> None:
    real = split.real[:400].with_columns(
        label=pl.when(pl.int_range(pl.len()) < 5)
        .then((pl.col("label") + 1) % 10)
        .otherwise("label")
    )
    found = agreement.Agreement().score_real(Given(real), agreement.AgreementSettings())
    assert found.schema == {"round": pl.Int32, "row": pl.Int64, **agreement.COLUMNS}
    agrees = found["predicted_label"] == real["label"]
    assert agrees[:5].sum() == 0
    assert agrees[5:].mean() > 0.93
    assert found["confidence"].is_between(0, 1).all()


@pytest.mark.slow
def test_real_rows_are_as_sure_as_new_ones(split: Split) -> None:
    given, settings = Given(split.real), agreement.AgreementSettings()
    new = agreement.Agreement().score(split.validation, given, settings)["confidence"].to_numpy()
    known = agreement.Agreement().score_real(given, settings)["confidence"].to_numpy()
    assert ks_2samp(new, known).pvalue > 0.01


def frame(values: Sequence[int], number: int) -> pl.DataFrame:
    pixels = np.asarray(values, dtype=np.uint8)[:, None, None].repeat(2, 1).repeat(2, 2)
    made = pl.DataFrame({"image": images.encode_lenient(pixels.astype(np.float32) / 255)})
    return made.with_row_index("row").with_columns(pl.lit(number, pl.Int32).alias("round"))


def test_a_real_row_is_measured_against_the_others() -> None:
    found = distance.Distance().score_real(
        Given(frame([0, 51, 255], 0)), distance.DistanceSettings()
    )
    assert found["real_distance"].to_list() == pytest.approx([0.2, 0.2, 0.8], abs=1e-6)
    assert found["real_ratio"].to_list() == pytest.approx([0.2, 0.25, 0.8], abs=1e-6)
    assert found["real_row"].to_list() == [1, 0, 1]
    assert found["candidate_distance"].null_count() == 3
    assert found.schema == {"round": pl.Int32, "row": pl.Int64, **distance.COLUMNS}


def test_distances_are_root_mean_squares() -> None:
    found = scored(distance.Distance(), frame([51, 255, 60], 1), frame([0, 255, 255], 0))
    assert found["real_distance"].to_list() == pytest.approx([0.2, 0, 60 / 255], abs=1e-6)
    assert found["real_ratio"].to_list() == pytest.approx([0.25, 1, 60 / 195], abs=1e-6)
    assert found["real_row"].to_list() == [0, 1, 0]
    assert found["candidate_distance"].to_list() == pytest.approx([9 / 255, 195 / 255, 9 / 255])
    assert found["candidate_row"].to_list() == [2, 2, 0]


def test_one_real_row_has_no_ratio_and_one_candidate_no_fellow(
    candidates: pl.DataFrame, split: Split
) -> None:
    found = scored(distance.Distance(), candidates[:1], split.real[:1]).row(0, named=True)
    assert found["real_distance"] > 0
    assert found["real_row"] == split.real["row"][0]
    assert found["real_ratio"] is None
    assert found["candidate_distance"] is None
    assert found["candidate_row"] is None


@pytest.mark.parametrize(("many", "decoded"), [(10_000, 64), (150, 64), (20, 7)])
def test_a_forest_scores_as_all_pairs_do_and_finds_copies(
    candidates: pl.DataFrame,
    split: Split,
    monkeypatch: pytest.MonkeyPatch,
    many: int,
    decoded: int,
) -> None:
    scorer, exact = distance.Distance(), distance.DistanceSettings()
    forest = distance.DistanceSettings(search="forest")
    given, rows = Given(split.real[:300], seed=3), candidates[::-1]
    expected = scorer.score(rows, given, exact), scorer.score_real(given, exact)
    monkeypatch.setattr(distance, "MANY", many)
    monkeypatch.setattr(distance, "DECODED", decoded)
    monkeypatch.setattr(distance, "BETWEEN", decoded)
    found = scorer.score(rows, given, forest), scorer.score_real(given, forest)
    assert many < 300 or found[0].equals(expected[0])  # one leaf holds what there is of either
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.schema == theirs.schema
        for column in ("real_distance", "candidate_distance"):
            assert ours[column].is_null().equals(theirs[column].is_null())
            assert (ours[column] - theirs[column]).drop_nulls().abs().max() in (None, 0)


def test_a_forest_names_the_real_image_that_cannot_be_read(
    candidates: pl.DataFrame, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distance, "MANY", 20)
    real = pl.concat([split.real[:30], candidates.select(split.real.columns).tail(1)])
    with pytest.raises(images.ImageError, match="the image at position 30"):
        distance.Distance().score(
            candidates, Given(real), distance.DistanceSettings(search="forest")
        )


@pytest.mark.parametrize("block_rows", [1, 7, 1000])
def test_blocks_change_nothing(block_rows: int) -> None:
    draw = np.random.default_rng(0)
    left = draw.random((40, 5), dtype=np.float32)
    right = draw.random((60, 5), dtype=np.float32)
    left[3, 2] = right[8, 0] = np.nan
    right[20] = right[10]
    distances, rows = knn.nearest(left, right, 3, block_rows=block_rows)
    gaps = left[:, None].astype(float) - right[None].astype(float)
    full = np.sqrt((gaps**2).mean(axis=2))
    full[:, 8] = np.inf
    keep = np.arange(40) != 3
    order = np.argsort(full[keep], axis=1, kind="stable")[:, :3]
    assert np.array_equal(rows[keep], order)
    assert np.allclose(distances[keep], np.take_along_axis(full[keep], order, 1))
    assert (rows[3] == -1).all()
    assert np.isnan(distances[3]).all()
