"""Any edit of a round, made by hand: it is named, or it has no effect, and nothing breaks of it."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from lake import refs
from lake.client import Lake
from pipelines.rounds import attestation, receipts
from tests.flow.projects import Project, content
from tests.gate import attacker, edits, victim
from tests.gate.conftest import put_back
from tests.gate.edits import EntryEdit, ObjectEdit

QUICK = settings(
    max_examples=6,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""A few examples; the same in each run."""
EVERY_TIME = 30
MANY = int(os.environ.get("STEMMA_FUZZ_EXAMPLES") or EVERY_TIME)
"""Edits that `make test-rest` tries, the same ones each time; the variable says how many others."""
THOROUGH = settings(
    QUICK, max_examples=MANY, phases=[Phase.generate, Phase.shrink], derandomize=MANY == EVERY_TIME
)
WAYS = ("commit", "merge", "merge of another answer")
"""How an edit comes to main."""

OPEN = ("verify", "curate", "evaluate")
"""Stages that can make their result again in no time."""

NEWER = "was written by a newer release"

some_objects = st.lists(edits.object_edits, max_size=2)
some_entries = st.lists(edits.entry_edits, max_size=2)


def changed(about: dict[str, str], entries: Sequence[EntryEdit]) -> dict[str, str]:
    """Metadata after edits of what is signed; the lake itself notes the strategy of a merge."""
    lakes = [name for name in about if not name.startswith(attestation.OURS)]
    for edit in entries:
        about = edit.apply(about, (*attestation.UNSIGNED[:1], attestation.SIGNER, *lakes))
    return about


def published_otherwise(
    lake: Lake, way: str, objects: Sequence[ObjectEdit], entries: Sequence[EntryEdit]
) -> str | None:
    """Publish round 2 again, by hand and with edits; the commit on main, None if none is other."""
    genuine = lake.resolve("tiny-v2")
    start, source = genuine.parents
    about = dict(genuine.metadata)
    if way == "commit":
        is_other = edits.apply(lake, refs.MAIN, objects, "tiny/")
        return lake.commit(refs.MAIN, "by hand", changed(about, entries)).id if is_other else None
    attacker.hard_reset(lake, refs.MAIN, start)
    answered = lake.resolve(source)
    at = answered.parents[0] if way == "merge of another answer" else source
    lake.set_branch(attacker.BRANCH, at)
    if at != source:
        for item in lake.diff(at, source, three_dot=False):
            lake.write_bytes(attacker.BRANCH, item.path, lake.read(source, item.path))
    is_other = edits.apply(lake, attacker.BRANCH, objects, "tiny/")
    stated = changed(dict(answered.metadata), entries if at != source else ())
    merged = about if at != source else changed(about, entries)
    if not is_other and stated == answered.metadata and merged == about:
        return None
    last = source
    if at != source or is_other:
        last = lake.commit(attacker.BRANCH, "by hand", stated).id
    return attacker.merged(lake, last, merged).id


def published_round_survives(
    project: Project,
    way: str,
    objects: Sequence[ObjectEdit],
    entries: Sequence[EntryEdit],
    *,
    proved: bool,
) -> None:
    """Whatever somebody makes of round 2 on main, the audit names it; it may be proved, too."""
    lake = project.lake()
    branches, tags = lake.branches(), lake.tags()
    try:
        bad = published_otherwise(lake, way, objects, entries)
        assume(bad is not None)
        assert bad is not None
        wrongs = victim.wrongs(project)
        theirs = [each[:12] for each in (bad, *lake.resolve(bad).parents)]
        unread = [said for said in wrongs if NEWER in said and any(each in said for each in theirs)]
        assert bad in wrongs or unread
        if proved:
            victim.status(project)
            victim.recomputed(project)
    finally:
        put_back(lake, branches, tags)


def open_round_survives(
    project: Project, stage: str, objects: Sequence[ObjectEdit], entries: Sequence[EntryEdit]
) -> None:
    """Whatever somebody commits on the branch of round 3, its stages come to the same result.

    They adopt what they made. Where the commit is no longer one of the round, the commits below it
    are out of reach: the stage makes its result again, or names the receipt that is contradicted,
    or the commit that says of itself that this release cannot read it.
    """
    lake = project.lake()
    genuine = receipts.read("tiny", 3, stage)
    branch, head = genuine.branch, str(lake.head(genuine.branch))
    about = dict(lake.resolve(genuine.commit).metadata)
    try:
        bad = attacker.on_branch(
            lake,
            branch,
            head,
            lambda at, ref: edits.apply(at, ref, objects, "tiny/"),
            changed(about, entries),
        )
        said = victim.run(project, stage)
        if said is not None and NEWER in said:
            assert bad.id[:12] in said
        elif said is not None:
            assert "rounds/tiny/3/" in said
            assert f"neither {branch} nor main holds" in said
        now = receipts.read("tiny", 3, stage).commit
        if now != genuine.commit:
            is_equal = content(lake, now) == content(lake, genuine.commit)
            assert is_equal, f"{now} is another result of {stage}"
    finally:
        lake.set_branch(branch, head)
        receipts.write(genuine)


@pytest.mark.slow
def test_an_edit_of_a_published_round_is_named(project: Project) -> None:
    @QUICK
    @given(st.sampled_from(WAYS), some_objects, some_entries)
    def holds(way: str, objects: list[ObjectEdit], entries: list[EntryEdit]) -> None:
        published_round_survives(project, way, objects, entries, proved=False)

    holds()


def test_an_edit_of_an_open_round_has_no_effect(project: Project) -> None:
    @QUICK
    @given(st.sampled_from(OPEN), some_objects, some_entries)
    def holds(stage: str, objects: list[ObjectEdit], entries: list[EntryEdit]) -> None:
        open_round_survives(project, stage, objects, entries)

    holds()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_edits_of_a_published_round_are_named(project: Project) -> None:
    @THOROUGH
    @given(st.sampled_from(WAYS), some_objects, some_entries)
    def holds(way: str, objects: list[ObjectEdit], entries: list[EntryEdit]) -> None:
        published_round_survives(project, way, objects, entries, proved=True)

    holds()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_edits_of_an_open_round_have_no_effect(project: Project) -> None:
    @THOROUGH
    @given(st.sampled_from(OPEN), some_objects, some_entries)
    def holds(stage: str, objects: list[ObjectEdit], entries: list[EntryEdit]) -> None:
        open_round_survives(project, stage, objects, entries)

    holds()
