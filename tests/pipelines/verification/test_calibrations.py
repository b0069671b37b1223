"""Counts and estimates of an audit, and how a calibration applies to a round's candidates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest

from lineage import schema
from pipelines.common.errors import DataError
from pipelines.verification.calibrations import applied, records, tallies
from pipelines.verification.calibrations.merges import Stored
from pipelines.verification.calibrations.records import Candidates, Record

SUITE = "ab" * 32
Words = Mapping[str, tuple[str, str]]
"""Severity and verdict by expectation."""


def verdicts(rows: Mapping[int, Words]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (1, row, name, severity, verdict, None, None)
            for row, words in rows.items()
            for name, (severity, verdict) in words.items()
        ],
        schema=schema.VERDICTS,
        orient="row",
    )


def words(critical: str, warning: str = "passed") -> Words:
    return {"label": ("critical", critical), "shape": ("warning", warning)}


def truth(*rows: tuple[bool, str | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [(1, row, right, kind) for row, (right, kind) in enumerate(rows)],
        schema={"round": pl.Int32, "row": pl.Int64, **tallies.TRUTH},
        orient="row",
    )


JUDGED = verdicts(
    {
        0: words("passed"),
        1: words("passed", "failed"),
        2: words("unknown"),
        3: words("failed"),
        4: words("passed", "unknown"),
        5: words("passed"),
    }
)
TRUTH = truth(
    (True, None), (True, None), (True, None), (False, "blank"), (False, "blank"), (False, "copied")
)


def record(source: str = "planted", **changes: Any) -> Record:
    known_truth = TRUTH if source == "planted" else TRUTH.with_columns(kind=pl.lit(None, pl.String))
    findings = records.findings(known_truth, JUDGED, JUDGED, digest="mine")
    content = {
        "source": source,
        "dataset": "tiny",
        "round": 1,
        "commit": "c" * 64,
        "suite_digest": SUITE,
        "verify": {"block_rows": 4},
        "asked": 6,
        "answered": 6,
        "suite": findings.pop(None),
        "expectations": findings,
    }
    return Record.model_validate({**content, **changes})


def test_unknown_is_not_kept_and_a_warning_keeps() -> None:
    suite = record().suite.tally
    assert (suite.correct, suite.correct_kept, suite.wrong, suite.wrong_kept) == (3, 2, 3, 2)
    shape = record().expectations["shape"]
    assert (shape.severity, shape.tally.correct_kept, shape.tally.wrong_kept) == ("warning", 2, 2)
    assert record().suite.candidates == Candidates(digest="mine", rows=6, kept=4)


def test_kinds_are_counted_by_themselves_against_all_right_rows() -> None:
    kinds = record().suite.kinds
    counted = {
        kind: (tally.correct, tally.correct_kept, tally.wrong, tally.wrong_kept)
        for kind, tally in kinds.items()
    }
    assert counted == {"blank": (3, 2, 2, 1), "copied": (3, 2, 1, 1)}
    assert not record("sheet").suite.kinds


def test_a_sheet_shows_p_and_planted_errors_do_not() -> None:
    assert record("sheet").suite.estimates["error"]["value"] == 0.5
    assert record().suite.estimates["error"]["value"] is None  # φ is ψ, so p cannot be told


def test_verdicts_about_the_round_count_for_nothing() -> None:
    whole = pl.DataFrame(
        [(1, None, "enough", "critical", "failed", 3.0, None)],
        schema=schema.VERDICTS,
        orient="row",
    )
    findings = records.findings(TRUTH, pl.concat([JUDGED, whole]), JUDGED, digest="mine")
    assert findings == records.findings(TRUTH, JUDGED, JUDGED, digest="mine")
    with pytest.raises(DataError, match="judges no single row"):
        records.findings(TRUTH, whole, whole, digest="mine")


def test_an_expectation_that_planted_rows_cannot_show_is_left_out() -> None:
    more = verdicts({row: {"depth": ("critical", "passed")} for row in range(6)})
    findings = records.findings(TRUTH, JUDGED, pl.concat([JUDGED, more]), digest="mine")
    assert list(findings) == [None, "label", "shape"]


def large(source: str, **kinds: tuple[int, int]) -> Record:
    """400 right rows, of which 390 are kept, and wrong rows by kind: all, and kept."""
    right = {"correct": 400, "correct_kept": 390}
    wrong = sum(rows for rows, _ in kinds.values())
    wrong_kept = sum(kept for _, kept in kinds.values())
    suite = record(source).suite.model_copy(
        update={
            "tally": records.Tally(**right, wrong=wrong, wrong_kept=wrong_kept),
            "kinds": {
                kind: records.Tally(**right, wrong=rows, wrong_kept=kept)
                for kind, (rows, kept) in kinds.items()
            }
            if source == "planted"
            else {},
        }
    )
    return record(source, suite=suite.model_dump())


def described(calibration: Record, digest: str, kept: int) -> dict[str, Any]:
    return applied.describe(
        Stored(calibration, "place"), Candidates(digest=digest, rows=1000, kept=kept)
    )


def test_the_worst_kind_counts() -> None:
    calibration = large("planted", blank=(100, 0), corrupted=(100, 40), copied=(100, 5))
    worst = described(calibration, "other", 930)
    assert worst["kind"] == "corrupted"
    assert worst["keep_wrong"]["value"] == 0.4
    bounds = [
        described(large("planted", **{kind: counts}), "other", 930)
        for kind, counts in {"blank": (100, 0), "copied": (100, 5)}.items()
    ]
    assert all(bound["error"]["high"] <= worst["error"]["high"] for bound in bounds)
    assert all(bound["threshold"]["low"] >= worst["threshold"]["low"] for bound in bounds)


def test_p_follows_from_the_share_of_the_round_at_hand() -> None:
    calibration = large("planted", blank=(400, 0))
    for kept, error in ((975, 0.0), (780, 0.2), (390, 0.6)):
        assert described(calibration, "other", kept)["error"]["value"] == pytest.approx(error)


def test_a_persons_audit_shows_p_of_its_own_candidates_only() -> None:
    calibration = large("sheet", any=(100, 10))
    assert described(calibration, "mine", 500)["error"]["value"] == 0.2
    assert described(calibration, "other", 975)["error"]["value"] == 0.0
    assert described(calibration, "other", 975)["kind"] is None


def test_a_record_is_void_for_another_suite_or_other_settings() -> None:
    stored = record()
    assert stored.holds_for(SUITE, {"block_rows": 4})
    assert not stored.holds_for("cd" * 32, {"block_rows": 4})
    assert not stored.holds_for(SUITE, {"block_rows": 5})


def test_a_record_is_read_as_it_was_written() -> None:
    stored = record()
    assert records.parse(stored.model_dump_json().encode(), "here") == stored
    with pytest.raises(DataError, match="here is not a calibration"):
        records.parse(b"{}", "here")
