"""Sources and files of others: only regular files of the source, and never much more than they are.

Each of these hung, read another file, or took gigabytes of memory before it was refused.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.common import digests, parquet
from pipelines.common.errors import DataError
from pipelines.features import images
from pipelines.modalities.images import Images
from pipelines.modalities.texts import Texts
from pipelines.sources import folders
from pipelines.sources.read import read
from pipelines.stages import inputs
from review.diff import sources
from review.errors import UsageError

IMAGES, TEXTS = Images(("image",)), Texts(("text",))
PNG = images.encode(np.full((1, 8, 8), 90, dtype=np.uint8))[0]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    place = tmp_path / "source"
    for name in ("cat", "dog"):
        (place / name).mkdir(parents=True)
        (place / name / "one.png").write_bytes(PNG)
    return place


def refusal(source: Path | str) -> str:
    with pytest.raises(DataError) as caught:
        read(str(source), IMAGES)
    said = str(caught.value)
    assert said.isprintable()
    assert len(said) < 1000
    return said


def test_a_pipe_among_images_is_refused_by_name(source: Path) -> None:
    os.mkfifo(source / "cat" / "two.png")
    os.mkfifo(source / "cat" / "notes.txt")  # is not read, so it harms nobody
    said = refusal(source)
    assert "holds 1 that cannot be read: 'cat/two.png' is a named pipe;" in said


def test_links_stay_inside_of_the_source(source: Path, tmp_path: Path) -> None:
    (source / "cat" / "again.png").symlink_to("one.png")
    (source / "bird").symlink_to("dog")
    assert len(read(str(source), IMAGES).frame) == 4
    assert len(folders.find(source).classes) == 3
    (source / "bird").unlink()
    (tmp_path / "secret.png").write_bytes(PNG)
    (tmp_path / "elsewhere").mkdir()
    (source / "cat" / "two.png").symlink_to(tmp_path / "secret.png")
    (source / "dog" / "zero.png").symlink_to("/dev/zero")
    (source / "dog" / "gone.png").symlink_to("nowhere.png")
    (source / "dog" / "loop.png").symlink_to("loop.png")
    (source / "out").symlink_to(tmp_path / "elsewhere")
    said = refusal(source)
    assert "holds 5 that cannot be read" in said
    assert "'cat/two.png' leads out of the source" in said
    assert "'dog/zero.png' leads out of the source" in said
    assert "'dog/gone.png' leads nowhere, 'dog/loop.png' leads nowhere" in said
    assert "'out' leads out of the source" in said


def test_many_refused_files_are_counted_and_the_first_named(source: Path) -> None:
    for number in range(9):
        os.mkfifo(source / "cat" / f"p{number}.png")
    (source / "dog" / "big.png").touch()
    os.truncate(source / "dog" / "big.png", 1 << 40)
    (source / "dog" / "folder.png").mkdir()
    said = refusal(source)
    assert "holds 11 that cannot be read" in said
    assert "'cat/p4.png' is a named pipe and 6 more" in said
    for number in range(9):
        (source / "cat" / f"p{number}.png").unlink()
    said = refusal(source)
    assert "'dog/big.png' has 1,099,511,627,776 bytes, 'dog/folder.png' is a folder" in said


def test_names_of_any_bytes_are_said_in_printable_characters(source: Path) -> None:
    (source / "cat" / "a\x1b]0;x\x07.png").symlink_to("/etc/passwd")
    (source / os.fsdecode(b"\xff\xfe")).mkdir()
    said = refusal(source)
    assert "'cat/a\\x1b]0;x\\x07.png' leads out of the source" in said
    assert "'\\udcff\\udcfe' has a name that is not UTF-8" in said


def test_a_class_is_no_number_that_does_not_fit(source: Path) -> None:
    for number, name in enumerate(("cat", "dog")):
        (source / name).rename(source / str(number))
    (source / "1").rename(source / "99999999999999999999")
    assert "class folder 99999999999999999999 is too large a number" in refusal(source)


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv", ""])
def test_a_source_that_is_no_regular_file_is_not_opened(tmp_path: Path, suffix: str) -> None:
    pipe = tmp_path / f"pipe{suffix}"
    os.mkfifo(pipe)
    device = tmp_path / f"zero{suffix}"
    device.symlink_to("/dev/zero")
    for place, kind in ((pipe, "a named pipe"), (device, "a device")):
        said = refusal(place)
        assert f"is {kind}, not a regular file" in said or "is neither a Python module" in said
        with pytest.raises(DataError, match=f"is {kind}, not a regular file"):
            folders.check(str(place))
        with pytest.raises(OSError, match=f"is {kind}, not a regular file"):
            digests.of_file(place)


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv"])
def test_a_name_is_a_name_and_no_pattern(tmp_path: Path, suffix: str) -> None:
    for name in ("batch1", "batch[1]", "a*", "ab"):
        frame = pl.DataFrame({"text": [f"rows of {name}"]})
        write = {
            ".parquet": frame.write_parquet,
            ".jsonl": frame.write_ndjson,
            ".csv": frame.write_csv,
        }[suffix]
        with (tmp_path / f"{name}{suffix}").open("wb") as file:
            write(file)
    for name in ("batch[1]", "a*"):
        found = read(str(tmp_path / f"{name}{suffix}"), TEXTS).frame
        assert found["text"].to_list() == [f"rows of {name}"]


def test_our_own_tables_have_names_too(tmp_path: Path) -> None:
    for name in ("left1", "left[1]"):
        pl.DataFrame({"row": [name]}).write_parquet(tmp_path / f"{name}.parquet")
    assert parquet.read(tmp_path / "left[1].parquet")["row"].to_list() == ["left[1]"]


def zeros(path: Path, groups: int) -> None:
    """A text of eight million equal bytes in each of some row groups."""
    table = pa.table({"text": ["\0" * (1 << 23)]})
    options = {"compression": "zstd", "use_dictionary": False, "write_statistics": False}
    with pq.ParquetWriter(path, table.schema, **options) as writer:
        for _ in range(groups):
            writer.write_table(table)


def forged(path: Path, groups: int) -> None:
    """The same, with a footer that says it is small."""
    zeros(path, groups)
    data = path.read_bytes()
    told = pq.read_metadata(path).row_group(0).column(0).total_uncompressed_size
    length = len(varint(told))
    small = bytes([0x82, *[0x80] * (length - 2), 0])
    assert data.count(varint(told)) >= 2
    path.write_bytes(data.replace(varint(told), small))
    assert pq.read_metadata(path).row_group(0).column(0).total_uncompressed_size == 1


def varint(number: int) -> bytes:
    """A number as Thrift's compact protocol writes it."""
    number, found = number * 2, []
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def runs(path: Path, groups: int) -> None:
    """A million equal numbers in each of some row groups."""
    table = pa.table({"text": pa.array(np.zeros(1 << 20, np.int64))})
    with pq.ParquetWriter(path, table.schema) as writer:
        for _ in range(groups):
            writer.write_table(table)


def repeated(path: Path, size: int) -> None:
    """One long text of a dictionary, in each of two thousand rows."""
    pq.write_table(pa.table({"text": ["x" * (size // 2000)] * 2000}), path)


def wide_csv(path: Path, columns: int) -> None:
    header = ",".join(f"c{number}" for number in range(columns))
    path.write_text(header + "\n" + "1\n" * columns, encoding="utf-8")


def wide_jsonl(path: Path, columns: int) -> None:
    path.write_text("".join(f'{{"k{number}":1}}\n' for number in range(columns)), encoding="utf-8")


def nested(path: Path, columns: int) -> None:
    objects = ",".join(f'{{"k{number}":1}}' for number in range(columns))
    path.write_text(f'{{"text":[{objects}]}}\n', encoding="utf-8")


BOMBS = {
    "zeros.parquet": (zeros, 36),
    "forged.parquet": (forged, 36),
    "runs.parquet": (runs, 34),
    "repeated.parquet": (repeated, 300_000_000),
    "wide.csv": (wide_csv, 5000),
    "wide.jsonl": (wide_jsonl, 5000),
    "nested.jsonl": (nested, 3000),
}


@pytest.fixture(scope="module")
def bombs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bombs")
    for name, (write, size) in BOMBS.items():
        write(place / name, size)
        assert (place / name).stat().st_size < 1 << 18
    return place


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_table_does_not_become_a_large_one(bombs: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"bytes and would take [\d,]+ in memory, more than the"):
        read(str(bombs / name), TEXTS)


def test_refusing_them_takes_no_memory(bombs: Path) -> None:
    program = """
import sys
from pathlib import Path
import pyarrow.parquet
from pipelines.common.errors import DataError
from pipelines.sources import tables
for name in sys.argv[1:]:
    try:
        tables.read(Path(name))
    except DataError as error:
        assert "in memory" in str(error), error
    else:
        raise AssertionError(name)
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, bombs.iterdir())],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "POLARS_MAX_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 300_000  # KiB, most of it the libraries


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@pytest.mark.parametrize("begin", [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x78\x9c"])
def test_a_compressed_table_is_not_unpacked(tmp_path: Path, suffix: str, begin: bytes) -> None:
    place = tmp_path / f"table{suffix}"
    place.write_bytes(begin + b"\0" * 20)
    with pytest.raises(DataError, match="it is compressed; unpack it first"):
        read(str(place), TEXTS)


def test_ordinary_tables_are_read_as_before(tmp_path: Path) -> None:
    rows = [{"text": f'say {{"{number}"}}, [{number}]\n', "label": number} for number in range(999)]
    frame = pl.DataFrame(rows)
    frame.write_ndjson(tmp_path / "own.jsonl")
    frame.write_csv(tmp_path / "own.csv")
    frame.write_parquet(tmp_path / "own.parquet")
    for suffix in ("jsonl", "csv", "parquet"):
        found = read(str(tmp_path / f"own.{suffix}"), TEXTS).frame
        assert found["text"].to_list() == frame["text"].to_list()


def test_a_diff_of_folders_opens_no_pipe(tmp_path: Path) -> None:
    for name in ("left", "right"):
        (tmp_path / name).mkdir()
        pl.DataFrame({"row": [1]}).write_parquet(tmp_path / name / "one.parquet")
    os.mkfifo(tmp_path / "right" / "two.parquet")
    with pytest.raises(UsageError, match=r"two\.parquet' is a named pipe, not a regular file"):
        sources.on_disk(tmp_path / "left", tmp_path / "right")


def test_sources_are_looked_at_before_they_are_read(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    about = "{identity: [image], ingest: {source: source}}"
    (tmp_path / "params.yaml").write_text(f"datasets: {{pets: {about}}}\n", encoding="utf-8")
    os.mkfifo(source / "cat" / "two.png")
    with pytest.raises(DataError, match=r"'cat/two\.png' is a named pipe"):
        inputs.run("pets")
    assert not (tmp_path / "rounds").exists()
