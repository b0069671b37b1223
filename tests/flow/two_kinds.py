"""A project of images and of texts: two rounds of each, of generators that name parents."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.flow.projects import HERE, Project, tiny, tiny_params, tiny_round
from tests.flow.talk import talk, talk_params
from tests.shared import made_once

EDITS = {"templates": {"prompt": ["{label}: {prompt}", "{prompt}!"]}, "word_dropout": 0.2}


def settings() -> dict[str, Any]:
    """Images with noise of images of the mix, and edits of its texts."""
    content, texts = tiny_params(2), talk_params()
    content["datasets"] |= texts["datasets"]
    for number in (1, 2):
        content["rounds"][f"tiny-{number}"] = tiny_round(number) | {"generator": "noisy.py"}
        content["rounds"][f"talk-{number}"] = texts["rounds"][f"talk-{number}"] | {
            "generator": "augment",
            "generate": {"augment": {"text": EDITS}, "candidates": 16, "shard_rows": 8},
        }
    return content


def made(factory: pytest.TempPathFactory) -> Path:
    """The project with two published rounds of `tiny` and of `talk`, its lake at rest."""

    def make(root: Path) -> None:
        talk(root)  # its source and its suite
        project = tiny(root)
        shutil.copy2(HERE / "noisy.py", root / "noisy.py")
        project.edit(lambda content: content.update(settings()))
        with contextlib.chdir(root):
            run(project)
        project.stop_lake()

    return made_once(factory, "two-kinds", make)


def run(project: Project) -> None:
    """Run both data sets in this process."""
    project.run("lake", "")
    for dataset in ("tiny", "talk"):
        project.run("inputs", dataset)
        project.run("ingest", dataset)
        for number in (1, 2):
            project.round(f"{dataset}-{number}")
