"""Advice differs by data, and says by which evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.inquiry.foresight import advice
from pipelines.inquiry.foresight.evidence import AuditFound, Evidence

DIGITS = Evidence(
    dataset="digits", modality="image", has_classes=True, generator="diffusion",
    regime="accumulate", real_rows=1_080, made_rows=1_750, candidates=1_800, real_rounds=0,
    rounds=3, audit=AuditFound("planted", 0.013, 0.954, enough=True),
    label_errors=0.002, label_errors_limit=0.03, seconds=122.5, dollars=None,
)  # fmt: skip
DIALOGUE = replace(
    DIGITS, dataset="dialogue", modality="text", has_classes=False, generator="text",
    real_rows=560, made_rows=86, candidates=120, audit=None, label_errors=None,
    label_errors_limit=None, dollars=0.86,
)  # fmt: skip
PENGUINS = replace(
    DIGITS, dataset="penguins", modality="table", generator="interpolation", real_rows=200,
    made_rows=200, candidates=220, real_rounds=2, audit=None, label_errors=0.08,
)  # fmt: skip


def of(evidence: Evidence, **given: advice.Ease) -> dict[str, advice.Item]:
    """Answers by topic."""
    collect = advice.collection(evidence, given.get("collection"))
    verify = advice.verification(evidence, given.get("verification"))
    return {each.topic: each for each in advice.advise(evidence, collect, verify).items}


def test_digits_that_an_audit_vouches_for_may_be_drawn_freely() -> None:
    verify = advice.verification(DIGITS, None)
    assert (verify.ease, verify.given) == ("easy", False)
    assert "p below p*: p 0.013, p* 0.954" in verify.why
    found = of(DIGITS)
    assert found["generator"].answer == "diffusion, many candidates"
    assert found["regime"].answer == "accumulate"
    assert found["cost"].answer == "0.07 s for each accepted row"
    assert found["audit"].answer.startswith("100 rows")


def test_dialogues_without_classes_stay_near_to_real_parents() -> None:
    verify = advice.verification(DIALOGUE, None)
    assert verify.ease == "hard"
    assert "it sees form, not truth" in verify.why
    found = of(DIALOGUE)
    assert found["generator"].answer == "text with real exemplars (shots), or augment"
    assert "no more synthetic rows than real ones" in found["regime"].answer
    assert found["cost"].answer.endswith("and $0.0100")
    assert "385 rows" in found["audit"].answer


def test_a_table_that_grows_weighs_its_fresh_real_rows() -> None:
    assert advice.collection(PENGUINS, None).why == "2 rounds of real data came after round 0"
    assert (
        "neighbours find a share of 0.080 wrong labels" in advice.verification(PENGUINS, None).why
    )
    found = of(PENGUINS)
    assert found["generator"].answer == "interpolation"
    assert found["regime"].answer.endswith("fit.real_weight: 1.62")
    assert "stemma scaling penguins" in found["cost"].why


def test_what_is_said_takes_the_place_of_what_is_inferred() -> None:
    hard = of(DIGITS, verification="hard")
    assert hard["generator"].answer == "augment"
    easy = of(DIGITS, collection="easy")
    assert (
        easy["regime"].answer == "accumulate, with new real rows each round; fit.real_weight: 1.87"
    )
    assert advice.collection(DIGITS, "easy").given


@pytest.mark.parametrize(
    ("enough", "ease", "words"), [(False, "hard", "not below"), (None, "hard", "overlap")]
)
def test_an_audit_that_does_not_vouch_makes_verification_hard(
    enough: bool | None, ease: str, words: str
) -> None:
    audit = AuditFound("sheet", 0.4, 0.5, enough=enough)
    found = advice.verification(replace(DIGITS, audit=audit), None)
    assert found.ease == ease
    assert words in found.why


def test_nothing_is_made_up_where_no_round_is_there() -> None:
    empty = replace(DIGITS, made_rows=0, candidates=0, rounds=0, seconds=None, audit=None)
    found = of(empty)
    assert found["cost"].answer == "not measured"
    assert empty.acceptance is None
