"""What the audit of a history finds in the guard's answers of a take-down's record."""

from __future__ import annotations

import polars as pl
import pytest

from lineage.errors import GuardError
from lineage.guard import Check, GuardResult
from pipelines.gate import takedown_guard
from pipelines.takedown import record
from pipelines.takedown.record import JudgedMain, TakedownRecord

ROWS = pl.DataFrame(
    [("words", 0, 5, bytes(32), "named", True), ("other", 1, 5, bytes(32), "named", False)],
    schema=record.ROW,
    orient="row",
)
MAIN = "a" * 64


def answer(verdict: str = "pass", override: str | None = None, rows: str = "r") -> JudgedMain:
    checks = (Check("real_share", 0.5, "block <0.2", verdict, "counted"),)  # type: ignore[arg-type]
    result = GuardResult("words", 1, checks, "limits").bound_to(
        MAIN, override=override, digests={"rows": rows, "entries": "e"}
    )
    return JudgedMain(answer=result.to_dict())


def made(guard: dict[str, JudgedMain]) -> TakedownRecord:
    """A record as the lake gives it back."""
    written = TakedownRecord(
        name="letter",
        who="a",
        created=1_700_000_000,
        reason="they asked",
        ids=("0" * 64,),
        main=MAIN,
        policies={},
        rounds=(),
        counts={},
        rows_digest="r",
        entries_digest="e",
        guard=guard,
    )
    return record.parse(record.encoded(written), "letter")


@pytest.mark.parametrize(
    "judged",
    [answer(), answer("block", "the law"), JudgedMain(why="main holds no round of it")],
)
def test_an_answer_or_why_there_is_none(judged: JudgedMain) -> None:
    assert not list(takedown_guard.faults(made({"words": judged}), ROWS))


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        ({}, "does not say what the guard said of words"),
        ({"other": answer()}, "does not say what the guard said of words"),
        ({"words": JudgedMain()}, "does not say what the guard said of words"),
        ({"words": answer(rows="of others")}, "is about another main or other rows"),
        ({"words": answer("block")}, "the guard blocked words without its rows (real_share)"),
    ],
)
def test_what_is_wrong(guard: dict[str, JudgedMain], said: str) -> None:
    (fault,) = takedown_guard.faults(made(guard), ROWS)
    assert said in fault


def test_an_altered_answer_is_none() -> None:
    content = dict(answer("block").answer or {}) | {"verdict": "pass", "blocking": []}
    with pytest.raises(GuardError):
        list(takedown_guard.faults(made({"words": JudgedMain(answer=content)}), ROWS))
