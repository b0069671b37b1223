from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.common.errors import ServiceError
from pipelines.llm.cache import FILE, Cache, answered
from pipelines.llm.stored_values import Spent
from pipelines.llm.values import Reply

REPLY = Reply("a", "hi", {"x": [1, "é"]}, "m", 10, 5, 0.25, 2, 7, "stop", 0.1)
WRITER = """
import sys
from pathlib import Path
from pipelines.llm.cache import Cache
from pipelines.llm.values import Reply
folder, name = Path(sys.argv[1]), sys.argv[2]
for n in range(40):
    with Cache.open(folder) as cache:
        kept = cache.keep(Reply(f"d{n}", name, None, "m", 1, 1, 0.5, 1, None, "stop", 0.0))
        print(kept.text)
"""


def test_an_answer_comes_back_as_it_was_and_says_so(cache: Path) -> None:
    with Cache.open(cache) as kept:
        assert kept.keep(REPLY) == REPLY
    with Cache.open(cache) as kept:
        assert kept.answers(["a", "b"]) == {"a": replace(REPLY, cached=True)}
    assert answered(cache, ["a", "b"]) == {"a"}


def test_looking_for_answers_makes_no_cache(cache: Path) -> None:
    assert answered(cache, ["a"]) == set()
    assert not cache.exists()


def test_many_digests_are_found(cache: Path) -> None:
    names = [f"d{n}" for n in range(1203)]
    with Cache.open(cache) as kept:
        for name in (names[0], names[700], names[-1]):
            kept.keep(replace(REPLY, digest=name))
        assert set(kept.answers(names)) == {names[0], names[700], names[-1]}


def test_broken_answers_are_no_answers_but_their_cost_is_part_of_the_next_one(cache: Path) -> None:
    with Cache.open(cache) as kept:
        kept.broke("a", 3, 2, 0.5, "not JSON")
        kept.broke("a", 3, 1, 0.25, "not JSON")
        assert kept.answers(["a"]) == {}
        assert kept.spent(["a", "b"]) == {"a": Spent(6, 3, 0.75)}
        whole = kept.keep(REPLY)
        assert (whole.tokens_in, whole.tokens_out, whole.dollars) == (16, 8, 1.0)


def test_an_unknown_price_stays_unknown(cache: Path) -> None:
    with Cache.open(cache) as kept:
        kept.broke("a", 3, 2, None, "not JSON")
        kept.broke("a", 3, 2, 0.5, "not JSON")
        assert kept.spent(["a"])["a"].dollars is None
        assert kept.keep(REPLY).dollars is None


def test_of_two_processes_the_first_answer_stays_for_both(cache: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(cache), name], stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "two")
    ]
    printed = [writer.communicate(timeout=60)[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert printed[0] == printed[1]
    assert len(answered(cache, [f"d{n}" for n in range(40)])) == 40
    with Cache.open(cache) as kept:  # what the later one paid is not forgotten
        assert len(kept.spent([f"d{n}" for n in range(40)])) == 40


@pytest.mark.parametrize("before", [None, 0o644])
def test_answers_are_the_users_alone_whatever_the_umask_and_however_they_were(
    tmp_path: Path, before: int | None
) -> None:
    folder = tmp_path / ".stemma" / "llm"
    if before is not None:
        folder.mkdir(parents=True)
        with Cache.open(folder) as kept:
            kept.keep(REPLY)
        for path in (folder / FILE, folder):
            path.chmod(0o777 if path.is_dir() else before)
    mask = os.umask(0)
    try:
        with Cache.open(folder) as kept:
            kept.keep(REPLY)
            names = {path.name for path in folder.iterdir()}
            assert names == {FILE, f"{FILE}-wal", f"{FILE}-shm"}
            modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    finally:
        os.umask(mask)
    assert modes == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    if before is None:
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_a_damaged_cache_is_an_error_that_says_what_to_do(cache: Path) -> None:
    cache.mkdir()
    (cache / FILE).write_bytes(b"no database, but long enough to be taken for one" * 100)
    with pytest.raises(ServiceError, match=r"a damaged answers.db may be removed") as caught:
        answered(cache, ["a"])
    assert isinstance(caught.value.__cause__, sqlite3.Error)


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    opening = Cache.open(tmp_path / "file")
    with pytest.raises(ServiceError, match="answers cannot be kept in"):
        opening.__enter__()


def test_batches_are_forgotten_when_all_answers_are_kept(cache: Path) -> None:
    with Cache.open(cache) as kept:
        kept.begin_batch("t", "http://a/v1", ["x", "y"])
        assert kept.batches("http://b/v1") == []
        assert kept.batches("http://a/v1") == [("t", None, ("x", "y"))]
        kept.name_batch("t", "batch_1")
        kept.end_batch("t", {"y"})
        assert kept.batches("http://a/v1") == [("t", "batch_1", ("y",))]
        kept.end_batch("t", ())
        assert kept.batches("http://a/v1") == []
