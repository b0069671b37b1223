"""Reviews: what is shown is what is judged and published, and what was rejected stays rejected.

tests/flow/test_rejections.py has a branch that is deleted or moved, and a record that is forged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from lake import refs
from lake.client import Lake
from pipelines import params
from pipelines.gate import publication, rejections, reviews
from pipelines.gate.reviews import Approval
from pipelines.rounds import context, receipts, tables
from pipelines.stages import runner
from tests.flow.projects import Project
from tests.gate import attacker, victim
from tests.gate.attacker import Change

BRANCH = "tiny-r003"


def restored(samples: str) -> Change:
    """Write the samples of a commit."""

    def change(lake: Lake, branch: str) -> None:
        frame = tables.read_round(lake, samples, "tiny", "samples", 3)
        lake.write(branch, refs.part("tiny", "samples", 3), frame)

    return change


def approve(seen: str, reason: str = "looked at it") -> str | None:
    """Approve what is at a head, as the page does; the sentence that refuses it."""
    try:
        publication.approve(context.open_context("tiny-3"), Approval(seen, reason))
    except runner.FAILURES as error:
        return str(error)
    return None


@pytest.mark.slow
def test_a_clean_head_over_a_bad_evaluate_commit(project: Project) -> None:
    """The head shows the true samples; the commit below it, which was judged, has ten images."""
    expected, lake = victim.unblock(project), project.lake()
    evaluated = receipts.read("tiny", 3, "evaluate").commit
    bad = attacker.on_branch(
        lake, BRANCH, evaluated, attacker.table("samples", 3, attacker.few_images)
    )
    abouts: Mapping[str, dict[str, str]] = {
        "evaluate": dict(lake.resolve(evaluated).metadata),
        "guard": {**lake.resolve(evaluated).metadata, "stemma.stage": "guard"},
        "nobody": {},
    }
    head = lake.head(refs.MAIN)
    for about in abouts.values():
        top = attacker.on_branch(lake, BRANCH, bad.id, restored(evaluated), about)
        assert approve(top.id) is not None
        assert approve(bad.id) is not None
        assert lake.head(refs.MAIN) == head
        done = project.stemma("diff", refs.MAIN, BRANCH, "--json")
        assert "Traceback" not in done.said
    lake.set_branch(BRANCH, bad.id)
    assert approve(bad.id) is not None
    assert lake.head(refs.MAIN) == head
    assert victim.run(project, "evaluate", "publish") is None
    assert victim.outcome(lake, refs.MAIN) == expected


def test_a_rejection_that_somebody_takes_away(project: Project) -> None:
    """Deleted on main and on the branch: the audit names what took it away."""
    lake = project.lake()
    round_ = params.resolve(params.load(), "tiny-3")
    reviews.reject(lake, round_, str(lake.head(BRANCH)), "blurred")
    victim.unblock(project)
    (record,) = rejections.of_round(lake, "tiny", 3)
    evaluated = receipts.read("tiny", 3, "evaluate").commit
    lake.set_branch(BRANCH, evaluated)
    assert "a reviewer rejected tiny-3: blurred" in (victim.run(project, "publish") or "")
    kept, place = lake.resolve(refs.MAIN), rejections.place(record)
    ways: Mapping[str, Callable[[], str]] = {
        "commit": lambda: attacker.on_main(lake, removed(place), kept.metadata).id,
        "merge": lambda: (
            attacker.merged(
                lake,
                attacker.commit(lake, kept.id, removed(place), kept.metadata).id,
                kept.metadata,
            ).id
        ),
        "another record": lambda: (
            attacker.on_main(
                lake, lambda at, branch: at.write_bytes(branch, place, b"{}"), kept.metadata
            ).id
        ),
    }
    for name, way in ways.items():
        attacker.hard_reset(lake, refs.MAIN, kept.id)
        bad = way()
        assert bad in victim.wrongs(project), name


def removed(path: str) -> Change:
    """Delete an object."""
    return lambda lake, branch: lake.delete(branch, [path])


def test_a_rejection_that_somebody_forges_stops_nothing_silently(
    project: Project, stranger: Path
) -> None:
    """Unsigned words on a branch: what is left out stays out, and what was made is made again."""
    lake = project.lake()
    victim.unblock(project)
    evaluated = receipts.read("tiny", 3, "evaluate").commit
    about = {
        **lake.resolve(evaluated).metadata,
        "stemma.stage": "review",
        reviews.REJECTED: "no [reason]",
        reviews.SEEN: evaluated,
    }
    for entries in (about, attacker.signed(lake, about, stranger)):
        attacker.on_branch(lake, BRANCH, evaluated, attacker.nothing, entries)
        said = victim.run(project, "publish")
        assert said is None or "no [reason]" in said


@pytest.mark.parametrize("entry", [reviews.REASON, reviews.OVERRULED, reviews.SEEN])
def test_words_of_a_review_on_a_merge_that_was_signed_without(project: Project, entry: str) -> None:
    """The merge of round 2 is made again, with one more entry."""
    lake = project.lake()
    genuine = lake.resolve("tiny-v2")
    attacker.hard_reset(lake, refs.MAIN, genuine.parents[0])
    about = {**genuine.metadata, entry: "a reviewer said so"}
    bad = attacker.merged(lake, genuine.parents[1], about)
    assert "is not signed by a key that is trusted" in victim.wrongs(project)[bad.id]


def test_any_head_file_of_a_merge_that_was_signed(project: Project) -> None:
    """An old answer proves the bytes of its own head file alone."""
    lake = project.lake()
    genuine = lake.resolve("tiny-v2")
    start, source = genuine.parents
    for data in (b"{}", b"", b"\xff", lake.read(start, refs.head("tiny"))):
        attacker.hard_reset(lake, refs.MAIN, start)

        def write(at: Lake, branch: str, data: bytes = data) -> None:
            at.write_bytes(branch, refs.head("tiny"), data)

        late = attacker.commit(lake, source, write, lake.resolve(source).metadata)
        bad = attacker.merged(lake, late.id, genuine.metadata)
        assert victim.wrongs(project).keys() == {bad.id}
