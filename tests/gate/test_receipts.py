"""Receipts that somebody edited by hand: none publishes another commit than the round's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from lake import refs
from pipelines.rounds import receipts
from tests.flow.projects import Project
from tests.gate import attacker, victim

Edit = Callable[[dict[str, Any]], object]


def edit(stage: str, change: Edit, number: int = 3) -> None:
    """Edit a receipt by hand."""
    place = receipts.path("tiny", number, stage)
    content = json.loads(place.read_text(encoding="utf-8"))
    change(content)
    place.write_text(json.dumps(content), encoding="utf-8")


def put(**values: object) -> Edit:
    """Set entries of a receipt."""
    return lambda content: content.update(values)


def test_receipts_of_a_stage_that_name_something_else(project: Project) -> None:
    """The stage that reads the receipt refuses it, and names it; main does not move."""
    victim.unblock(project)
    lake, place = project.lake(), receipts.path("tiny", 3, "evaluate")
    genuine, head = place.read_bytes(), lake.head(refs.MAIN)
    evaluated = receipts.read("tiny", 3, "evaluate").commit
    bad = attacker.commit(
        lake,
        evaluated,
        attacker.table("samples", 3, attacker.few_images),
        lake.resolve(evaluated).metadata,
    )
    edits: Mapping[str, Edit] = {
        "an altered copy": put(commit=bad.id),
        "the commit of another stage": put(commit=receipts.read("tiny", 3, "curate").commit),
        "the head of the branch": put(commit=lake.head("tiny-r003")),
        "the commit of another round": put(commit=receipts.read("tiny", 2, "evaluate").commit),
        "main": put(commit=lake.head(refs.MAIN)),
        "a branch": put(commit="tiny-r003"),
        "an expression": put(commit="tiny-r003~1"),
        "a tag": put(commit="tiny-v2"),
        "an abbreviation": put(commit=evaluated[:16]),
        "no commit": put(commit="0" * 64),
        "nothing": put(commit=""),
        "a path": put(commit="../../x"),
        "a character that ends texts": put(commit="x\0y"),
        "another key": put(input_key="0" * 64),
        "another recipe": put(recipe="0" * 64),
        "other versions": put(versions={"evaluate": "evaluate/99"}),
        "another round": put(round=2),
        "another data set": put(dataset="other"),
        "another stage": put(stage="curate"),
        "another line": put(line="trial"),
        "another repository": put(repository="elsewhere"),
        "another branch": put(branch="main"),
    }
    for name, change in edits.items():
        place.write_bytes(genuine)
        edit("evaluate", change)
        said = victim.run(project, "publish")
        assert said is not None, name
        assert str(place) in said, name
        assert lake.head(refs.MAIN) == head, name
    place.write_bytes(receipts.path("tiny", 2, "evaluate").read_bytes())
    assert str(place) in (victim.run(project, "publish") or "")
    place.write_bytes(genuine)
    assert victim.run(project, "publish") is None


@pytest.mark.parametrize("stage", ["generate", "verify", "curate"])
def test_receipts_of_earlier_stages_that_name_something_else(project: Project, stage: str) -> None:
    lake, place = project.lake(), receipts.path("tiny", 3, stage)
    reader = {"generate": "verify", "verify": "curate", "curate": "evaluate"}[stage]
    head = lake.head("tiny-r003")
    for other in (lake.head("tiny-r003"), receipts.read("tiny", 2, stage).commit):
        genuine = place.read_bytes()
        edit(stage, put(commit=other))
        assert str(place) in (victim.run(project, reader) or "")
        place.write_bytes(genuine)
    assert lake.head("tiny-r003") == head


def test_publish_receipts_that_name_something_else(project: Project) -> None:
    """The next round would learn from what the receipt names."""
    lake, place = project.lake(), receipts.path("tiny", 2, "publish")
    genuine = place.read_bytes()
    about = dict(lake.resolve("tiny-v2").metadata)
    empty = attacker.on_main(lake, attacker.nothing, about)
    edits: Mapping[str, Edit] = {
        "an empty commit of its metadata": put(commit=empty.id),
        "what it merged": put(commit=lake.resolve("tiny-v2").parents[1]),
        "another round": put(commit=lake.resolve("tiny-v1").id),
        "another round, and says so": put(commit=lake.resolve("tiny-v1").id, round=1),
        "a branch": put(commit=refs.MAIN),
        "a tag": put(commit="tiny-v2"),
        "no commit": put(commit="0" * 64),
        "another line": put(line="trial"),
    }
    for name, change in edits.items():
        place.write_bytes(genuine)
        edit("publish", change, 2)
        said = victim.run(project, "fit", "generate")
        assert said is not None, name
        assert str(place) in said, name
    place.write_bytes(receipts.path("tiny", 1, "publish").read_bytes())
    assert str(place) in (victim.run(project, "fit", "generate") or "")
    place.write_bytes(genuine)
    assert victim.run(project, "fit", "generate") is None


@pytest.mark.parametrize("reader", ["generate", "verify", "evaluate"])
def test_a_fit_receipt_of_another_commit(project: Project, reader: str) -> None:
    """The commit whose real data and mix later stages compare with."""
    place, lake = receipts.path("tiny", 3, "fit"), project.lake()
    edit("fit", put(commit=lake.resolve("tiny-v1").id))
    assert str(place) in (victim.run(project, reader) or "")


@pytest.mark.parametrize(("stage", "reader"), [("generate", "evaluate"), ("curate", "publish")])
def test_a_receipt_that_a_later_stage_reads_besides(
    project: Project, stage: str, reader: str
) -> None:
    """`evaluate` searches the candidates of the generate commit for leaks."""
    edit(stage, put(commit=receipts.read("tiny", 2, stage).commit))
    assert str(receipts.path("tiny", 3, stage)) in (victim.run(project, reader) or "")
