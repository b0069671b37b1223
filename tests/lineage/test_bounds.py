"""Limits are read back as they are said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lineage.bounds import NO_LIMIT, Bounds, read, words

LIMITS = st.none() | st.floats(-1e9, 1e9, allow_subnormal=False)


@given(LIMITS, LIMITS, LIMITS, LIMITS)
def test_limits_are_read_back(
    least_warn: float | None,
    least_block: float | None,
    most_warn: float | None,
    most_block: float | None,
) -> None:
    said = words(Bounds(least_warn, least_block), Bounds(most_warn, most_block))
    given_limits = [
        ("warn", "<", least_warn),
        ("warn", ">", most_warn),
        ("block", "<", least_block),
        ("block", ">", most_block),
    ]
    expected = [
        (level, sign, float(f"{limit:g}"))
        for level, sign, limit in given_limits
        if limit is not None
    ]
    assert list(read(said)) == expected


def test_what_is_no_limit_is_left_out() -> None:
    assert list(read(NO_LIMIT)) == list(read("")) == list(read("warn <x, block, other >1")) == []
