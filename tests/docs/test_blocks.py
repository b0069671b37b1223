"""Which blocks are run: all but those that are listed with a reason."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pipelines.rounds import trust
from tests.docs import blocks
from tests.docs.following import Shown, cells, environment_of, follow, page_values
from tests.flow.projects import Project

MOST_NOT_RUN = 31
"""Lower it where a block is run that was not."""


def test_every_block_is_run_or_listed_with_a_reason() -> None:
    not_run = {
        page.relative_to(blocks.ROOT).as_posix(): sorted(
            line for language, line, _ in blocks.blocks(page)
            if not blocks.is_run(page, language, line)
        )
        for page in blocks.PAGES
    }  # fmt: skip
    assert {name: lines for name, lines in not_run.items() if lines} == blocks.listed()
    pages = tomllib.loads(blocks.NOT_RUN.read_text(encoding="utf-8"))
    assert [name for name, page in pages.items() if len(page["reason"]) < 20] == []


def test_the_list_of_blocks_that_are_not_run_only_shrinks() -> None:
    assert sum(map(len, blocks.listed().values())) == MOST_NOT_RUN


def test_what_is_said_to_be_run_is_there() -> None:
    for name, lines in blocks.ON_TINY.items():
        there = {line for _, line, _ in blocks.blocks(blocks.ROOT / name)}
        assert set(lines) <= there, name


@pytest.mark.parametrize("name", ["docs/lineage.md"])
def test_a_page_without_a_project_is_followed(name: str, tmp_path: Path) -> None:
    page = (blocks.ROOT / name).read_text(encoding="utf-8")
    environment = environment_of(tmp_path)
    done = list(follow(page, tmp_path, environment))
    assert done
    assert {step.command: missing for step, out in done if (missing := step.missing(out))} == {}


@pytest.mark.slow  # five blocks of commands, beside those of the tutorials
@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize("name", blocks.ON_TINY)
def test_blocks_are_followed_on_a_project(name: str, copied: Project) -> None:
    mine = trust.signer(copied.lake())  # another worker, with its own key, may have published
    shutil.copy(trust.FOLDER / f"{mine.name}{trust.SUFFIX}", copied.root / "alice.pem")
    lines = blocks.ON_TINY[name]
    chosen = [text for _, line, text in blocks.blocks(blocks.ROOT / name) if line in lines]
    page = "".join(f"```console\n{text}```\n" for text in chosen)
    done = list(follow(page, copied.root, {**os.environ, "COLUMNS": "130"}))
    assert {step.command: missing for step, out in done if (missing := step.missing(out))} == {}
    if name in blocks.PYTHON_ALONE:  # it reads what the commands have made
        exec(compile(blocks.python_alone(name), name, "exec"), {})  # noqa: S102  our own


def test_a_simulator_of_a_page_answers_its_own_question() -> None:
    names: dict[str, Any] = {}
    exec(blocks.python_alone("docs/generators.md"), names)  # noqa: S102  our own
    for seed in range(20):
        row = names["simulate"](seed, sides=20)
        assert row == names["simulate"](seed, sides=20)
        assert sum(map(int, re.findall(r"\d+", row["question"]))) == int(row["answer"])


@pytest.mark.slow  # torch and datasets are loaded
@pytest.mark.usefixtures("unchanged")
def test_training_as_its_page_has_it() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("datasets")

    def model(images: object) -> object:
        return torch.nn.Flatten()(images)[:, :2]

    names = {"cross_entropy": torch.nn.functional.cross_entropy, "model": model}
    page = (blocks.ROOT / blocks.PYTHON_ON_TINY[0]).read_text(encoding="utf-8")
    found = list(page_values(cells(page), names))
    assert len(found) == 2
    assert [one for one in found if not one.agrees()] == []


def test_values_that_a_page_shows_are_computed() -> None:
    code = "a = 2\na * 3\n# 6\na  # words\na + 1\n# (5,\n#  6)\n"
    page = f"```python\n{code}```\n\n```python\na - 1\n```\n\n```\n1\n```\n```python\na\n```\n"
    found = list(page_values(cells(page), {}))
    assert found == [
        Shown(code, "6", "6"),
        Shown(code, "3", "(5,\n 6)"),
        Shown("a - 1\n", "1", "1\n"),
    ]
    assert [one.agrees() for one in found] == [True, False, True]
