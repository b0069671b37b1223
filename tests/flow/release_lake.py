"""Packs a small lake of a release, which every later one has to adopt (docs/releasing.md).

    python -m tests.flow.release_lake 0.3

makes a project with two published rounds of `tiny` and a third that the guard blocked, and packs
it, its lake at rest, into `tests/flow/releases/0.3.tar.xz`. Its source is a table, so that no code
of today has to run later, and the key that signs is thrown away.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Final

from pipelines.common.errors import BlockedError
from tests.flow import tiny as tiny_rows
from tests.flow.projects import HERE, Project, tiny

FOLDER: Final = HERE / "releases"
SOURCE: Final = "tiny.parquet"
BLOCKED: Final = {"real_share_block": 0.99, "real_share_shallow": 0.0}
"""Limits that no round meets of which the mix holds a generated row."""
PACKED: Final = (
    *(f".lake/{name}" for name in ("catalog.db", "identity.json", "repositories.json")),
    *(f".lake/{name}" for name in ("objects", "staging")),
    *("expectations/suites/tiny.json", "params.yaml", "rounds", "trust", SOURCE),
)
"""What an upgrade finds: no keys of the lake, no caches and no models."""


def made(root: Path) -> Project:
    """Run the whole chain of a project in a folder: two rounds are published, the third is not."""
    project = tiny(root, rounds=3)
    tiny_rows.load().write_parquet(root / SOURCE)
    project.edit(_of_a_table)
    with contextlib.chdir(root):
        project.run("lake", "")
        project.run("inputs", "tiny")
        project.run("ingest", "tiny")
        for number in (1, 2):
            project.round(f"tiny-{number}")
        with contextlib.suppress(BlockedError):
            project.round("tiny-3")
    project.stop_lake()
    return project


def packed(project: Project, target: Path) -> None:
    """Pack a project whose lake lies at rest.

    Raises:
        FileExistsError: the archive is there: the lake of a release stays as it is.
    """
    with tarfile.open(target, "x:xz", preset=9) as archive:
        for name in PACKED:
            archive.add(project.root / name, f"./{name}")


def _of_a_table(content: dict[str, Any]) -> None:
    content["datasets"]["tiny"]["ingest"] |= {"source": SOURCE, "licence": "CC0-1.0"}
    content["rounds"]["tiny-3"]["publish"] = {"guard": BLOCKED}


def main(release: str) -> None:
    """Make and pack the lake of a release."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        packed(made(Path(folder) / "project"), FOLDER / f"{release}.tar.xz")


if __name__ == "__main__":
    main(sys.argv[1])
