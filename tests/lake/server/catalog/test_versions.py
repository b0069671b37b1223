"""Commits, diffs, merges, reverts and refs, as lakeFS's own client drives them."""

from __future__ import annotations

import time
from collections.abc import Mapping

import httpx
import lakefs
import pytest
from lakefs.exceptions import BadRequestException, ConflictException, NotFoundException

Branch = lakefs.Branch
pytestmark = pytest.mark.contract


def commit(branch: Branch, changes: Mapping[str, str | None], message: str = "m") -> str:
    for path, text in changes.items():
        if text is None:
            branch.object(path).delete()
        else:
            branch.object(path).upload(text)
    return str(branch.commit(message).id)


def content(repository: lakefs.Repository, ref: str) -> dict[str, str]:
    reference = repository.ref(ref)
    return {
        item.path: reference.object(item.path).reader("r").read() for item in reference.objects()
    }


def changes(left: Branch, right: Branch | str, kind: str = "three_dot") -> set[tuple[str, str]]:
    return {(item.type, item.path) for item in left.diff(right, type=kind)}


@pytest.fixture
def main(repository: lakefs.Repository) -> Branch:
    found = repository.branch("main")
    commit(found, {"a": "1", "b": "1", "c": "1"}, "first")
    return found


@pytest.fixture
def side(repository: lakefs.Repository, main: Branch) -> Branch:
    return repository.branch("side").create(main.id)


# Commits


def test_a_commit_says_what_it_was_given(main: Branch, api: httpx.Client) -> None:
    main.object("a").upload("2")
    before = int(time.time())
    made = main.commit("message", {"stemma.input_key": "k", "ü": "é"}).get_commit()
    assert made.message == "message"
    assert made.metadata == {"stemma.input_key": "k", "ü": "é"}
    assert before <= made.creation_date <= time.time() + 1
    assert made.committer == api.get("/user").json()["user"]["id"]
    assert len(made.id) == 64
    assert len(made.parents) == 1


def test_nothing_to_commit_is_refused_unless_allowed(main: Branch) -> None:
    for _ in range(2):
        with pytest.raises(BadRequestException, match="no changes"):
            main.commit("m")
        main.object("a").upload("1")  # what is there already
    head = main.get_commit().id
    assert main.commit("m", allow_empty=True).get_commit().parents == [head]


def test_uncommitted_changes_are_those_that_differ(main: Branch) -> None:
    main.object("a").upload("2")
    main.object("b").upload("1")
    main.object("c").delete()
    main.object("d").upload("new")
    main.object("nowhere").delete()
    found = {(item.type, item.path, item.size_bytes) for item in main.uncommitted()}
    assert found == {("changed", "a", 1), ("removed", "c", 1), ("added", "d", 3)}


def test_resetting_forgets_all_a_prefix_or_one_object(main: Branch) -> None:
    for path in ("a", "dir/x", "dir/y", "z"):
        main.object(path).upload("changed")
    main.reset_changes("object", "a")
    assert {item.path for item in main.uncommitted()} == {"dir/x", "dir/y", "z"}
    main.reset_changes("common_prefix", "dir/")
    assert {item.path for item in main.uncommitted()} == {"z"}
    main.reset_changes()
    assert not list(main.uncommitted())


def test_the_log_is_newest_first_by_generation(
    repository: lakefs.Repository, main: Branch, side: Branch
) -> None:
    ids = [commit(main, {"a": str(number)}) for number in range(2, 5)]
    other = commit(side, {"b": "2"})
    merged = side.merge_into(main)
    found = [item.id for item in main.log()]
    assert found[0] == merged
    assert found.index(ids[2]) < found.index(ids[1]) < found.index(ids[0])
    assert found.index(other) > found.index(ids[1])
    assert len(found) == len(set(found)) == 7
    assert other not in [item.id for item in main.log(first_parent=True)]
    paged = [item.id for item in main.log(amount=2)]
    assert paged == found
    assert [item.id for item in repository.ref(f"{merged}~1").log(max_amount=1)] == [ids[2]]


# Refs


def test_ref_expressions(repository: lakefs.Repository, main: Branch, side: Branch) -> None:
    first = main.get_commit().id
    second = commit(main, {"a": "2"})
    other = commit(side, {"b": "2"})
    merged = side.merge_into(main)
    lakefs.Tag(repository.id, "v1", client=repository._client).create(second)
    for text, expected in {
        "main": merged,
        merged: merged,
        merged[:12]: merged,
        merged[:5]: merged,
        "main~": second,
        "main~2": first,
        "main^2": other,
        "main^2~": first,
        "main^": second,
        "v1~1": first,
        "v1": second,
        "main@": merged,
    }.items():
        assert repository.ref(text).get_commit().id == expected, text
    for text in ("main^3", "main~50", "v1$x", "x" + merged[:4], "main@~1", "v1@"):
        with pytest.raises((NotFoundException, BadRequestException)):
            repository.ref(text).get_commit()


def test_marks_tell_staged_from_committed(repository: lakefs.Repository, main: Branch) -> None:
    main.object("a").upload("staged")
    assert content(repository, "main")["a"] == "staged"
    assert content(repository, "main$")["a"] == "staged"
    assert content(repository, "main@")["a"] == "1"
    assert content(repository, main.head.id)["a"] == "1"


def test_a_branch_named_like_a_commit_prefix_is_the_branch(
    repository: lakefs.Repository, main: Branch
) -> None:
    first = main.get_commit().id
    repository.branch(first[:10]).create("main")
    second = commit(main, {"a": "2"})
    assert repository.ref(first[:10]).get_commit().id == first
    commit(repository.branch(first[:10]), {"x": "1"})
    assert repository.ref(first[:10]).get_commit().id not in (first, second)


def test_deleted_refs_leave_their_commits(repository: lakefs.Repository, side: Branch) -> None:
    made = commit(side, {"a": "2"})
    side.object("a").upload("uncommitted")
    side.delete()
    assert content(repository, made)["a"] == "2"
    again = repository.branch("side").create("main")
    assert not list(again.uncommitted())


# Diffs


def test_two_dot_compares_trees_and_three_dot_starts_at_the_merge_base(
    main: Branch, side: Branch
) -> None:
    commit(main, {"main-only": "1", "a": None})
    commit(side, {"side-only": "1", "b": "2", "c": None})
    assert changes(main, side, "two_dot") == {
        ("removed", "main-only"),
        ("added", "a"),
        ("added", "side-only"),
        ("changed", "b"),
        ("removed", "c"),
    }
    assert changes(main, side) == {("added", "side-only"), ("changed", "b"), ("removed", "c")}
    assert changes(main, main.id) == set()


def test_three_dot_marks_conflicts_and_leaves_out_what_agrees(main: Branch, side: Branch) -> None:
    commit(main, {"a": "ours", "b": "same", "c": None})
    commit(side, {"a": "theirs", "b": "same", "c": "kept"})
    assert changes(main, side) == {("conflict", "a"), ("conflict", "c")}


def test_a_diff_is_listed_by_prefix_page_and_delimiter(main: Branch, side: Branch) -> None:
    commit(side, {f"{folder}/{number}": "x" for folder in ("p", "q") for number in range(3)})
    assert changes(main, side) == {("added", f"{f}/{n}") for f in ("p", "q") for n in range(3)}
    assert [item.path for item in main.diff(side, prefix="q/")] == ["q/0", "q/1", "q/2"]
    assert [item.path for item in main.diff(side, amount=1)] == sorted(
        f"{f}/{n}" for f in ("p", "q") for n in range(3)
    )
    assert [item.path for item in main.diff(side, delimiter="/")] == ["p/", "q/"]


def test_identity_in_a_diff_is_content_type_and_metadata_not_time(main: Branch) -> None:
    main.object("a").upload("1", metadata={"k": "v"})
    main.object("b").upload("1", content_type="text/other")
    main.object("c").upload("1")
    assert {item.path for item in main.uncommitted()} == {"a", "b"}


# Merges


def test_a_merge_takes_both_sides(
    repository: lakefs.Repository, main: Branch, side: Branch
) -> None:
    ours = commit(main, {"a": "ours", "new": "ours"})
    theirs = commit(side, {"b": "theirs", "c": None})
    merged = side.merge_into(main, message="merge", metadata={"k": "v"})
    assert content(repository, "main") == {"a": "ours", "b": "theirs", "new": "ours"}
    found = repository.ref(merged).get_commit()
    assert (found.parents, found.message) == ([ours, theirs], "merge")
    assert found.metadata == {"k": "v", ".lakefs.merge.strategy": "default"}
    with pytest.raises(BadRequestException, match="no changes"):
        side.merge_into(main)


@pytest.mark.parametrize(("ours", "theirs"), [("ours", "theirs"), (None, "theirs"), ("ours", None)])
def test_conflicts_are_refused_unless_somebody_wins(
    repository: lakefs.Repository,
    main: Branch,
    side: Branch,
    ours: str | None,
    theirs: str | None,
) -> None:
    head = commit(main, {"a": ours})
    commit(side, {"a": theirs, "b": "2"})
    with pytest.raises(ConflictException) as caught:
        side.merge_into(main)
    assert "conflict" in str(caught.value)
    assert main.get_commit().id == head
    wins = repository.branch("wins").create("main")
    side.merge_into(wins, strategy="source-wins")
    assert content(repository, "wins").get("a") == theirs
    side.merge_into(main, strategy="dest-wins")
    assert content(repository, "main").get("a") == ours
    assert content(repository, "main")["b"] == "2"
    with pytest.raises(BadRequestException):
        side.merge_into(main, strategy="nobody-wins")


def test_equal_changes_on_both_sides_are_no_conflict(
    repository: lakefs.Repository, main: Branch, side: Branch
) -> None:
    commit(main, {"a": "same", "b": None})
    commit(side, {"a": "same", "b": None, "c": "2"})
    side.merge_into(main)
    assert content(repository, "main") == {"a": "same", "c": "2"}


def test_a_squash_has_the_destination_as_its_only_parent(
    repository: lakefs.Repository, main: Branch, side: Branch
) -> None:
    head = main.get_commit().id
    commit(side, {"a": "2"})
    merged = side.merge_into(main, squash_merge=True)
    assert repository.ref(merged).get_commit().parents == [head]
    assert content(repository, "main")["a"] == "2"


def test_a_dirty_destination_is_refused(main: Branch, side: Branch) -> None:
    commit(side, {"a": "2"})
    main.object("b").upload("staged")
    with pytest.raises(BadRequestException, match=r"uncommitted|dirty"):
        side.merge_into(main)


@pytest.mark.parametrize("stage", ["same content", "absent removed"])
def test_a_staged_change_without_effect_does_not_undo_the_merge(
    repository: lakefs.Repository, main: Branch, side: Branch, stage: str
) -> None:
    commit(side, {"a": "2", "new": "2"})
    if stage == "same content":
        main.object("a").upload("1")
    else:
        main.object("new").delete()
    side.merge_into(main)
    assert not list(main.uncommitted())
    assert content(repository, "main") == {"a": "2", "b": "1", "c": "1", "new": "2"}


def test_criss_cross_histories_have_a_base(
    repository: lakefs.Repository, main: Branch, side: Branch
) -> None:
    commit(main, {"a": "2"})
    commit(side, {"b": "2"})
    old = repository.ref(main.get_commit().id)
    side.merge_into(main)
    old.merge_into(side)
    commit(main, {"x": "main"})
    commit(side, {"y": "side"})
    side.merge_into(main)
    assert content(repository, "main") == {
        "a": "2",
        "b": "2",
        "c": "1",
        "x": "main",
        "y": "side",
    }


# Reverts and cherry-picks


def test_a_revert_undoes_one_commit(repository: lakefs.Repository, main: Branch) -> None:
    wrong = commit(main, {"a": "wrong", "b": None, "new": "1"})
    commit(main, {"c": "2"})
    made = main.revert(wrong)
    assert content(repository, "main") == {"a": "1", "b": "1", "c": "2"}
    assert made.message == f"Revert {wrong}"


def test_a_revert_of_what_changed_since_is_a_conflict(main: Branch) -> None:
    wrong = commit(main, {"a": "wrong"})
    head = commit(main, {"a": "later"})
    with pytest.raises(ConflictException):
        main.revert(wrong)
    assert main.get_commit().id == head


def test_a_merge_is_reverted_by_parent_number(
    repository: lakefs.Repository, main: Branch, side: Branch
) -> None:
    commit(main, {"a": "ours"})
    commit(side, {"b": "theirs"})
    merged = side.merge_into(main)
    for number, error in ((0, ConflictException), (3, BadRequestException)):
        with pytest.raises(error):
            main.revert(merged, parent_number=number)
    main.revert(merged, parent_number=1)
    assert content(repository, "main") == {"a": "ours", "b": "1", "c": "1"}


def test_a_cherry_pick_repeats_one_commit(
    repository: lakefs.Repository, main: Branch, side: Branch
) -> None:
    commit(side, {"a": "skipped"})
    picked = commit(side, {"b": "picked"}, "the pick")
    made = main.cherry_pick(picked)
    assert made.message == "the pick"
    assert content(repository, "main") == {"a": "1", "b": "picked", "c": "1"}
    with pytest.raises(BadRequestException):
        main.cherry_pick(picked)


# Listings


def test_listings_page_fold_and_go_on(main: Branch) -> None:
    paths = ["dir/", "dir/a", "dir/b/1", "dir/b/2", "dir/b0", "dir0", "e/\U0010ffffx", "e/z"]
    commit(main, dict.fromkeys(paths, "x"))
    main.object("dir/c").upload("staged")
    main.object("dir/a").delete()
    everything = sorted({*paths, "a", "b", "c", "dir/c"} - {"dir/a"})
    for amount in (1, 2, 1000):
        listed = [item.path for item in main.objects(amount=amount)]
        assert listed == everything
        inside = [item.path for item in main.objects(prefix="dir/", amount=amount)]
        assert inside == [path for path in everything if path.startswith("dir/")]
        folded = [item.path for item in main.objects(delimiter="/", amount=amount)]
        assert folded == ["a", "b", "c", "dir/", "dir0", "e/"]
        deeper = [item.path for item in main.objects(prefix="dir/", delimiter="/", amount=amount)]
        assert deeper == ["dir/", "dir/b/", "dir/b0", "dir/c"]
    assert [item.path for item in main.objects(after="dir0")] == ["e/z", "e/\U0010ffffx"]


def test_user_metadata_comes_back(main: Branch) -> None:
    main.object("a").upload("1", metadata={"Key": "value", "other": "é"})
    found = main.object("a").stat().metadata
    assert found == {"Key": "value", "other": "é"}
    listed = next(item for item in main.objects() if item.path == "a")
    assert listed.metadata == found


def test_a_copy_moves_no_bytes(repository: lakefs.Repository, side: Branch) -> None:
    commit(side, {"a": "copied"})
    made = side.object("a").copy("main", "copy")
    assert made.reader("r").read() == "copied"
    assert made.stat().physical_address == side.object("a").stat().physical_address
    assert content(repository, "main@").get("copy") is None
