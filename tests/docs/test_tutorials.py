"""Each tutorial, begun in an empty folder and followed to the letter."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

import pytest

from tests import needs, programs
from tests.docs.blocks import NOTEBOOK
from tests.docs.following import (
    GOES_ON,
    WAIT,
    File,
    Step,
    cells,
    environment_of,
    follow,
    forked,
    masked,
    page_values,
    parts,
    run,
    steps,
)
from tests.flow.projects import Project, alive

NEEDED = {
    "hosted-budget": needs.SANDBOX,
    "known-answers": needs.SANDBOX,
    "ray": needs.RAY,
}
"""What a machine may lack, by the tutorial that needs it."""
LAKEFS = "STEMMA_TEST_LAKEFS"
"""Address of a lakeFS server on which the tutorial about one is followed."""
KEYS = tuple(f"{LAKEFS}_{name}" for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
NAMED = {name: os.environ[name] for name in (LAKEFS, *KEYS) if name in os.environ}
SERVED = re.compile(r"^\$ stemma lake serve .*?(?=^```)", re.DOTALL | re.MULTILINE)
PAGES = sorted((Path(__file__).resolve().parents[2] / "docs" / "tutorials").glob("*.md"))


def on_lakefs(page: str) -> str:
    """A page whose reader names a lakeFS server, in place of serving a lake."""
    names = ("SERVER_ENDPOINT_URL", *(f"CREDENTIALS{name.removeprefix(LAKEFS)}" for name in KEYS))
    given = zip(names, (LAKEFS, *KEYS), strict=True)
    words = (f'LAKECTL_{name}="${variable}"' for name, variable in given)
    return SERVED.sub(f"$ export {' '.join(words)}\n", page)


def test_the_move_to_a_lakefs_can_be_followed_on_a_real_one(tmp_path: Path) -> None:
    ((page, real),) = (
        (text, on_lakefs(text))
        for text in (path.read_text(encoding="utf-8") for path in PAGES if path.stem == "lakefs")
    )
    commands, others = ([step.command for step in steps(text)] for text in (page, real))
    exports = [command for command in others if command.startswith("export ")]
    assert [one for one in commands if one in others] == [
        one for one in others if one not in exports
    ]
    (export,) = exports
    given = {LAKEFS: "http://lake", **dict.fromkeys(KEYS, "a key")}
    shown = Step(f"{export} && env | grep ^LAKECTL | sort")
    _, output = run(shown, tmp_path, environment_of(tmp_path) | given)
    assert output.splitlines() == [
        "LAKECTL_CREDENTIALS_ACCESS_KEY_ID=a key",
        "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY=a key",
        "LAKECTL_SERVER_ENDPOINT_URL=http://lake",
    ]


def test_numbers_and_digests_may_differ_and_words_may_not() -> None:
    (step,) = steps("```console\n$ a b  # c\nread 3 rows\n…\n│ 1 │ 0a1b2c3d4e5f │\n```\n")
    assert step == Step("a b", ("read 3 rows", "│ 1 │ 0a1b2c3d4e5f │"))
    assert step.missing("read 1,200 rows\n│ 12 │ ffffffff0000 │\n") == []
    assert step.missing("read no rows\n") == list(step.shown)
    assert masked("├──┤ .5") == "├ ┤ .#"
    assert masked("│ ada │ STEMMAF97681C961C6BC │ STEMMA_HOME") == "│ ada │ @ │ STEMMA_HOME"
    assert masked("X_SECRET_ACCESS_KEY=a+b/C4 d") == "X_SECRET_ACCESS_KEY=@ d"


def test_a_page_has_files_and_commands_in_its_order() -> None:
    page = "```python\n# a.py\nprint(1)\n```\n```console\n$ python a.py \\\n    --b\n1\n$ c\n```\n"
    assert list(parts(page)) == [
        File("a.py", "# a.py\nprint(1)\n"),
        Step("python a.py \\\n    --b", ("1",)),
        Step("c"),
    ]


def test_a_page_is_followed_until_a_command_fails_that_it_does_not_show(tmp_path: Path) -> None:
    home = environment_of(tmp_path)
    page = "```python\n# a.py\nhi\n```\n```console\n$ cat a.py\nhi\n$ echo 'stemma: no'; false\n"
    done = list(follow(f"{page}stemma: no\n```\n", tmp_path, home))
    assert [output for _, output in done] == ["# a.py\nhi\n", "stemma: no\n"]
    with pytest.raises(AssertionError, match="stemma: no"):
        list(follow(f"{page}```\n", tmp_path, home))


def test_a_page_has_its_reader_change_lines_of_a_file(tmp_path: Path) -> None:
    page = "```diff\n--- a.yaml\n a: 1\n-b: 2\n+b: 3\n+c: 4\n```\n```console\n$ cat a.yaml\n```\n"
    (tmp_path / "a.yaml").write_text("a: 1\nb: 2\n")
    ((_, output),) = follow(page, tmp_path, environment_of(tmp_path))
    assert output == "a: 1\nb: 3\nc: 4\n"
    with pytest.raises(AssertionError, match=r"a\.yaml"):  # nothing of it is there any more
        list(follow(page, tmp_path, environment_of(tmp_path)))


def test_what_a_page_starts_goes_on_beside_it_and_ends_with_it(tmp_path: Path) -> None:
    program = "# a.py\nimport os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)\n"
    commands = (
        "$ python a.py > pid 2> log &\n$ until [ -s pid ]; do sleep 0.1; done\n"
        "$ export ONE=$(cat pid)\n$ kill -0 $ONE && echo yes\n"
    )
    page = f"```python\n{program}```\n```console\n{commands}```\n"
    done = follow(page, tmp_path, environment_of(tmp_path))
    assert [output for _, output in done] == ["", "", "", "yes\n"]
    assert not alive(int((tmp_path / "pid").read_text()))
    ended = "```console\n$ exit 1 > it &\n$ until [ -f it ]; do sleep 0.1; done; sleep 0.5\n```\n"
    with pytest.raises(AssertionError, match="exit 1"):
        list(follow(ended, tmp_path, environment_of(tmp_path)))


def test_nothing_waits_for_a_page_that_does_not_wait_itself(tmp_path: Path) -> None:
    commands = "$ sleep 600 > it &\n$ test -s it || echo nothing yet\n"
    done = follow(f"```console\n{commands}```\n", tmp_path, environment_of(tmp_path))
    assert [output for _, output in done] == ["", "nothing yet\n"]


def test_every_tutorial_waits_for_the_file_into_which_a_program_beside_it_prints() -> None:
    waits = {}
    for page in PAGES:
        commands = [step.command for step in steps(page.read_text(encoding="utf-8"))]
        for command, following in itertools.pairwise(commands):
            if found := GOES_ON.fullmatch(command):
                waits[page.stem] = following.startswith(WAIT) and found["file"] in following
    assert waits == dict.fromkeys(("hosted-budget", "known-answers", "lakefs"), True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.stem))
def test_a_tutorial_begins_in_an_empty_folder_and_names_all_its_python(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    commands = [step.command for step in steps(text)]
    assert next(one for one in commands if one.startswith("stemma")) == "stemma init"
    files = [part for part in parts(text) if isinstance(part, File)]
    assert len(files) == len(re.findall(r"^```python$", text, re.MULTILINE))


@pytest.mark.slow
@pytest.mark.timeout(1800)  # some ten commands that start thirty programs
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.stem))
def test_a_tutorial_is_followed_to_the_letter(
    page: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if page.stem in NEEDED:
        NEEDED[page.stem].check()
    folder = tmp_path / "empty"
    folder.mkdir()
    environment = environment_of(
        tmp_path, forked(tmp_path / "bin", programs.start(tmp_path_factory))
    )
    text = page.read_text(encoding="utf-8")
    if page.stem == "lakefs" and NAMED:
        text, environment = on_lakefs(text), environment | NAMED
    try:
        lacking = {
            step.command: missing
            for step, output in follow(text, folder, environment)
            if (missing := step.missing(output))
        }
        if page.stem == "own-table":
            monkeypatch.chdir(folder)
            shown = list(page_values(cells(NOTEBOOK.read_text(encoding="utf-8")), {}))
            assert len(shown) == 4
            assert [one for one in shown if not one.agrees()] == []
    finally:
        Project(folder).drop_lake()
    assert lacking == {}
