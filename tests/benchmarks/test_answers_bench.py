"""The comparison of answers beside math-verify, on a part of the table."""

from __future__ import annotations

import json

import pytest

from benchmarks import answers as bench
from benchmarks.answers import Pair
from tests.pipelines.isolated import needs_sandbox

pytest.importorskip("math_verify", reason="the peer comes with the extra `benchmarks`")


@pytest.mark.bench
@needs_sandbox
def test_ours_passes_fewer_wrong_answers_and_fails_fewer_right_ones() -> None:
    pairs = [each for each in bench.table() if each.kind == "units"]
    ours = bench.counts(pairs, bench.ours(pairs))
    theirs = bench.counts(pairs, bench.math_verify(pairs, delimit=True))
    assert ours["false passes"] == ours["false fails"] == 0
    assert theirs["false passes"] >= 5
    assert theirs["false fails"] >= 10
    assert ours["right, unknown"] == 0


def test_what_math_verify_does_not_end_with_is_unknown_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bench, "SECONDS", 0.5)
    endless = Pair("k", "$1$", "$9^{9^{9^9}}$", right=False)
    pairs = [Pair("k", "7", "7", right=True), endless, Pair("k", "8", "8", right=True)]
    found = bench.math_verify(pairs, delimit=False)
    assert list(found.verdicts) == [True, None, True]
    table = bench.markdown(pairs, [found])
    assert table.splitlines()[2].startswith("| math-verify | 2 | 0 | 0 | 1 | 0 | 1 |")


@pytest.mark.bench
@needs_sandbox
def test_the_counts_are_printed_as_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "table", lambda: [Pair("k", "7", "7.0", right=True)])
    bench.main(["--json"])
    said = json.loads(capsys.readouterr().out)
    assert list(said) == ["ours", "math-verify", "math-verify, delimited"]
    assert {each["false fails"] for each in said.values()} == {0}
