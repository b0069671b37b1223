"""The guard on labels, copies, leaks, classes, rare modes and style: one crafted round of each."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from lineage import guard
from lineage.guard import Evidence
from lineage.limits import Limits
from tests.lineage.digits import HEALTHY, check, hits, metric, verdicts

LATER = (
    *("label_errors", "downstream_second", "downstream_second_drop", "downstream_pooled"),
    *("downstream_likelihood", "memorised_ratio"),
    *("holdout_leaning", "holdout_closer", "class_share", "class_coverage", "class_variance"),
    *("rare_recall", "warned_rows"),
)
LOSSES = ("second", "second_drop", "pooled", "likelihood")
CRAFTED: dict[str, tuple[dict[str, Any], str, float]] = {
    "adversarial": ({"label_errors": metric(0.37, 0.05, 0.02)}, "label_errors", 0.35),
    "copies": ({"memorised_ratio": metric(0.25, 0.04, 0.01)}, "memorised_ratio", 0.24),
    "a leak": ({"holdout_leaning": metric(0.94, 0.02, 0.5)}, "holdout_leaning", 0.94),
    "a small leak": ({"holdout_closer": metric(0.044, 0.015, 0.004)}, "holdout_closer", 0.04),
    "a missing class": ({"class_share": metric(0.05, 0.04, 1.0)}, "class_share", 0.05),
    "a class of one row": ({"class_coverage": metric(0.08, 0.0, 1.0)}, "class_coverage", 0.08),
    "a prototype": ({"class_variance": metric(0.1, 0.0, 1.0)}, "class_variance", 0.1),
}


def with_round(**figures: Any) -> Evidence:
    """Healthy evidence with other figures of the round."""
    metrics = copy.deepcopy(dict(HEALTHY.metrics))
    metrics["round"] |= figures
    return replace(HEALTHY, metrics=metrics)


@pytest.mark.parametrize("kind", CRAFTED)
def test_a_crafted_round_is_blocked_by_the_check_that_is_for_it(kind: str) -> None:
    figures, name, value = CRAFTED[kind]
    result = guard.judge(with_round(**figures), Limits())
    assert result.blocking == (name,)
    assert check(with_round(**figures), name).value == pytest.approx(value)
    assert guard.judge(HEALTHY, Limits()).verdict == "pass"


def test_edits_that_lineage_names_are_no_copies_that_pass_for_new() -> None:
    about = with_round(memorised_ratio=metric(0.75, 0.04, 0.01))
    kinds = about.lineage["kind"]
    half = pl.int_range(pl.len()) < pl.len() // 2
    edited = about.lineage.with_columns(
        kind=pl.when(half).then(pl.lit("edited", kinds.dtype)).otherwise("kind")
    )
    found = check(replace(about, lineage=edited), "memorised_ratio")
    assert (found.value, found.verdict) == (pytest.approx(0.24), "block")
    few = with_round(memorised_ratio=metric(0.48, 0.04, 0.01))
    found = check(replace(few, lineage=edited), "memorised_ratio")
    assert (found.value, found.verdict) == (0.0, "pass")
    assert "lineage names 0.500 as edits" in found.evidence


@pytest.mark.parametrize("kind", ["a class of one row", "a prototype"])
def test_on_images_that_a_network_measures_checks_of_classes_only_warn(kind: str) -> None:
    figures, name, _ = CRAFTED[kind]
    about = with_round(**figures)
    larger = replace(about, metrics={**about.metrics, "embedder": "learned"})
    found = check(larger, name)
    assert found.verdict == "warn"
    assert "images that a network measures" in found.evidence
    assert guard.judge(larger, Limits()).blocking == ()


@pytest.mark.parametrize(
    "kind", ["adversarial", "copies", "a leak", "a small leak", "a missing class"]
)
def test_what_no_network_measures_blocks_on_images_that_one_measures(
    kind: str,
) -> None:
    figures, name, _ = CRAFTED[kind]
    about = with_round(**figures)
    larger = replace(about, metrics={**about.metrics, "embedder": "learned"})
    assert guard.judge(larger, Limits()).blocking == (name,)


def test_a_share_that_chance_may_explain_only_warns() -> None:
    about = with_round(label_errors=metric(0.12, 0.05, 0.02))
    assert check(about, "label_errors").verdict == "warn"
    few = with_round(label_errors=metric(0.12, 0.08, 0.02))
    found = check(few, "label_errors")
    assert found.verdict == "pass"
    assert "95 % of the difference 0.020 to 0.180; what decides is the end of" in found.evidence


def test_the_share_of_real_rows_is_uncertain_too() -> None:
    """Three of 25 held-out rows have another label, and 56 of 200 accepted ones."""
    rows = {"value": 0.28, "low": 0.222, "high": 0.346, "null": 0.12}
    certain = {**rows, "null_low": 0.12, "null_high": 0.12}
    uncertain = {**rows, "null_low": 0.042, "null_high": 0.3}
    assert check(with_round(label_errors=certain), "label_errors").verdict == "block"
    assert check(with_round(label_errors=uncertain), "label_errors").verdict == "pass"


def test_a_suite_that_refuses_much_is_no_warning_where_the_round_keeps_its_shape() -> None:
    """Of 100 candidates 40 are accepted."""
    counts = {"candidates": 100, "accepted": 40, "rejected": 60, "duplicate": 0}
    found = check(replace(HEALTHY, counts=counts), "acceptance")
    assert found.verdict == "pass"
    assert "shape of real rows all the same" in found.evidence
    for figure in ("class_share", "rare_recall"):
        worse = with_round(**{figure: metric(0.3, 0.01, 1.0)})
        assert check(replace(worse, counts=counts), "acceptance").verdict == "warn"
        unknown = with_round(**{figure: None})
        assert check(replace(unknown, counts=counts), "acceptance").verdict == "warn"
    few = {**counts, "accepted": 19, "rejected": 81}
    assert check(replace(HEALTHY, counts=few), "acceptance").verdict == "block"


def test_as_few_rows_near_to_the_hold_out_as_chance_brings_are_no_warning() -> None:
    """Wilson's interval of 8 of 560 rows begins at .0073, that of 14 of 560 at .0150."""
    by_chance = replace(HEALTHY, leaks=hits(*((row, False) for row in range(8))))
    assert check(by_chance, "holdout_near").verdict == "pass"
    assert "chance alone" in check(by_chance, "holdout_near").evidence
    assert (
        check(
            replace(HEALTHY, leaks=hits(*((row, False) for row in range(14)))), "holdout_near"
        ).verdict
        == "warn"
    )


def test_a_style_blocks_where_it_is_asked_for() -> None:
    dull = with_round(variance=metric(0.5, 0.02, 1.0), tail=metric(0.0, 0.01, 1.0))
    assert check(dull, "variance_round").verdict == "warn"
    assert check(dull, "variance_round", style="block").verdict == "block"


def test_the_second_family_has_the_limits_of_the_first() -> None:
    metrics = copy.deepcopy(dict(HEALTHY.metrics))
    metrics["second"]["difference"]["real_only"] = metric(-0.03, 0.012)
    about = replace(HEALTHY, metrics=metrics)
    assert guard.judge(about, Limits()).blocking == ("downstream_second", "downstream_second_drop")
    found = check(about, "downstream_second")
    assert (found.value, found.limit) == (0.03, "warn >0.005, block >0.01")
    chance = copy.deepcopy(metrics)
    chance["second"]["difference"]["real_only"] = metric(-0.01, 0.012)
    assert check(replace(HEALTHY, metrics=chance), "downstream_second").verdict == "pass"
    loose = check(about, "downstream_second", downstream_real_warn=None, downstream_real_block=0.1)
    assert loose.verdict == "pass"


def with_pooled(value: float, half: float) -> Evidence:
    metrics = copy.deepcopy(dict(HEALTHY.metrics))
    metrics["second"]["pooled"]["real_only"] = metric(-value, half)
    return replace(HEALTHY, metrics=metrics)


@pytest.mark.parametrize(
    ("value", "half", "verdict"),
    [
        (0.006, 0.005, "block"),
        (0.05, 0.05, "pass"),
        (0.006, 0.007, "pass"),
        (0.004, 0.003, "warn"),
        (0.002, 0.001, "pass"),
        (-0.02, 0.01, "pass"),
    ],
)
def test_a_loss_of_both_families_counts_as_measured_once_chance_does_not_explain_it(
    value: float, half: float, verdict: str
) -> None:
    found = check(with_pooled(value, half), "downstream_pooled")
    assert found.value == pytest.approx(value)
    assert found.verdict == verdict
    assert f"have lost {value:.4f} since round 0, 95 % {value - half:.4f} to " in found.evidence


@pytest.mark.parametrize("odd", [{}, {"real_only": {}}, None, 3, {"real_only": metric(0.1, 0.1)}])
def test_a_pooled_loss_that_is_not_there_is_no_pass(odd: object) -> None:
    metrics = copy.deepcopy(dict(HEALTHY.metrics))
    metrics["second"]["pooled"] = odd
    found = check(replace(HEALTHY, metrics=metrics), "downstream_pooled")
    assert found.verdict == ("block" if odd != {"real_only": metric(0.1, 0.1)} else "pass")
    del metrics["second"]["pooled"]
    absent = check(replace(HEALTHY, metrics=metrics), "downstream_pooled")
    assert absent.verdict == "not measured"


@pytest.mark.parametrize(
    ("value", "half", "verdict"),
    [
        (0.0065, 0.0057, "block"),
        (0.0065, 0.0066, "pass"),
        (0.0025, 0.002, "warn"),
        (0.0015, 0.001, "pass"),
        (-0.0138, 0.004, "pass"),
    ],
)
def test_a_loss_of_the_probability_of_right_labels_counts_once_chance_does_not_explain_it(
    value: float, half: float, verdict: str
) -> None:
    metrics = copy.deepcopy(dict(HEALTHY.metrics))
    metrics["likelihood"]["difference"]["real_only"] = metric(-value, half)
    about = replace(HEALTHY, metrics=metrics)
    found = check(about, "downstream_likelihood")
    assert (found.value, found.verdict) == (pytest.approx(value), verdict)
    assert f"have lost {value:.4f} of their probability since round 0" in found.evidence
    larger = check(replace(about, metrics={**metrics, "embedder": "x"}), "downstream_likelihood")
    assert larger.verdict == ("warn" if verdict == "block" else verdict)


def test_a_release_that_measured_no_probability_is_not_judged_by_it() -> None:
    alone = {name: each for name, each in HEALTHY.metrics.items() if name != "likelihood"}
    result = guard.judge(replace(HEALTHY, metrics=alone), Limits())
    assert (result.not_measured, result.verdict) == (("downstream_likelihood",), "pass")
    told = {**alone, "not_applicable": {"second": "rows have no classes"}}
    result = guard.judge(replace(HEALTHY, metrics=told), Limits())
    assert (result.not_measured, result.not_applicable) == ((), ("downstream_likelihood",))
    own = replace(
        HEALTHY, metrics={**alone, "task": "likelihood", "likelihood": {"mix": metric(1, 0)}}
    )
    assert check(own, "downstream_likelihood").verdict == "not measured"
    broken = replace(HEALTHY, metrics={**alone, "likelihood": {"difference": 3}})
    assert check(broken, "downstream_likelihood").verdict == "block"


def test_data_without_classes_cannot_have_a_second_family() -> None:
    alone = {name: each for name, each in HEALTHY.metrics.items() if name != "second"}
    del alone["likelihood"]
    names = tuple(f"downstream_{name}" for name in LOSSES)
    result = guard.judge(replace(HEALTHY, metrics=alone), Limits())
    assert result.not_measured == names
    told = {**alone, "not_applicable": {"second": "rows have no classes"}}
    result = guard.judge(replace(HEALTHY, metrics=told), Limits())
    assert (result.not_measured, result.not_applicable) == ((), names)


def test_rare_modes_and_warnings_only_warn() -> None:
    rare = with_round(rare_recall=metric(0.2, 0.1, 0.85))
    assert check(rare, "rare_recall").verdict == "warn"
    assert check(rare, "rare_recall").value == pytest.approx(0.2 / 0.85)
    warned = replace(HEALTHY, warned=hits(*((row, False) for row in range(300))))
    found = check(warned, "warned_rows")
    assert (found.value, found.verdict) == (300 / 560, "warn")
    assert "300 of 560 accepted rows have a warning of the suite: " in found.evidence


def test_warnings_of_nearness_are_none_where_no_copies_are_found() -> None:
    near = _warned("as_far_as_real_rows", "not_memorised")
    found = check(replace(HEALTHY, warned=near), "warned_rows")
    assert (found.value, found.verdict) == (300 / 560, "pass")
    assert "memorised_ratio finds no copies among them" in found.evidence


def test_warnings_of_nearness_stay_where_copies_are_found_or_nobody_looked() -> None:
    near = _warned("not_memorised")
    copied = with_round(memorised_ratio=metric(0.3, 0.25, 0.0))
    for evidence in (copied, with_round(memorised_ratio=None)):
        assert check(replace(evidence, warned=near), "warned_rows").verdict == "warn"
    unlimited = {"memorised_ratio_warn": None, "memorised_ratio_block": None}
    assert check(replace(HEALTHY, warned=near), "warned_rows", **unlimited).verdict == "warn"


def test_warnings_of_nearness_stay_where_edits_hide_as_many_copies() -> None:
    """Half of the rows are named as edits and are near to nothing; the other half are copies."""
    edits = pl.when(pl.col("row") < 280).then(pl.lit("synthetic")).otherwise(pl.lit("edited"))
    halves = HEALTHY.lineage.with_columns(kind=edits)
    copied = with_round(memorised_ratio=metric(0.5, 0.05, 0.01))
    evidence = replace(copied, lineage=halves, warned=_warned("not_memorised"))
    assert check(evidence, "memorised_ratio").verdict == "pass"
    assert check(evidence, "warned_rows").verdict == "warn"


def test_warnings_of_anything_else_stay() -> None:
    likely = replace(HEALTHY, warned=_warned("not_memorised", "label_likely"))
    assert check(likely, "warned_rows").verdict == "warn"


def test_a_few_leaks_in_each_of_many_rounds_add_up() -> None:
    """Wilson's interval of 8 of 560 rows begins at .0073, that of 48 of 3,360 at .0108."""
    few = replace(HEALTHY, leaks=hits(*((row, False) for row in range(8))), earlier_leaks=(0, 0))
    assert check(few, "holdout_near").verdict == "pass"
    assert check(few, "holdout_near_rounds").verdict == "pass"
    many = check(replace(few, earlier_leaks=(40, 2800)), "holdout_near_rounds")
    assert (many.value, many.verdict) == (pytest.approx(48 / 3360), "warn")
    assert many.evidence.startswith("48 of 3,360 accepted rows of all generated rounds")
    assert check(replace(few, earlier_leaks=(8, 2800)), "holdout_near_rounds").verdict == "pass"
    most = replace(few, earlier_leaks=(280, 2800))
    assert guard.judge(most, Limits()).blocking == ("holdout_near_rounds",)
    unseen = replace(few, earlier_leaks=None)
    assert check(unseen, "holdout_near_rounds").verdict == "not measured"


def _warned(*names: str) -> pl.DataFrame:
    """300 rows of which these expectations warn."""
    rows = hits(*((row, False) for row in range(300)))
    return rows.with_columns(pl.lit(list(names)).alias("expectations"))


def test_a_manifest_of_an_earlier_release_is_neither_blocked_nor_passed_by_later_checks() -> None:
    earlier = {
        name: each
        for name, each in HEALTHY.metrics.items()
        if name not in ("second", "likelihood", "round")
    }
    shape = ("recall", "coverage", "variance", "tail")
    earlier["round"] = {name: HEALTHY.metrics["round"][name] for name in shape}
    result = guard.judge(replace(HEALTHY, metrics=earlier, warned=None), Limits())
    assert result.not_measured == LATER
    assert (result.verdict, result.blocking) == ("pass", ())
    assert guard.headline(result).endswith(f"pass; {len(LATER)} not measured")
    assert guard.read(result.to_dict()) == result
    assert [row.check for row in guard.rows(result)] == list(LATER)
    assert all(item.value is None for item in result.checks if item.name in LATER)
    strict = guard.judge(replace(HEALTHY, metrics=earlier, warned=None), Limits(unknown="block"))
    assert not strict.blocking


@pytest.mark.parametrize("odd", [None, float("nan"), "0.9", True, {}, []])
@pytest.mark.parametrize("name", ["label_errors", "holdout_leaning", "class_share", "rare_recall"])
def test_a_later_figure_that_is_no_number_is_not_measured(name: str, odd: object) -> None:
    entry = HEALTHY.metrics["round"][name]
    assert check(with_round(**{name: {**entry, "value": odd}}), name).verdict == "not measured"
    assert check(with_round(**{name: odd}), name).verdict == "not measured"


@pytest.mark.parametrize(
    ("half", "verdict"), [(0.04, "block"), (0.1, "warn"), (0.2, "pass"), (None, "block")]
)
def test_a_share_of_a_class_is_judged_by_what_chance_leaves(
    half: float | None, verdict: str
) -> None:
    """Of a class of few expected rows chance alone leaves few."""
    entry = metric(0.3, half or 0.0, 1.0) | {"of": "7"}
    if half is None:
        entry |= {"low": None, "high": None}
    assert check(with_round(class_share=entry), "class_share").verdict == verdict


@pytest.mark.parametrize(
    ("value", "half", "verdict"),
    [(0.3, 0.04, "block"), (0.3, 0.06, "warn"), (0.5, 0.2, "warn"), (0.3, None, "block")],
)
def test_the_variance_of_a_class_of_few_rows_only_warns(
    value: float, half: float | None, verdict: str
) -> None:
    """A round of an earlier release has no interval, and blocks as it did."""
    entry: dict[str, Any] = metric(value, half or 0.0, 1.0) | {"of": "7"}
    if half is None:
        entry |= {"low": None, "high": None}
    assert check(with_round(class_variance=entry), "class_variance").verdict == verdict


def test_another_style_is_called_so_and_judged_more_mildly() -> None:
    dull = with_round(variance=metric(0.5, 0.02, 1.0), tail=metric(0.0, 0.01, 1.0))
    block = check(dull, "variance_round")
    assert block.verdict == "warn"
    assert "style and not content" in block.evidence
    slight = check(with_round(variance=metric(0.7, 0.02, 1.0)), "variance_round")
    assert slight.verdict == "pass"
    assert "style and not content" in slight.evidence
    assert not guard.judge(dull, Limits()).blocked


OF_A_NETWORK = {
    "class_coverage": ({"of": "7"}, "class 7 has 0.30 of the coverage of real rows"),
    "class_variance": ({"of": "7"}, "class 7 has 0.30 of the variance of real rows"),
    "rare_recall": ({}, "0.30 of the rarest real rows are reached"),
}


@pytest.mark.parametrize("name", OF_A_NETWORK)
def test_on_points_of_a_network_style_is_told_from_classes_and_rare_modes(name: str) -> None:
    told, detail = OF_A_NETWORK[name]
    off = metric(0.3, 0.0, 1.0) | told

    def found(content: float | None) -> guard.Check:
        figures = {name: off}
        if content is not None:
            figures |= {f"content_{name}": metric(content, 0.0, 1.0) | told}
        about = with_round(**figures)
        return check(replace(about, metrics={**about.metrics, "embedder": "learned"}), name)

    style = found(0.83)
    assert style.verdict == "pass"
    assert detail in style.evidence
    assert style.evidence.endswith(
        "that is style and not content: it is 0.83 in the colours of the real rows"
    )
    assert found(0.4).verdict == found(None).verdict == "warn"


@pytest.mark.parametrize("measured", [9, 10])
def test_a_class_that_is_not_measured_without_style_is_not_excused(measured: int) -> None:
    off = metric(0.3, 0.0, 1.0) | {"of": "7", "measured": 10, "among": 10}
    same = metric(0.9, 0.0, 1.0) | {"of": "3", "measured": measured, "among": 10}
    about = with_round(class_coverage=off, content_class_coverage=same)
    network = replace(about, metrics={**about.metrics, "embedder": "learned"})
    expected = "pass" if measured == 10 else "warn"
    assert check(network, "class_coverage").verdict == expected


def test_on_points_of_a_network_the_shape_is_judged_in_the_colours_of_real_rows() -> None:
    about = with_round(recall=metric(0.1, 0.02, 1.0))
    larger = replace(about, metrics={**about.metrics, "embedder": "learned"})
    found = check(larger, "recall_round")
    assert found.verdict == "warn"
    assert "in the colours of the real rows recall, coverage, variance and" in found.evidence
    lost = with_round(recall=metric(0.1, 0.02, 1.0), content_recall=metric(0.1, 0.02, 1.0))
    assert check(lost, "recall_round").verdict == "block"


def test_whoever_wants_style_to_block_lets_it() -> None:
    dull = with_round(
        class_variance=metric(0.1, 0.0, 1.0), content_class_variance=metric(0.9, 0.0, 1.0)
    )
    assert guard.judge(dull, Limits()).verdict == "warn"
    assert guard.judge(dull, Limits(style="block")).blocking == ("class_variance",)


def test_few_rows_in_the_tails_are_no_content_that_is_lost() -> None:
    """Of 411 rows, four are expected there; none is there by chance."""
    dull = {"variance": metric(0.7, 0.02, 1.0), "content_tail": metric(0.0, 0.93, 1.0)}
    assert check(with_round(**dull), "variance_round").verdict == "pass"
    many = dull | {"content_tail": metric(0.0, 0.2, 1.0)}
    assert check(with_round(**many), "variance_round").verdict == "warn"
    earlier = dull | {"content_tail": {"value": 0.0, "low": None, "high": None, "null": 1.0}}
    assert check(with_round(**earlier), "variance_round").verdict == "warn"


@pytest.mark.parametrize("name", ["recall", "coverage", "variance", "tail"])
def test_a_shape_that_is_off_without_style_too_is_no_style(name: str) -> None:
    off = {f"content_{name}": metric(0.01, 0.0, 1.0), "variance": metric(0.5, 0.02, 1.0)}
    found = check(with_round(**off), "variance_round")
    assert found.verdict == "block"
    assert "style" not in found.evidence
    lost = {f"content_{name}": None, "variance": metric(0.5, 0.02, 1.0)}
    assert check(with_round(**lost), "variance_round").verdict == "block"


def test_verdicts_are_counted_as_they_are() -> None:
    said = verdicts(guard.judge(HEALTHY, Limits()))
    assert {said[name] for name in LATER} == {"pass"}


def test_rows_without_a_licence_warn_and_block_only_where_it_is_asked_for() -> None:
    found = check(HEALTHY, "licence_missing")
    assert (found.value, found.verdict) == (0.0, "pass")
    names = {"a crawl": 400, "notes.csv": 60, "round 1 by gpt": 40, "b": 7, "c": 3}
    lacking = replace(HEALTHY, licences=(1000, names))
    found = check(lacking, "licence_missing")
    assert (found.value, found.verdict) == (0.51, "warn")
    assert found.evidence == (
        "no licence is recorded of 510 of 1,000 rows: a crawl 400, notes.csv 60, round 1 by gpt "
        "40, 2 more (ingest.licence, service.licence and file.licence record one)"
    )
    assert check(lacking, "licence_missing", licence_missing_block=0.5).verdict == "block"
    assert check(lacking, "licence_missing", licence_missing_warn=None).verdict == "pass"
    assert check(replace(HEALTHY, licences=None), "licence_missing").verdict == "not measured"
    assert check(replace(HEALTHY, licences=(0, {})), "licence_missing").verdict == "warn"
