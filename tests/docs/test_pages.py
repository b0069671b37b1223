"""What pages say there is: commands and options, settings, Python and YAML that can be read."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from docs.site import settings
from review.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "tutorials").glob("*.md")),
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md"),
)
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
SECTIONS = ("ingest", "fit", "generate", "verify", "curate", "evaluate", "publish", "executor")
SETTING = re.compile(rf"`((?:{'|'.join(SECTIONS)})(?:\.[a-z_0-9]+)+)`")
COMMAND = re.compile(r"^\$ (?:[A-Z_]+=\S+ )*(stemma .*)$", re.MULTILINE)
INLINE = re.compile(r"`(stemma [a-z][^`\n]*)`")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """The blocks of a language in all pages: where each is, and its content."""
    for page in PAGES:
        for at, (_, name, content) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
            if name == language:
                yield f"{page.relative_to(ROOT)}, block {at}", content


@cache
def root() -> Any:
    """The command `stemma`."""
    return typer.main.get_command(app)


def wrong(line: str) -> str | None:
    """What is wrong with a command line: the first word or option that there is not."""
    try:
        words = shlex.split(line, comments=True)[1:]
    except ValueError:
        return None  # its quotation goes on in the next line
    command: Any = root()
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    default = getattr(command, "default_command", None)
    command = command.commands[default] if default else command
    shape = re.compile(r"[a-z-]+")
    if getattr(command, "commands", None) and words and shape.fullmatch(words[0]):
        return f"there is no command {words[0]}"
    known = {
        "--help",
        *(name for one in command.params for name in (*one.opts, *one.secondary_opts)),
    }
    for word in words:
        if word in {"|", "&&", ";", ">", "2>&1"}:
            return None
        option = re.fullmatch(r"(--[a-z][a-z-]*|-[a-z])(=.*)?", word)
        if option and option[1] not in known:
            return f"{command.name} has no option {option[1]}"
    return None


def test_what_there_is_not_is_told() -> None:
    assert wrong("stemma status --nxt") == "status has no option --nxt"
    assert wrong("stemma lineage exprt x") == "there is no command exprt"
    assert wrong("stemma takedown --resaon x") == "act has no option --resaon"
    assert wrong("stemma audit --history main | head -3") is None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_options_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [*COMMAND.findall(text), *INLINE.findall(text)]
    found = {line: wrong(line) for line in lines if "…" not in line and "|" not in line}
    assert {line: why for line, why in found.items() if why} == {}


def test_settings_that_are_named_exist() -> None:
    page_ = settings.page()
    known = set(re.findall(r"^\| `([\w.]+)`", page_, re.MULTILINE))
    known |= {name.replace(".modality_settings.", ".") for name in known}
    open_ = {name for name in known if re.search(rf"`{re.escape(name)}` \| (mapping|any)", page_)}
    missing = {}
    for page in PAGES:
        for name in SETTING.findall(page.read_text(encoding="utf-8")):
            inside = any(name.startswith(f"{one}.") for one in open_)
            section = any(one.startswith(f"{name}.") for one in known)
            if name not in known and not inside and not section and not name.endswith(".json"):
                missing[name] = page.name
    assert missing == {}


@pytest.mark.parametrize(
    ("where", "content"), [pytest.param(*one, id=one[0]) for one in blocks("python")]
)
def test_python_can_be_read(where: str, content: str) -> None:
    assert ast.parse(content.replace("…", "...")), where


@pytest.mark.parametrize(
    ("where", "content"), [pytest.param(*one, id=one[0]) for one in blocks("yaml")]
)
def test_yaml_can_be_read(where: str, content: str) -> None:
    assert yaml.safe_load(content) is not None, where


def test_each_decision_has_a_number_of_its_own() -> None:
    places = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [path.name[:4] for path in places]
    assert numbers == [f"{number:04d}" for number in range(1, len(places) + 1)]
    for path in places:
        assert path.read_text(encoding="utf-8").startswith(f"# {path.name[:4]}"), path.name
