"""Lines of rounds are summarised as the guard saw them, and a regime that differs is told."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from experiments import page, regimes, regimes_found, running
from experiments.experiment import Part
from experiments.regimes_found import ACCUMULATE, REPLACE, SUBSAMPLE, VERIFIED


def line(
    gained: list[float],
    blocks: dict[str, list[int]] | None = None,
    *,
    recall: tuple[float, float] = (0.9, 0.85),
    wide: float = 0.001,
) -> Part:
    """A line of as many rounds as there are values, and the rounds that checks block."""
    count = len(gained)
    curves = {
        "score": [(at + 1.0, 0.9 + value) for at, value in enumerate(gained)],
        "gained": [(at + 1.0, value) for at, value in enumerate(gained)],
        "gained, high": [(at + 1.0, value + wide) for at, value in enumerate(gained)],
        "recall_mix": [(1.0, recall[0]), (float(count), recall[1])],
        "recall_null": [(1.0, 1.0), (float(count), 1.0)],
        "variance_round": [(1.0, 1.0), (float(count), recall[1])],
        "rare_recall_round": [(1.0, 0.8), (float(count), recall[1] - 0.2)],
        "accepted": [(1.0, 1.0), (float(count), 0.95)],
    }
    for check, rounds in (blocks or {}).items():
        curves[regimes_found.BLOCKED + check] = [(float(at), 1.0) for at in rounds]
    return Part({}, curves)


USUAL = {
    REPLACE: line([-0.01, -0.03, -0.05], {"recall_mix": [2, 3]}, recall=(0.7, 0.2)),
    ACCUMULATE: line([0.0, -0.005, -0.01]),
    VERIFIED: line([0.0, 0.0, -0.005]),
    SUBSAMPLE: line([0.0, -0.01, -0.02], wide=0.1),
}


def lines(**other: Part) -> dict[str, Part]:
    """Two seeds of digits by regime; `other` takes the place of both lines of a regime."""
    return {
        regimes_found.name("digits", regime, seed): part
        for regime, part in {**USUAL, **other}.items()
        for seed in range(2)
    }


def test_what_the_guard_blocks_and_when_a_mix_has_lost_is_told_by_round() -> None:
    part = line([0.0, -0.01, -0.03], {"recall_mix": [3, 2], "variance_mix": [3]})
    assert regimes_found.rounds_of(part, regimes_found.BLOCKED) == {
        2: ["recall_mix"],
        3: ["recall_mix", "variance_mix"],
    }
    assert (regimes_found.first_loss(part), regimes_found.gained(part)) == (3, -0.03)
    assert regimes_found.first_loss(line([-0.03, -0.03], wide=0.03)) is None  # it may be chance
    assert regimes_found.in_time(part)
    assert not regimes_found.in_time(line([0.0, -0.02]))
    assert not regimes_found.in_time(line([-0.02, -0.02], {"recall_mix": [2]}))
    assert regimes_found.in_time(line([0.0, -0.019]))


@pytest.mark.parametrize(
    ("regime", "part", "fails"),
    [
        (REPLACE, line([-0.01, -0.03, -0.05], {"recall_mix": [1]}, recall=(0.3, 0.3)), "recall of"),
        (REPLACE, line([0.0, 0.0, 0.0], recall=(0.7, 0.2)), "score that is lost"),
        (ACCUMULATE, line([0.0, 0.0, -0.021], {"recall_mix": [1]}), f"rows alone, {ACCUMULATE}"),
        (ACCUMULATE, line([0.0, 0.0, 0.0], recall=(0.9, 0.7)), "over that of real rows"),
        (VERIFIED, line([0.0, 0.0, -0.021], {"recall_mix": [3]}), "less that without"),
        (REPLACE, line([-0.03, -0.03, -0.05], {"a": [2]}, recall=(0.7, 0.2)), "lose two points"),
        (VERIFIED, line([0.0, 0.0, 0.0], {"memorised": [1]}), "that the guard blocks"),
    ],
)
def test_a_regime_that_differs_fails_its_criterion(regime: str, part: Part, fails: str) -> None:
    assert all(each.holds for each in regimes_found.conclude(lines()))
    failed = [
        each.name for each in regimes_found.conclude(lines(**{regime: part})) if not each.holds
    ]
    assert any(fails in name for name in failed)


def test_one_seed_makes_no_interval_and_is_listed() -> None:
    some = {name: part for name, part in lines().items() if name.endswith("seed 1")}
    assert regimes_found.conclude(some) == []
    (listing,) = regimes.lists(some)
    assert listing.title.startswith("4 of 60 lines were run, of 5 rounds each, 0 of them by `dvc")
    assert listing.rows[0] == [
        "digits, replace, seed 1",
        "2",
        "recall_mix",
        "2, 3",
        "2",
        "−0.010, −0.030, −0.050",
        "0.70, 0.20",
        "1.00, 0.95",
        "–",
    ]


def test_a_line_by_dvc_is_held_against_the_one_in_one_process() -> None:
    name = regimes_found.name("digits", REPLACE, 0)
    both = {name: USUAL[REPLACE], name + regimes_found.BY_DVC: USUAL[REPLACE]}
    (same,) = regimes_found.conclude(both)
    assert (same.holds, same.ours.value) == (True, 0)
    (other,) = regimes_found.conclude({**both, name: USUAL[ACCUMULATE]})
    assert not other.holds
    assert regimes_found.differing(line([0.0, -0.01]), line([0.0, -0.02], {"a": [2]})) == 4
    assert [each for each in regimes.PARTS if each.endswith(regimes_found.BY_DVC)] == [
        regimes_found.name(data, regime, 0) + regimes_found.BY_DVC
        for data, regime in regimes.ONE_BY_DVC
    ]


def _kept(name: str, seed: int) -> Part:  # noqa: ARG001  as every part
    return lines()[name]


def test_some_lines_make_a_page_with_a_picture(tmp_path: Path) -> None:
    some = lines()
    short = replace(regimes.EXPERIMENT, parts={name: partial(_kept, name) for name in some})
    first = next(iter(some))
    running.run(replace(short, parts={first: short.parts[first]}), 0, tmp_path)
    found = running.from_kept(short, 0, tmp_path)
    assert found is not None
    page.write([found], [], 0, {}, tmp_path / "page.md")
    assert f"| {first} | 2 | recall_mix | 2, 3 | 2 |" in (tmp_path / "page.md").read_text()
    with Image.open(tmp_path / "images" / "experiments" / "regimes.png") as picture:
        assert min(picture.size) > 300
