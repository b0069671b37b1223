"""The cache of the index: what is built, what is kept, and what damage does."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lineage.ancestry import files
from lineage.ancestry.derive import derive
from lineage.ancestry.index import Ancestry, open_index
from lineage.ancestry.source import Source
from lineage.errors import CacheError, LineageError, SchemaError
from tests.lineage.conftest import content
from tests.lineage.forest import Forest, Row

HOUR = 3600


def lake(rounds: int, gap: int = 0) -> Forest:
    """Two real rows, the second after a gap in the numbers, and rounds of their offspring."""
    found = Forest({("d", 0): {at: made("real", 0, at) for at in (0, 1 + gap)}})
    for number in range(1, rounds + 1):
        before = [*found.rounds["d", number - 1]]
        found.rounds["d", number] = {
            at: made("synthetic", number, at, ("d", number - 1, before[at])) for at in range(2)
        }
    return found


def made(kind: str, number: int, at: int, *parents: tuple[str, int, int]) -> Row:
    edges = [(parent, "seed", Fraction(1, 2)) for parent in parents]
    return Row(content((number, at)), kind, edges, None, "accepted")


def said(index: Ancestry) -> list[object]:
    """All that an index says."""
    everything = np.arange(index.rows)
    return [
        index.nodes(everything).to_dicts(),
        index.parents(everything).to_dicts(),
        index.children(everything).to_dicts(),
        [frame.to_dicts() for _, frame in derive(index)],
        [index.find(row["sample_id"].hex()).tolist() for row in index.nodes(everything).to_dicts()],
    ]


def held(directory: Path) -> dict[str, tuple[bytes, int, int]]:
    """Content, inode and time of each file, but for the seals, which may be renewed."""
    found = {}
    for place in directory.rglob("*"):
        if place.is_file() and place.name != files.SEAL:
            state = place.stat()
            name = str(place.relative_to(directory))
            found[name] = (place.read_bytes(), state.st_ino, state.st_mtime_ns)
    return found


def unread(source: Source) -> Source:
    """A source whose tables must not be read."""

    def read() -> pl.LazyFrame:
        raise AssertionError(f"round {source.round} was read")

    return replace(source, lineage=read, decisions=source.decisions and read)


def test_a_new_round_writes_only_its_own_file(tmp_path: Path) -> None:
    before = open_index(tmp_path, lake(2).sources())
    kept = held(tmp_path)
    extended = [unread(source) if source.round < 3 else source for source in lake(3).sources()]
    told: list[tuple[int, int]] = []
    index = open_index(tmp_path, extended, progress=lambda *done: told.append(done))
    new = held(tmp_path)
    assert kept.items() <= new.items()
    digest = index.segments[3].digest
    fresh = new.keys() - kept.keys()
    assert f"{digest}/{files.FILE}" in fresh
    assert len(fresh) == 2  # and what the new round names
    assert [each.digest for each in index.segments[:3]] == [each.digest for each in before.segments]
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert said(open_index(tmp_path / "again", lake(3).sources())) == said(index)


def test_a_commit_shares_what_it_has_in_common(tmp_path: Path) -> None:
    open_index(tmp_path, lake(3).sources())
    kept = held(tmp_path)
    older = [unread(source) for source in lake(3).sources() if source.round < 2]
    assert open_index(tmp_path, older).rows == 4
    assert held(tmp_path) == kept


def test_a_changed_round_is_built_again_with_all_that_descends_from_it(tmp_path: Path) -> None:
    other = {("e", 0): {0: made("real", 9, 9)}}
    first, changed = lake(4), lake(4)
    changed.rounds["d", 1] = {at + 5: row for at, row in changed.rounds["d", 1].items()}
    for at, row in changed.rounds["d", 2].items():
        row.parents = [(("d", 1, at + 5), "seed", Fraction(1, 2))]
    first.rounds |= other
    changed.rounds |= other
    before = open_index(tmp_path, first.sources()).segments
    index = open_index(tmp_path, changed.sources())
    digests = {each.digest for each in index.segments}
    same = [(each.dataset, each.round) for each in before if each.digest in digests]
    assert same == [("d", 0), ("e", 0)]
    assert index.orphans().is_empty()
    assert said(index) == said(open_index(tmp_path / "again", changed.sources()))


def test_a_parent_that_comes_later_is_found(tmp_path: Path) -> None:
    """A round whose parents were absent is another segment once they are there."""
    whole = lake(2).sources()
    without = [source for source in whole if source.round != 1]
    assert len(open_index(tmp_path, without).orphans()) == 2
    assert open_index(tmp_path, whole).orphans().is_empty()


def test_the_order_of_rows_changes_no_byte(tmp_path: Path) -> None:
    for seed in (1, 2):
        open_index(tmp_path / str(seed), lake(3, gap=7).sources(seed))
    one, other = ({name: each[0] for name, each in held(tmp_path / seed).items()} for seed in "12")
    assert one == other


def flipped(place: Path, at: int) -> None:
    data = bytearray(place.read_bytes())
    data[at] ^= 0x10
    place.write_bytes(data)


def swapped(place: Path) -> None:
    others = [each for each in place.parent.parent.glob(f"*/{files.FILE}") if each != place]
    place.write_bytes(others[0].read_bytes())


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut short": lambda place: place.write_bytes(place.read_bytes()[:-100]),
    "cut to half": lambda place: place.write_bytes(place.read_bytes()[: place.stat().st_size // 2]),
    "emptied": lambda place: place.write_bytes(b""),
    "removed": Path.unlink,
    "removed with its folder": lambda place: shutil.rmtree(place.parent),
    "another's": swapped,
    "garbage": lambda place: place.write_bytes(b"ARROW1\0\0" + b"x" * 500 + b"ARROW1"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_repaired(tmp_path: Path, damage: str) -> None:
    index = open_index(tmp_path, lake(2, gap=3).sources())
    wanted, kept = said(index), held(tmp_path)
    place = tmp_path / index.segments[1].digest / files.FILE
    DAMAGE[damage](place)
    assert said(open_index(tmp_path, lake(2, gap=3).sources())) == wanted
    assert {name: each[0] for name, each in held(tmp_path).items()} == {
        name: each[0] for name, each in kept.items()
    }


def test_any_flipped_byte_is_found(tmp_path: Path) -> None:
    """Or it is in the frame around the arrays, of which most bytes say nothing."""
    sources = lake(1, gap=3).sources()
    index = open_index(tmp_path, sources)
    every = np.arange(4)
    wanted = index.nodes(every)
    place = tmp_path / index.segments[1].digest / files.FILE
    sound = place.read_bytes()
    repaired = 0
    for at in range(0, len(sound), 79):
        flipped(place, at)
        found = open_index(tmp_path, sources)
        assert found.nodes(every).equals(wanted), at
        repaired += place.read_bytes() == sound
        place.write_bytes(sound)
    assert repaired > len(sound) / 79 / 4


def test_a_flipped_byte_under_an_old_date_is_found(tmp_path: Path) -> None:
    index = open_index(tmp_path, lake(1).sources())
    place = tmp_path / index.segments[1].digest / files.FILE
    sound, state = place.read_bytes(), place.stat()
    open_index(tmp_path, lake(1).sources())
    flipped(place, sound.index(index.nodes(np.array([2]))["sample_id"][0]))
    os.utime(place, ns=(state.st_atime_ns, state.st_mtime_ns))
    open_index(tmp_path, lake(1).sources())
    assert place.read_bytes() == sound


def test_a_bit_that_turns_by_itself_is_found_by_a_full_verification(tmp_path: Path) -> None:
    index = open_index(tmp_path, lake(1).sources())
    place = tmp_path / index.segments[1].digest / files.FILE
    sound, id_ = place.read_bytes(), index.nodes(np.array([2]))["sample_id"][0]
    flipped(place, sound.index(id_))
    state = files._state(place.parent)  # what the file system would still say
    seal = json.dumps([*state, time.time_ns() + HOUR * 10**9]).encode()
    place.with_name(files.SEAL).write_bytes(seal)
    trusted = open_index(tmp_path, lake(1).sources())
    assert trusted.nodes(np.array([2]))["sample_id"][0] != id_
    found = open_index(tmp_path, lake(1).sources(), verify="full")
    assert found.nodes(np.array([2]))["sample_id"][0] == id_
    assert place.read_bytes() == sound


def test_a_clock_that_was_ahead_hides_no_change(tmp_path: Path) -> None:
    index = open_index(tmp_path, lake(1).sources())
    place = tmp_path / index.segments[1].digest / files.FILE
    sound, ahead = place.read_bytes(), time.time_ns() + HOUR * 10**9
    seal = json.dumps([*files._state(place.parent), ahead]).encode()
    place.with_name(files.SEAL).write_bytes(seal)
    flipped(place, sound.index(index.nodes(np.array([2]))["sample_id"][0]))
    open_index(tmp_path, lake(1).sources())
    assert place.read_bytes() == sound


def test_a_seal_of_the_same_moment_is_not_trusted(tmp_path: Path) -> None:
    index = open_index(tmp_path, lake(1).sources())
    place = tmp_path / index.segments[1].digest / files.FILE
    sound = place.read_bytes()
    flipped(place, sound.index(index.nodes(np.array([2]))["sample_id"][0]))
    state = files._state(place.parent)
    place.with_name(files.SEAL).write_bytes(json.dumps([*state, state[-1] + 1]).encode())
    open_index(tmp_path, lake(1).sources())
    assert place.read_bytes() == sound


@pytest.mark.parametrize("text", [b"", b"[1, 2]", b"{}", b"null", b"\xff", b"[[], 1]", b"3"])
@pytest.mark.parametrize("which", ["*/" + files.SEAL, "*.names"])
def test_notes_that_are_damaged_are_made_again(tmp_path: Path, text: bytes, which: str) -> None:
    wanted = said(open_index(tmp_path, lake(2).sources()))
    for place in tmp_path.glob(which):
        place.write_bytes(text)
    assert said(open_index(tmp_path, lake(2).sources())) == wanted
    assert all(place.read_bytes() != text for place in tmp_path.glob(which))


def test_a_note_that_was_altered_is_not_believed(tmp_path: Path) -> None:
    """What a round names decides its segment's digest."""
    wanted = open_index(tmp_path, lake(2).sources())
    for place in tmp_path.glob("*.names"):
        place.write_bytes(place.read_bytes().replace(b'"d"', b'"e"'))
    index = open_index(tmp_path, lake(2).sources())
    assert [each.digest for each in index.segments] == [each.digest for each in wanted.segments]


def test_what_is_verified_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_index(tmp_path, lake(1).sources())
    time.sleep(2 * files.TICK / 1e9)
    open_index(tmp_path, lake(1).sources())  # verifies, since the files were new
    read: list[object] = []
    monkeypatch.setattr(files, "_intact", lambda stored: read.append(stored) or True)
    open_index(tmp_path, lake(1).sources())
    assert read == []
    open_index(tmp_path, lake(1).sources(), verify="full")
    assert len(read) == 2


def test_a_copy_of_the_cache_is_verified_once(tmp_path: Path) -> None:
    index = open_index(tmp_path / "one", lake(1).sources())
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    sources = [unread(source) for source in lake(1).sources()]
    assert said(open_index(tmp_path / "two", sources)) == said(index)


def build(directory: Path, started: float) -> list[object]:
    time.sleep(max(started - time.time(), 0))
    return said(open_index(directory, lake(6, gap=1).sources()))


@pytest.mark.slow
def test_processes_may_build_at_once(tmp_path: Path) -> None:
    workers = multiprocessing.get_context("spawn")
    with workers.Pool(3) as pool:
        found = pool.starmap(build, [(tmp_path / "cache", time.time() + 2)] * 3)
    assert all(each == found[0] for each in found)
    assert found[0] == said(open_index(tmp_path / "alone", lake(6, gap=1).sources()))
    assert not [*tmp_path.rglob(f"*{files.DRAFT}*")]


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.lineage.test_ancestry_files import lake, open_index
def killed(handle):
    if sys.argv[2] in os.readlink(f"/proc/self/fd/{handle}"):
        os.kill(os.getpid(), signal.SIGKILL)
os.fsync = killed
open_index(Path(sys.argv[1]), lake(2).sources())
"""


@pytest.mark.parametrize("written", [files.FILE, ".names"])
def test_a_build_that_was_killed_is_made_up_for(tmp_path: Path, written: str) -> None:
    ran = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), written], check=False)
    assert ran.returncode == -signal.SIGKILL
    [draft] = tmp_path.rglob(f"*{written}{files.DRAFT}*")
    assert draft.stat().st_size > 0
    assert not [*tmp_path.glob(f"*/{files.FILE}")]
    long_ago = time.time() - HOUR
    os.utime(draft, (long_ago, long_ago))
    index = open_index(tmp_path, lake(2).sources())
    assert said(index) == said(open_index(tmp_path / "again", lake(2).sources()))
    assert not draft.exists()


def test_a_draft_that_somebody_writes_stays(tmp_path: Path) -> None:
    place = tmp_path / "x"
    with files.atomic_write(place) as file:
        file.write(b"one")
        file.flush()
        [draft] = tmp_path.glob(f"*{files.DRAFT}*")
        os.utime(draft, (0, 0))
        files.write_bytes(place, b"other")
        assert draft.exists()
    assert place.read_bytes() == b"one"


def test_a_directory_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"")
    with pytest.raises(CacheError, match=r"file cannot be written .*; make room there"):
        open_index(place, lake(1).sources())


def tampered(column: pl.Expr, **over: Callable[[], pl.LazyFrame] | None) -> Source:
    source = next(each for each in lake(1).sources() if each.round == 1)
    frame = source.lineage().with_columns(column).collect()
    return replace(source, lineage=frame.lazy, **over)


def decided(**over: object) -> Callable[[], pl.LazyFrame]:
    row = {"round": 1, "row": 0, "decision": "accepted"} | over
    types = {"round": pl.Int32, "row": pl.Int64, "decision": pl.String}
    return pl.DataFrame([row, row] if over.get("twice") else [row], schema=types).lazy


SAME = pl.col("row")
NULL = pl.lit([{"dataset": "d", "round": 0, "row": 0, "relation": "seed", "weight": None}])


@pytest.mark.parametrize(
    ("source", "said_"),
    [
        (tampered(pl.lit(0).alias("row")), "round 1 of d names row 0 more than once"),
        (tampered(pl.lit(2, pl.Int32).alias("round")), "round 1 of d holds a row of round 2"),
        (tampered(pl.lit(None, pl.String).alias("kind")), "column 'kind' is null at position 0"),
        (tampered(pl.lit(b"abc").alias("sample_id")), "position 0 has 3 bytes"),
        (tampered(NULL.alias("parents")), "the weight of a parent is null"),
        (tampered(SAME, decisions=decided(decision="maybe")), "'maybe', which is no decision"),
        (tampered(SAME, decisions=decided(round=2)), "round 1 of d holds a row of round 2"),
        (tampered(SAME, decisions=decided(twice=True)), "row 0 more than once"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path: Path, source: Source, said_: str) -> None:
    with pytest.raises(SchemaError, match=said_):
        open_index(tmp_path, [source])


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    source = lake(0).sources()[0]
    for name in ("parents", "trained_on", "row", "kind", "sample_id"):
        frame = source.lineage().drop(name)
        with pytest.raises(SchemaError, match=f"column '{name}'.* is missing"):
            open_index(tmp_path, [replace(source, lineage=lambda frame=frame: frame)])


def test_a_round_comes_once(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="round 0 of d comes twice"):
        open_index(tmp_path, lake(0).sources() * 2)


def test_decisions_about_no_row_are_ignored(tmp_path: Path) -> None:
    source = tampered(SAME, decisions=decided(row=7))
    index = open_index(tmp_path, [source])
    assert index.nodes(np.arange(2))["decision"].to_list() == [None, None]


def test_a_lake_that_lies_about_its_digest_is_refused(tmp_path: Path) -> None:
    index = open_index(tmp_path, lake(1).sources())
    shutil.rmtree(tmp_path / index.segments[1].digest)
    honest, lying = sorted(lake(1).sources(), key=lambda each: each.round)
    other = pl.lit([{"dataset": "e", "round": 0, "row": 0, "relation": "seed", "weight": 1.0}])
    frame = lying.lineage().with_columns(other.alias("parents"))
    with pytest.raises(LineageError, match="under the same digest"):
        open_index(tmp_path, [honest, replace(lying, lineage=lambda: frame)])
