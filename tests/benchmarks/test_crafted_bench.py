"""Crafted rounds: what they are made of, how they are counted, and that results are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.crafted import adversarial, cases, curves, digit_bench, distortions, kinds, table
from benchmarks.crafted.cases import Case, Result
from benchmarks.crafted.harm import Lost
from benchmarks.crafted.world import Rows
from pipelines.features import image_classifier

NONE = Lost(0.0, -0.01, 0.01, 0.02, 0.0)
POINT = Lost(0.02, 0.005, 0.03, 0.02, 0.0)
CLASS = Lost(0.0, -0.01, 0.01, 0.08, 0.03)
CHANCE = Lost(0.02, -0.001, 0.04, 0.08, -0.01)


def seen(kind: str, lost: Lost, said: str = "pass", seed: int = 1, crafted: float = 0.0) -> Result:
    checks = {"recall_round": (0.5, said), "depth_mean": (1.0, "pass")}
    lost_by_family = {"network": NONE, "forest": lost}
    return Result(Case(kind, 0.0, seed), "k", "", {}, "m", crafted, checks, lost_by_family)


def test_harm_is_what_an_independent_model_loses_beyond_chance() -> None:
    assert [table.harmful(seen("blends", lost)) for lost in (NONE, POINT, CLASS, CHANCE)] == [
        False,
        True,
        True,
        False,
    ]
    few = replace(seen("blends", CLASS), case=Case("blends", 0.25, 1, "texts"))
    assert not table.harmful(few)
    assert table.harmful(replace(few, lost={"bayes": CLASS, "forest": CLASS}))
    assert table.harmful(replace(few, lost={"bayes": NONE, "forest": POINT}))
    leak = "copies of held-out rows, noise"
    assert table.harmful(seen(leak, NONE, crafted=0.02))
    assert not table.harmful(seen(leak, NONE, crafted=0.01))
    assert table.harmless(seen("contrast", NONE))
    assert not table.harmless(seen("contrast", POINT))
    assert not table.harmless(seen("blends", NONE))


def test_rounds_are_counted_by_what_is_said_of_them() -> None:
    results = [
        seen("blends", POINT, "block"),
        seen("blends", POINT, "warn"),
        seen("blends", POINT),
        seen("blends", NONE, "block"),
        seen("real rows", NONE, "block"),
        seen("contrast", NONE, "warn"),
        seen("contrast", NONE),
    ]
    found = table.counted(results, table.verdict)
    assert (found.caught, found.warned, found.harmful) == (1, 1, 3)
    assert (found.blocked, found.false, found.harmless) == (1, 1, 3)
    stopped = replace(seen("class missing", NONE), stopped="every_class_asked", checks={})
    assert table.verdict(stopped) == "block"
    assert table.harmful(stopped)


def test_limits_are_chosen_on_rounds_without_harm_of_other_seeds() -> None:
    values = (0.9, 0.8, 0.7)
    results = [
        replace(seen("real rows", NONE, seed=seed), checks={"class_coverage": (value, "pass")})
        for seed, value in zip((0, 2, 4), values, strict=True)
    ]
    spoilt = replace(seen("real rows", POINT, seed=0), checks={"class_coverage": (0.1, "pass")})
    limits = table.choose([*results, spoilt])["class_coverage"]
    assert limits.warn == pytest.approx(0.7)
    assert limits.block == pytest.approx(0.6)
    assert [limits.says(value) for value in (0.75, 0.65, 0.5, None)] == [
        "pass",
        "warn",
        "block",
        "not measured",
    ]


def test_results_are_kept_and_read_back(tmp_path: Path) -> None:
    result = seen("blends", POINT, "warn")
    (tmp_path / result.case.file).write_text(json.dumps(result.to_dict()))
    assert cases._kept(tmp_path, result.case, "k") == result
    assert cases._kept(tmp_path, result.case, "other") is None
    assert cases._kept(tmp_path, replace(result.case, seed=2), "k") is None


def test_what_judging_writes_lies_with_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result, kept = seen("real rows", NONE), Path("kept")
    kept.mkdir()
    (kept / result.case.file).write_text(json.dumps(result.to_dict()))

    def judged(found: Result, evidence: object) -> Result:  # noqa: ARG001
        Path("sources").mkdir()
        return found

    small = replace(digit_bench.BENCH, key=lambda: result.key)
    monkeypatch.setattr(cases, "ONE_THREAD", {})
    monkeypatch.setattr(cases.bench, "load", lambda data: small)  # noqa: ARG005
    monkeypatch.setattr(cases.kept_evidence, "read", lambda folder: folder)
    monkeypatch.setattr(cases, "judged", judged)
    assert cases.run([result.case], kept, 1) == [result]
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


def test_noise_moves_an_image_as_far_as_it_says() -> None:
    draw = np.random.default_rng(0)
    pixels = draw.choice([0.0, 0.5, 1.0], size=(20, 64)).astype(np.float32)
    moved = distortions.noise(pixels, 0.065, draw)
    apart = np.sqrt(np.square(moved - pixels).mean(axis=1))
    assert np.allclose(apart, 0.065, atol=1e-3)
    assert moved.min() >= 0
    assert moved.max() <= 1


def test_an_adversarial_image_has_the_label_that_fools_the_judge() -> None:
    draw = np.random.default_rng(1)
    labels = np.arange(200) % 10
    pixels = np.clip(draw.normal(0.3, 0.1, (200, 64)), 0, 1).astype(np.float32)
    pixels[np.arange(200), labels * 6] += 0.5
    np.clip(pixels, 0, 1, out=pixels)
    judge = image_classifier.train(pixels, labels, calibrate=False)
    made = adversarial.fool(judge, Rows.of(pixels, labels), draw)
    assert len(made.labels) > 150
    assert (judge.labels(made.pixels) == made.labels).all()
    nearest = np.square(made.pixels[:, None] - pixels[None]).sum(axis=2).argmin(axis=1)
    assert (labels[nearest] != made.labels).mean() > 0.9


@pytest.mark.bench
@pytest.mark.parametrize("name", kinds.KINDS)
def test_each_kind_makes_the_rounds_that_it_says(name: str) -> None:
    kind, world = kinds.KINDS[name], digit_bench.world_of(3)
    # What these learn in a few steps is made as what they learn in many, and is tested elsewhere.
    strengths = (4.0,) if name in ("diffusion", "gan") else kind.strengths
    made = [kinds.candidates(kind, world, strength, 3) for strength in strengths]
    again = kinds.candidates(kind, world, strengths[0], 3)
    assert (again.pixels == made[0].pixels).all()
    for rows in made:
        assert rows.pixels.shape == (len(rows.labels), 64)
        assert rows.pixels.min() >= 0
        assert rows.pixels.max() <= 1
        assert set(np.unique(rows.labels)) <= set(range(10))
    if kind.group in ("leak", "copy") or name in ("adversarial", "wrong labels"):
        for rows, strength in zip(made, strengths, strict=True):
            assert rows.crafted.mean() == pytest.approx(strength, abs=0.11)
    if kind.group in ("healthy", "style"):
        assert not any(rows.crafted.any() for rows in made)


def test_curves_are_drawn_of_kinds_and_of_lines(tmp_path: Path) -> None:
    results = [seen("blends", POINT, "block"), seen("contrast", NONE)]
    curves.of_kinds(results, tmp_path / "kinds.png")
    figures = {"downstream_likelihood": 0.004, "downstream_pooled": None, "real_share": 0.5}
    rounds = [{"round": number, "values": figures, "apart": 0.01} for number in (1, 2)]
    line = {"regime": "accumulate-subsample", "seed": 0, "rounds": rounds}
    curves.of_lines([line], tmp_path / "lines.png")
    for name in ("kinds", "lines"):
        with Image.open(tmp_path / f"{name}.png") as drawn:
            assert drawn.format == "PNG"
            assert len(drawn.convert("RGB").getcolors(1 << 20) or ()) > 3


@pytest.mark.slow
def test_what_mixes_are_worth_is_measured_again_as_it_was() -> None:
    found, evidence = digit_bench.result(Case("real rows", 0.0, 0))
    assert evidence is not None
    older = {name: each for name, each in evidence.metrics.items() if name != "likelihood"}
    kept = replace(evidence, metrics=older)
    assert digit_bench.again(found.case, kept, ("downstream",)).metrics == evidence.metrics
