"""Real data from outside: CSV, JSONL, Parquet and folders of images."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from pipelines.common import parquet_pages
from pipelines.modalities.images import Images
from pipelines.modalities.texts import Texts
from pipelines.sources import read, tables
from tests.fuzz.engine import fuzzed
from tests.fuzz.mutations import documents, mutated
from tests.fuzz.pictures import OF_IMAGES, PICTURES, TINY

ROWS: Final = pl.DataFrame(
    {"text": ["one", "two, too", 'th"ree\n', "٣"], "label": ["a", "b", "a", "b"]}
)
TEXTS: Final = Texts(("text",))


def file(write: Callable[[pl.DataFrame, io.BytesIO], object], frame: pl.DataFrame = ROWS) -> bytes:
    out = io.BytesIO()
    write(frame, out)
    return out.getvalue()


def loaded(name: str, data: bytes) -> pl.DataFrame:
    """What a source in a file of this name holds."""
    Path(name).write_bytes(data)
    found = read.read(str(Path(name)), TEXTS).frame
    assert found.height
    assert found.schema["text"] == pl.String
    assert (found["text"].str.strip_chars().str.len_chars() > 0).all()
    return found


CSV: Final = file(pl.DataFrame.write_csv)
OF_CSV = (b'"', b'""', b",", b"\r", b"text,label\n", b",," * 500, b"\x1f\x8b", b'"' * 5_000, b"\\")


@fuzzed(mutated([CSV, b"text\none\n", CSV * 50], OF_CSV), reasons=4)
def test_csv(data: bytes) -> object:
    found = loaded("a.csv", data)
    assert data != CSV or found.equals(ROWS)
    return found


JSONL: Final = file(pl.DataFrame.write_ndjson)
OF_JSONL = (
    *(b'{"text":"a","label":"b"}\n', b'{"text":"a","text":"b"}\n', b'{"text":["a"]}\n', b"{}\n"),
    *(b'{"text":1e999,"label":1}\n', b'{"a":{"b":{"c":[{"d":1}]}},"text":"a"}\n', b"[]\n", b"1\n"),
    *(b'"\\ud800"', b'{"text":null}\n', b"\x1f\x8b", b'{"text":{"a":1}}\n', b"\\u0000"),
)


@fuzzed(mutated([JSONL, JSONL * 50], OF_JSONL), reasons=4)
def test_jsonl(data: bytes) -> object:
    found = loaded("a.jsonl", data)
    assert data != JSONL or found.equals(ROWS)
    return found


@fuzzed(
    st.lists(
        documents([{"text": "a", "label": "b"}, {"text": "a", "more": {"a": [1]}}]), max_size=5
    ),
    reasons=3,
)
def test_lines_of_json(lines: list[str]) -> object:
    return loaded("a.jsonl", "\n".join(lines).encode())


def write_nothing_often(frame: pl.DataFrame, out: io.BytesIO) -> None:
    """Kilobytes that become 400 MB: a column of 50 million rows without values."""
    nothing = pa.table({name: pa.nulls(1 << 22, pa.int64()) for name in frame.columns[:1]})
    with pq.ParquetWriter(out, nothing.schema, compression="none", use_dictionary=False) as writer:
        for _ in range(12):
            writer.write_table(nothing)


WIDE: Final = ROWS.with_columns(
    pl.lit([1, 2]).alias("l"),
    pl.struct(pl.lit(1).alias("a"), pl.lit("x").alias("b")).alias("s"),
    pl.lit("same").cast(pl.Categorical).alias("c"),
)
PARQUET: Final = file(pl.DataFrame.write_parquet)
PARQUETS: Final = (
    PARQUET,
    file(lambda frame, out: frame.write_parquet(out, compression="uncompressed")),
    file(lambda frame, out: frame.write_parquet(out, compression="snappy", row_group_size=1)),
    file(pl.DataFrame.write_parquet, WIDE),
    file(pl.DataFrame.write_parquet, pl.concat([ROWS] * 200)),
    file(lambda frame, out: pq.write_table(frame.to_arrow(), out, data_page_version="2.0")),
)
BOMB: Final = file(write_nothing_often, ROWS)
OF_PARQUET = (
    *(b"PAR1", b"\xff" * 9, b"\x15\x00", b"\x15\xfe\xff\xff\xff\x0f", b"\x19\xf1", b"\x19\x4c"),
    *(b"\x19\xf1\xff\xff\xff\xff\xff\xff\xff\x7f", b"\x1b\xff\xff\xff\xff\x0f\x11", b"\x00" * 8),
)


@fuzzed(mutated([*PARQUETS, BOMB, BOMB], OF_PARQUET), reasons=3)
def test_parquet(data: bytes) -> object:
    found = loaded("a.parquet", data)
    assert data != PARQUET or found.equals(ROWS)
    return found


@fuzzed(mutated([*PARQUETS, BOMB, BOMB], OF_PARQUET, edits=2), reasons=1)
def test_other_tables_of_parquet(data: bytes) -> object:
    Path("b.parquet").write_bytes(data)
    return tables.read(Path("b.parquet"))


class Column:
    """A column of a row group, as pyarrow tells it; its pages begin after a mark."""

    def __init__(self, size: int) -> None:
        self.dictionary_page_offset, self.data_page_offset = None, len(MARK)
        self.total_compressed_size = self.total_uncompressed_size = size
        self.physical_type = "INT64"


MARK: Final = b"PAR1"


HEADERS: Final = (
    bytes.fromhex("1500 1504 1504 4c1506 1500 1506 1506 0000") + b"ab",
    bytes.fromhex("1504 1508 1508 4c1502 1500 0000") + b"abcd",
    bytes.fromhex("1506 1504 1504 5c1502 1500 1502 1500 1502 1502 0000") + b"ab",
)
OF_HEADERS = (
    *(b"\x19\xf1\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"\x1b\xff\xff\xff\xff\xff\xff\x7f\x11"),
    *(b"\x19\xfc\xff\xff\xff\x7f", b"\x1c" * 40, b"\x18\xff\xff\xff\xff\x7f", b"\x00", b"\x1d"),
    *(b"\x29\xf2\xff\xff\xff\xff\xff\xff\xff\x7f", b"\x19\xf9\xff\xff\xff\xff\x7f"),
)


@fuzzed(mutated(HEADERS, OF_HEADERS), errors=(ValueError,), reasons=3)
def test_headers_of_pages(data: bytes) -> object:
    pages = io.BytesIO(MARK + data)
    found, heads = parquet_pages._chunk(pages, Column(len(data)), 1, len(MARK) + len(data))
    assert heads <= len(data)
    if data == HEADERS[0]:
        assert found == len(data) + parquet_pages.WIDTH * 3
    return found


FOLDERS = st.dictionaries(
    st.sampled_from(["0", "1", "01", "9" * 30, "٣", "a b", "a\nb", ".hidden", "x" * 200]),
    st.dictionaries(
        st.sampled_from(
            ["a.png", "b.PNG", "c.jpg", "d.txt", "e\x1b.png", ".f.png", "g" * 200 + ".png"]
        ),
        st.one_of(mutated(PICTURES, OF_IMAGES), st.sampled_from([None, TINY, TINY])),
        max_size=3,
    ),
    max_size=3,
)
SECRET: Final = Path("secret.bmp")
GOOD: Final = {"3": {"a.png": TINY}, "5": {"b.png": TINY}}


@fuzzed(st.one_of(st.just(GOOD), FOLDERS), reasons=3)
def test_folders(content: dict[str, dict[str, bytes | None]]) -> object:
    root = Path("source")
    SECRET.write_bytes(PICTURES[2])
    for name, images in content.items():
        (root / name).mkdir(parents=True)
        for each, data in images.items():
            if data is None:
                (root / name / each).symlink_to(SECRET.absolute())
            else:
                (root / name / each).write_bytes(data)
    root.mkdir(exist_ok=True)
    try:
        found = read.read(str(root), Images(("image",))).frame
    finally:
        shutil.rmtree(root)
    assert found.height
    held = [row["bytes"] for row in found["image"]]
    assert held.count(PICTURES[2]) <= sum(
        data == PICTURES[2] for name, images in content.items() for data in images.values()
    ), "a file outside of the source is read"
    if content is GOOD:
        assert found["label"].to_list() == [3, 5]
    return found


def other_types(draw: Any) -> pl.DataFrame:
    """A table whose columns are of any type."""
    names = [
        "text",
        "label",
        "image",
        *draw(st.lists(st.text(max_size=5), max_size=2, unique=True)),
    ]
    kinds = (pl.String, pl.Int64, pl.Float64, pl.Boolean, pl.Binary, pl.Null, pl.Date, pl.Int8)
    nested = (pl.List(pl.String), pl.Struct({"bytes": pl.Binary, "path": pl.String}), pl.Decimal)
    rows = draw(st.integers(0, 3))
    return pl.DataFrame(
        {
            name: pl.Series([None] * rows, dtype=draw(st.sampled_from((*kinds, *nested))))
            for name in names
        }
    )
