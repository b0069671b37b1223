"""Ids of moved commits: what is understood, and what is shown."""

from __future__ import annotations

import pytest

from lake.commit_ids import NONE_MOVED, CommitIds, Moved
from lake.values import Commit

OLD, OTHER, NEW, NEXT = "ab" * 32, "abab" + "cd" * 30, "12" * 32, "34" * 32
IDS = CommitIds({OLD: Moved(NEW, created=5, committer="Ada"), OTHER: Moved(NEXT)}, created=1)


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        (OLD, NEW),
        (f"{OLD}~2", f"{NEW}~2"),
        (f"{OLD}^1@", f"{NEW}^1@"),
        (OLD[:12], NEW),
        (f"{OTHER[:7]}~1", f"{NEXT}~1"),
        (OLD[:4], OLD[:4]),  # both begin so, and it is too short
        (NEW, NEW),
        ("f" * 64, "f" * 64),
        ("main", "main"),
        ("abababababab-r001", "abababababab-r001"),
        (f"{OLD}0", f"{OLD}0"),
        ("", ""),
    ],
)
def test_a_ref_may_begin_with_the_id_that_a_commit_had(ref: str, found: str) -> None:
    assert IDS.inward(ref) == found
    assert NONE_MOVED.inward(ref) == ref


def test_digits_that_two_ids_begin_with_stand_for_neither() -> None:
    two = CommitIds({"a" * 63 + "1": Moved(NEW), "a" * 63 + "2": Moved(NEXT)})
    assert two.inward("a" * 12) == "a" * 12


def test_a_commit_is_shown_as_it_was() -> None:
    made = Commit(NEW, (NEXT, "f" * 64), "m", {}, 9, "their keys")
    assert IDS.shown(made) == Commit(OLD, (OTHER, "f" * 64), "m", {}, 5, "Ada")
    later = Commit("e" * 64, (NEW,), "m", {}, 9, "Bob")
    assert IDS.shown(later) == Commit("e" * 64, (OLD,), "m", {}, 9, "Bob")
