"""Blocks of pages about servers: the page of reviews, a gate before merges, a lake elsewhere."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import lakefs
import pytest
import yaml

from lake.polling import until
from tests.docs import blocks
from tests.docs.following import COLUMNS, masked
from tests.docs.outputs import differing
from tests.flow.projects import Project
from tests.flow.test_served_purge import Elsewhere, elsewhere
from tests.lake.servers import nobody, start

__all__ = ["elsewhere"]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("programs")]
TYPED = re.compile(r"^(>>> .*\n(?:\.\.\. .*\n)*)((?:(?!>>> ).*\n)*)", re.MULTILINE)
DATE = re.compile(r"(?<=^Date: ).*")
SECRET = re.compile(r"token=\S+")


def agree(state: str, folder: Path, **variables: str) -> None:
    """Run the blocks of all pages that have some of a state, and hold them against the pages."""
    environment = {**os.environ, "COLUMNS": COLUMNS, **variables}
    for page, commands in blocks.ON_SERVERS[state].items():
        assert differing(page, commands, folder, environment) == [], page


def test_every_server_of_blocks_has_a_test() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    quoted = [f'"{state}"' for state in blocks.ON_SERVERS]
    assert [state for state in quoted if state not in source] == []


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("command", blocks.ON_SERVERS["page_of_reviews"]["docs/review.md"])
def test_the_page_says_where_it_is(command: str) -> None:
    page = blocks.ROOT / "docs" / "review.md"
    (text,) = (text for _, line, text in blocks.blocks(page) if line == command)
    shown = text.splitlines()[1:]
    words = [*shlex.split(command), "--port", "0", "--no-browser"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            assert process.stdout is not None
            said = [process.stdout.readline().rstrip("\n") for _ in shown]
        finally:
            process.terminate()
    pairs = zip(said, shown, strict=True)
    for line, expected in pairs:
        assert masked(SECRET.sub("token=…", line)) == masked(expected)


def test_a_gate_before_merges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = blocks.ROOT / "docs" / "hooks.md"
    by_language = {language: text for language, _, text in blocks.blocks(page)}
    text = page.read_text(encoding="utf-8")
    (action,) = re.findall(r"```yaml\n(name: review gate\n.*?)```", text, re.DOTALL)
    url = nobody()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAKEFSACTIONS_TOKEN", "a token")
    program = by_language["python"].replace("9000", url.rpartition(":")[2])
    Path("receiver.py").write_text(program, encoding="utf-8")
    served = start(tmp_path / ".lake", more=["--hook-address", url])
    with subprocess.Popen([sys.executable, "receiver.py"], stderr=subprocess.DEVNULL) as receiver:
        try:
            assert until(lambda: listening(url), interval=0.05, timeout=60)
            names = gated(served.client(), action.replace("http://127.0.0.1:9000", url))
            session(by_language["pycon"].replace("http://127.0.0.1:9000", url), names)
            agree("gate", tmp_path)
        finally:
            receiver.terminate()
            served.kill()


def listening(url: str) -> bool:
    """Whether something answers at an address."""
    with contextlib.suppress(httpx.TransportError):
        return bool(httpx.get(url).status_code)
    return False


def gated(client: lakefs.Client, action: str) -> dict[str, Any]:
    """A repository whose main asks before merges, with a branch that has rows: their names."""
    repository = lakefs.repository("quick", client=client).create(storage_namespace="local://quick")
    main = repository.branch("main")
    main.object("_lakefs_actions/gate.yaml").upload(data=action, mode="w")
    main.commit("Add a gate")
    side = repository.branch("side").create(source_reference="main")
    side.object("rows.csv").upload(data="row\n1\n", mode="w")
    side.commit("Add rows")
    return {"client": client, "main": main, "side": side}


def session(text: str, names: dict[str, Any]) -> None:
    """Run what a page types into Python, and hold what is printed against the page."""
    for typed, shown in TYPED.findall(text):
        source = "".join(line[4:] for line in typed.splitlines(keepends=True))
        with contextlib.redirect_stdout(io.StringIO()) as out:
            try:
                exec(compile(source, "page", "single"), names)  # noqa: S102  our own
            except lakefs.exceptions.ServerException as error:
                out.write(f"{type(error).__module__}.{type(error).__name__}: {error}\n")
        assert plain(out.getvalue()) == plain(shown), source


def plain(text: str) -> list[str]:
    """The lines that are not empty, without what differs from run to run."""
    return [masked(DATE.sub("", line)) for line in text.split("\n") if line]


def test_a_purge_of_a_lake_elsewhere(elsewhere: Elsewhere) -> None:
    agree("elsewhere", elsewhere.project.root, LAKEFS_OBJECTS=elsewhere.store)


def test_a_suite_without_its_scorer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.find_spec("palmerpenguins")
    assert spec is not None
    assert spec.origin is not None
    shutil.copy(Path(spec.origin).parent / "data" / "penguins.csv", tmp_path)
    project = Project(tmp_path)
    assert project.stemma("init").code == 0
    assert project.stemma("dataset", "add", "penguins", "penguins.csv").code == 0
    settings = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    del settings["datasets"]["penguins"]["verify"]["scorers"]["table_agreement"]
    Path("params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    agree("without_scorer", tmp_path)
    project.drop_lake()
