"""What a merge tells of an override, whoever wrote its metadata."""

from __future__ import annotations

import pytest

from lake.values import Commit
from pipelines.gate import guard_record
from pipelines.inquiry import overrides


def merge(checks: str, created: int = 0) -> Commit:
    metadata = {guard_record.OVERRIDE: "fine", guard_record.CHECKS: checks}
    return Commit("a" * 64, ("b" * 64, "c" * 64), "merged", metadata, created, "ada")


def test_who_when_and_why_are_said() -> None:
    found = overrides.of_merge(merge('{"leaks": "block", "memorised": "pass"}'))
    assert found is not None
    assert found.blocking == ("leaks",)
    assert found.sentence == (
        "published although the guard blocked it (leaks), by ada on 1970-01-01 00:00 UTC: fine"
    )


@pytest.mark.parametrize("checks", ["[" * 100_000, "{", "[]", '"x"', "7"])
def test_checks_that_cannot_be_read_name_none(checks: str) -> None:
    found = overrides.of_merge(merge(checks))
    assert found is not None
    assert found.blocking == ()


@pytest.mark.parametrize(("created", "year"), [(1 << 60, "9999"), (-(1 << 60), "0001")])
def test_a_time_that_there_is_not_is_the_nearest(created: int, year: str) -> None:
    found = overrides.of_merge(merge("{}", created))
    assert found is not None
    assert found.to_dict()["when"].startswith(year)
