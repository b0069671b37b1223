"""Plug-ins that live outside of the packages, through the real stages."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lake.errors import LakeError
from pipelines import params
from pipelines.common.errors import BlockedError, DataError, GeneratorError, ParamsError
from pipelines.inquiry import replay
from pipelines.rounds import manifest, receipts, stage_inputs, tables
from tests.flow.projects import NO_LIMITS, Project

HERE = Path(__file__).parent
BY_FILE = {
    "source": "studio/numbers.py:Wave",
    "modality": "./studio/numbers.py:Numbers",
    "generator": "studio/jitter.py",
    "scorer": "studio/judges.py:Side",
    "metric": "studio/judges.py:Middle",
    "task": "studio/judges.py:Edge",
    "check": "studio/judges.py:Count",
}
BY_MODULE = {
    "source": "studio.numbers:Wave",
    "modality": "studio.numbers:Numbers",
    "generator": "studio.jitter",
    "scorer": "studio.judges:Side",
    "metric": "studio.judges:Middle",
    "task": "studio.judges:Edge",
    "check": "studio.judges:Count",
}
STAGES = ("fit", "generate", "verify", "curate", "evaluate", "publish")


def given(column: str) -> dict[str, Any]:
    """The rule that each row has a value in a column."""
    return {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": column},
        "severity": "critical",
        "meta": {"name": f"{column}_is_given"},
    }


AGREES = {
    "type": "expect_column_pair_values_to_be_equal",
    "kwargs": {"column_A": "label", "column_B": "side"},
    "severity": "critical",
    "meta": {"name": "side_agrees"},
}


def content(named: dict[str, str]) -> dict[str, Any]:
    """params.yaml of a project with a plug-in of each kind, and of a second data set without."""
    wave = {
        "identity": ["value"],
        "ingest": {
            "source": named["source"],
            "modality": named["modality"],
            "settings": {"rows": 80},
        },
        "generate": {"candidates": 20, "shard_rows": 8, "settings": {"scale": 0.25}},
        "verify": {"scorers": {named["scorer"]: {"edge": 5.0}}},
        "evaluate": {
            "null_draws": 4,
            "bootstrap": 20,
            "task": named["task"],
            "metrics": {named["metric"]: {}},
        },
        "publish": {"guard": NO_LIMITS, "checks": {named["check"]: {"least": 5}}},
    }
    digits = {"identity": ["image"], "ingest": {"source": "digits"}}
    entry = {"dataset": "wave", "round": 1, "previous": 0, "generator": named["generator"]}
    other = {"dataset": "digits", "round": 1, "previous": 0}
    return {
        "seed": 3,
        "datasets": {"wave": wave, "digits": digits},
        "rounds": {"wave-1": entry, "digits-1": other},
    }


def begin(root: Path, named: dict[str, str]) -> Project:
    """Write a project that holds nothing of Stemma's: settings, suites and plug-ins."""
    shutil.copytree(HERE / "studio", root / "studio", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "params.yaml").write_text(yaml.safe_dump(content(named), sort_keys=False))
    suites = root / "expectations" / "suites"
    suites.mkdir(parents=True)
    for name, rules in {
        "wave": [given("label"), given("side"), AGREES],
        "digits": [given("label")],
    }.items():
        (suites / f"{name}.json").write_text(json.dumps({"name": name, "expectations": rules}))
    return Project(root)


@pytest.fixture
def named(request: pytest.FixtureRequest) -> dict[str, str]:
    """How the plug-ins of a project are named; by their files unless a test says otherwise."""
    return dict(getattr(request, "param", BY_FILE))


@pytest.fixture
def project(
    tmp_path: Path, named: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """A project; the current directory."""
    for name in [each for each in sys.modules if each.partition(".")[0] == "studio"]:
        monkeypatch.delitem(sys.modules, name)
    found = begin(tmp_path / "project", named)
    monkeypatch.chdir(found.root)
    yield found
    found.drop_lake()
    for name in [each for each in sys.modules if each.partition(".")[0] == "studio"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    "named",
    [
        pytest.param(BY_FILE, id="file"),
        pytest.param(BY_MODULE, id="module", marks=pytest.mark.slow),
    ],
    indirect=True,
)
def test_one_of_each_kind_goes_through_the_real_stages(
    project: Project, named: dict[str, str]
) -> None:
    project.run("lake", "")
    project.run("ingest", "wave")
    project.round("wave-1")
    lake = project.lake()
    about = manifest.read(lake, "main", "wave", 1)
    real = manifest.read(lake, "main", "wave", 0)
    assert (real["source"], real["licence"]) == ("tests/wave", "CC0-1.0")
    assert real["counts"]["candidates"] == 80
    assert about["generator"]["reference"] == named["generator"]
    assert about["counts"]["candidates"] == 20 - 3  # rows 3 and 11 and 19 are not made
    generated = receipts.read("wave", 1, "generate").commit
    rows = tables.read_round(lake, generated, "wave", "lineage", 1)
    assert rows["row"].to_list() == list(range(17))
    parents = rows.explode("parents").unnest("parents", separator=".")
    assert parents["parents.weight"].unique().to_list() == [0.75]
    assert rows["real_roots"].to_list() == [1.0] * 17  # the mix is behind the rest
    scores = tables.read_round(lake, "main", "wave", "scores", 1)
    assert scores["side"].null_count() == 0
    assert set(scores["side"]) == {0, 1}
    figures = about["metrics"]
    assert figures["round"]["median"]["null"] == figures["mix"]["median"]["null"]
    assert figures["task"] == "profit"
    assert figures["profit"]["mix"]["value"] == figures["accuracy"]["mix"]["value"] == 1.0
    assert figures["difference"]["real_only"]["value"] == 0.0
    check = next(each for each in about["guard"]["checks"] if each["name"] == "count")
    assert (check["verdict"], check["value"]) == ("pass", about["counts"]["accepted"])
    assert check["limit"] == "block <5"

    again = replay.replay(lake, lake.head("main") or "", "wave", 1, 1)
    assert again.identical


@pytest.mark.slow
def test_a_check_of_ones_own_blocks(project: Project, named: dict[str, str]) -> None:
    project.run("lake", "")
    project.run("ingest", "wave")
    project.round("wave-1", *STAGES[:-1])
    project.edit(
        lambda read: read["datasets"]["wave"]["publish"]["checks"].update(
            {named["check"]: {"least": 18}}
        )
    )
    with pytest.raises(BlockedError, match=r"the guard blocks wave-1 \(count\)"):
        project.run("publish", "wave-1")


def recipes(key: str) -> dict[str, Any]:
    """What each stage of a round reads besides the lake."""
    round_ = params.resolve(params.load(), key)
    return {name: stage_inputs.of_stage(round_, name) for name in STAGES}


def test_a_change_moves_only_the_stages_that_use_it(project: Project) -> None:
    before, others = recipes("wave-1"), recipes("digits-1")
    (project.root / "studio" / "unrelated.py").write_text(
        (project.root / "studio" / "judges.py").read_text().replace("side", "other")
    )
    assert recipes("wave-1") == before
    judges = project.root / "studio" / "judges.py"
    judges.write_text(judges.read_text() + "\n# a comment\n")
    changed = [name for name, found in recipes("wave-1").items() if found != before[name]]
    assert changed == ["verify", "evaluate", "publish"]
    jitter = project.root / "studio" / "jitter.py"
    jitter.write_text(jitter.read_text() + "\n# a comment\n")
    changed = [name for name, found in recipes("wave-1").items() if found != before[name]]
    assert changed == [*STAGES[:3], "evaluate", "publish"]
    assert recipes("digits-1") == others


def test_files_that_a_plug_in_names_are_read_with_it(project: Project) -> None:
    (project.root / "recipe.txt").write_text("a")
    project.edit(
        lambda read: read["datasets"]["wave"]["generate"]["settings"].update(recipe="recipe.txt")
    )
    before = recipes("wave-1")
    assert before["generate"].versions["generator jitter"] == "jitter/1"
    assert set(before["generate"].files) == {"studio/jitter.py", "recipe.txt"}
    (project.root / "recipe.txt").write_bytes(b"\xff\x00 weights, and no text")
    changed = [name for name, found in recipes("wave-1").items() if found != before[name]]
    assert changed == ["generate"]
    (project.root / "recipe.txt").unlink()
    (project.root / "recipe.txt").mkdir()
    with pytest.raises(ParamsError, match=r"recipe\.txt cannot be read: is a folder"):
        recipes("wave-1")


def test_settings_of_ones_own_plug_in_are_checked(project: Project) -> None:
    def wrong(read: dict[str, Any]) -> None:
        read["datasets"]["wave"]["generate"]["settings"] = {"scales": 2}

    project.edit(wrong)
    known = params.load()  # other rounds are not in its way
    assert params.resolve(known, "digits-1").generator == "diffusion"
    with pytest.raises(ParamsError, match="unknown key scales; did you mean 'scale'") as caught:
        params.resolve(known, "wave-1")
    assert "\n" not in str(caught.value)


def test_a_broken_plug_in_fails_its_own_round_alone(project: Project) -> None:
    (project.root / "studio" / "jitter.py").write_text("import nothing_of_this_name\n")
    known = params.load()
    assert params.resolve(known, "digits-1").number == 1
    with pytest.raises(ParamsError, match="cannot be imported: ModuleNotFoundError"):
        params.resolve(known, "wave-1")
    (project.root / "studio" / "numbers.py").write_text("1 / 0\n")
    known = params.load()
    assert params.resolve(known, "digits-1").number == 1
    with pytest.raises(DataError, match="cannot be imported: ZeroDivisionError"):
        project.run("ingest", "wave")


def borrowing(project: Project, **settings: object) -> None:
    """Round 1 is made by `studio/borrow.py`; there is a second data set of numbers, `other`."""

    def change(read: dict[str, Any]) -> None:
        wave = read["datasets"]["wave"]
        read["datasets"]["other"] = {"identity": ["value"], "ingest": wave["ingest"]}
        wave["generate"] = {"candidates": 4, "settings": {"dataset": "other", **settings}}
        read["rounds"]["wave-1"]["generator"] = "studio/borrow.py"

    project.edit(change)


@pytest.mark.slow
def test_parents_may_be_in_another_data_set_at_a_pinned_commit(project: Project) -> None:
    borrowing(project)
    project.run("lake", "")
    project.run("ingest", "wave")
    project.run("ingest", "other")  # after the commit on which the round is fitted
    pinned = receipts.read("other", 0, "publish").commit
    project.run("fit", "wave-1")
    with pytest.raises(LakeError, match="other/samples"):
        project.run("generate", "wave-1")
    borrowing(project, commit=pinned)
    project.run("generate", "wave-1")
    made = receipts.read("wave", 1, "generate").commit
    lake = project.lake()
    rows = tables.read_round(lake, made, "wave", "lineage", 1)
    parents = rows.explode("parents").unnest("parents", separator=".")
    assert parents["parents.dataset"].unique().to_list() == ["other"]
    assert manifest.read(lake, made, "wave", 1)["generation"]["parents"] == {"other": pinned}
    # half is the parent's; the rest is the mix's, or nobody knows whose
    assert rows["real_roots"].to_list() == [1.0, 0.5, 1.0, 0.5]
    assert rows["trained_on"].is_null().to_list() == [False, True, False, True]


def test_a_share_between_is_refused(project: Project) -> None:
    borrowing(project, opaque=[0.0, 0.5])
    for name, key in (("lake", ""), ("ingest", "wave"), ("ingest", "other"), ("fit", "wave-1")):
        project.run(name, key)
    with pytest.raises(GeneratorError, match=r"opaque_share \[0.0, 0.5\]; lineage records rows"):
        project.run("generate", "wave-1")
