"""Every check of the guard, alone, and every limit."""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import strategies as st

from lineage import edges, guard, training_mix
from lineage.evidence import told
from lineage.guard import Evidence
from lineage.limits import Limits
from tests.examples import few_and_many, holds
from tests.lineage.conftest import content, derived, real_rows
from tests.lineage.digits import (
    HEALTHY,
    SIZE,
    check,
    contaminated,
    evidence,
    hits,
    measured,
    verdicts,
)

UNLIMITED = dict.fromkeys(Limits.model_fields, None) | {
    "unknown": "block",
    "real_share_shallow": 0.0,
    "calibration_missing": "pass",
    "style": "warn",
}
LIMITED = sorted(name for name in Limits.model_fields if name.endswith(("_warn", "_block")))
MIDDLE = replace(
    HEALTHY,
    lineage=HEALTHY.lineage.with_columns(real_roots=pl.lit(0.5), real_inputs=pl.lit(0.5)),
    licences=(1000, {"a folder": 500}),
    copies=hits((3, False)),
    leaks=hits((4, True), (5, False)),
    warned=hits((6, False)),
    metrics={
        **HEALTHY.metrics,
        "second": {"pooled": {"real_only": {"value": -0.02, "low": -0.03, "high": -0.01}}},
        "likelihood": {"difference": {"real_only": {"value": -0.02, "low": -0.03, "high": -0.01}}},
        "round": HEALTHY.metrics["round"]
        | {
            name: {"value": 0.5, "low": 0.4, "high": 0.6, "null": 0.1}
            for name in ("label_errors", "memorised_ratio", "holdout_closer")
        },
        "difference": {
            other: {"value": -0.02, "low": -0.03, "high": -0.01}
            for other in ("real_only", "previous")
        },
    },
)


def test_all_fields_but_three_are_limits() -> None:
    others = {"unknown", "real_share_shallow", "calibration_missing", "style"}
    assert set(Limits.model_fields) - set(LIMITED) == others
    unlimited = verdicts(guard.judge(contaminated(MIDDLE), Limits(**UNLIMITED)))
    unmeasured = {name for name, verdict in unlimited.items() if verdict == "not measured"}
    assert unmeasured == SECOND
    assert {unlimited[name] for name in unlimited.keys() - SECOND} == {"pass"}


def test_what_the_data_cannot_have_is_not_applicable_and_never_blocks() -> None:
    without = {name: each for name, each in HEALTHY.metrics.items() if name != "difference"}
    reasons = {"accuracy": "no labels", "difference": "no labels"}
    unlabelled = replace(HEALTHY, metrics={**without, "not_applicable": reasons})
    result = guard.judge(unlabelled, Limits(unknown="block"))
    names = ("downstream_real", "downstream_previous", "downstream_drop")
    assert result.not_applicable == names
    assert (result.blocking, result.verdict) == ((), "pass")
    found = check(unlabelled, "downstream_real")
    assert (found.value, found.evidence) == (None, "not applicable: no labels")
    stored = result.to_dict()
    assert stored["not_applicable"] == list(names)
    assert guard.read(stored) == result
    assert guard.headline(result).endswith("pass; 3 not applicable")
    assert [row.check for row in guard.rows(result)] == list(names)


@pytest.mark.parametrize("reasons", [None, {}, {"accuracy": "no labels"}, {"difference": 3}, "no"])
def test_a_figure_is_unknown_unless_a_reason_is_given_for_it(reasons: object) -> None:
    without = {name: each for name, each in HEALTHY.metrics.items() if name != "difference"}
    lost = replace(HEALTHY, metrics={**without, "not_applicable": reasons})
    result = guard.judge(contaminated(lost), Limits())
    assert "downstream_real" in result.blocking
    assert "not_applicable" not in result.to_dict()
    measured_too = replace(
        HEALTHY, metrics={**HEALTHY.metrics, "not_applicable": {"difference": "no labels"}}
    )
    assert check(measured_too, "downstream_real").verdict == "pass"


@pytest.mark.parametrize("field", LIMITED)
def test_every_limit_is_used_by_its_check(field: str) -> None:
    stem, level = field.rsplit("_", 1)
    name = stem
    if stem.startswith(("variance", "tail")):
        name = stem.rsplit("_", 1)[0]
    found = {}
    for extreme in (0.0, 1.0):
        limit = extreme * (1 if field.startswith(SHARES) else 99)
        result = guard.judge(contaminated(MIDDLE), Limits(**(UNLIMITED | {field: limit})))
        said = {key: each for key, each in verdicts(result).items() if key not in OF_OTHERS}
        found[extreme] = {key: each for key, each in said.items() if each != "pass"}
    assert sorted(found.values(), key=len) == [{}, {name: level}]
    low = field.startswith(LEAST) or ("_low_" in field and not field.startswith("real_inputs"))
    assert found[1.0 if low else 0.0] == {name: level}


SECOND = {"downstream_second", "downstream_second_drop"}
OF_OTHERS = {*SECOND, "holdout_near_rounds"}
"""Checks that have the limits of others."""
SHARES = (
    *("real_share", "real_inputs", "opaque", "memorised", "duplicates", "acceptance", "holdout"),
    *("label_errors", "warned_rows", "licence_missing"),
)
LEAST = ("real_share", "real_inputs", "acceptance", "recall", "coverage", "class_", "rare_recall")


def test_a_shallow_mix_only_warns_for_its_real_share() -> None:
    about = evidence("replace", 1)
    assert check(about, "real_share").verdict == "warn"
    assert check(about, "real_share", real_share_shallow=0.5).verdict == "block"
    assert check(about, "real_share", real_share_warn=None).verdict == "warn"


def test_a_mix_that_never_was_real_is_not_shallow() -> None:
    rows = derived(5, 1, None, "digits")
    opaque = training_mix.build(rows, dataset="digits", commit="c", regime="replace").manifest
    assert check(replace(HEALTHY, mix=opaque), "real_share").verdict == "block"


def test_depth_is_that_of_rows_with_real_roots() -> None:
    rows = HEALTHY.lineage.with_columns(
        depth_mean=pl.Series([2.0, 4.0] + [None] * (SIZE - 2), dtype=pl.Float32),
        depth_max=pl.Series([3, 13] + [None] * (SIZE - 2), dtype=pl.Int32),
    )
    about = replace(HEALTHY, lineage=rows)
    assert check(about, "depth_mean").value == 3
    found = check(about, "depth_max")
    assert (found.value, found.verdict) == (13, "warn")
    assert content("digits round 2 row 1").hex()[:12] in found.evidence


def seeded(*parents: dict[str, object], inputs: float) -> Evidence:
    row = HEALTHY.lineage[:1].with_columns(
        parents=pl.Series([list(parents)], dtype=HEALTHY.lineage.schema["parents"]),
        real_inputs=pl.lit(inputs, pl.Float32),
    )
    return replace(HEALTHY, lineage=row)


def parent(number: int, relation: str, weight: float) -> dict[str, object]:
    return {"dataset": "d", "round": number, "row": 0, "relation": relation, "weight": weight}


@pytest.mark.parametrize(
    ("parents", "inputs", "low"),
    [
        ([], 0.4, 0.4),
        ([parent(0, "seed", 0.5)], 0.5 + 0.5 * 0.2, 0.2),
        ([parent(0, "seed", 0.5)], 0.5, 0.0),
        ([parent(0, "seed", 1.0)], 1.0, 0.0),
        ([parent(1, "seed", 0.5)], 0.5 * 0.6, 0.3),
        ([parent(0, "edited", 0.5), parent(0, "seed", 0.25)], 0.75 + 0.25 * 0.4, 0.5 + 0.5 * 0.4),
        ([parent(0, "edited", 1.0)], 1.0, 1.0),
    ],
)
def test_the_lower_bound_gives_seeds_no_weight(
    parents: list[dict[str, object]], inputs: float, low: float
) -> None:
    about = seeded(*parents, inputs=inputs)
    assert check(about, "real_inputs_low").value == pytest.approx(low, abs=1e-6)
    assert check(about, "real_inputs").value == pytest.approx(inputs, abs=1e-6)


@few_and_many(10, 100)
def test_the_lower_bound_is_what_derive_gives_without_seeds(examples: int) -> None:
    weights = st.lists(st.integers(0, 4), min_size=2, max_size=2)
    relations = st.sampled_from(["seed", "edited"])
    holds(examples, check_lower_bound, weights, st.integers(0, 1), relations, st.integers(1, 9))


def check_lower_bound(weights: list[int], number: int, relation: str, heavy: int) -> None:
    """Against lineage derived again with seed weights 0; never above the recorded value."""
    rows = pl.concat([real_rows(3), derived(2, 1, None)])
    mix = training_mix.build(
        rows, dataset="d", commit="c", regime="accumulate", real_weight=float(heavy)
    ).manifest
    stored = rows.with_columns(pl.lit("d").alias("dataset"))

    def recorded(seed: float) -> pl.DataFrame:
        links = [
            (0, "d", number, 0, "seed", seed * weights[0] / 9),
            (0, "d", 0, 1, relation, (seed if relation == "seed" else 1) * weights[1] / 9),
        ]
        frame = pl.DataFrame(links, schema=edges.PARENT, orient="row")
        return derived(1, 2, mix, parents=frame, stored=stored)

    found = check(replace(HEALTHY, lineage=recorded(1.0)), "real_inputs_low").value
    full, without = (recorded(seed)["real_inputs"][0] for seed in (1.0, 0.0))
    assert found == pytest.approx(min(full, without), abs=1e-5)


def test_opaque_roots() -> None:
    about = replace(HEALTHY, lineage=derived(4, 2, None, "digits"))
    found = check(about, "opaque_roots")
    assert (found.value, found.verdict) == (1, "block")
    assert check(HEALTHY, "opaque_roots").value == 0


def test_copies_are_named() -> None:
    about = replace(HEALTHY, copies=hits(*((row, False) for row in range(6))))
    found = check(about, "memorised")
    assert found.value == pytest.approx(6 / SIZE)
    assert found.verdict == "block"
    assert content("digits round 2 row 0").hex()[:12] in found.evidence
    assert "6 of 560" in found.evidence
    assert "and 3 more" in found.evidence
    assert check(replace(HEALTHY, copies=hits((1, False))), "memorised").verdict == "warn"


def test_a_copy_of_two_real_rows_counts_once() -> None:
    assert check(replace(HEALTHY, copies=hits((1, True), (1, False))), "memorised").value == (
        pytest.approx(1 / SIZE)
    )


def test_held_out_rows_equal_and_near() -> None:
    about = replace(HEALTHY, leaks=hits((1, True), (2, False)))
    assert check(about, "holdout_equal").value == pytest.approx(1 / SIZE)
    assert check(about, "holdout_equal").verdict == "block"
    assert check(about, "holdout_near").value == pytest.approx(2 / SIZE)
    assert check(about, "holdout_near").verdict == "pass"
    near = replace(HEALTHY, leaks=hits((2, False)))
    assert check(near, "holdout_equal").verdict == "pass"


@pytest.mark.parametrize(("digest", "said"), [("", True), ("ab" * 32, False), (None, False)])
def test_a_hold_out_without_digest_is_said_once(digest: str | None, said: bool) -> None:
    about = replace(HEALTHY, leaks=hits((4, True)), holdout_digest=digest)
    result = guard.judge(about, Limits())
    texts = [each.evidence for each in result.checks if "names no digest" in each.evidence]
    ends = [text.endswith("; round 0 names no digest of its hold-out") for text in texts]
    assert ends == ([True] if said else [])


def test_held_out_ancestors() -> None:
    about = contaminated(HEALTHY)
    found = check(about, "holdout_ancestry")
    assert (found.value, found.verdict) == (pytest.approx(1 / SIZE), "block")
    assert content("digits round 2 row 0").hex()[:12] in found.evidence
    other = about.held_out_ancestors
    assert other is not None
    moved = replace(about, held_out_ancestors=other.with_columns(dataset=pl.lit("e")))
    assert check(moved, "holdout_ancestry").value == 0
    unlooked = replace(about, held_out_ancestors=None)
    assert check(unlooked, "holdout_ancestry").value is None
    assert check(unlooked, "holdout_ancestry").verdict == "block"
    assert check(HEALTHY, "holdout_ancestry").value == 0


@pytest.mark.parametrize("metrics", [{}, {"round": {}, "mix": {}}, {"round": None, "second": {}}])
def test_a_figure_that_is_not_there_is_never_a_pass(metrics: dict[str, object]) -> None:
    bare = replace(HEALTHY, metrics=metrics, warned=None, counts={}, held_out_ancestors=None)
    missing = [item for item in guard.judge(bare, Limits()).checks if item.value is None]
    assert len(missing) > 20
    assert {item.verdict for item in missing} <= {"block", "warn", "not measured"}


def test_counts() -> None:
    assert check(HEALTHY, "duplicates").value == pytest.approx(10 / 600)
    assert check(HEALTHY, "acceptance").value == pytest.approx(560 / 600)
    few = replace(HEALTHY, counts={"candidates": 600, "accepted": 100, "duplicate": 200})
    assert check(few, "acceptance").verdict == "block"
    assert check(few, "duplicates").verdict == "block"


def test_what_passed_after_a_round_had_enough_counts_as_accepted() -> None:
    """Of the last shard everything is judged, so what it refuses counts, and what passes too."""
    counts = {"candidates": 300, "accepted": 20, "rejected": 110, "duplicate": 10, "surplus": 160}
    ended = replace(HEALTHY, counts=counts)
    assert check(ended, "acceptance").value == pytest.approx(180 / 300)
    assert check(ended, "acceptance").verdict == "pass"
    assert check(ended, "duplicates").value == pytest.approx(10 / 300)


@pytest.mark.parametrize("other", ["real_only", "previous"])
def test_a_loss_blocks_only_beyond_doubt(other: str) -> None:
    name = "downstream_real" if other == "real_only" else "downstream_previous"
    likely = measured("difference", other, value=-0.05, low=-0.1, high=-0.001)
    certain = measured("difference", other, value=-0.05, low=-0.07, high=-0.03)
    gained = measured("difference", other, value=0.05, low=-0.5, high=0.6)
    assert check(likely, name).value == 0.05
    assert check(likely, name).verdict == "warn"
    assert check(certain, name).verdict == "block"
    assert check(gained, name).verdict == "pass"


@pytest.mark.parametrize("other", ["real_only", "previous"])
@pytest.mark.parametrize("high", [0.0, 0.02])
def test_a_loss_that_chance_may_bring_is_named_and_no_warning(other: str, high: float) -> None:
    """Macro-F1 of a table with a rare class moves by ten points with a handful of rows."""
    name = "downstream_real" if other == "real_only" else "downstream_previous"
    found = check(measured("difference", other, value=-0.14, low=-0.23, high=high), name)
    assert (found.value, found.verdict) == (0.14, "pass")
    assert found.evidence.endswith(
        "its interval does not hold losses alone, so chance may bring it"
    )


def test_a_plain_loss_of_two_points_blocks_as_measured() -> None:
    plain = measured("difference", "real_only", value=-0.02, low=-0.035, high=-0.004)
    assert check(plain, "downstream_real").verdict == "warn"
    assert (check(plain, "downstream_drop").value, check(plain, "downstream_drop").verdict) == (
        0.02,
        "block",
    )
    chance = measured("difference", "real_only", value=-0.02, low=-0.04, high=0.0)
    assert (check(chance, "downstream_drop").value, check(chance, "downstream_drop").verdict) == (
        0.0,
        "pass",
    )
    small = measured("difference", "real_only", value=-0.014, low=-0.02, high=-0.008)
    assert check(small, "downstream_drop").verdict == "pass"


@pytest.mark.parametrize("part", ["round", "mix"])
@pytest.mark.parametrize("name", ["variance", "tail"])
def test_inflation_and_loss_are_both_seen(part: str, name: str) -> None:
    for factor in (0.01, 50.0):
        values = {"value": factor, "low": factor, "high": factor}
        assert check(measured(part, name, **values), f"{name}_{part}").verdict != "pass"
    assert check(HEALTHY, f"{name}_{part}").verdict == "pass"


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        (0.8, 0.7, 0.86, "pass"),
        (0.8, 0.7, 0.84, "warn"),
        (1.3, 1.19, 1.4, "pass"),
        (1.3, 1.21, 1.4, "warn"),
        (0.7, 0.5, 0.9, "block"),
        (0.8, None, None, "warn"),
    ],
)
def test_a_variance_warns_once_its_interval_leaves_what_is_allowed(
    value: float, low: float | None, high: float | None, verdict: str
) -> None:
    found = check(measured("mix", "variance", value=value, low=low, high=high), "variance_mix")
    assert found.verdict == verdict
    assert ("chance alone may bring so much" in found.evidence) == (verdict == "pass")


def test_tails_go_by_the_favourable_end() -> None:
    wide = measured("round", "tail", value=0.0, low=0.0, high=0.8)
    assert check(wide, "tail_round").verdict == "pass"
    narrow = measured("round", "tail", value=0.0, low=0.0, high=0.1)
    assert check(narrow, "tail_round").verdict == "warn"
    mixed = measured("mix", "tail", value=0.0, low=0.0, high=0.3)
    assert check(mixed, "tail_mix").verdict == "warn"
    assert check(mixed, "tail_mix", tail_mix_low_block=0.4).verdict == "block"
    heavy = measured("round", "tail", value=7.0, low=2.0, high=9.0)
    assert check(heavy, "tail_round").verdict == "pass"


def test_shape_is_a_ratio_to_real_rows() -> None:
    found = check(measured("round", "recall", value=0.24, null=0.48), "recall_round")
    assert found.value == 0.5
    assert "0.240; real rows have 0.480" in found.evidence


def test_a_limit_that_looks_crossed_says_why_it_does_not_object() -> None:
    shallow = check(evidence("replace", 1), "real_share")
    assert shallow.verdict == "warn"
    assert "only a warning, since the mix is no deeper than real_share_shallow" in shallow.evidence
    few = measured("round", "tail", value=0.0, low=0.0, high=0.4)
    found = check(few, "tail_round")
    assert (found.value, found.verdict, found.limit.split(",")[0]) == (0.0, "pass", "warn <0.25 >3")
    reaches = re.search(r"the end of its 95 % interval, (\d\.\d{3}), which favours", found.evidence)
    assert reaches is not None
    assert float(reaches[1]) >= 0.25
    plain = check(HEALTHY, "tail_round")
    assert "decides" not in plain.evidence


def test_a_figure_that_is_not_there_has_not_passed() -> None:
    assert told("pass", None) == "not measured"
    assert told("pass", 0.0) == "pass"
    assert told("block", None) == "block"
