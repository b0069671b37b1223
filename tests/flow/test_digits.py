"""Real digits, shipped settings: a default round is good, and replacing data is found out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from pipelines import params
from pipelines.inquiry import replay
from pipelines.rounds import manifest, receipts, tables
from tests.flow.projects import Project, checkout

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project as it is shipped, with round 1 published; the current directory."""
    project = checkout(tmp_path_factory.mktemp("digits") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        project.run("lake", "")
        project.run("ingest", "digits")
        project.round("digits-1")
        yield project
    project.drop_lake()


def test_the_split_is_of_real_digits(digits: Project) -> None:
    real = tables.real_samples(digits.lake(), "main", "digits")
    held = digits.lake(holdout=True).scan("main", "digits/fingerprints/").collect()
    assert len(real) + len(held) == 1797
    assert sorted(held["split"].unique()) == ["test", "validation"]
    assert real["label"].n_unique() == 10
    assert not set(real["sample_id"]) & set(held["sample_id"])


def test_raw_candidates_of_round_1_are_recognisable(digits: Project) -> None:
    lake = digits.lake()
    verdicts = tables.read_round(lake, "main", "digits", "verdicts", 1)
    agreed = verdicts.filter(pl.col("expectation") == "label_agrees")
    assert len(agreed) == params.load().datasets["digits"].generate.candidates
    assert (agreed["verdict"] == "passed").mean() >= 0.9


def test_the_default_round_passes(digits: Project) -> None:
    about = manifest.read(digits.lake(), "main", "digits", 1)
    assert about["guard"]["blocking"] == []
    summary = about["metrics"]["summary"]
    assert summary["accuracy_mix"] >= summary["accuracy_real_only"] - 0.01
    assert summary["recall_mix"] >= 0.8 * summary["recall_null"]
    figures = about["metrics"]["round"]
    for name in ("precision", "recall", "density", "coverage", "frechet"):
        assert figures[name]["null"] is not None
        assert figures[name]["low"] <= figures[name]["value"] <= figures[name]["high"]
    assert set(about["metrics"]["recall_per_class"]["mix"]) == {str(label) for label in range(10)}


def test_replacing_data_is_blocked_and_says_why(digits: Project) -> None:
    """First by what it costs; without these limits, by what is lost before it costs anything."""
    head = digits.lake().head("main")
    digits.edit(lambda found: found.update(line="replace"))
    digits.edit(lambda found: found["datasets"]["digits"]["fit"].update(regime="replace"))
    first = _blocking(digits, 1)
    assert first
    verdicts = {each["name"]: each["verdict"] for each in _guard(digits, 1)["checks"]}
    assert {verdicts[name] for name in ("real_share", "recall_mix", "variance_mix")} <= {
        "warn",
        "block",
    }
    costs = [
        f"downstream_{name}_block" for name in ("real", "previous", "drop", "pooled", "likelihood")
    ]
    lifted = dict.fromkeys(costs)
    digits.edit(lambda found: found["datasets"]["digits"]["publish"]["guard"].update(lifted))
    blocked = next(filter(None, (_blocking(digits, number) for number in (1, 2, 3))), [])
    assert {"real_share", "recall_mix", "variance_mix"} <= set(blocked)
    assert digits.lake().head("main") == head


def _blocking(digits: Project, number: int) -> list[str]:
    """Run a round of the line; the checks that block it, which its metric says too."""
    digits.round(f"digits-{number}")
    found = list(_guard(digits, number)["blocking"])
    told = receipts.read_json(receipts.path("digits", number, "guard"))
    assert told["blocking"] == ", ".join(found)
    assert (told["verdict"] == "block") == bool(found)
    return found


def _guard(digits: Project, number: int) -> dict[str, Any]:
    about = manifest.read(digits.lake(), f"digits-r{number:03d}-replace", "digits", number)
    found: dict[str, Any] = about["guard"]
    return found


def test_a_shard_is_made_again_from_its_record(digits: Project) -> None:
    lake = digits.lake()
    found = replay.replay(lake, lake.resolve("main").id, "digits", 1, 1)
    assert found.record.rows.height == 300
    assert found.identical
    assert found.environment_changes == ()
