"""What processes of the sandbox report, in which nobody trusts what is run."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from pipelines.sandbox import answers as maths
from pipelines.sandbox import programs
from tests.fuzz.engine import fuzzed
from tests.fuzz.mutations import either, written

PAIR: Final = {"pair": 0, "correct": True, "says": ""}


@fuzzed(
    st.lists(st.one_of(either([{"ready": True}]), either([PAIR])), max_size=3).map(b"\n".join),
    reasons=1,
)
def test_reports_of_the_maths_sandbox(data: bytes) -> object:
    ready, found = maths._read(data)
    for each in found.values():
        assert each.correct in {True, False, None}
        assert len(each.says) <= maths.MAX_SAYS
        each.says.encode()
    assert data != written({"ready": True}).encode() or ready
    return found or None


REPORT: Final = {"result": "passed", "says": ""}


@fuzzed(either([REPORT, {"result": "failed", "says": "a"}]), reasons=1)
def test_reports_of_the_code_sandbox(data: bytes) -> object:
    found = programs._read(data)
    assert found is None or found[0] in programs.RESULTS
    assert data != written(REPORT).encode() or found == ("passed", "")
    return found
