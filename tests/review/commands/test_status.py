"""What `stemma status` shows of rounds: the figure that their data has, and what ingest said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.inquiry import ingest_summary, overview
from pipelines.takedown.record import TakedownRecord, TouchedRound
from review.cli.output import make_console
from review.commands import status

SPLITS = {"train": 6, "validation": 2, "test": 2}


def shown(capsys: pytest.CaptureFixture[str], *entries: dict[str, Any]) -> str:
    common: dict[str, Any] = {
        "state": "published",
        "tag": "own-v1",
        "commit": "f" * 64,
        "guard": None,
        "pages": {},
    }
    rounds = [
        {"round": at, "counts": {}, "metrics": {}, "ingest": {}, **common, **entry}
        for at, entry in enumerate(entries)
    ]
    make_console().print(status._rendered("own", {"rounds": rounds, "open": []}))
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("metrics", "titles", "values"),
    [
        (
            {"task": "r2", "summary": {"r2_mix": 0.31, "r2_real_only": 0.29}},
            ("r2", "real only"),
            ("0.310", "0.290"),
        ),
        (
            {"task": "inverse-perplexity", "summary": {"inverse-perplexity_mix": 0.159,
             "inverse-perplexity_real_only": 0.148}},
            ("inverse-perplexity", "real only"),
            ("0.159", "0.148"),
        ),
        (
            {"task": "macro_f1", "summary": {"accuracy_mix": 0.9, "accuracy_real_only": 0.8,
             "macro_f1_mix": 0.7, "macro_f1_real_only": 0.6, "c2st_round": 0.5, "c2st_null": 0.4}},
            ("macro-f1", "real only"),
            ("0.700", "0.600"),
        ),
        (
            {"summary": {"accuracy_mix": 0.9, "accuracy_real_only": 0.8}},
            ("accuracy", "real only"),
            ("0.900", "0.800"),
        ),
        (
            {"task": "macro_f1", "summary": {"c2st_round": 0.61, "c2st_null": 0.52}},
            ("c2st", "c2st of real"),
            ("0.610", "0.520"),
        ),
    ],
)  # fmt: skip
def test_the_figure_that_the_data_has_is_shown(
    capsys: pytest.CaptureFixture[str],
    metrics: dict[str, Any],
    titles: tuple[str, str],
    values: tuple[str, str],
) -> None:
    out = shown(capsys, {}, {"metrics": metrics})
    head = [cell.strip() for cell in out.splitlines()[2].strip("┃").split("┃")]
    last = [cell.strip() for cell in out.splitlines()[5].strip("│").split("│")]
    assert tuple(head[7:9]) == titles
    assert tuple(last[7:9]) == values


def test_what_an_ingest_left_out_and_found_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = Path("rounds/own/0/ingest.json")
    place.parent.mkdir(parents=True)
    report = {
        "splits": SPLITS,
        "columns": {"used": ["text"], "passed_over": ["seen"]},
        "left_out": [{"why": "is a hidden file", "count": 3, "examples": [".\x1b[31m"]}],
        "notes": ["it has semicolons"],
        "personal_data": {"policy": "redact", "counts": {"email": 2}, "rows": 1},
    }
    place.write_text(json.dumps(report))
    manifest = {"counts": SPLITS, "ingest": {"notes": ["of the manifest"]}}
    read = ingest_summary.read("own", 0, manifest).to_dict()
    assert read["personal_data"]["counts"] == {"email": 2}
    said = " ".join(shown(capsys, {"ingest": read}).split())
    assert "3 files left out: '.\\x1b[31m' and 2 more (is a hidden file)" in said
    assert "columns not used: seen; personal data: email 2 in 1 row (pii: redact)" in said

    of_another = {"counts": SPLITS | {"train": 7}, "ingest": {"notes": ["of the manifest"]}}
    assert ingest_summary.read("own", 0, of_another).sentence() == "of the manifest"
    place.write_text("[")
    assert ingest_summary.read("own", 0, manifest).sentence() == "of the manifest"
    damages: tuple[object, ...] = (None, [], {"left_out": 3}, {"notes": [[]]})
    for damaged in damages:
        assert ingest_summary.IngestSummary.of(damaged).sentence() is None


def test_what_figures_were_measured_on_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    sampled = {"rows": 20_000, "of": {"accepted": 1_000_000}, "standard_error": 0.003536}
    said = " ".join(shown(capsys, {"metrics": {"sampled": sampled}}).split())
    assert "round 0: figures are measured on 20,000 rows each of 1,000,000 of accepted" in said
    assert "a share of so many has a standard error of 0.35% at most" in said
    nonsense = {"rows": "x", "of": {}, "standard_error": 1}
    for damaged in (
        None,
        3,
        {},
        nonsense,
        *(sampled | each for each in ({"of": 1}, {"of": {}}, {"rows": float("inf")})),
    ):
        assert "measured on" not in shown(capsys, {"metrics": {"sampled": damaged}})


@pytest.mark.parametrize(
    ("named", "direct", "says"),
    [
        (1, 0, "1 sample and 0 made from it"),
        (1, 3, "1 sample and 3 made from it"),
        (2, 1, "2 samples and 1 made from them"),
    ],
)
def test_what_was_taken_down_is_counted_in_its_number(named: int, direct: int, says: str) -> None:
    part = TouchedRound.model_construct(named=named, direct=direct)
    taken = TakedownRecord.model_construct(
        name="letter-12", created=0, reason="a\nletter", rounds=(part,), tags={}
    )
    expected = f"taken down on 1970-01-01 because a letter (letter-12): {says}"
    assert status._taken_down(taken) == expected


def test_real_rows_that_weigh_more_than_others_are_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = shown(capsys, {}, {"real_weight": 1.618034})
    assert "own-1 learned from real rows that weigh 1.62 each, and generated ones that" in out
    assert "own-0 learned" not in out
    assert overview._weight({"mix": {"real_weight": 1.0}}) == overview._weight({}) == {}
    mix = {"real_weight": 2.5, "real_share": 0.4}
    assert overview._weight({"mix": mix}) == {"real_weight": 2.5}
    for other in ({"real_share": 0.0}, {"real_weight": "x"}, {"real_weight": float("nan")}):
        assert overview._weight({"mix": mix | other}) == {}
