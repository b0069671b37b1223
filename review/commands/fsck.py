"""`stemma lake fsck`: check the embedded lake, and name what is wrong and what refers to it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lake.home import LakeHome
from lake.server.maintenance import fsck
from lake.server.maintenance.fsck import Problem, Report
from lake.visible import visible
from review.cli.byte_bar import byte_bar
from review.cli.output import make_console, number, print_json
from review.errors import Findings


def run(*, home: Path, as_json: bool) -> None:
    """Check the lake and print what was found.

    Raises:
        Findings: something is wrong in the lake.
    """
    lake = LakeHome(home.absolute())
    with byte_bar("checking") as tell:
        report = fsck.check(lake, tell)
    if as_json:
        print_json(_facts(report))
    else:
        make_console().print(summary(report), soft_wrap=True)
    if report.problems:
        sys.stdout.flush()
        raise Findings(
            f"{number(len(report.problems))} things are wrong in {lake.path}: restore them from a "
            "copy of the lake, or upload the objects again"
        )


def summary(report: Report) -> str:
    """What is wrong, one line per problem, then one on how much was checked."""
    lines = [_line(problem) for problem in report.problems]
    lines.append(
        f"checked {number(report.objects)} objects ({number(report.object_bytes)} bytes), "
        f"{number(report.blocks)} tree blocks, {number(report.commits)} commits, "
        f"{number(report.refs)} branches and tags, {number(report.staged)} staged paths: "
        f"{number(len(report.problems))} problems"
    )
    if report.unreferenced:
        lines.append(
            f"nothing refers to {number(report.unreferenced)} objects "
            f"({number(report.unreferenced_bytes)} bytes); `stemma lake gc` frees them"
        )
    return "\n".join(lines)


def _line(problem: Problem) -> str:
    item = problem.item
    name = f"{item.repository}/{item.name}" if item.repository else item.name
    lines = [visible(f"{item.kind} {name} is {problem.wrong}")]
    lines += [visible(f"  {user}") for user in problem.used_by]
    more = problem.users - len(problem.used_by)
    if more:
        lines.append(f"  and {number(more)} more")
    if not problem.users and item.kind in ("object", "block"):
        lines.append("  nothing refers to it")
    return "\n".join(lines)


def _facts(report: Report) -> dict[str, Any]:
    facts = asdict(report)
    facts["problems"] = [
        {**problem.pop("item"), **problem} for problem in map(dict, facts["problems"])
    ]
    return facts
