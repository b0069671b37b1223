"""Stage report: what it writes of the rounds' files."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from pipelines.stages import report


def counts(passed: int, failed: int = 0, unknown: int = 0) -> dict[str, object]:
    counted = {"passed": passed, "failed": failed, "unknown": unknown}
    return {"severity": "critical", "level": "row", **counted}


def write(number: int, **expectations: dict[str, object]) -> None:
    place = Path("rounds/d") / str(number)
    place.mkdir(parents=True)
    (place / "verdicts.json").write_text(json.dumps(expectations), encoding="utf-8")
    (place / "metrics.json").write_text(json.dumps({"accuracy": number / 20}), encoding="utf-8")


def test_pass_rates_of_every_round_and_expectation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(10, a=counts(3, 1), b=counts(0, 0, 1))
    write(2, b=counts(1), a=counts(2, 1, 1))
    report.run("d")
    found = pl.read_csv("reports/d/pass_rates.csv")
    assert found.columns == list(report.PASS_RATES)
    assert found.select("round", "expectation", "pass_rate").rows() == [
        (2, "a", 0.5),
        (2, "b", 1.0),
        (10, "a", 0.75),
        (10, "b", 0.0),
    ]
    assert pl.read_csv("reports/d/history.csv").rows() == [(2, 0.1), (10, 0.5)]


def test_a_data_set_without_rounds_has_headings_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report.run("d")
    assert Path("reports/d/pass_rates.csv").read_text() == ",".join(report.PASS_RATES) + "\n"


def test_names_of_expectations_are_no_formulas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(1, **{"=HYPERLINK(1)": counts(1), "@x,y": counts(1)})
    report.run("d")
    lines = Path("reports/d/pass_rates.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1].startswith("1,'=HYPERLINK(1),critical")
    assert lines[2].startswith('1,"\'@x,y",critical')


def test_the_headline_is_of_the_last_round_and_fits_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in (2, 10):
        write(number)
        figures = {"macro_f1_mix": 0.9, "macro_f1_real_only": 0.8, "accuracy_mix": 0.1}
        more = {"accuracy_real_only": 0.1, "recall_round": number / 20, "real_share": 0.5}
        place = Path("rounds/d") / str(number)
        (place / "metrics.json").write_text(json.dumps(figures | more), encoding="utf-8")
    answer = {"verdict": "block", "blocking": "recall_mix"}
    (place / "guard.json").write_text(json.dumps(answer), encoding="utf-8")
    report.run("d")
    assert json.loads(Path("reports/d/headline.json").read_text(encoding="utf-8")) == {
        "d": {
            "round": 10,
            "guard": "block",
            "macro_f1": 0.9,
            "real_only": 0.8,
            "recall": 0.5,
            "real_share": 0.5,
        }
    }


def test_the_headline_of_a_round_that_was_not_judged_says_so() -> None:
    assert report.headline([{"round": 3, "recall_round": 0.5}], {}) == {
        "round": 3,
        "guard": "not judged",
        "recall": 0.5,
    }
    assert report.headline([], {}) == {"round": 0}
