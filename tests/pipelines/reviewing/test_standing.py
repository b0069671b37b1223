"""An edit upon an edit keeps what stands."""

from __future__ import annotations

from typing import Any, cast

import polars as pl
import pytest

from pipelines.common.errors import ReviewError
from pipelines.params import Round
from pipelines.reviewing import edits, standing
from pipelines.reviewing.choice import Choice
from pipelines.reviewing.decisions import of_records
from pipelines.reviewing.record import digest
from pipelines.reviewing.standing import StandingEdit
from tests.pipelines.reviewing.test_record import kept

CANDIDATE: dict[str, Any] = {"row": 7, "prompt": "p", "answer": "a", "label": 1}
ROUND = cast("Round", object())  # which only an error names
BOTH = {"prompt": "q", "answer": "b"}


def corrected(before: StandingEdit, **texts: str) -> Choice:
    choice = Choice("correct", "why", texts=texts)
    return standing._corrected(CANDIDATE, choice, {7: before}, ROUND)


@pytest.mark.parametrize(
    ("before", "given", "texts", "label"),
    [
        (StandingEdit(), {"answer": "b"}, {"answer": "b"}, None),
        (StandingEdit(None, {"answer": "b"}), {"prompt": "q"}, BOTH, None),
        (StandingEdit(None, {"answer": "b"}), {"answer": "c"}, {"answer": "c"}, None),
        (StandingEdit("2"), {"answer": "b"}, {"answer": "b"}, "2"),
        (StandingEdit("2", {"prompt": "q"}), {"answer": "b"}, BOTH, "2"),
        (StandingEdit(None, BOTH), {"answer": "a"}, {"prompt": "q"}, None),
    ],
)  # fmt: skip
def test_a_correction_keeps_the_label_and_the_texts_that_stand(
    before: StandingEdit, given: dict[str, str], texts: dict[str, str], label: str | None
) -> None:
    found = corrected(before, **given)
    assert (found.action, found.texts, found.label) == ("correct", texts, label)


def test_a_text_that_is_put_back_leaves_the_label_alone() -> None:
    found = corrected(StandingEdit("2", {"answer": "b"}), answer="a")
    assert (found.action, found.texts, found.label) == ("relabel", {}, "2")


@pytest.mark.parametrize(
    "before", [StandingEdit(None, {"answer": "b"}), StandingEdit("2", {"answer": "b"})]
)
def test_what_stands_already_is_no_correction(before: StandingEdit) -> None:
    with pytest.raises(ReviewError, match="nothing is corrected"):
        corrected(before, answer="b", prompt="p")


def test_a_row_is_made_with_the_label_and_the_texts_of_its_record() -> None:
    record = kept("ada", "correct", label="2", texts={"answer": "b"})
    found = of_records([kept("bob", "relabel", label="2"), record])
    assert found.texts == {digest(record.record): {"answer": "b"}}
    block = pl.DataFrame([{"round": 3, "sample_id": b"x", **CANDIDATE}])
    made = edits.made_of(
        block, edits.numbered(found, 24), answer="label", identity=("prompt", "answer")
    )
    assert made.select("row", "prompt", "answer", "label", "edits").rows() == [(24, "p", "b", 2, 7)]
