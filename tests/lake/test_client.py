"""Our client on both kinds of lake: the embedded one, and one named by lakeFS's variables."""

from __future__ import annotations

import hashlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lake import settings
from lake.client import Lake, connect
from lake.client.connection import Connection
from lake.errors import (
    ConflictError,
    CorruptError,
    InvalidError,
    LakeError,
    NotFoundError,
    UnauthorizedError,
    UnknownRefError,
    UnreachableError,
)
from lake.home import LakeHome
from lake.settings import Embedded, Remote
from lake.values import Change
from tests.lake.servers import ROOT, Served, environment, nobody, stranger

pytestmark = pytest.mark.contract
FRAME = pl.DataFrame({"round": [1, 1], "row": [0, 1], "label": ["a", None]})


def commit(lake: Lake, branch: str, files: dict[str, bytes], message: str = "m") -> str:
    for path, data in files.items():
        lake.write_bytes(branch, path, data)
    return lake.commit(branch, message, {}).id


def test_branches_are_listed_though_they_are_hidden(lake: Lake) -> None:
    creation = lake.connection.models.BranchCreation(name="digits-v9", source="main", hidden=True)
    call = lake.connection.call
    call(lake.connection.sdk.branches_api.create_branch, lake.repository, creation)
    assert set(lake.branches("digits-")) == {"digits-v9"}


# Tables and objects


def test_a_table_comes_back_from_all_its_parts(lake: Lake) -> None:
    more = FRAME.with_columns(round=pl.lit(2, pl.Int64))
    lake.write("main", "digits/samples/round=001/part-00000.parquet", FRAME)
    lake.write("main", "digits/samples/round=002/part-00000.parquet", more)
    lake.write_bytes("main", "digits/samples/notes.txt", b"no table")
    made = lake.commit("main", "two rounds", {})
    found = lake.scan(made.id, "digits/samples/").sort("round", "row").collect()
    assert_frame_equal(found, pl.concat([FRAME, more]))
    one = lake.scan("main", "digits/samples/round=002/").filter(pl.col("row") == 1).collect()
    assert one["round"].to_list() == [2]
    with pytest.raises(NotFoundError, match="digits/other/"):
        lake.scan("main", "digits/other/")


def test_a_scan_is_of_its_ref_and_not_of_what_came_later(lake: Lake) -> None:
    lake.write("main", "t/part.parquet", FRAME)
    first = lake.commit("main", "one", {})
    scan = lake.scan(first.id, "t/")
    lake.write("main", "t/part.parquet", FRAME.head(1))
    lake.commit("main", "two", {})
    assert scan.collect().height == 2
    assert lake.scan("main", "t/").collect().height == 1


def test_objects_are_listed_read_and_removed(lake: Lake) -> None:
    data = {f"many/{number:04d}": bytes([number % 256]) for number in range(30)}
    head = commit(lake, "main", data)
    found = lake.objects("main", "many/")
    assert [item.path for item in found] == sorted(data)
    assert found[7].checksum == hashlib.md5(b"\x07", usedforsecurity=False).hexdigest()
    assert (found[7].size, lake.read(head, "many/0007")) == (1, b"\x07")
    lake.delete("main", [*sorted(data)[:29], "many/nowhere"])
    assert [item.path for item in lake.objects("main", "many/")] == ["many/0029"]
    assert len(lake.objects(head, "many/")) == 30
    with pytest.raises(NotFoundError):
        lake.read("main", "many/0000")


def test_bytes_come_back_whole(lake: Lake) -> None:
    for data in (b"", b"\x00\xff\r\n", bytes(3_000_000)):
        lake.write_bytes("main", "ä b/ü.bin", data, "text/x-test")
        assert lake.read("main", "ä b/ü.bin") == data


# Branches, tags, commits


def test_a_branch_is_set_to_a_commit_and_forgets_what_was_staged(lake: Lake) -> None:
    first, second = (commit(lake, "main", {"a": data}) for data in (b"1", b"2"))
    assert lake.head("digits-r001") is None
    lake.set_branch("digits-r001", first)
    assert lake.head("digits-r001") == first
    for target in (first, second, first):
        lake.write_bytes("digits-r001", "staged", b"x")
        lake.set_branch("digits-r001", target)
        assert lake.head("digits-r001") == target
        assert [item.path for item in lake.objects("digits-r001")] == ["a"]
    assert lake.branches("digits-") == {"digits-r001": first}
    lake.delete_branch("digits-r001")
    assert lake.branches() == {"main": second}


def test_a_ref_that_does_not_exist_is_answered_with_the_nearest(lake: Lake) -> None:
    head = commit(lake, "main", {"a": b"1"})
    lake.tag("digits-v1", head)
    with pytest.raises(
        UnknownRefError, match=r"commit 'digits-v7' in the lake; did you mean 'digits-v1'\?$"
    ) as found:
        lake.resolve("digits-v7")
    assert found.value.exit_code == 2
    with pytest.raises(UnknownRefError, match=r"commit 'zz' in the lake$"):
        lake.resolve("zz")
    elsewhere = Lake(lake.connection, f"{lake.repository}-other")
    with pytest.raises(NotFoundError) as missing:
        elsewhere.resolve("main")
    assert not isinstance(missing.value, UnknownRefError)


def test_tags_never_move(lake: Lake) -> None:
    first, second = (commit(lake, "main", {"a": data}) for data in (b"1", b"2"))
    lake.tag("digits-v1", first)
    for target in (first, second):
        with pytest.raises(ConflictError):
            lake.tag("digits-v1", target)
    assert lake.tags() == {"digits-v1": first}
    assert lake.resolve("digits-v1").id == first


def test_a_commit_tells_everything_it_was_given(lake: Lake) -> None:
    base = lake.head("main")
    before = int(time.time())
    lake.write_bytes("main", "a", b"1")
    made = lake.commit("main", "message", {"stemma.input_key": "key"})
    assert (made.message, made.metadata) == ("message", {"stemma.input_key": "key"})
    assert made.parents == (base,)
    assert before <= made.created <= time.time()
    assert lake.resolve("main") == made
    assert [item.id for item in lake.log("main")] == [made.id, base]


def test_a_commit_without_changes_is_allowed(lake: Lake) -> None:
    head = lake.head("main")
    made = lake.commit("main", "empty", {})
    assert made.parents == (head,)
    assert list(lake.diff(str(head), made.id)) == []


def test_a_merge_brings_what_the_diff_showed(lake: Lake) -> None:
    base = commit(lake, "main", {"digits/a": b"1", "other/x": b"1"})
    lake.set_branch("side", base)
    lake.delete("side", ["digits/a"])
    side = commit(lake, "side", {"digits/b": b"12"})
    commit(lake, "main", {"other/x": b"2", "other/y": b"2"})
    shown = [Change("digits/a", "removed", 1), Change("digits/b", "added", 2)]
    assert list(lake.diff("main", "side")) == shown
    assert len(list(lake.diff("main", "side", three_dot=False))) == 4
    assert list(lake.diff("main", "side", prefix="digits/b")) == shown[1:]
    held = {item.path: item.checksum for item in lake.objects("side")}
    for three_dot in (True, False):
        for item in lake.diff("main", "side", three_dot=three_dot, checksums=True):
            assert item.checksum == held.get(item.path)
    assert lake.merge_base("side", "main") == base
    head = lake.head("main")
    made = lake.merge("side", "main", "publish", {"guard": "passed"})
    assert (made.parents, made.metadata["guard"]) == ((head, side), "passed")
    assert [item.path for item in lake.objects("main")] == ["digits/b", "other/x", "other/y"]
    firsts = [item.id for item in lake.log("main", first_parent=True)]
    assert side not in firsts
    assert firsts[:2] == [made.id, head]


def test_a_conflict_is_a_conflict_and_changes_nothing(lake: Lake) -> None:
    base = commit(lake, "main", {"a": b"1"})
    lake.set_branch("side", base)
    commit(lake, "side", {"a": b"theirs"})
    head = commit(lake, "main", {"a": b"ours"})
    assert [item.kind for item in lake.diff("main", "side")] == ["conflict"]
    with pytest.raises(ConflictError, match="conflict"):
        lake.merge("side", "main", "m", {})
    assert lake.head("main") == head


def test_a_repository_is_made_once(server: Served, name: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        lakes = [connect(server.remote, name) for _ in range(4)]
        made = list(pool.map(lambda lake: lake.ensure(f"local://{name}"), lakes))
    assert len(set(made)) == 1
    assert abs(made[0] - time.time()) < 60


def test_long_listings_are_read_to_the_end(lake: Lake) -> None:
    head = str(lake.head("main"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: lake.tag(f"t-{number:04d}", head), range(1010)))
    assert len(lake.tags("t-")) == 1010


# Which lake, and what it says when it is wrong


def test_lakefs_variables_name_the_lake(server: Served, name: str, tmp_path: Path) -> None:
    env = {
        settings.ENDPOINT: server.remote.endpoint,
        settings.ACCESS_KEY: server.remote.access_key_id,
        settings.SECRET_KEY: server.remote.secret_access_key,
        "HOME": str(tmp_path),
    }
    remote = connect(settings.resolve(tmp_path, env), name)
    remote.ensure(f"local://{name}")
    remote.write("main", "t/part.parquet", FRAME)
    remote.commit("main", "m", {})
    beside = connect(Embedded(server.home), name)
    assert_frame_equal(beside.scan("main", "t/").collect(), FRAME)
    assert not (tmp_path / ".lake").exists()


def test_the_embedded_lake_is_scanned_in_place(server: Served, name: str) -> None:
    lake = connect(Embedded(server.home), name)
    lake.ensure(f"local://{name}")
    home = LakeHome(server.home)
    before = set(home.staging.iterdir())  # other tests share this server
    lake.write("main", "t/part.parquet", FRAME)
    assert str(home.objects) in lake.scan("main", "t/").explain()
    assert set(home.staging.iterdir()) <= before


def test_wrong_keys_are_said_to_be_wrong(server: Served, name: str) -> None:
    lake = connect(Remote(server.remote.endpoint, "nobody", "wrong"), name)
    for call in (
        lambda: lake.ensure("local://x"),
        lambda: lake.read("main", "a"),
        lambda: lake.write_bytes("main", "a", b"x"),
        lambda: list(lake.log("main")),
    ):
        with pytest.raises(UnauthorizedError, match="refused"):
            call()


def test_a_lake_that_does_not_answer_is_said_to_be_silent(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = nobody()
    lake = connect(Remote(endpoint, "a", "b"), name)
    began = time.monotonic()
    for call in (lambda: lake.ensure("local://x"), lambda: lake.write_bytes("main", "a", b"x")):
        with pytest.raises(UnreachableError, match="does not answer") as caught:
            call()
        assert endpoint in str(caught.value)
        assert "Connection refused" in str(caught.value)
        assert settings.ENDPOINT in str(caught.value)
    assert time.monotonic() - began < 10
    assert not caplog.records


@pytest.mark.parametrize(
    "endpoint", ["not a url", "http://", "http://host:port", "http://nowhere.invalid", "ftp://x"]
)
def test_an_endpoint_that_cannot_be_is_one_sentence(name: str, endpoint: str) -> None:
    with pytest.raises(UnreachableError, match="does not answer") as caught:
        connect(Remote(endpoint, "a", "b"), name).head("main")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>hello</html>"),
        (404, b"<html>hello</html>"),
        (200, b"[1]"),
        (200, b'{"a": 1}'),
        (200, b""),
    ],
)
def test_something_else_at_the_endpoint_is_said_to_be_no_lake(
    name: str, status: int, body: bytes
) -> None:
    with stranger(status, body) as endpoint:
        lake = connect(Remote(endpoint, "a", "b"), name)
        for call in (
            lambda: lake.ensure("local://x"),
            lambda: lake.head("main"),
            lake.branches,
            lambda: list(lake.log("main")),
            lambda: list(lake.diff("main", "side")),
            lambda: lake.objects("main"),
        ):
            with pytest.raises(UnreachableError, match="no lakeFS") as caught:
                call()
            assert "\n" not in str(caught.value)


def test_a_listing_that_is_cut_off_is_no_listing(name: str) -> None:
    def answer(server: socket.socket) -> None:
        client, _ = server.accept()
        with client:
            client.recv(65536)
            client.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"results": [')

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        answered = pool.submit(answer, server)
        lake = connect(Remote(f"http://127.0.0.1:{server.getsockname()[1]}", "a", "b"), name)
        with pytest.raises(UnreachableError, match="does not answer"):
            lake.objects("main")
        answered.result(20)


def test_a_lake_that_hangs_is_given_up(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Connection.call.__kwdefaults__, "timeout", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        lake = connect(Remote(endpoint, "a", "b"), name)
        with pytest.raises(UnreachableError, match="timed out"):
            lake.ensure("local://x")


def test_what_is_missing_or_cannot_be_is_said(lake: Lake) -> None:
    head = str(lake.head("main"))
    for call in (
        lambda: lake.resolve("nowhere"),
        lambda: lake.read("nowhere", "a"),
        lambda: lake.write_bytes("nowhere", "a", b"x"),
        lambda: lake.merge("nowhere", "main", "m", {}),
        lambda: list(lake.log("nowhere")),
        lambda: lake.objects("nowhere"),
        lambda: lake.delete_branch("nowhere"),
    ):
        with pytest.raises(NotFoundError):
            call()
    for call in (
        lambda: lake.set_branch("no space", head),
        lambda: lake.write_bytes("main", "../a", b"x"),
        lambda: lake.tag("no space", head),
    ):
        with pytest.raises(InvalidError):
            call()


def test_an_error_is_one_sentence_with_its_cause(lake: Lake) -> None:
    with pytest.raises(LakeError) as caught:
        lake.resolve("nowhere")
    assert "nowhere" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_a_server_that_ended_meanwhile_is_started_again(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(tmp_path / "home")
    lake = connect(Embedded(served.home), "longer")
    lake.ensure("local://longer")
    lake.write_bytes("main", "before", b"1")
    served.stop()
    lake.write_bytes("main", "after", b"2")
    try:
        assert [item.path for item in lake.objects("main")] == ["after", "before"]
        assert lake.read("main", "before") == b"1"
    finally:
        found = LakeHome(served.home).endpoint()
        assert found is not None
        subprocess.run(["kill", str(found.pid)], check=True)


def test_a_server_killed_while_asked_is_asked_again(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(tmp_path / "home")
    lake = connect(Embedded(served.home), "longer")
    lake.ensure("local://longer")
    head = lake.head("main")
    served.process.send_signal(signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lake.head, "main")
        time.sleep(0.3)
        served.kill()
        try:
            assert asked.result(20) == head
        finally:
            found = LakeHome(served.home).endpoint()
            assert found is not None
            subprocess.run(["kill", str(found.pid)], check=True)


def test_two_runs_that_move_a_branch_do_not_trip_over_each_other(lake: Lake) -> None:
    first, second = (commit(lake, "main", {"a": data}) for data in (b"1", b"2"))

    def move(number: int) -> None:
        with suppress(ConflictError):
            lake.set_branch("side", (first, second)[number % 2])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(move, range(40)))
    lake.set_branch("side", first)
    assert lake.head("side") == first


# Bytes that are not what was written


def file_of(lake: Lake, path: str) -> Path:
    found = next(item for item in lake.objects("main") if item.path == path)
    return Path(found.address.removeprefix("local://"))


@pytest.mark.parametrize("data", [b"precious", bytes(3_000_000)])
def test_a_flipped_bit_is_seen_and_writing_again_mends_it(
    lake: Lake, name: str, data: bytes
) -> None:
    data = name.encode() + data
    lake.write_bytes("main", "a", data)
    place = file_of(lake, "a")
    place.chmod(0o644)
    place.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(CorruptError, match=place.name):
        lake.read("main", "a")
    lake.write_bytes("main", "b", data)
    assert lake.read("main", "a") == lake.read("main", "b") == data
    assert place.stat().st_mode & 0o777 == 0o444


def shorten(place: Path) -> None:
    place.chmod(0o644)
    with place.open("r+b") as file:
        file.truncate(100)


@pytest.mark.parametrize("damage", [Path.unlink, shorten])
def test_a_part_that_is_gone_or_cut_off_is_named(
    lake: Lake, name: str, damage: Callable[[Path], None]
) -> None:
    lake.write("main", "t/one.parquet", FRAME.with_columns(name=pl.lit(name)))
    lake.write("main", "t/two.parquet", FRAME.with_columns(name=pl.lit(f"{name}, again")))
    place = file_of(lake, "t/one.parquet")
    damage(place)
    with pytest.raises(CorruptError, match=place.name):
        lake.scan("main", "t/").collect()


WRITE = """
import resource, sys
from pathlib import Path
import polars as pl
from lake.client import connect
from lake.errors import LakeError
from lake.settings import Embedded
lake = connect(Embedded(Path(sys.argv[1])), sys.argv[2])
lake.ensure(f"local://{sys.argv[2]}")
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
frame = pl.select(pl.int_range(0, 200_000).shuffle(1))
for write in (
    lambda: lake.write("main", "t/part.parquet", frame),
    lambda: lake.write_bytes("main", "b", bytes(1 << 20)),
):
    try:
        write()
    except LakeError as error:
        print(error.kind)
print(len(lake.objects("main")))
"""


def test_a_client_without_room_says_so(server: Served, name: str) -> None:
    staging = LakeHome(server.home).staging
    before = set(staging.iterdir())  # other tests share this server
    said = subprocess.run(
        [sys.executable, "-c", WRITE, str(server.home), name],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=ROOT,
        check=False,
    )
    assert said.stdout.split() == ["full", "full", "0"], said.stderr
    assert set(staging.iterdir()) <= before
