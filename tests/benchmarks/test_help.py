"""Every benchmark says what it does, and what it needs, where no extra is installed."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = {"alt-profanity-check": "profanity_check", "rensa": "rensa", "duckdb": "duckdb"}
"""Import names that differ from those of the packages, and some more."""
BROUGHT = frozenset({"attrs", "protobuf"})
"""Packages of an extra that the package's own dependencies bring too."""
RUN = """
import runpy, sys
absent, names, asked = sys.argv[1].split(","), sys.argv[2].split(","), sys.argv[3:]
class Absent:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent)
for name in names:
    sys.argv = [name, *asked]
    try:
        runpy.run_module(f"benchmarks.{name}", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        print(f"\\n{name} ended with {end.code}", flush=True)
"""


def benchmarks() -> list[str]:
    """Everything of the folder that can be run."""
    files = (*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "benchmarks").glob("*/__main__.py"))
    found = [
        each.parent.name if each.stem == "__main__" else each.stem
        for each in files
        if 'if __name__ == "__main__"' in each.read_text(encoding="utf-8")
    ]
    return sorted(found)


def without_extras(names: list[str], *asked: str) -> str:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = [
        each.split(">")[0].split("=")[0]
        for extra in content["project"]["optional-dependencies"].values()
        for each in extra
        if not each.startswith("stemma")
    ]
    absent = {MODULES.get(each, each.lower().replace("-", "_")) for each in packages}
    absent -= BROUGHT
    done = subprocess.run(
        [sys.executable, "-c", RUN, ",".join(sorted(absent)), ",".join(names), *asked],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.bench
def test_help_needs_no_extra() -> None:
    names = benchmarks()
    assert {"lake", "lineage", "verify", "diff", "verifiers"} <= set(names)
    said = without_extras(names, "--help")
    assert [name for name in names if f"{name} ended with 0" not in said] == []


@pytest.mark.parametrize("name", ["verify"])
def test_a_benchmark_without_its_extra_says_which(name: str) -> None:
    said = without_extras([name], "--rows", "100")
    assert f"{name} ended with this benchmark needs" in said
    assert ".[benchmarks]" in said
