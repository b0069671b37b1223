"""`stemma doctor`: what this machine has and lacks, to read and to put into a report of a fault."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Final

from review.cli.output import make_console, print_json, sentence, table
from review.doctor.examination import Finding, examine

STYLES: Final = {"there": "green", "missing": "yellow", "off": "bright_black"}
_SUMMARY: Final = "Everything that was looked for is there."


def run(*, as_json: bool) -> None:
    """Print what there is and what is missing, with the command that brings it."""
    found = list(examine(Path.cwd()))
    missing = [each for each in found if each.state == "missing"]
    if as_json:
        print_json({"findings": [asdict(each) for each in found], "missing": len(missing)})
        return
    out = make_console()
    for area, findings in groupby(found, key=lambda each: each.area):
        shown = [each for each in findings if each.state != "off" or area == "project"]
        if shown:
            rows = [(each.name, each.state, each.detail) for each in shown]
            out.print(table(area, ("name", "state", "detail"), rows))
    _say_missing(missing)


def _say_missing(missing: list[Finding]) -> None:
    out = make_console()
    if not missing:
        out.print(_SUMMARY)
        return
    out.print("Missing, and how to get it:")
    width = max(len(each.remedy) for each in missing)
    for each in missing:
        out.print(
            sentence(f"  {each.remedy.ljust(width)}  # {each.name}: {each.detail}"), soft_wrap=True
        )
