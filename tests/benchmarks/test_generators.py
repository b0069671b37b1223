"""Generators side by side: a tiny table is measured, kept, tabled and drawn."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.crafted.added import tables
from benchmarks.generators import __main__, cases, contenders, plot, table, worlds
from benchmarks.generators.cases import Case, Result
from benchmarks.generators.contenders import UNSEEN
from benchmarks.generators.figures import Figures

ROWS = 120
NAMES = (UNSEEN, "training rows again", "interpolation")
OWN = """
from pipelines.generators.interpolation.generator import Interpolation

class Own(Interpolation):
    name = "own"
    version = "own/1"

    def fit(self, samples, settings, seed, directory):
        raise ValueError("nothing is learnt here")
"""
MEASURED = Figures(
    made=10,
    unreadable=0,
    accepted=4,
    stopped="",
    near_copies=0.2,
    shape={"recall": {"value": 0.6, "low": 0.5, "high": 0.7, "null": 0.9}},
    task="accuracy",
    scores={"real_only": 0.8, "alone": 0.7, "added": 0.85},
    gain={"value": 0.05, "low": -0.01, "high": 0.1},
    refused_by={"not_a_copy": 6},
    n=9,
)
MADE = Result(
    Case("jobs", "interpolation", 0), "k", "shipped", 50, 20, 10, MEASURED, {"fit_s": 2.0}, 0.0
)


def rows_of(seed: int) -> pl.DataFrame:  # noqa: ARG001  as the others
    draw = np.random.default_rng(1)
    label = np.asarray(["no", "yes"])[np.arange(ROWS) % 2]
    width = draw.normal(0, 1, ROWS) + 4 * (label == "yes")
    return pl.DataFrame({"width": width, "length": draw.normal(5, 2, ROWS), "label": label})


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set of its own, and a folder of results."""
    monkeypatch.chdir(tmp_path)
    craft = replace(tables.CRAFT, name="tiny", load=rows_of)
    monkeypatch.setitem(worlds.CRAFTS, "tiny", craft)
    own = [each for each in contenders.of_data("jobs") if each.name in NAMES]
    monkeypatch.setattr(contenders, "CONTENDERS", [replace(each, names=("tiny",)) for each in own])
    return tmp_path


@pytest.mark.slow  # a data set is planned, and models are trained on each set of rows
def test_generators_of_a_table_are_measured_kept_and_shown(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [Case("tiny", name, 1) for name in NAMES]
    made = {each.generator: cases.run_and_keep(each, tiny) for each in asked}
    unseen, again, between = (made[name].figures for name in NAMES)
    assert unseen is not None
    assert again is not None
    assert between is not None
    assert (again.near_copies, again.accepted, again.scores["alone"]) == (1.0, 0, None)
    assert again.refused_by == {"not_a_copy": again.made}
    assert unseen.near_copies < 0.1
    assert unseen.accepted / unseen.made > 0.6
    assert between.made == made["interpolation"].candidates == unseen.made == 30
    recalls = [each.shape["recall"]["value"] or 0 for each in (unseen, between)]
    assert min(recalls) > 0.5
    assert (between.scores["alone"] or 0) > 0.9
    before = {each.file: (tiny / each.file).stat().st_mtime_ns for each in asked}
    read = cases.run(asked, tiny, 1)
    assert [json.dumps(each.to_dict(), sort_keys=True) for each in read] == [
        json.dumps(made[name].to_dict(), sort_keys=True) for name in NAMES
    ]
    assert {each.file: (tiny / each.file).stat().st_mtime_ns for each in asked} == before
    monkeypatch.setattr(cases, "VERSION", "another")
    assert [cases.kept(tiny, each) for each in asked] == [None] * len(asked)


def test_a_generator_of_ones_own_is_found_from_where_it_was_named_in_every_case(tiny: Path) -> None:
    (tiny / "kept").mkdir()
    (tiny / "own.py").write_text(OWN, encoding="utf-8")
    asked, whole = [Case("tiny", "own.py", seed) for seed in (0, 1)], [str(tiny / "own.py")]
    made = [cases.run_and_keep(each, tiny / "kept", ["own.py"], whole) for each in asked]
    assert [each.failed for each in made] == ["ValueError: nothing is learnt here"] * 2
    assert [cases.kept(tiny / "kept", each, ["own.py"]) for each in asked] == made


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--candidates", "0"], "argument --candidates: '0' is no whole number above 0"),
        (["--seeds", "-1"], "argument --seeds: '-1' is no whole number above 0"),
        (["--data", "tables", "--only", "none.py", "--also", "none.py"], "none.py cannot be read"),
    ],
)
def test_what_cannot_be_run_is_said_in_a_sentence(
    given: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        __main__.main([*given, "--kept", str(tmp_path)])
    assert caught.value.code
    assert said in f"{caught.value.code} {capsys.readouterr().err}"


def test_a_table_has_means_with_their_range_and_what_nobody_measured() -> None:
    other = replace(
        MADE,
        case=replace(MADE.case, seed=1),
        figures=replace(MEASURED, shape={"recall": {"value": 0.7}}, accepted=6),
    )
    failed = replace(
        MADE, case=Case("jobs", "random forests", 0), figures=None, seconds={}, failed="no"
    )
    found = table.markdown([MADE, other, failed])
    assert table.stopped([MADE, failed]) == []
    halted = replace(MADE, figures=replace(MEASURED, stopped="every_class_asked"))
    assert "jobs, interpolation, seed 0: the suite would stop the round as a whole" in (
        table.markdown([halted])
    )
    head, ours, broken, nothing = (
        line.split(" | ") for line in found.splitlines() if line.startswith("| ")
    )
    assert "2 seeds" in found
    assert "50 training rows, 10 candidates, 20 test rows; shape on 9 rows" in found
    assert ours[head.index("recall")] == "0.65 (0.60 to 0.70)"
    assert ours[head.index("accepted")] == "0.50 (0.40 to 0.60)"
    assert ours[head.index("gain")] == "0.050"
    assert broken[head.index("recall")] == "–"
    assert nothing[head.index("added")] == "0.800"
    assert table.record([MADE, failed])["failed"] == [
        {"data": "jobs", "generator": "random forests", "reason": "no"}
    ]


def test_figures_are_drawn_between_their_ends() -> None:
    png = plot.draw([MADE, replace(MADE, case=Case("cells", UNSEEN, 0), standing="yardstick")])
    assert png.startswith(b"\x89PNG")
    assert [plot._share(value, "gain") for value in (-0.2, 0.0, 0.05, 3)] == pytest.approx(
        [0, 0.5, 0.75, 1]
    )
    assert plot._share(0.3, "recall") == 0.3


def test_every_data_set_has_what_others_are_measured_against() -> None:
    for names in worlds.DATA.values():
        for name in names:
            known = [each.name for each in contenders.of_data(name)]
            assert known[0] == UNSEEN
            assert len(set(known)) == len(known) > 3
