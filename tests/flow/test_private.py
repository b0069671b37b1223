"""What commands leave in a project besides its reports is the user's alone, whatever the umask."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.rounds import file_digests, tables
from review.commands import audit
from tests.flow.projects import Project
from tests.lake.test_private import careless, modes

__all__ = ["careless"]


@pytest.mark.usefixtures("careless")
def test_caches_and_the_lake_of_a_project_are_private(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(".stemma", ignore_errors=True)
    copied.run("lake", "")
    lake = copied.lake()
    sample = tables.read_round(lake, "main", "tiny", "samples", 2)["sample_id"][0].hex()
    audit.run(sample=sample, ref="main", dataset=None, as_json=True)
    assert capsys.readouterr().out.startswith("{")
    assert any(Path(".stemma").rglob("*"))
    assert Path(".stemma").stat().st_mode & 0o777 == 0o700
    assert modes(copied.root / ".lake") == {}
    file_digests.of_path(Path("params.yaml"))
    assert file_digests.DATABASE.stat().st_mode & 0o777 == 0o600
