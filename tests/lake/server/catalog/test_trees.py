"""Trees of paths: a dictionary in behaviour, canonical in shape, cheap to change and to compare."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.server.catalog.catalog import Catalog
from lake.server.catalog.commits import CommitMessage
from lake.server.catalog.database import Database
from lake.server.catalog.diff import diff
from lake.server.catalog.entries import Entry, read_text, read_texts, unpack
from lake.server.catalog.trees import EMPTY, FANOUT, Tree
from lake.server.catalog.versions import Versions


class Counted(dict[str, bytes]):
    """Blocks in memory that count what is written and read."""

    reads = 0

    def put(self, block: str, data: bytes) -> None:
        assert hashlib.sha256(data).hexdigest() == block
        self[block] = data

    def get(self, block: str) -> bytes:  # type: ignore[override]
        self.reads += 1
        return self[block]

    unpack = staticmethod(unpack)


def entry(value: int) -> Entry:
    return Entry(f"{value:064x}", f"{value:032x}", value, 1, "text/plain")


def held(tree: Tree) -> dict[str, Entry]:
    return dict(tree.items())


NUMBERED = [f"data/part-{number:05d}" for number in range(3000)]
PATHS = st.one_of(st.sampled_from(NUMBERED), st.text("ab/é", min_size=1, max_size=5))
CHANGES = st.dictionaries(PATHS, st.one_of(st.none(), st.integers(0, 9).map(entry)), max_size=60)
WHOLE = st.integers(0, 3000).map(lambda size: {path: entry(1) for path in NUMBERED[:size]})
REMOVED = st.tuples(st.integers(0, 3000), st.integers(0, 3000)).map(
    lambda span: dict.fromkeys(NUMBERED[min(span) : max(span)])
)
HISTORIES = st.lists(st.one_of(CHANGES, WHOLE, REMOVED), max_size=6)


def play(blocks: Counted, history: list[dict[str, Entry | None]]) -> tuple[Tree, dict[str, Entry]]:
    tree, model = Tree(blocks, EMPTY), {}
    for changes in history:
        tree = tree.updated(changes)
        for path, value in changes.items():
            if value is None:
                model.pop(path, None)
            else:
                model[path] = value
    return tree, model


@settings(max_examples=60, deadline=None)
@given(HISTORIES)
def test_a_tree_is_a_sorted_dictionary(history: list[dict[str, Entry | None]]) -> None:
    tree, model = play(Counted(), history)
    assert list(tree.items()) == sorted(model.items())
    assert all(tree.get(path) == model.get(path) for path in [*NUMBERED[::97], *list(model)[:50]])


@settings(max_examples=60, deadline=None)
@given(HISTORIES)
def test_the_shape_depends_on_the_content_alone(history: list[dict[str, Entry | None]]) -> None:
    blocks = Counted()
    tree, model = play(blocks, history)
    assert tree.root == Tree(blocks, EMPTY).updated(model).root


@settings(max_examples=60, deadline=None)
@given(HISTORIES, HISTORIES, st.sampled_from(["", "data/", "data/part-01", "a", "zzz"]))
def test_a_diff_is_that_of_dictionaries(
    one: list[dict[str, Entry | None]], other: list[dict[str, Entry | None]], prefix: str
) -> None:
    blocks = Counted()
    left, before = play(blocks, one)
    right, after = play(blocks, [*one, *other])
    expected = [
        (path, before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if path.startswith(prefix) and before.get(path) != after.get(path)
    ]
    assert [
        (found.path, found.left, found.right) for found in diff(left, right, prefix)
    ] == expected


@settings(max_examples=40, deadline=None)
@given(HISTORIES, PATHS)
def test_a_listing_goes_on_from_anywhere(
    history: list[dict[str, Entry | None]], start: str
) -> None:
    tree, model = play(Counted(), history)
    assert list(tree.items(start)) == sorted(i for i in model.items() if i[0] >= start)
    after = list(tree.items(start, inclusive=False))
    assert after == sorted(i for i in model.items() if i[0] > start)


def test_a_change_in_a_large_tree_writes_and_compares_few_blocks() -> None:
    blocks = Counted()
    whole = {f"digits/part-{number:06d}": entry(number) for number in range(20_000)}
    tree = Tree(blocks, EMPTY).updated(whole)
    assert 20_000 / FANOUT / 2 < len(blocks) < 20_000 / FANOUT * 2
    before = len(blocks)
    changed = tree.updated({"digits/part-010000": entry(1)})
    assert 0 < len(blocks) - before <= 6
    blocks.reads = 0
    assert [found.path for found in diff(tree, changed)] == ["digits/part-010000"]
    assert blocks.reads <= 12
    assert changed.updated({"digits/part-010000": entry(10_000)}).root == tree.root


def test_a_commit_costs_what_changed(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalog.db")
    catalog = Catalog(database)
    versions = Versions(catalog)
    versions.create_repository("large", "local://large", "main", "test", read_only=False)

    def commit(changes: dict[str, Entry | None]) -> int:
        catalog.stage("large", "main", changes)
        versions.commit_staged("large", "main", CommitMessage("m", "test", {}), allow_empty=False)
        return int(database.connection.execute("SELECT count(*) FROM blocks").fetchone()[0])

    first = commit({f"digits/part-{number:06d}": entry(number) for number in range(20_000)})
    assert commit({"digits/part-010000": entry(1)}) - first <= 6
    assert first > 20_000 / FANOUT / 2


@pytest.mark.parametrize("span", [(0, 20_000), (1, 20_000), (0, 19_999), (5_000, 15_000), (7, 8)])
def test_a_large_tree_shrinks_to_the_shape_of_what_is_left(span: tuple[int, int]) -> None:
    blocks = Counted()
    whole = {f"digits/part-{number:06d}": entry(number) for number in range(20_000)}
    tree = Tree(blocks, EMPTY).updated(whole)
    gone = sorted(whole)[slice(*span)]
    removed = set(gone)
    left = {path: value for path, value in whole.items() if path not in removed}
    shrunk = tree.updated(dict.fromkeys(gone))
    assert shrunk.root == Tree(blocks, EMPTY).updated(left).root
    assert shrunk.updated({path: whole[path] for path in gone}).root == tree.root
    assert len(list(diff(tree, shrunk))) == len(gone)


def golden(number: int) -> Entry:
    """An entry of which everything that JSON can write in two ways is part."""
    named = str(number).encode()
    digests = hashlib.sha256(named).hexdigest(), hashlib.md5(named, usedforsecurity=False)
    more = {"wer": f"Ä\x7f{number}\n"} if number % 3 == 0 else {}
    kind = ("a/b", 'text/plain; q="ü"')[number % 2]
    return Entry(
        digests[0], digests[1].hexdigest(), number * 10**9, 1_700_000_000 + number, kind, more
    )


def test_stored_trees_keep_their_bytes() -> None:
    blocks = Counted()
    paths = [f"ordner ü/{number:05d}\\" for number in range(3000)]
    tree = Tree(blocks, EMPTY).updated({path: golden(n) for n, path in enumerate(paths)})
    tree = tree.updated(dict.fromkeys(paths[::7]))
    assert tree.root == "309586a1a47be8150b15041a377d3f61d2e4de1ee81ae017c43b827a7f38273a"
    every = hashlib.sha256(b"".join(blocks[name] for name in sorted(blocks))).hexdigest()
    assert every == "b9d7e5ffa95ae9f7a08ebaeb19d225a52ca9abd6776a9ed7eef774d635fc1bd9"


def test_what_was_staged_is_committed_as_it_was_written(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalog.db")
    catalog = Catalog(database)
    versions = Versions(catalog)
    versions.create_repository("repo", "local://repo", "main", "t", read_only=False)
    whole: dict[str, Entry | None] = {f"ü/{number}": golden(number) for number in range(200)}
    catalog.stage("repo", "main", whole)
    with database.change() as db:  # as a release before wrote an entry without metadata
        text = json.dumps([*golden(1).pack(), {}])
        db.execute("UPDATE staging SET entry = ? WHERE path = 'ü/1'", (text,))
    commit = versions.commit_staged("repo", "main", CommitMessage("m", "t", {}), allow_empty=False)
    assert commit.root == Tree(Counted(), EMPTY).updated(whole).root
    for damaged in ("", "[]", "{}", '["a"]', "[1,2,3,4,5", "[1,2,3,4,5]6", "[1,2,3,4,5,6,7]"):
        for texts in ([damaged], ["[1,2,3,4,5]", damaged]):
            with pytest.raises(ValueError, match=r"damaged|EOF|trailing|expected"):
                read_texts(texts)
        with pytest.raises(ValueError, match=r"damaged|EOF|trailing|expected"):
            read_text(damaged)


VALUES = st.lists(st.text() | st.integers() | st.lists(st.text()))


@given(VALUES)
def test_a_block_has_the_bytes_that_json_gives_it(values: list[object]) -> None:
    blocks = Counted()
    block = Tree(blocks, EMPTY)._store(1, ["a"], {"a": values})
    plain = json.dumps([1, ["a"], [values]], separators=(",", ":"), ensure_ascii=False)
    assert blocks[block] == plain.encode()
