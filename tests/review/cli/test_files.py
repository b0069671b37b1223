"""A long text goes into a file that is whole or not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from review.cli import files
from review.errors import ReviewError

ROOT = Path(__file__).resolve().parents[3]


def names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def broken_off() -> Iterator[str]:
    yield "half"
    raise RuntimeError


def test_a_text_is_written_as_it_is_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    assert files.write(path, ["é", "\n"]) == 3
    assert path.read_bytes() == b"\xc3\xa9\n"
    assert names(tmp_path) == ["out.json"]


def test_a_file_keeps_its_content_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")
    with pytest.raises(RuntimeError):
        files.write(path, broken_off())
    assert path.read_text() == "old"
    assert names(tmp_path) == ["out.json"]


def test_a_kill_half_way_leaves_no_half_file(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")
    code = (
        "import itertools, sys\nfrom pathlib import Path\nfrom review.cli import files\n"
        "def chunks():\n    for _ in range(100):\n        yield 'x' * 9999\n"
        "    print('half', flush=True)\n    yield from itertools.repeat('')\n"
        "files.write(Path(sys.argv[1]), chunks())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        process.send_signal(signal.SIGKILL)
    assert path.read_text() == "old"


def test_a_link_goes_on_pointing_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to("real.json")
    files.write(tmp_path / "link.json", ["new"])
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text() == "new"


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        assert files.write(pipe, ["a", "b"]) == 2
        assert reader.communicate(timeout=10)[0] == "ab"
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["absent/out.json", ".", "x" * 300])
def test_where_nothing_can_be_written_is_said_in_a_sentence(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(ReviewError, match="cannot be written: ") as error:
        files.write(path, ["x"])
    assert str(error.value).startswith(f"{path} cannot be written: ")
    assert names(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is full")
def test_a_full_disk_is_said_in_a_sentence() -> None:
    with pytest.raises(ReviewError, match="/dev/full cannot be written: No space left on device"):
        files.write(Path("/dev/full"), ["x" * (1 << 20)])
