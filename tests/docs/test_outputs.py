"""What pages show of a project that was run is written from one, and is what is printed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import blocks, outputs
from tests.docs.following import masked
from tests.docs.outputs import OutputError, write
from tests.flow.projects import Project, checkout, copy
from tests.shared import made_once

PAGE = """Words.

```console
$ printf 'one 1\\ntwo 2\\n'    # words
one 7
$ printf 'a "quoted
text"\\n'
old
$ printf '  a | b\\nleft out\\nkept 3\\n'
…
kept 12
…
$ printf 'silent\\n'
```

```console
$ printf 'not run\\n'
stays
```
"""
TODAY = (
    PAGE.replace("one 7\n", "one 1\ntwo 2\n")
    .replace("old\n", 'a "quoted\ntext"\n')
    .replace("kept 12", "kept 3")
)
FIRST = ("printf 'one 1\\ntwo 2\\n'    # words",)


def test_a_page_shows_what_its_commands_print(tmp_path: Path) -> None:
    assert write(PAGE, FIRST, tmp_path) == TODAY
    assert write(TODAY, FIRST, tmp_path) == TODAY


def test_commands_change_the_folder_for_those_below_them(tmp_path: Path) -> None:
    page = "```console\n$ echo 4 > file\n```\n\n```console\n$ cat file\n?\n```\n"
    (tmp_path / "project").mkdir()
    done = write(page, ("echo 4 > file", "cat file"), tmp_path / "project")
    assert done == page.replace("?", "4")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("$ echo gone; exit 4\ngone\n", "`echo gone; exit 4` ends with 4: gone"),
        ("$ echo new\n…\nold\n", "`echo new` no longer prints 'old' where its page has it"),
        ("$ printf 'b\\na\\n'\na\n…\nb\n", "no longer prints 'b'"),
    ],
)
def test_a_page_that_no_longer_fits_is_an_error(block: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        write(f"```console\n{block}```\n", (blocks.first_line(block),), tmp_path)
    assert message in str(caught.value)


def test_an_error_that_a_page_shows_is_none(tmp_path: Path) -> None:
    page = "```console\n$ echo 'stemma: no' >&2; exit 1\nstemma: yes\n```\n"
    done = write(page, ("echo 'stemma: no' >&2; exit 1",), tmp_path)
    assert done == page.replace("stemma: yes", "stemma: no")


def test_blocks_that_are_written_from_a_project_are_there_in_this_order() -> None:
    for pages in blocks.SHIPPED.values():
        for page, commands in pages.items():
            there = [line for _, line, _ in blocks.blocks(blocks.ROOT / page)]
            assert [line for line in there if line in commands] == list(commands), page


def test_a_project_that_is_in_use_is_not_copied(unchanged: Project) -> None:
    assert unchanged.lake().head("main")
    with pytest.raises(OutputError, match="is served"), outputs.copied(unchanged.root):
        pass


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as it is shipped with three published rounds of digits, its lake at rest."""

    def make(root: Path) -> None:
        project = checkout(root)
        with contextlib.chdir(root):
            project.run("lake", "")
            project.run("ingest", "digits")
            for number in (1, 2, 3):
                project.round(f"digits-{number}")
        project.stop_lake()

    return made_once(tmp_path_factory, "digits", make)


@pytest.fixture
def of_digits(digits: Path, tmp_path: Path) -> Iterator[Project]:
    """A copy of it."""
    project = copy(digits, tmp_path / "project")
    yield project
    project.drop_lake()


@pytest.mark.slow  # three rounds of digits
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", blocks.SHIPPED["digits"])
def test_pages_show_what_is_printed_after_three_rounds_of_digits(
    page: str, of_digits: Project
) -> None:
    text = (blocks.ROOT / page).read_text(encoding="utf-8")
    today = write(text, blocks.SHIPPED["digits"][page], of_digits.root)
    assert list(map(masked, today.splitlines())) == list(map(masked, text.splitlines()))
