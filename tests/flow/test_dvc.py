"""The chain as its users run it: `dvc repro`, `dvc exp run`, `stemma` as programs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.rounds import receipts, tables
from pipelines.sources import digits
from tests.flow.projects import HERE, PATH, ROOT, STAGES, Project, tiny, tiny_round

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("programs")]


def git(project: Project, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=project.root, capture_output=True, text=True, check=True
    )
    return done.stdout


def ran(said: str) -> list[str]:
    """Names of the stages that a `dvc repro` ran."""
    return [line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")]


def receipt_files() -> dict[Path, bytes]:
    return {place: place.read_bytes() for place in Path("rounds").rglob("*.json")}


def tracked(root: Path) -> Project:
    """A project of one round in a repository of its own, committed as a clone would be.

    Its generator needs no library that takes seconds to import in every process.
    """
    project = tiny(root, rounds=1)
    shutil.copy2(HERE / "noisy.py", root / "noisy.py")
    project.edit(lambda found: found["rounds"]["tiny-1"].update(generator="noisy.py"))
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        git(project, *words)
    return project


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A project after its first `dvc repro`, and what that printed.

    Its lake holds the round already, as that of a clone on the same machine would: nine programs
    that import what makes a round take half a minute, and these say that each is run, in order, and
    what it leaves. `test_ones_own_data_as_the_readme_has_it` has them make a round.
    """
    project = tracked(tmp_path_factory.mktemp("dvc") / "project")
    with contextlib.chdir(project.root):
        project.all(1)
        for folder in ("rounds", "reports"):
            shutil.rmtree(folder)
    done = project.program("dvc", "repro")
    assert done.code == 0, done.said
    project.stop_lake()
    return project.root, done.said


@pytest.fixture
def done(
    first: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """A copy of that project; the current directory."""
    root = tmp_path / "project"
    shutil.copytree(first[0], root, symlinks=True)
    monkeypatch.chdir(root)
    yield Project(root)
    Project(root).drop_lake()


def test_the_first_run_leaves_only_receipts_and_the_lock(
    first: tuple[Path, str], done: Project
) -> None:
    assert ran(first[1]) == [
        "lake",
        "inputs@tiny",
        "ingest@tiny",
        *(f"{name}@tiny-1" for name in ("fit", "generate", "verify", "curate", "evaluate")),
        "publish@tiny-1",
        "report@tiny",
    ]
    assert git(done, "status", "--short") == "?? dvc.lock\n?? rounds/\n?? trust/\n"
    assert Path("reports/tiny/1/grid.png").stat().st_size > 1000
    status = json.loads(done.stemma("status", "--json").out)
    rounds = status["datasets"]["tiny"]["rounds"]
    assert [(each["round"], each["state"], each["tag"]) for each in rounds] == [
        (0, "published", "tiny-v0"),
        (1, "published", "tiny-v1"),
    ]
    assert rounds[1]["guard"]["verdict"] == "pass"
    assert rounds[1]["counts"]["candidates"] == 24
    shown = json.loads(done.program("dvc", "metrics", "show", "--json").out)
    ((name, about),) = shown[""]["data"].items()  # all figures are in rounds/tiny/1/metrics.json
    assert name == "reports/tiny/headline.json"
    figures = about["data"]["tiny"]
    assert (figures["round"], figures["guard"]) == (1, "pass")
    assert figures["accuracy"] > 0.9
    assert figures["real_share"] < 1
    assert len(figures) <= 8
    table = done.program("dvc", "metrics", "show").out
    assert max(map(len, table.splitlines())) <= 140


def test_a_second_run_does_nothing(done: Project) -> None:
    """Here `dvc` and `stemma` are the programs that users start; elsewhere they are forks."""
    before = receipt_files()
    again = done.command("dvc", "repro")
    assert again.code == 0, again.said
    assert ran(again.said) == ["lake", "inputs@tiny"]
    assert receipt_files() == before
    assert not (done.root / ".lake" / "endpoint.json").exists()


@pytest.mark.slow
def test_an_experiment_leaves_main_alone(done: Project) -> None:
    git(done, "add", "-A")
    git(done, "commit", "-qm", "round 1")
    head, tags = done.lake().head("main"), done.lake().tags()
    trial = done.program("dvc", "exp", "run", "-S", "line=trial")
    assert trial.code == 0, trial.said
    lake = done.lake()
    assert (lake.head("main"), lake.tags()) == (head, tags)
    assert lake.head("tiny-r001-trial") is not None
    assert "judged and not merged" in trial.said
    git(done, "restore", ".")
    back = done.program("dvc", "repro")
    assert back.code == 0, back.said
    assert (lake.head("main"), lake.tags()) == (head, tags)


@pytest.mark.slow
def test_an_experiment_that_the_guard_blocks_ends_well_and_shows_its_block(done: Project) -> None:
    git(done, "add", "-A")
    git(done, "commit", "-qm", "rounds")
    head, tags = done.lake().head("main"), done.lake().tags()
    limit = "+datasets.tiny.publish.guard.depth_max_block=0.5"
    blocked = done.program("dvc", "exp", "run", "-n", "deep", "-S", "line=deep", "-S", limit)
    assert blocked.code == 0, blocked.said
    assert "the guard blocks it (depth_max)" in blocked.said
    shown = done.program("dvc", "exp", "show", "--json")
    assert shown.code == 0, shown.said
    metrics = _metrics(json.loads(shown.out), "deep")
    assert metrics["reports/tiny/headline.json"]["data"]["tiny"]["guard"] == "block"
    assert (done.lake().head("main"), done.lake().tags()) == (head, tags)
    again = done.program("dvc", "repro")
    assert again.code == 0, again.said
    git(done, "restore", ".")
    assert done.program("dvc", "repro").code == 0


def _metrics(shown: list[Any], name: str) -> dict[str, Any]:
    """Metrics of the experiment of this name, in what `dvc exp show --json` prints."""
    for revision in shown:
        for group in revision["experiments"] or ():
            for each in group["revs"]:
                if each["name"] == name:
                    found: dict[str, Any] = each["data"]["metrics"]
                    return found
    raise AssertionError(shown)


@pytest.mark.kill
def test_killed_in_the_middle_and_run_again(done: Project) -> None:
    """The whole process group dies while round 2 is fitted, then while it is generated."""
    added = {"tiny-2": tiny_round(2) | {"generator": "noisy.py"}}
    done.edit(lambda found: found["rounds"].update(added))
    for name in ("fit", "generate"):
        process = subprocess.Popen(
            [sys.executable, "-m", "dvc", "repro"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PATH": PATH},
            start_new_session=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            if f"stemma stage {name} tiny-2" in line:
                break
        time.sleep(1.0)
        os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
        process.wait(10)
    assert not receipts.path("tiny", 2, "publish").exists()
    again = done.program("dvc", "repro")
    assert again.code == 0, again.said
    lake = done.lake()
    assert tables.rounds(lake, "main", "tiny") == [0, 1, 2]
    assert len(tables.read_round(lake, "main", "tiny", "lineage", 2)) == 24
    assert list(lake.tags()) == ["tiny-v0", "tiny-v1", "tiny-v2"]


@pytest.mark.slow
def test_a_wiped_lake_is_noticed(done: Project) -> None:
    done.stop_lake()
    shutil.rmtree(".lake")
    again = done.program("dvc", "repro", "ingest@tiny")
    assert again.code == 0, again.said
    assert sorted(ran(again.said)) == ["ingest@tiny", "inputs@tiny", "lake"]
    assert tables.rounds(done.lake(), "main", "tiny") == [0]
    shown = done.program("dvc", "status", "--json")
    assert "fit@tiny-1" in json.loads(shown.out)


def test_dvc_sees_what_the_user_wrote(done: Project) -> None:
    suite = Path("expectations/suites/tiny.json")
    content = json.loads(suite.read_text(encoding="utf-8"))
    suite.write_text(json.dumps(content, indent=8), encoding="utf-8")
    assert done.stemma("stage", "inputs", "tiny").code == 0
    assert changed(done) == set()  # the same suite, laid out otherwise
    content["expectations"][0]["severity"] = "info"
    suite.write_text(json.dumps(content), encoding="utf-8")
    assert done.stemma("stage", "inputs", "tiny").code == 0
    assert changed(done) == {"verify@tiny-1"}


def changed(project: Project) -> set[str]:
    """The stages that DVC would run besides those that always run."""
    shown = json.loads(project.program("dvc", "status", "--json").out)
    always = {"lake", "inputs@tiny", "report@tiny"}
    return set(shown) - always


@pytest.mark.slow
def test_a_missing_source_stops_its_own_data_set_and_an_added_round_runs(done: Project) -> None:
    added = done.stemma("round", "add", "tiny", "--json")
    assert json.loads(added.out)["round"] == "tiny-2"
    done.edit(lambda found: found["datasets"].update(other=missing()))
    kept = done.program("dvc", "repro", "--keep-going")
    assert kept.code != 0
    assert "stemma: data/none is missing; params.yaml names data/none" in kept.said
    assert "Traceback" not in kept.said
    assert tables.rounds(done.lake(), "main", "tiny") == [0, 1, 2]
    names = ran(kept.said)
    assert {name.partition("@")[2] for name in names} == {"", "tiny-2", "tiny", "other"}
    assert "report@tiny" in names
    assert not {"ingest@tiny", "ingest@other"} & set(names)
    done.edit(lambda found: found["datasets"].pop("other"))
    again = done.program("dvc", "repro")
    assert again.code == 0, again.said
    assert ran(again.said) == ["lake", "inputs@tiny"]


def missing() -> dict[str, Any]:
    sections: dict[str, Any] = {name: {} for name in STAGES}
    return {"identity": ["image"], "ingest": {"source": "data/none"}, **sections}


def test_a_wrong_key_stops_before_anything_runs(done: Project) -> None:
    def misspell(found: dict[str, Any]) -> None:
        found["datasets"]["tiny"]["generate"]["candidats"] = 5

    done.edit(misspell)
    again = done.program("dvc", "repro")
    assert again.code != 0
    assert "unknown key datasets.tiny.generate.candidats; did you mean 'candidates'?" in again.said
    assert "Traceback" not in again.said
    assert ran(again.said) == ["lake"]


@pytest.mark.slow
def test_ones_own_data_as_the_readme_has_it(done: Project) -> None:
    """A folder per class: what `stemma dataset add` writes is published beside the other round."""
    assert sklearn_digits(("a", "b", "c"), Path("data/letters")) > 300
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\nstemma dataset add " in readme
    added = done.stemma("dataset", "add", "letters", "data/letters", "--licence", "CC-BY-4.0")
    assert added.code == 0, added.said
    # A model of a few steps passes no suite that real digits were measured for.
    shutil.copy2("expectations/suites/tiny.json", "expectations/suites/letters.json")
    small = {"channels": [8, 16], "steps": 150, "batch": 32, "reference_rows": 100}
    done.edit(lambda found: found["datasets"]["letters"].update(fit={"diffusion": small}))
    quick = {"candidates": 40, "diffusion": {"steps": 8}}
    done.edit(lambda found: found["datasets"]["letters"].update(generate=quick))
    done.edit(
        lambda found: found["datasets"]["letters"].update(
            publish={"guard": found["datasets"]["tiny"]["publish"]["guard"]}
        )
    )
    again = done.program("dvc", "repro")
    assert again.code == 0, again.said
    assert {name for name in ran(again.said) if "tiny-" in name} == set()
    lake = done.lake()
    assert tables.rounds(lake, "main", "letters") == [0, 1]
    assert tables.rounds(lake, "main", "tiny") == [0, 1]
    real = tables.read_round(lake, "main", "letters", "lineage", 0)
    assert real["licence"].unique().to_list() == ["CC-BY-4.0"]
    shown = done.program("dvc", "plots", "show", "--json")
    assert "letters, accuracy on real validation data" in shown.out, shown.said


def sklearn_digits(names: tuple[str, ...], place: Path) -> int:
    """Write real digits as PNG files, a folder per class; return how many."""
    found = digits.load()
    for label, name in enumerate(names):
        (place / name).mkdir(parents=True)
        rows = found.filter(found["label"] == label)["image"].struct.field("bytes")
        for at, data in enumerate(rows):
            (place / name / f"{at}.png").write_bytes(data)
    return len(list(place.rglob("*.png")))
