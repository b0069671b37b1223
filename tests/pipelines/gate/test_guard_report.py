"""What is printed of the guard's answer fits the terminal and hides nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lineage import guard
from lineage.checks import RULES
from lineage.limits import Limits
from pipelines.common import console
from pipelines.gate import guard_report
from tests.lineage.digits import HEALTHY, hits

LEAKING = replace(HEALTHY, leaks=hits(*((row, True) for row in range(9))))


def test_the_table_is_aligned_and_fits(capsys: pytest.CaptureFixture[str]) -> None:
    guard_report.show(guard.judge(LEAKING, Limits()), include_passing=True)
    printed = capsys.readouterr().err.splitlines()
    assert max(len(line) for line in printed[1:]) <= console.WIDTH
    head = next(line for line in printed if line.startswith("check"))
    shown = next(line for line in printed if line.startswith("holdout_equal"))
    assert shown[head.index("verdict") :].startswith("BLOCK")
    assert shown[head.index("limit") :].startswith("block >0")
    assert shown[head.index("evidence") :].startswith("9 of 560")
    assert shown[: head.index("value") + len("value")].endswith("0.016")
    assert all(any(line.startswith(rule.name) for line in printed) for rule in RULES)


def test_checks_that_pass_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    healthy = guard.judge(HEALTHY, Limits())
    guard_report.show(healthy)
    passing = [item for item in healthy.checks if item.verdict == "pass"]
    assert capsys.readouterr().err.splitlines()[-1] == f"{len(passing)} more checks pass"
    guard_report.show(guard.judge(replace(HEALTHY, warned=None), Limits()))
    assert capsys.readouterr().err.splitlines()[-2:] == [
        f"{len(passing) - 1} more checks pass",
        "not measured: warned_rows",
    ]
    metrics = {**HEALTHY.metrics, "round": {}, "not_applicable": {"round": "rows are real"}}
    guard_report.show(guard.judge(replace(HEALTHY, metrics=metrics), Limits()))
    told = capsys.readouterr().err.splitlines()
    assert told[-1].startswith("not applicable, because rows are real: recall_round, ")
    assert not any(line.startswith("recall_round") for line in told)
    guard_report.show(guard.judge(LEAKING, Limits()))
    printed = capsys.readouterr().err
    assert printed.startswith("guard on round 2 of digits: block (holdout_equal)\n")
    assert "real_share" not in printed


def test_nothing_raw_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    result = guard.judge(LEAKING, Limits())
    (first, *rest) = result.checks
    hostile = replace(first, verdict="warn", evidence="\x1b[2J[bold]red[/bold]\u202e")
    guard_report.show(replace(result, checks=(hostile, *rest)))
    printed = capsys.readouterr().err
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "[bold]red[/bold]" in printed
