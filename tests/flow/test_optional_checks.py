"""A project that asks for all optional figures and checks, in two rounds that replace."""

from __future__ import annotations

import shutil
from typing import Any, Final

import pytest

from pipelines.rounds import manifest
from tests.flow.projects import HERE, Project, tiny_round

METRICS: Final = ("clipped", "entropy", "rare_class", "training_distance", "verifier_pull")
CHECKS: Final = (
    "clipped_coverage",
    "clipped_density",
    "drift_budget",
    "effective_generators",
    "entropy",
    "rare_class",
    "rejection_concentration",
    "training_distance",
    "verifier_pull",
)


def ask(params: dict[str, Any]) -> None:
    tiny = params["datasets"]["tiny"]
    tiny["fit"]["regime"] = "replace"
    tiny["generate"] |= {"candidates": 60, "shard_rows": 60}
    tiny["evaluate"]["metrics"] = {name: {} for name in METRICS}
    tiny["publish"]["checks"] = {name: {} for name in CHECKS}
    params["rounds"] = {
        f"tiny-{number}": {**tiny_round(number), "generator": "noisy.py"} for number in (1, 2)
    }


def test_every_optional_check_judges_a_line_by_what_the_lake_holds(empty: Project) -> None:
    shutil.copy2(HERE / "noisy.py", empty.root / "noisy.py")
    empty.edit(ask)
    empty.all(2)
    first, second = (
        manifest.read(empty.lake(), f"tiny-r00{number}", "tiny", number) for number in (1, 2)
    )
    checks = {each["name"]: each for each in second["guard"]["checks"]}
    sizes = [each["next_mix"]["rows"] for each in (first, second)]
    left = (1 - 1 / sizes[0]) * (1 - 1 / sizes[1])
    assert checks["drift_budget"]["value"] == pytest.approx(left, abs=1e-6)
    assert checks["effective_generators"]["value"] == 1
    pulls = [each["metrics"]["round"]["verifier_pull"]["value"] for each in (first, second)]
    assert checks["verifier_pull"]["value"] == pytest.approx(pulls[1] - pulls[0], abs=1e-5)
    tenth = second["metrics"]["round"]["rare_class_tenth"]["value"]
    assert checks["rare_class"]["value"] == pytest.approx(tenth)
    for name in ("clipped_coverage", "clipped_density", "training_distance"):
        entry = second["metrics"]["round"][name]
        assert checks[name]["value"] == pytest.approx(entry["value"] / entry["null"], abs=1e-5)
    assert checks["entropy"]["verdict"] in ("pass", "warn")
    assert checks["rejection_concentration"]["verdict"] == "not applicable"
    before = {each["name"]: each for each in first["guard"]["checks"]}
    assert before["verifier_pull"]["verdict"] == "not measured"
    assert "drift_budget" in empty.stemma("guard", "tiny-r002").out
