"""Experiments run, go on where they were ended, are judged, and are written as a page."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from experiments import __main__ as command
from experiments import known_failures, page, registry, running, strong_collapse
from experiments.experiment import Experiment, Part, mean_of, quantile_of

ROOT = Path(__file__).resolve().parents[2]
SHORT = registry.load("E9")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> str:
    """A formula that is wrong, and what its finding is called."""
    monkeypatch.setattr(strong_collapse, "floor", lambda: 0.02)
    return "error on 128,000 rows, a tenth synthetic"


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """A long experiment that is short here."""
    monkeypatch.setattr(strong_collapse, "ROWS", (500, 2000))
    return replace(SHORT, long=True)


def test_a_long_experiment_goes_on_with_the_parts_that_are_missing(
    long: Experiment, tmp_path: Path
) -> None:
    measured: list[str] = []
    ended = True

    def counted(name: str, seed: int) -> Part:
        if ended and measured:
            raise KeyboardInterrupt
        measured.append(name)
        return long.parts[name](seed)

    counting = replace(long, parts={name: partial(counted, name) for name in long.parts})
    assert running.from_kept(counting, 3, tmp_path) is None
    with pytest.raises(KeyboardInterrupt):
        running.run(counting, 3, tmp_path)
    assert measured == list(long.parts)[:1]
    assert running.from_kept(counting, 3, tmp_path) is None
    ended = False
    found = running.run(counting, 3, tmp_path)
    assert measured == list(long.parts)
    assert found.parts == running.run(replace(long, long=False), 3, tmp_path / "other").parts
    again = running.from_kept(counting, 3, tmp_path)
    assert again is not None
    assert again.parts == found.parts
    running.run(replace(counting, version=2), 3, tmp_path)
    assert measured == [*long.parts, *long.parts]


def test_the_command_prints_what_it_found(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    place = tmp_path / "page.md"
    assert command.main(["E9", "--json", "--page", str(place)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["seed"] == 0
    assert [each["name"] for each in found["experiments"]] == ["E9"]
    finding = found["experiments"][0]["findings"][0]
    assert finding["theirs"] == pytest.approx(0.01)
    assert finding["ours"]["low"] < finding["ours"]["value"] < finding["ours"]["high"]
    assert not place.exists()


def test_a_criterion_that_fails_ends_with_1_unless_it_is_listed(
    failing: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert command.main(["E9"]) == 1
    said = capsys.readouterr()
    assert f"E9: the criterion of '{failing}' fails" in said.err
    assert "FAILS" in said.out
    known = {("E9", failing): "the formula was changed"}
    monkeypatch.setattr(known_failures, "read", lambda: known)
    assert command.main(["E9"]) == 0
    outcome = running.run(SHORT, 0, tmp_path)
    page.write([outcome], [], 0, known, tmp_path / "page.md")
    assert "**fails**: the formula was changed |" in (tmp_path / "page.md").read_text()


def test_what_is_listed_and_does_not_fail_is_said(tmp_path: Path) -> None:
    outcome = running.run(SHORT, 0, tmp_path)
    name = outcome.findings[0].name
    for finding in (name, "no such figure"):
        said = known_failures.unexpected([outcome], {("E9", finding): "it failed once"})
        assert said == [
            f"E9: known_failures.toml lists '{finding}', which does not fail; take it from there"
        ]
    assert known_failures.unexpected([outcome], {("E1", "error"): "of another experiment"}) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[[failure]", "is no TOML"),
        ('[[failure]]\nexperiment = "E1"\nfinding = "error"', "needs experiment, finding, reason"),
        (
            '[[failure]]\nexperiment = "E0"\nfinding = "error"\nreason = "none"',
            "lists E0, which is no experiment",
        ),
    ],
)
def test_a_list_of_failures_that_is_wrong_ends_the_command(
    content: str, sentence: str, tmp_path: Path
) -> None:
    place = tmp_path / "known.toml"
    place.write_text(content)
    with pytest.raises(SystemExit, match=sentence):
        known_failures.read(place)


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        command.main(["E0"])
    assert error.value.code == 2
    assert "no experiment is called E0; there are E1, E2" in capsys.readouterr().err


def test_the_page_has_every_experiment_with_a_plot(long: Experiment, tmp_path: Path) -> None:
    outcome = running.run(SHORT, 0, tmp_path)
    place = tmp_path / "page.md"
    page.write([outcome], [replace(long, name="later")], 0, {}, place)
    text = place.read_text()
    assert "| E9 |" in text
    assert "## later: " in text
    assert "Not run; `python -m experiments later` does." in text
    with Image.open(tmp_path / "images" / "experiments" / "E9.png") as picture:
        assert picture.width > 400
        assert len(picture.convert("RGB").getcolors(1 << 16) or []) > 8


def test_the_committed_page_and_list_are_about_the_experiments_there_are() -> None:
    text = (ROOT / "docs" / "experiments.md").read_text()
    for name in registry.MODULES:
        about = registry.load(name)
        assert about.name == name
        assert f"## {name}: {about.title}" in text
        assert about.setup in text
        assert (ROOT / "docs" / "images" / "experiments" / f"{name}.png").exists()
    assert all(name in registry.MODULES for name, _ in known_failures.read())


def test_intervals_are_those_of_the_textbook() -> None:
    import numpy as np  # noqa: PLC0415  of this test alone

    four = mean_of(np.asarray([1.0, 2.0, 3.0, 4.0]))
    assert (four.low, four.high) == pytest.approx((2.5 - 2.0542, 2.5 + 2.0542), abs=1e-3)
    ranks = quantile_of(np.arange(1.0, 10_001.0), 0.5)
    assert (ranks.value, ranks.low, ranks.high) == pytest.approx((5000.5, 4902.5, 5098.5), abs=1)
