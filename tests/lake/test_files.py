"""Names that stay in their folder, and files that are read only if they are files."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from lake import files
from lake.batches import write
from lake.errors import InvalidError
from lake.tables import paths_in_place
from lake.values import ObjectInfo


@pytest.mark.parametrize("name", ["a", "manifest.json", "…", "a b", ".hidden", "naïve", "x" * 200])
def test_a_name_that_is_one_part_of_a_path_stays(name: str) -> None:
    assert files.safe_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "/etc/passwd",
        "a/b",
        "a/",
        "a\\b",
        "a\0b",
        "a\nb",
        "\x1b]0;x\x07",
        "a\u202eb",
        "\ud800",
        "x" * 201,
        None,
        7,
    ],
)
def test_any_other_name_is_refused_in_one_printable_sentence(name: object) -> None:
    with pytest.raises(InvalidError) as caught:
        files.safe_name(name)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("given", ["{home}/../x", "/etc/passwd", "{home}x/y", "s3://a/b", "{home}"])
def test_an_address_outside_of_the_lake_is_never_used(tmp_path: Path, given: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "x").write_bytes(b"ours")
    address = given if "://" in given else f"local://{given.format(home=home)}"
    if given != "{home}":
        with pytest.raises(InvalidError, match="not in its directory"):
            files.address_path(address, home)
    assert paths_in_place([ObjectInfo("t/x.parquet", "", 4, address)], home) is None


def test_a_batch_is_not_written_where_its_answer_says(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    answers = {"POST": {"addresses": [f"local://{home}/staging/../../outside"]}, "PUT": None}
    with pytest.raises(InvalidError, match="not in its directory"):
        write(lambda verb, _: answers[verb], {"a": b"hostile"}, "text/plain", home)
    assert not outside.exists()


def test_a_file_is_read_whole_to_its_bound(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"\xef\xbb\xbfone\r\ntwo")
    assert files.read_bytes(place, max_bytes=11) == place.read_bytes()
    assert files.read_text(place) == "one\ntwo"
    with pytest.raises(OSError, match="larger than 10 bytes"):
        files.read_bytes(place, max_bytes=10)
    (tmp_path / "link").symlink_to(place)
    assert files.read_text(tmp_path / "link") == "one\ntwo"
    with pytest.raises(OSError, match="link"):
        files.read_bytes(tmp_path / "link", follow=False)


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    (tmp_path / "link").symlink_to("pipe")
    for name, said in (
        ("pipe", "a named pipe"),
        ("link", "a named pipe"),
        ("socket", "a socket"),
        ("/dev/zero", "a device"),
        (".", "a folder"),
    ):
        with pytest.raises(OSError, match=f"is {said}, not a regular file"):
            files.read_bytes(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        files.read_bytes(tmp_path / "nothing")


def test_text_that_is_no_utf_8_says_where(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes("naïve".encode("latin-1"))
    with pytest.raises(OSError, match=r"not UTF-8 text \(byte 0xef at 2\)"):
        files.read_text(tmp_path / "latin")


def test_a_file_is_opened_beneath_a_folder_and_no_link_is_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "deep").mkdir(parents=True)
    outside.mkdir()
    (outside / "a").write_bytes(b"secret")
    (root / "deep/a").write_bytes(b"a")
    with files.open_beneath(root, Path("deep/a")) as file:
        assert file.read() == b"a"
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "a")
    os.mkfifo(root / "pipe")
    before = list(Path("/proc/self/fd").iterdir())
    for name in ("folder/a", "file", "pipe", "deep", "nowhere", "deep/a/b"):
        with pytest.raises(OSError):  # noqa: PT011  the reasons are the system's
            files.open_beneath(root, Path(name))
    assert len(list(Path("/proc/self/fd").iterdir())) == len(before)
