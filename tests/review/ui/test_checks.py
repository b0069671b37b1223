"""Checks of the guard on the pages: what is not there is unknown only where that objects."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lineage.evidence import UNOBJECTIONABLE, told
from review.ui import render

FIGURES = {
    "table": re.compile(r'<td class="figure">(.*?)</td>'),
    "list": re.compile(r"<br>\n(.*?), limit"),
}
MACROS = {"table": "checks", "list": "verdicts"}


def shown(where: str, checks: list[dict[str, Any]]) -> str:
    page = f'{{% import "parts.html.j2" as parts %}}{{{{ parts.{MACROS[where]}(checks) }}}}'
    return render.ENGINE.from_string(page).render(checks=checks)


def check(verdict: str, value: float | None = None) -> dict[str, Any]:
    return {"name": verdict, "verdict": verdict, "value": value, "limit": "none", "evidence": ""}


@pytest.mark.parametrize("where", FIGURES)
def test_only_an_objection_without_a_figure_is_unknown(where: str) -> None:
    for verdict in UNOBJECTIONABLE:
        page = shown(where, [check(verdict)])
        assert FIGURES[where].findall(page) == ["–"]
        assert f">{told(verdict, None)}</span>" in page
        assert "unknown" not in page
    for verdict in ("warn", "block"):
        assert FIGURES[where].findall(shown(where, [check(verdict)])) == ["unknown"]
    assert FIGURES[where].findall(shown(where, [check("not applicable", 0.25)])) == ["0.250"]


def test_what_blocks_comes_first() -> None:
    checks = [check("not measured"), check("warn", 0.1), check("not applicable"), check("block")]
    page = shown("list", checks)
    places = [page.index(f"<b>{each}") for each in ("block", "warn", "not measured")]
    assert places == sorted(places)
    assert render.worst_first(checks)[2:] == [checks[0], checks[2]]
