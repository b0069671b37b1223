"""Refs that move: the audit of main's history names them, as the stage `lake` and status do.

tests/flow/test_tags.py has what the stage and status say of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from lake import refs
from lake.client import Lake
from tests.flow.projects import Project
from tests.gate import attacker, victim


def back(lake: Lake) -> None:
    """Move main back by two merges."""
    attacker.hard_reset(lake, refs.MAIN, lake.resolve("tiny-v0").id)


def remade(lake: Lake) -> None:
    """Delete a tag, and make another of its name."""
    target = lake.resolve("tiny-v0").id
    attacker.delete_tag(lake, "tiny-v1")
    lake.tag("tiny-v1", target)


def gone(lake: Lake) -> None:
    """Delete a tag."""
    attacker.delete_tag(lake, "tiny-v1")


def hidden(lake: Lake) -> None:
    """Give a branch the name of a tag."""
    attacker.hide_tag(lake, "tiny-v2", lake.resolve("tiny-v1").id)


def foreign(lake: Lake) -> None:
    """Tag what was never merged as the next round."""
    lake.tag("tiny-v3", str(lake.head("tiny-r003")))


MOVES: Mapping[str, tuple[Callable[[Lake], None], str]] = {
    "main was moved": (back, "main does not hold"),
    "tag was moved": (remade, "tags of rounds never move"),
    "tag is gone": (gone, "is gone; find out who deleted it"),
    "branch hides tag": (hidden, "whoever reads tiny-v2 gets the branch"),
    "foreign tag": (foreign, "the tag tiny-v3 points to"),
}


@pytest.mark.slow
def test_refs_that_moved_are_named_by_the_audit_of_main(project: Project) -> None:
    lake = project.lake()
    branches, tags = lake.branches(), lake.tags()
    for kind, (move, said) in MOVES.items():
        move(lake)
        done = project.stemma("audit", "--history", "main")
        assert done.code == 1, kind
        assert said in " ".join(done.said.split()), kind
        shown = " ".join(victim.status(project).said.split())
        is_shown = said[1:] in shown  # a sentence begins with a capital there
        assert is_shown, kind
        assert said in (victim.repro(project) or ""), kind
        put_back(lake, branches, tags)


def put_back(lake: Lake, branches: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """Undo a move."""
    attacker.hard_reset(lake, refs.MAIN, branches[refs.MAIN])
    for name in lake.branches().keys() - branches.keys():
        lake.delete_branch(name)
    for name, commit in lake.tags().items():
        if tags.get(name) != commit:
            attacker.delete_tag(lake, name)
    for name in tags.keys() - lake.tags().keys():
        lake.tag(name, tags[name])
