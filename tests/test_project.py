"""What the layout, dvc.yaml, pyproject.toml and the README claim."""

from __future__ import annotations

import ast
import importlib
import itertools
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines import params
from pipelines.rounds import receipts, stage_inputs
from tests import commands

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("lake", "lineage", "expectations", "pipelines", "review")
VERBS = ("ingest", "fit", "generate", "verify", "curate", "evaluate", "publish")
NOT_IMPORTED = {
    "dvc",  # run as a command
    "httptools",  # the parser that uvicorn uses
    "lakefs-sdk",  # imported by lake.client.sdk, a module at a time
    "python-multipart",  # the parser that Starlette uses for forms
}
HEAVY = {"torch", "diffusers", "great_expectations", "polars", "pandas", "lakefs", "lakefs_sdk"}


def stages() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    return found["stages"]


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_is_this_checkouts(name: str) -> None:
    found = importlib.import_module(name)
    assert Path(str(found.__file__)).parent == ROOT / name
    assert found.__doc__


def test_stage_module_section_and_settings_share_one_name() -> None:
    assert list(stages()) == ["lake", "inputs", *VERBS, "report"]
    for name in ("lake", *VERBS):
        module = importlib.import_module(f"pipelines.stages.{name}")
        assert str(module.__doc__).startswith(f"Stage `{name}`")
        section = (params.Params if name == "lake" else params.Dataset).model_fields[name]
        assert section.annotation is getattr(params, name.capitalize())
    entry = set(params.RoundEntry.model_fields)
    assert entry >= set(VERBS) - {"ingest"}


@pytest.mark.parametrize("name", VERBS)
def test_a_stage_depends_on_the_receipt_of_what_it_reads(name: str) -> None:
    stage = stages()[name]["do"]
    key = {"${key}": "d", "${item.dataset}": "d", "${item.round}": "0"}
    paths = [
        re.sub(r"\$\{[^}]*\}", lambda found: key.get(found[0], "?"), each) for each in stage["deps"]
    ]
    assert str(receipts.inputs_path("d", 0, name)) in paths
    assert all(each.startswith(("rounds/", "models/")) for each in paths)
    assert stage["cmd"].startswith(f"stemma stage {name} ")
    assert name in stage_inputs.VERSIONS
    (written,) = stages()["inputs"]["do"]["outs"]
    assert list(written) == ["rounds/${key}/inputs"]


@pytest.mark.parametrize("name", VERBS[1:])
def test_a_stage_reads_the_params_that_it_names(name: str) -> None:
    listed = stages()[name]["do"]["params"]
    assert f"datasets.${{item.dataset}}.{name}" in listed
    assert f"rounds.${{key}}.{name}" in listed


def test_receipts_and_pages_are_never_restored() -> None:
    for name in ("ingest", *VERBS[2:]):
        outs = stages()[name]["do"]["outs"]
        assert outs
        for out in outs:
            ((path, options),) = out.items()
            assert path.startswith("rounds/") or path.endswith(".html")
            assert options == {"cache": False, "persist": True}


def test_no_path_is_the_output_of_two_stages() -> None:
    listed = [
        each if isinstance(each, str) else next(iter(each))
        for stage in stages().values()
        for about in [stage.get("do", stage)]
        for kind in ("outs", "metrics", "plots")
        for each in about.get(kind, [])
    ]
    assert len(listed) == len(set(listed))
    assert "reports/${item.dataset}/${item.round}/verdicts.html" in listed


def test_plots_are_of_files_that_stage_report_writes() -> None:
    document = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    outs, names = stages()["report"]["do"]["outs"], params.load(ROOT / "params.yaml").datasets
    written = {each.replace("${key}", name) for each in outs for name in names}
    about = [each for plot in document["plots"] for each in plot.values()]
    assert {name for each in about for name in each["y"]} == written
    for each in about:
        if "template" in each:
            assert (ROOT / ".dvc" / "plots" / f"{each['template']}.json").is_file()


@pytest.mark.parametrize("command", commands.every(), ids=" ".join)
def test_every_command_has_json(command: tuple[str, ...]) -> None:
    done = commands.stemma(*command, "--help")
    assert done.code == 0, done.said
    assert "--json" in done.out


def test_every_command_has_its_module() -> None:
    files = sorted((ROOT / "review" / "cli").glob("*.py"))
    text = "\n".join(each.read_text(encoding="utf-8") for each in files)
    modules = re.findall(r'"(review\.commands\.\w+)"', text)
    assert len(modules) > len(commands.every()) // 2
    for module in modules:
        assert callable(importlib.import_module(module).run)


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['stemma', '--help']\nfrom review.cli import app\ntry: app.main()\n"
    )
    code += "except SystemExit: pass\nimport json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    modules = json.loads(done.stdout.splitlines()[-1])
    assert not {name.partition(".")[0] for name in modules} & HEAVY
    assert len(modules) < 300  # 0.2 s of a quiet processor; Typer alone is half of them


IMPORTED = """
import importlib, json, os
import polars, pydantic
for name in {names}:
    if not os.fork():
        importlib.import_module("review.commands." + name)
        importlib.import_module("pipelines.params").load()
        import sys
        print(json.dumps([name, sorted(sys.modules)]), flush=True)
        os._exit(0)
    assert not os.wait()[1]
"""
SPARED = {
    *("torch", "diffusers", "great_expectations", "pandas", "scipy", "sklearn", "pyarrow"),
    *("lakefs", "lakefs_sdk", "dvc", "PIL", "jinja2", "openai", "httpx", "asyncio", "duckdb"),
}
"""What no command that only reads may import before it has read params.yaml."""


def test_commands_that_read_import_what_they_need() -> None:
    names = ("status", "audit", "diff", "guard")
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(names=(*names, "ui"))],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = dict(map(json.loads, done.stdout.splitlines()))
    page = found.pop("ui")
    assert not set(page) & {"torch", "diffusers", "great_expectations", "pandas", "scipy"}
    assert set(found) == set(names)
    for modules in found.values():
        assert not {name.partition(".")[0] for name in modules} & SPARED
        assert not [name for name in modules if re.match(r"pipelines\.generators\.\w+\.gen", name)]


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *itertools.chain.from_iterable(extras)]
    names = {re.split(r"[\[<>=~! ]", each)[0] for each in wanted} - {project["name"]}
    pinned = {
        normal(line.partition("==")[0])
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    }
    assert {normal(name) for name in names} <= pinned


@cache
def imports_of(folder: str) -> dict[str, Path]:
    """Each third-party module that is imported below a folder, with one file that imports it.

    `library` of `pipelines.common.optional` imports by name what an extra has.
    """
    found = {}
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names: list[object] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "library":
                names = [getattr(argument, "value", None) for argument in node.args[:1]]
            found.update({name.partition(".")[0]: file for name in names if isinstance(name, str)})
    ours = {
        *PACKAGES,
        "stemma",
        "tests",
        "benchmarks",
        "docs",
        "experiments",
        *sys.stdlib_module_names,
    }
    return {name: file for name, file in found.items() if name not in ours}


def declared(*extras: str) -> set[str]:
    """Normal names of the dependencies, and of those of some extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [project["optional-dependencies"][extra] for extra in extras]
    wanted = [*project["dependencies"], *itertools.chain.from_iterable(listed)]
    return {normal(re.split(r"[\[<>=~! ]", each)[0]) for each in wanted}


distributions = cache(packages_distributions)


def distributions_of(module: str) -> set[str]:
    return {normal(name) for name in distributions().get(module, [module])}


@pytest.mark.parametrize(
    ("folders", "extras"),
    [
        (
            PACKAGES,
            (
                *("local-llm", "scorers", "text", "code", "hub", "remote", "s3", "timm"),
                *("pretrained", "ray", "openlineage", "spdx", "sql"),
            ),
        ),
        (
            ("tests",),
            (
                *("test", "scorers", "pretrained", "simulators", "ray", "hub", "openlineage"),
                *("spdx", "sql"),
            ),
        ),
    ],
    ids=["packages", "tests"],
)
def test_every_import_is_declared(folders: tuple[str, ...], extras: tuple[str, ...]) -> None:
    undeclared = {
        module: file.relative_to(ROOT)
        for folder in folders
        for module, file in imports_of(folder).items()
        if not distributions_of(module) & declared(*extras)
    }
    assert undeclared == {}


def test_every_dependency_is_imported_or_run() -> None:
    imported = set().union(
        *(distributions_of(module) for folder in PACKAGES for module in imports_of(folder))
    )
    assert {"pillow", "scikit-learn"} <= imported  # a module need not have its library's name
    assert declared() - imported == NOT_IMPORTED


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_release_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "review.cli.app", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert done.stdout == f"stemma {project['version']}\n"


CHANGES = ("What to do", "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
"""Sections of a version in the changelog, in their order."""


def changelog() -> dict[str, str]:
    """What the changelog says of each version, by its heading, the newest first."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = list(re.finditer(r"^## (.+)$", text, re.MULTILINE))
    ends = [*(each.start() for each in headings[1:]), len(text)]
    return {each[1]: text[each.end() : end] for each, end in zip(headings, ends, strict=True)}


def test_the_changelog_keeps_its_form() -> None:
    for version, about in changelog().items():
        before, *sections = re.split(r"^### (.+)\n", about, flags=re.MULTILINE)
        assert not re.search(r"^- ", before, re.MULTILINE), f"{version}: put it into a section"
        assert sections[::2] == [name for name in CHANGES if name in sections[::2]], version
        assert all(re.search(r"^- ", each, re.MULTILINE) for each in sections[1::2]), version
        lines = re.findall(r"^- .+$", about, re.MULTILINE)
        assert len(lines) == len(set(lines)), f"{version}: a line comes twice"


def test_the_version_is_the_next_one_or_the_last() -> None:
    first, *released = changelog()
    assert first == "Unreleased"
    dated = [re.fullmatch(r"(\d+)\.(\d+)\.(\d+) – \d{4}-\d\d-\d\d", each) for each in released]
    numbers = [tuple(map(int, each.groups())) for each in dated if each]
    assert len(numbers) == len(released), released
    assert numbers == sorted(numbers, reverse=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = tuple(map(int, project["version"].split(".")))
    assert version > numbers[0] or (version == numbers[0] and not changelog()[first].strip())
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])


def readme_tree() -> dict[str, str]:
    """The annotated tree in README: what is said of each path."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.partition("## How it is laid out")[2].split("```")[1]
    tree, folder = {}, ""
    for line in block.strip().splitlines():
        name, _, words = line.strip().partition(" ")
        folder = name if not line.startswith(" ") else folder
        tree[name if name == folder else folder + name] = words.strip()
    return tree


def test_the_tree_in_readme_is_the_tree() -> None:
    tree = readme_tree()
    assert all((ROOT / path).exists() for path in tree), tree
    assert all(tree.values())
    folders = {
        f"{path.relative_to(ROOT).as_posix()}/"
        for package in (*PACKAGES, "stemma")
        for path in [ROOT / package, *(ROOT / package).iterdir()]
        if path.is_dir() and path.name != "__pycache__"
    }
    assert folders <= set(tree)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("contract", "folder", "speakers"),
    [
        ("Only lake.client speaks the lakeFS SDK", "lake", {"lake.client"}),
        (
            "Only client, translation and batch_api of pipelines.llm speak the openai client",
            "pipelines/llm",
            {"pipelines.llm.client", "pipelines.llm.translation", "pipelines.llm.batch_api"},
        ),
    ],
)
def test_a_contract_names_every_other_module(
    contract: str, folder: str, speakers: set[str]
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (found,) = [each for each in contracts if each["name"] == contract]
    package = folder.replace("/", ".")
    modules = {
        f"{package}.{path.stem}"
        for path in (ROOT / folder).iterdir()
        if path.name not in ("__init__.py", "__pycache__", "py.typed")
    }
    assert modules - speakers <= set(found["source_modules"])
    assert not speakers & set(found["source_modules"])
