"""Crafted rounds through the real stages: the figures are those of `benchmarks.guard --crafted`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from benchmarks.crafted import digit_bench, kinds, rounds
from benchmarks.crafted.kinds import KINDS
from benchmarks.crafted.world import TEST, VALIDATION, CraftedWorld
from lineage import guard
from lineage.evidence import Check
from pipelines.rounds import manifest, tables
from tests.flow.projects import STAGES, Project, checkout

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SEED = 0
CRAFTED = {
    "copies of held-out rows, shift": 0.25,
    "class of a prototype": 0.95,
    "adversarial": 0.4,
}
"""Kinds, each with its strength."""
BLOCKED_BY = {
    "copies of held-out rows, shift": "holdout_closer",
    "class of a prototype": "class_variance",
    "adversarial": "label_errors",
}
ANCESTRY = (
    *("real_share", "depth_mean", "depth_max", "real_inputs", "real_inputs_low", "opaque_roots"),
    "licence_missing",
)
"""Figures of where rows are from: a file says nothing of its generator, the benchmark does, which
knows no licences."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The rows of a crafted world as the real data of a project; the current directory."""
    made = checkout(tmp_path_factory.mktemp("crafted") / "project")
    world = digit_bench.world_of(SEED)
    rows = pl.concat([world.real, world.held_out.select(world.real.columns)]).sort("row")
    rows.select("image", "label").write_parquet(made.root / "rows.parquet")
    made.edit(_settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.root)
        made.run("lake", "")
        made.run("ingest", "digits")
        yield made
    made.drop_lake()


def _settings(content: dict[str, Any]) -> None:
    """The shipped settings of the digits, but for source, split, seed and generator."""
    content["seed"] = SEED
    content["datasets"] = {"digits": content["datasets"]["digits"]}
    content["datasets"]["digits"]["ingest"] |= {
        "source": "rows.parquet",
        "split_key": f"crafted {SEED}",
        "validation": VALIDATION,
        "test": TEST,
    }
    content["datasets"]["digits"]["generate"] = {"file": {"path": "made.parquet"}}
    content["rounds"] = {"digits-1": content["rounds"]["digits-1"] | {"generator": "file"}}


def _checks(world: CraftedWorld, kind: str) -> dict[str, Check]:
    """What the benchmark's function says of a crafted round, whose candidates it also makes."""
    made = kinds.candidates(KINDS[kind], world, CRAFTED[kind], SEED)
    published = rounds.evaluated(world, rounds.payload_of(made), "accumulate")
    assert published.evidence is not None
    result = guard.judge(published.evidence, world.settings.publish.guard)
    return {check.name: check for check in result.checks}


def _published(project: Project, kind: str, number: int) -> dict[str, Any]:
    """Take the same candidates through the stages, on a line of their own."""
    world = digit_bench.world_of(SEED)
    made = kinds.candidates(KINDS[kind], world, CRAFTED[kind], SEED)
    rounds.payload_of(made).write_parquet(project.root / "made.parquet")
    project.edit(lambda content: content.update(line=f"crafted{number}"))
    project.round("digits-1", *STAGES)
    about = manifest.read(project.lake(), f"digits-r001-crafted{number}", "digits", 1)
    return {check["name"]: check for check in about["guard"]["checks"]}


def test_the_real_rows_are_those_of_the_benchmark(project: Project) -> None:
    real = tables.real_samples(project.lake(), "main", "digits").sort("row")
    assert real["sample_id"].to_list() == digit_bench.world_of(SEED).real["sample_id"].to_list()


@pytest.mark.parametrize("kind", CRAFTED)
def test_the_stages_give_the_figures_of_the_benchmark(project: Project, kind: str) -> None:
    expected = _checks(digit_bench.world_of(SEED), kind)
    found = _published(project, kind, list(CRAFTED).index(kind))
    assert found[BLOCKED_BY[kind]]["verdict"] == "block"
    differing = {
        name: (found[name]["value"], check.value)
        for name, check in expected.items()
        if name not in ANCESTRY
        and not (found[name]["verdict"] == check.verdict and _equal(found[name]["value"], check))
    }
    assert differing == {}


def _equal(value: float | None, check: Check) -> bool:
    if value is None or check.value is None:
        return value is check.value
    return math.isclose(value, check.value, rel_tol=1e-6, abs_tol=1e-6)
