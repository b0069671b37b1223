"""The account of a round fits a terminal of 80 columns, with whole words and numbers."""

from __future__ import annotations

import io

from rich.console import Console

from pipelines.inquiry.losses.endings import (
    ACCEPTED,
    FAILED,
    NEVER_ASKED,
    OUTCOMES,
    REJECTED,
    SUPERSEDED,
    Ending,
    RoundLosses,
    VersionBefore,
)
from review.commands import losses

ID = "6d9fb93cd425"
ERROR = "the service answered 503: \x1b[2Joverloaded, try again " + "later " * 400
FOUND = RoundLosses(
    dataset="dialogue",
    round=12,
    commit="0123456789abcdef",
    state="published",
    planned=1_234_567,
    made=1_134_567,
    unmade=(
        Ending(FAILED, 60_000, "generate", ERROR),
        Ending(NEVER_ASKED, 40_000, "generate", "enough rows were accepted before"),
    ),
    judged=(
        Ending(REJECTED, 134_567, "curate", "candidate_distance_known", 200_000, (ID,)),
        Ending(ACCEPTED, 1_000_000),
    ),
    before=VersionBefore(
        "ab", 2_000_000, (Ending(SUPERSEDED, 2_000_000, reason="round 12", examples=(ID,)),)
    ),
)


def test_a_round_fits_80_columns_with_whole_words_and_numbers() -> None:
    out = Console(width=80, file=io.StringIO(), markup=False, emoji=False, highlight=False)
    for part in losses._rendered(FOUND):
        out.print(part)
    told = out.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, told.splitlines())) <= 80
    words = ("1,234,567", "1,134,567", "1,000,000", "134,567", "2,000,000", "never", "asked")
    assert [word for word in words if word not in told] == []
    assert "candidate_distance_known" in told
    assert told.count(ID) == 2
    assert "\x1b" not in told
    assert len(told) < 6000
    several = "was a reason of 200,000 rows, and the first one of 134,567 of them"
    assert several in " ".join(told.split())


def test_rounds_with_every_outcome_fit_80_columns() -> None:
    every = RoundLosses(
        dataset="dialogue",
        round=3,
        commit="ab",
        state="in progress",
        planned=None,
        made=len(OUTCOMES) * 1000,
        unmade=(),
        judged=tuple(Ending(name, 1000) for name in OUTCOMES),
    )
    out = Console(width=80, file=io.StringIO(), markup=False, emoji=False, highlight=False)
    for part in losses._by_round("dialogue", [every]):
        out.print(part)
    told = out.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, told.splitlines())) <= 80
    assert told.count("1,000") == len(OUTCOMES)
