"""What a diff shows of the guard's checks: an objection is never hidden by what is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from review.diff import build, quality, sections
from review.diff.values import DataDiff


def manifest(verdicts: dict[str, str]) -> dict[str, Any]:
    checks = [{"name": name, "verdict": verdict} for name, verdict in verdicts.items()]
    return {"guard": {"verdict": "block", "checks": checks}}


@pytest.fixture
def of_verdicts(tmp_path: Path) -> Any:
    """Makes a diff whose right side has checks of some verdicts."""
    for side in ("left", "right"):
        pl.DataFrame({"k": [1], "n": [side]}).write_parquet(tmp_path / f"{side}.parquet")
    diff = build.diff_files(tmp_path / "left.parquet", tmp_path / "right.parquet", ["k"])

    def made(verdicts: dict[str, str]) -> DataDiff:
        return replace(diff, guard=quality.guard({}, manifest(verdicts)))

    return made


def shown(diff: DataDiff, *, whole: bool) -> list[str]:
    return [row[0] for row in sections.guard(diff, whole=whole).rows]


def counted(diff: DataDiff, *, whole: bool) -> list[str]:
    return [text for text in sections.sentences(diff, whole=whole) if text.startswith("checks of")]


def test_what_blocks_comes_before_what_was_not_measured(of_verdicts: Any) -> None:
    """A round of a table: seven figures that it lacks, a warning, and a check of its own."""
    missing = {f"image_{place}": "not measured" for place in range(7)}
    verdicts = missing | {"gap": "not applicable", "fine": "pass", "warned_rows": "warn"}
    diff = of_verdicts(verdicts | {"own": "block"})
    assert shown(diff, whole=False) == ["own", "warned_rows"]
    assert counted(diff, whole=False) == ["checks of the guard: 7 not measured, 1 not applicable"]
    assert shown(diff, whole=True) == ["own", "warned_rows", *missing, "gap"]
    assert counted(diff, whole=True) == counted(diff, whole=False)


def test_a_cut_keeps_the_worst_and_counts_the_others(of_verdicts: Any) -> None:
    warned = {f"check_{place}": "warn" for place in range(7)}
    diff = of_verdicts({"later": "postponed"} | warned | {"own": "block"})
    assert shown(diff, whole=False) == ["own", *(f"check_{place}" for place in range(5))]
    assert counted(diff, whole=False) == ["checks of the guard: 3 more objections"]
    assert shown(diff, whole=True) == ["own", *warned, "later"]
    assert counted(diff, whole=True) == []


def test_a_guard_without_objections_has_no_table(of_verdicts: Any) -> None:
    diff = of_verdicts({"fine": "pass"})
    assert (shown(diff, whole=False), counted(diff, whole=False)) == ([], [])
