from __future__ import annotations

import hashlib
import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lineage import training_mix
from lineage.errors import MixError, SchemaError
from lineage.training_mix import Mix, MixManifest
from tests.lineage.conftest import derived, real_rows

REGIMES = ("accumulate", "replace", "accumulate-subsample")


def build(rows: pl.DataFrame, **over: object) -> Mix:
    given_ = {"dataset": "d", "commit": "c", "regime": "accumulate", "real_weight": 1.0} | over
    return training_mix.build(rows, **given_)


def chain(regime: str, rounds: int, size: int = 10) -> list[Mix]:
    """Mixes of rounds of equal size, each fitted on the mix before: entry k holds rounds to k."""
    rows = real_rows(size)
    mixes = [build(rows, regime=regime)]
    for number in range(1, rounds + 1):
        rows = pl.concat([rows, derived(size, number, mixes[-1].manifest)])
        mixes.append(build(rows, regime=regime))
    return mixes


ROWS = pl.concat([real_rows(4), derived(6, 1, build(real_rows(4)).manifest)])


def test_accumulate_takes_all_by_weight() -> None:
    found = build(ROWS, real_weight=3.0)
    assert found.rows.columns == ["round", "row", "weight"]
    assert found.rows["weight"].to_list() == [3.0] * 4 + [1.0] * 6
    assert found.manifest.real_share == pytest.approx(12 / 18)
    assert found.manifest.depth_mean == pytest.approx(6 / 18)
    assert (found.manifest.depth_min, found.manifest.depth_max) == (0, 1)
    assert [part.model_dump() for part in found.manifest.rounds] == [
        {"round": 0, "accepted": 4, "rows": 4, "weight": 12.0},
        {"round": 1, "accepted": 6, "rows": 6, "weight": 6.0},
    ]


@pytest.mark.parametrize(("made", "weight"), [(1.0, 1.618034), (4.0, 2.561553), (0.0, 1.0)])
def test_the_best_weight_leaves_real_rows_the_share_of_the_least_error(
    made: float, weight: float
) -> None:
    found = training_mix.best_weight(made)
    assert found == pytest.approx(weight, abs=1e-6)
    share = found / (found + made)
    assert made * share**2 + share - 1 == pytest.approx(0, abs=1e-9)  # He et al. 2025


def test_a_weight_of_auto_is_that_of_the_rows_of_the_mix_and_the_manifest_says_it() -> None:
    found = build(ROWS, real_weight="auto")  # 6 rows beside 4 real ones
    assert found.manifest.real_weight == pytest.approx((1 + 7**0.5) / 2)
    assert found.rows["weight"].to_list() == [found.manifest.real_weight] * 4 + [1.0] * 6
    assert training_mix.read(found.manifest.model_dump_json()) == found.manifest
    assert found.manifest.digest == build(ROWS, real_weight=(1 + 7**0.5) / 2).manifest.digest
    assert build(real_rows(4), real_weight="auto").manifest.real_weight == 1
    assert build(ROWS, regime="replace", real_weight="auto").manifest.real_weight == 1
    thinned = build(ROWS, regime="accumulate-subsample", real_weight="auto", seed=3)
    real = int((thinned.rows["round"] == 0).sum())
    assert thinned.manifest.real_weight == pytest.approx(
        training_mix.best_weight((len(thinned.rows) - real) / real)
    )


def test_replace_takes_the_last_round() -> None:
    found = build(ROWS, regime="replace", real_weight=5.0)
    assert found.rows["round"].unique().to_list() == [1]
    assert found.manifest.real_share == 0
    assert found.manifest.real_roots == 1
    first = build(real_rows(4), regime="replace")
    assert first.rows["round"].to_list() == [0] * 4
    assert first.manifest.real_share == 1


def test_depths_have_closed_forms() -> None:
    for rounds, found in enumerate(chain("accumulate", 4)):
        harmonic = [sum(1 / k for k in range(1, n + 1)) for n in range(rounds + 1)]
        assert found.manifest.real_share == pytest.approx(1 / (rounds + 1))
        assert found.manifest.depth_mean == pytest.approx(sum(harmonic) / (rounds + 1))
        assert found.manifest.depth_max == rounds
    for rounds, found in enumerate(chain("replace", 4)):
        assert found.manifest.depth_mean == found.manifest.depth_min == rounds
        assert found.manifest.real_roots == 1


def test_opaque_rows_count_for_roots_and_not_for_depth() -> None:
    rows = pl.concat([real_rows(4), derived(4, 1, None)])
    found = build(rows).manifest
    assert found.real_roots == found.real_share == 0.5
    assert (found.depth_mean, found.depth_max) == (0, 0)
    alone = build(rows, regime="replace").manifest
    assert (alone.real_roots, alone.depth_mean, alone.depth_min) == (0, None, None)


def test_a_subsample_has_its_size_and_its_weights() -> None:
    found = build(ROWS, regime="accumulate-subsample", real_weight=2.0, seed=3)
    assert found.manifest.rows == len(found.rows) == 4
    assert found.manifest.sample_size == 4
    assert set(found.rows["weight"]) <= {1.0, 2.0}
    larger = build(ROWS, regime="accumulate-subsample", sample_size=99)
    assert larger.manifest.rows == 10
    assert larger.manifest.sample_size == 99


def test_a_subsample_is_stable_and_seeded() -> None:
    rows = real_rows(400)

    def drawn(of: pl.DataFrame, seed: int) -> set[int]:
        found = build(of, regime="accumulate-subsample", sample_size=200, seed=seed)
        return set(found.rows["row"])

    first = drawn(rows, 1)
    assert first == drawn(rows.sample(fraction=1, shuffle=True, seed=5), 1)
    assert 70 < len(first & drawn(rows, 2)) < 130
    assert len(first & drawn(rows[:390], 1)) >= 190


def test_a_subsample_is_uniform_over_rounds() -> None:
    rows = pl.concat([real_rows(4000), derived(4000, 1, build(real_rows(1)).manifest)])
    found = build(rows, regime="accumulate-subsample", seed=9).manifest
    assert found.real_share == pytest.approx(0.5, abs=0.03)


def test_a_known_subsample() -> None:
    found = build(ROWS, regime="accumulate-subsample", seed=2**63 + 1)
    assert list(found.rows.select("round", "row").iter_rows()) == [(0, 1), (1, 1), (1, 2), (1, 3)]
    assert (
        found.manifest.digest == "d24aca28a33550dd73aff723564cc4363d42c6c91d56aa696eedb8f65f416bee"
    )


def rows_of(*places: tuple[int, int]) -> pl.DataFrame:
    return pl.DataFrame(places, schema=training_mix.OCCURRENCE, orient="row")


def test_what_is_left_out_is_counted_and_named() -> None:
    left = rows_of((1, 5), (0, 1))
    found = build(ROWS, left_out=left.with_columns(pl.lit("holdout_near").alias("why")))
    assert found.left_out.rows() == [(0, 1), (1, 5)]
    assert found.manifest.left_out == 2
    assert found.manifest.left_out_digest == training_mix.list_digest(left)
    assert not set(found.rows.select("round", "row").rows()) & set(left.rows())
    same = build(ROWS.join(left, on=["round", "row"], how="anti")).manifest
    hidden = {"left_out", "left_out_digest"}
    assert found.manifest.model_dump(exclude={*hidden, "digest"}) == same.model_dump(
        exclude={"digest"}
    )
    assert found.manifest.digest != same.digest


def test_a_mix_that_leaves_nothing_out_says_nothing_of_it() -> None:
    plain = build(ROWS)
    assert build(ROWS, left_out=rows_of()).manifest == plain.manifest
    elsewhere = build(ROWS, left_out=rows_of((7, 0), (1, 99)))
    assert elsewhere.manifest == plain.manifest
    assert elsewhere.left_out.is_empty()
    for written in (plain.manifest.model_dump(), json.loads(plain.manifest.model_dump_json())):
        assert not {"left_out", "left_out_digest"} & written.keys()
    assert training_mix.read(plain.manifest.model_dump_json()) == plain.manifest


def test_replace_does_not_fall_back_on_an_earlier_round() -> None:
    first = rows_of(*((1, row) for row in range(5)))
    found = build(ROWS, regime="replace", left_out=pl.concat([first, rows_of((0, 0))]))
    assert found.rows.rows() == [(1, 5, 1.0)]
    assert found.left_out.rows() == first.rows()  # real rows were never on offer
    with pytest.raises(MixError, match="all 6 rows that the mix could take are to be left out"):
        build(ROWS, regime="replace", left_out=pl.concat([first, rows_of((1, 5))]))


def test_a_subsample_is_drawn_from_what_is_left() -> None:
    drawn = build(ROWS, regime="accumulate-subsample", sample_size=4, seed=3)
    unwanted = drawn.rows.select("round", "row")
    other = build(ROWS, regime="accumulate-subsample", sample_size=4, seed=3, left_out=unwanted)
    assert len(other.rows) == 4
    assert not set(other.rows.select("round", "row").rows()) & set(unwanted.rows())
    assert other.manifest.left_out == 4


@given(st.permutations([(0, 1), (0, 2), (1, 0), (2, 10)]))
def test_the_digest_of_a_list_is_that_of_its_rows(places: list[tuple[int, int]]) -> None:
    assert training_mix.list_digest(rows_of(*places)) == (
        "b164e868ede5398d0b89e5e74324b703b0f5404774cb4998e78c3c9df8839af8"
    )
    assert training_mix.list_digest(rows_of(*places[:3])) != training_mix.list_digest(
        rows_of(*places)
    )


def test_a_list_names_a_row_once() -> None:
    with pytest.raises(SchemaError, match="round 0, row 1 more than once"):
        training_mix.list_digest(rows_of((0, 1), (0, 1)))
    assert training_mix.list_digest(rows_of()) == hashlib.sha256().hexdigest()


@given(st.sampled_from(REGIMES), st.floats(0.1, 9), st.integers(1, 12), st.integers(0, 2**64))
def test_a_manifest_reads_back(regime: str, real_weight: float, size: int, seed: int) -> None:
    found = build(ROWS, regime=regime, real_weight=real_weight, sample_size=size, seed=seed)
    text = found.manifest.model_dump_json()
    assert training_mix.read(text) == found.manifest
    assert MixManifest.model_validate(json.loads(text)) == found.manifest
    assert json.loads(text)["digest"] == found.manifest.digest
    assert training_mix.read(found.manifest.model_dump(mode="json")).digest == found.manifest.digest


def test_the_digest_is_that_of_the_distribution() -> None:
    known = build(ROWS).manifest.digest
    assert build(ROWS.reverse()).manifest.digest == known
    others = [
        build(ROWS, commit="e"),
        build(ROWS, dataset="e"),
        build(ROWS, regime="replace"),
        build(ROWS, real_weight=1.5),
        build(ROWS[:-1]),
        *(build(ROWS, regime="accumulate-subsample", seed=seed) for seed in (1, 2)),
    ]
    assert len({known, *(each.manifest.digest for each in others)}) == len(others) + 1


@pytest.mark.parametrize("name", sorted(set(MixManifest.model_fields) - {"version"}))
def test_an_altered_manifest_is_refused(name: str) -> None:
    content = build(
        ROWS, regime="accumulate-subsample", sample_size=8, left_out=rows_of((1, 1))
    ).manifest.model_dump(mode="json")
    changed: dict[str, object] = {
        "dataset": "e",
        "commit": "e",
        "regime": "accumulate",
        "rounds": content["rounds"][:1],
        "rows": 7,
        "real_weight": 1.5,
        "sample_size": 9,
        "subsample": "other/1",
        "seed": 8,
        "warm_start": "other",
        "real_share": content["real_share"] / 2,
        "real_roots": 0.99,
        "depth_mean": content["depth_mean"] / 2,
        "depth_min": 1,
        "depth_max": 2,
        "left_out": 2,
        "left_out_digest": "0" * 64,
    }
    with pytest.raises(MixError, match="mix manifest cannot be used"):
        training_mix.read(content | {name: changed[name]})
    with pytest.raises(ValidationError):
        MixManifest.model_validate_json(json.dumps(content | {name: changed[name]}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rows": 9}, "rows are not those of the rounds"),
        ({"regime": "best"}, "there is no regime 'best'"),
        ({"regime": "replace"}, "replace takes one round"),
        ({"regime": "accumulate-subsample"}, "subsample and regime differ"),
        ({"seed": 1}, "subsample and regime differ"),
        ({"depth_mean": None}, "some depths are missing"),
        ({"depth_mean": 3.0}, "depths are not in order"),
        ({"real_roots": 0.1}, "fewer walks end"),
        ({"depth_mean": None, "depth_min": None, "depth_max": None}, "depths and real_roots"),
        ({"real_weight": 2.0, "rounds": "heavy"}, "weight of a round is not that of its rows"),
        ({"rounds": "backwards"}, "rounds are not in order"),
        ({"rounds": "fewer"}, "more rows than were accepted"),
        ({"rounds": "more"}, "rows are missing though none were"),
        ({"rounds": []}, "at least 1"),
        ({"real_share": 1.5}, "less than or equal to 1"),
        ({"depth_mean": "NaN"}, "finite"),
        ({"extra": 1}, "Extra inputs"),
        ({"left_out": 1}, "left_out has no list"),
        ({"left_out_digest": "0" * 64}, "left_out has no list"),
        ({"left_out": 0, "left_out_digest": "0" * 64}, "greater than 0"),
        ({"left_out": 1, "left_out_digest": "none"}, "match pattern"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    change: dict[str, object], said: str
) -> None:
    content = build(ROWS).manifest.model_dump(mode="json")
    del content["digest"]
    real, first = content["rounds"]
    wrong = {
        "heavy": [real | {"weight": 40.0}, first],
        "backwards": [first, real],
        "fewer": [real, first | {"accepted": 5}],
        "more": [real, first | {"accepted": 7}],
    }
    if isinstance(change.get("rounds"), str):
        change = change | {"rounds": wrong[str(change["rounds"])]}
    with pytest.raises(MixError, match=said):
        training_mix.read(content | change)


def test_damaged_json_is_refused_in_a_sentence() -> None:
    with pytest.raises(MixError, match=r"the mix manifest cannot be used: .*JSON"):
        training_mix.read(build(ROWS).manifest.model_dump_json()[:-9])


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"regime": "best"}, "no regime 'best'; choose one of accumulate, replace"),
        ({"real_weight": 0.0}, "real_weight is 0.0; it must be a number above 0, or auto"),
        ({"real_weight": float("nan")}, "real_weight is nan"),
        ({"regime": "accumulate-subsample", "sample_size": 0}, "sample_size is 0"),
    ],
)
def test_settings_that_cannot_be_used(over: dict[str, object], said: str) -> None:
    with pytest.raises(MixError, match=said):
        build(ROWS, **over)


def test_rows_that_cannot_be_used() -> None:
    with pytest.raises(MixError, match="no accepted rows"):
        build(ROWS.clear())
    with pytest.raises(MixError, match="no real rows"):
        build(ROWS.filter(pl.col("round") == 1), regime="accumulate-subsample")
    with pytest.raises(SchemaError, match="round 0, row 0 more than once"):
        build(pl.concat([ROWS, ROWS]))
    with pytest.raises(SchemaError, match="'kind'"):
        build(ROWS.drop("kind"))
