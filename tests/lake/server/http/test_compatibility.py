"""The table of docs/lake.md names every operation of lakeFS's SDK, and whether it is served."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import lakefs_sdk

from lake.server.http.routes import OBJECTS, OPERATIONS, REF_OBJECTS
from tests.lake.servers import ROOT

DOCS: Final = ROOT / "docs" / "lake.md"
SDK: Final = Path(lakefs_sdk.__file__).parent / "api"
_CALL: Final = re.compile(
    r"def (\w+)_with_http_info\(.*?\.call_api\(\s*'([^']+)', '(\w+)'", re.DOTALL
)
_NAME: Final = re.compile(r"`(\w+)`")
_STREAMED: Final = (("POST", OBJECTS), ("GET", REF_OBJECTS), ("HEAD", REF_OBJECTS))
"""Operations whose bodies are streamed, which have routes of their own."""

Call = tuple[str, str]
"""Method and path, with `{}` for each of its parameters."""


def call(method: str, path: str) -> Call:
    return method, re.sub(r"\{\w+\}", "{}", path)


def of_the_sdk() -> dict[str, Call]:
    """Each operation's name, once for each call."""
    names: dict[Call, str] = {}
    for module in sorted(SDK.glob("*_api.py")):
        for name, path, method in _CALL.findall(module.read_text(encoding="utf-8")):
            names.setdefault(call(method, path), name)
    return {name: where for where, name in names.items()}


def served() -> set[Call]:
    calls = [*((item.method, item.path) for item in OPERATIONS), *_STREAMED]
    return {call(*each) for each in calls}


def text() -> str:
    return DOCS.read_text(encoding="utf-8")


def table() -> tuple[list[str], list[str]]:
    """The operations that the docs say are served, and those that they say are not."""
    head = "| area | served here | left out | what differs |"
    body = text().partition(head)[2].partition("\n\n")[0].strip().splitlines()[1:]
    rows = [line.split("|") for line in body]
    here = [name for row in rows for name in _NAME.findall(row[2])]
    return here, [name for row in rows for name in _NAME.findall(row[3])]


def test_the_table_is_that_of_the_routes() -> None:
    operations, routes, (here, missing) = of_the_sdk(), served(), table()
    assert sorted([*here, *missing]) == sorted(operations)  # each of them once
    assert set(here) == {name for name, where in operations.items() if where in routes}
    counts = re.search(r"the (\d+) operations of `lakefs-sdk` [\d.]+; (\d+) are served", text())
    assert counts is not None
    assert (int(counts[1]), int(counts[2])) == (len(operations), len(here))
