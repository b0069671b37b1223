"""`stemma doctor`: what is there, what is missing and how to get it, and no secret."""

from __future__ import annotations

import json
import tomllib
from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lake import settings
from pipelines.common.errors import SandboxError
from pipelines.sandbox import run as sandbox
from review.doctor import examination
from review.doctor.examination import Finding
from tests import commands

PROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"
SECRET = "s3cr3t-of-nobody"  # noqa: S105  of nobody


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found() -> dict[tuple[str, str], dict[str, Any]]:
    done = commands.stemma("doctor", "--json")
    assert done.code == 0, done.said
    answer = json.loads(done.out)
    assert answer["missing"] == sum(each["state"] == "missing" for each in answer["findings"])
    return {(each["area"], each["name"]): each for each in answer["findings"]}


def test_releases_and_an_empty_folder_are_told(folder: Path) -> None:
    told = found()
    assert told["machine", "stemma"]["detail"] == metadata.version("stemma")
    assert told["library", "polars"]["detail"] == metadata.version("polars")
    project = told["project", "params.yaml"]
    assert (project["state"], project["remedy"]) == ("missing", "stemma init")
    assert list(folder.iterdir()) == []
    assert "stemma init" in commands.stemma("doctor").out


def test_a_machine_without_programs_is_told_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    told = found()
    missing = {name for (area, name), each in told.items() if each["state"] == "missing"}
    assert {"git", "bwrap", "chromium", "sandbox"} <= missing
    assert told["program", "sandbox"]["remedy"] == "apt-get install bubblewrap"
    last = commands.stemma("doctor").out.rpartition("Missing, and how to get it:")[2]
    assert "  apt-get install git" in last


def test_a_sandbox_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise SandboxError("programs cannot be isolated on this system")

    monkeypatch.setattr(sandbox, "require", refused)
    monkeypatch.setattr(examination.isolation, "tools", dict)
    monkeypatch.setattr(examination.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert found()["program", "sandbox"]["detail"] == "programs cannot be isolated on this system"


def test_a_missing_library_is_named_as_it_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "CENTRAL", ("polars", "no-such_library"))
    required = ["polars>=2", "No.Such-Library>=1,<2", 'no-such-library; extra == "test"']
    assert list(examination.libraries(required)) == [
        Finding("library", "polars", "there", metadata.version("polars")),
        Finding(
            "library",
            "no-such_library",
            "missing",
            "Stemma needs it",
            "pip install 'No.Such-Library<2,>=1'",
        ),
    ]


def test_each_extra_of_a_user_says_what_it_is_for() -> None:
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    assert set(project["optional-dependencies"]) - examination.DEVELOPERS == examination.USES.keys()
    required = {canonicalize_name(Requirement(each).name) for each in project["dependencies"]}
    assert {canonicalize_name(name) for name in examination.CENTRAL} <= required


def test_what_an_extra_lacks_is_named_with_those_that_it_stands_for() -> None:
    about = Message()
    for extra in ("plain", "nested", "old", "test"):
        about["Provides-Extra"] = extra
    required = [
        "polars>=2",
        'polars>=2; extra == "plain"',
        'no-such-library>=1; extra == "nested"',
        'stemma[plain,old]; extra == "nested"',
        'polars>=999; extra == "old"',
        'other-library; extra == "test"',
    ]
    held = metadata.version("polars")
    old = f"polars>=999 ({held} is)"
    assert list(examination.extras(required, about)) == [  # type: ignore[arg-type]
        Finding(
            "extra",
            "nested",
            "missing",
            f"no-such-library, {old}",
            "pip install 'stemma[nested]'",
        ),
        Finding("extra", "old", "missing", old, "pip install 'stemma[old]'"),
        Finding("extra", "plain", "there", ""),
    ]


def test_no_secret_is_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "params.yaml").write_text("{}\n", encoding="utf-8")
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv(settings.ENDPOINT, f"https://me:{SECRET}@lake.example:8000/api?key={SECRET}")
    monkeypatch.setenv(settings.ACCESS_KEY, "access")
    told = found()
    assert told["project", "lake"]["state"] == "missing"
    assert told["project", "lake"]["detail"].startswith("the lake https://lake.example:8000 needs")
    monkeypatch.setenv(settings.SECRET_KEY, SECRET)
    told = found()
    lake = "lakeFS at https://lake.example:8000; it was not asked"
    assert told["project", "lake"]["detail"] == lake
    assert told["environment", "OPENAI_API_KEY"]["detail"] == "set"
    assert told["environment", settings.HOME]["state"] == "off"
    for words in ([], ["--json"]):
        assert SECRET not in commands.stemma("doctor", *words).said


def test_an_embedded_lake_is_not_made(folder: Path) -> None:
    (folder / "params.yaml").write_text("{}\n", encoding="utf-8")
    lake = found()["project", "lake"]
    assert (lake["state"], lake["remedy"]) == ("off", "dvc repro")
    assert not (folder / ".lake").exists()
