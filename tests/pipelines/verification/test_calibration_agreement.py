"""Agreement of several people's sheets, in the record of an audit."""

from __future__ import annotations

import json
from collections.abc import Mapping

import polars as pl
import pytest

from pipelines.common.errors import DataError
from pipelines.verification.calibrations import agreement, records
from pipelines.verification.calibrations.records import Agreement
from tests.pipelines.verification.test_calibrations import record


def answers(said: Mapping[int, bool | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [(row, bytes([row]), right) for row, right in said.items()],
        schema={"row": pl.Int64, "sample_id": pl.Binary, "right": pl.Boolean},
        orient="row",
    )


def test_alpha_is_of_the_candidates_that_two_answered_about() -> None:
    ada = answers({0: True, 1: True, 2: False, 3: True, 4: None})
    bob = answers({0: True, 1: False, 2: False, 4: True})
    found = agreement.among({"Bob": bob, "Ada": ada, "Cid": answers({9: True})})
    assert found is not None
    assert (found.reviewers, found.samples) == (("Ada", "Bob"), 3)
    assert found.alpha == pytest.approx(1 - 5 * 2 / 18)


@pytest.mark.parametrize("bob", [{}, {1: True}, {0: None}])
def test_it_is_not_measured_of_fewer_than_two(bob: Mapping[int, bool | None]) -> None:
    assert agreement.among({"Ada": answers({0: True}), "Bob": answers(bob)}) is None


def test_answers_that_are_all_the_same_define_no_alpha() -> None:
    same = answers({0: True, 1: True})
    found = agreement.among({"Ada": same, "Bob": same})
    assert found == Agreement(reviewers=("Ada", "Bob"), samples=2, alpha=None)
    told = agreement.told(record("sheet").model_copy(update={"agreement": found}))
    assert told.endswith("of Ada, Bob on 2 candidates: not defined, as all answers are the same")


def test_a_record_says_it_and_one_without_is_as_earlier_releases_wrote_it() -> None:
    plain = record("sheet")
    assert not {"reviewer", "agreement"} & json.loads(records.encoded(plain)).keys()
    assert records.parse(records.encoded(plain), "here") == plain
    assert agreement.told(plain).startswith("agreement not measured")
    assert agreement.told(record()) == ""
    agreed = Agreement(reviewers=("Ada", "Bob"), samples=3, alpha=0.5)
    full = records.named(plain, "Ada").model_copy(update={"agreement": agreed})
    assert records.parse(records.encoded(full), "here") == full
    with pytest.raises(DataError, match="is no name of at most 100 characters"):
        records.named(plain, "two\nlines")
