"""Content that was taken down is found in files of every kind, and innocent rows stay."""

from __future__ import annotations

import base64
import gzip
import io
import json
import pickle
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import save

from lake.tables import encode
from lineage.identity import sample_ids
from pipelines import modalities
from pipelines.takedown import content, deny_list, purge, search
from pipelines.takedown.content import Shape, Wanted
from pipelines.takedown.deny_list import ENTRY, DenyList

IMAGES = Shape("digits", modalities.load("image", ("image",)), ("image",))
TEXTS = Shape("notes", modalities.load("text", ("prompt", "answer")), ("prompt", "answer"))
PIXELS = np.random.default_rng(5).integers(0, 256, (4, 16, 16)).astype(np.uint8)
"""Four images, of which the first is taken down."""
PAIRS = [
    ("Who wrote the letter of the ninth of May?", "Erika Mustermann of Heidestraße 17 did."),
    ("Which river flows through Vienna?", "The Danube flows through Vienna, to the east."),
]
"""Two texts, of which the first is taken down."""


def png(pixels: NDArray[np.uint8], **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", **options)
    return out.getvalue()


def images() -> pl.DataFrame:
    files = [{"bytes": png(each), "path": None} for each in PIXELS]
    dtype = pl.Struct({"bytes": pl.Binary, "path": pl.String})
    frame = pl.DataFrame({"row": range(4), "image": pl.Series(files, dtype=dtype)})
    return frame.with_columns(sample_ids(frame, ["image"]), label=pl.lit(3))


def texts() -> pl.DataFrame:
    frame = pl.DataFrame(PAIRS, schema=["prompt", "answer"], orient="row")
    return frame.with_row_index("row").with_columns(sample_ids(frame, ["prompt", "answer"]))


def wanted(*, plain: bool = False) -> Wanted:
    """The first image and the first text: by ids and fingerprints, or also by what they say."""
    rows = [images().head(1), texts().head(1)]
    parts = [
        deny_list.entries_of(frame, shape.dataset, shape.modality, shape.identity)
        for frame, shape in zip(rows, (IMAGES, TEXTS), strict=True)
    ]
    entries = pl.concat(parts).select(pl.lit("letter").alias("takedown"), *ENTRY)
    ids = frozenset(key for frame in rows for key in frame["sample_id"])
    known = content.texts_of(rows[1], TEXTS) if plain else frozenset()
    return Wanted(ids, (IMAGES, TEXTS), DenyList(entries), known)


def database(*cells: object) -> bytes:
    with closing(sqlite3.connect(":memory:")) as made:
        made.execute("CREATE TABLE kept (number INTEGER PRIMARY KEY, cell BLOB)")
        made.executemany("INSERT INTO kept (cell) VALUES (?)", [(cell,) for cell in cells])
        made.commit()
        return made.serialize()


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return out.getvalue()


def arrays(*, flat: bool = False, signed: bool = False) -> NDArray[np.generic]:
    unit = PIXELS.astype(np.float32) / 255
    values = unit * 2 - 1 if signed else unit
    return values.reshape(4, -1) if flat else values[:, None]


def npz(values: NDArray[np.generic]) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, pool=values)
    return out.getvalue()


def page(data: bytes) -> bytes:
    return f'<html><img src="data:image/png;base64,{base64.b64encode(data).decode()}">'.encode()


def hits(data: bytes, what: Wanted | None = None) -> list[tuple[str, str]]:
    return [(hit.inside, hit.how) for hit in search.find(data, what or wanted()).hits()]


FIRST, SECOND = png(PIXELS[0], compress_level=1), png(PIXELS[1])
AGAIN = json.dumps([dict(zip(("prompt", "answer"), pair, strict=True)) for pair in PAIRS]).encode()
SHOWN = "\n".join(PAIRS[0])
HELD: dict[str, tuple[Callable[[], bytes], list[tuple[str, str]]]] = {
    "table of images": (lambda: encode(images()), [("row 0", "id")]),
    "table of texts": (lambda: encode(texts()), [("row 0", "id")]),
    "table without ids": (lambda: encode(images().select("image")), [("row 0", "id")]),
    "image under another column": (
        lambda: encode(images().select(pl.col("image").alias("photo"))),
        [("row 0, column photo", "id")],
    ),
    "image in a list": (
        lambda: encode(pl.DataFrame({"some": [[SECOND], [SECOND, FIRST]]})),
        [("row 1, column some", "id")],
    ),
    "image compressed otherwise": (lambda: FIRST, [("", "id")]),
    "image in a page": (lambda: page(FIRST), [("an image in it: ", "id")]),
    "images in an archive": (
        lambda: archive(a=SECOND, b=FIRST),
        [("b: ", "id")],
    ),
    "pool of arrays": (lambda: npz(arrays()), [("pool.npy: 0", "id")]),
    "pool of flat arrays": (lambda: npz(arrays(flat=True)), [("pool.npy: 0", "id")]),
    "pool from -1 to 1": (lambda: npz(arrays(signed=True)), [("pool.npy: 0", "id")]),
    "tensors": (
        lambda: save({"pool": np.ascontiguousarray(arrays())}),
        [("pool: 0", "id")],
    ),
    "blob in a database": (
        lambda: database(SECOND, FIRST),
        [("table kept, row 2: ", "id")],
    ),
    "objects in JSON": (lambda: AGAIN, [("row 0", "id")]),
    "text in other white space": (
        lambda: SHOWN.replace("Erika", "ERIKA").replace(" ", "  ").replace("\n", " ").encode(),
        [("", "exact")],
    ),
    "line of a log": (
        f"begun\n{' '.join(PAIRS[0])}\nended\n".encode,
        [("", "exact")],
    ),
    "text of a database": (
        lambda: database(json.dumps({"kept": " ".join(PAIRS[0])})),
        [("table kept, row 1: row 0, column kept", "exact")],
    ),
    "compressed": (lambda: gzip.compress(encode(images())), [("row 0", "id")]),
}


@pytest.mark.parametrize("name", HELD)
def test_it_is_found_in(name: str) -> None:
    make, expected = HELD[name]
    assert hits(make()) == expected


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encode(images().tail(3)), id="other rows"),
        pytest.param(SECOND, id="another image"),
        pytest.param(npz(arrays()[1:]), id="another pool"),
        pytest.param(database(SECOND, "\n".join(PAIRS[1])), id="another database"),
        pytest.param(encode(images().select("row", "sample_id")), id="ids alone"),
        pytest.param(json.dumps({"ids": [texts()["sample_id"][0].hex()]}).encode(), id="receipt"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_nothing_is_found_in(data: bytes) -> None:
    found = search.find(data, wanted())
    assert not found.hits()
    assert not found.unread


def test_a_near_duplicate_is_found_and_said_to_be_one() -> None:
    moved = np.clip(PIXELS[0].astype(int) + 1, 0, 255).astype(np.uint8)
    assert hits(png(moved)) == [("", "near")]


def test_what_cannot_be_read_is_said() -> None:
    with closing(sqlite3.connect(":memory:")) as made:
        made.execute("CREATE TABLE kept (cell BLOB)")
        made.execute("INSERT INTO kept VALUES (?)", (b"x" * 100_000,))
        made.commit()
        made.execute("DELETE FROM kept")
        made.commit()
        emptied = made.serialize()
    damaged = encode(images())[:-20] + b"x" * 20
    for data, why in (
        (pickle.dumps({"image": FIRST}), "a pickle, which is not opened"),
        (archive(weights=pickle.dumps([1])), "a pickle"),
        (bytes(range(256)), "of no kind that is known"),
        (damaged, "cannot be decoded"),
        (emptied, "free pages"),
    ):
        found = search.find(data, wanted())
        assert not found.hits()
        assert [why in reason for _, reason in found.unread] == [True], found.unread


def test_a_text_is_found_inside_of_longer_ones_while_it_is_known() -> None:
    prompt = f"Write another one like these.\n\nQ: {PAIRS[0][0]}\nA: {PAIRS[0][1]}\n"
    table = encode(pl.DataFrame({"request": [prompt, "something else"], "n": [1, 2]}))
    plain = wanted(plain=True)
    assert hits(table, plain) == [("row 0, column request", "text")]
    cleaned = search.clean(table, search.find(table, plain), "letter", "0" * 64)
    left = pl.read_parquet(io.BytesIO(cleaned.data))
    assert left.to_dicts() == [
        {"request": None, "n": 1},
        {"request": "something else", "n": 2},
    ]


def test_a_cleaned_table_has_the_other_rows_bit_for_bit() -> None:
    data = encode(images())
    cleaned = search.clean(data, search.find(data, wanted()), "letter", "0" * 64)
    left = pl.read_parquet(io.BytesIO(cleaned.data))
    assert left.equals(images().tail(3))
    assert left.schema == images().schema
    assert cleaned.removed.equals(images().head(1))
    assert not cleaned.whole
    assert not hits(cleaned.data)
    other = search.clean(data, search.find(data, wanted()), "letter", "1" * 64)
    assert other.data != cleaned.data
    assert pl.read_parquet(io.BytesIO(other.data)).equals(left)


@pytest.mark.parametrize(
    ("data", "begins"),
    [(page(FIRST), b"<!doctype html>"), (AGAIN, b'{"purged": '), (FIRST, b"purged by")],
)
def test_what_cannot_be_cut_goes_whole(data: bytes, begins: bytes) -> None:
    cleaned = search.clean(data, search.find(data, wanted()), "letter", "0" * 64)
    assert cleaned.whole
    assert cleaned.data.startswith(begins)
    assert b"take-down letter" in cleaned.data
    assert not hits(cleaned.data)


def test_the_log_of_a_database_is_read_with_it(tmp_path: Path) -> None:
    from pipelines.takedown import local_files  # noqa: PLC0415

    place = tmp_path / "cache.db"
    with closing(sqlite3.connect(place)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("PRAGMA wal_autocheckpoint = 0")
        made.execute("CREATE TABLE kept (cell BLOB)")
        made.execute("INSERT INTO kept VALUES (?)", (FIRST,))
        made.commit()
        assert not hits(place.read_bytes())
        assert hits(local_files.read(place)) == [("table kept, row 1: ", "id")]


def test_a_short_text_takes_no_labels_and_no_settings_with_it() -> None:
    """A text that is one word is found as the content of a row, and not in what others wrote."""
    shape = Shape("reviews", modalities.load("text", ("text",)), ("text",))
    frame = pl.DataFrame({"row": [0, 1], "text": ["positive", "I liked it"], "label": "positive"})
    frame = frame.with_columns(sample_ids(frame, ["text"]))
    first = frame.head(1)
    made = deny_list.entries_of(first, "reviews", shape.modality, shape.identity)
    entries = DenyList(made.select(pl.lit("letter").alias("takedown"), *ENTRY))
    for texts in (frozenset[str](), content.texts_of(first, shape)):
        what = Wanted(frozenset(first["sample_id"]), (shape,), entries, texts)
        assert hits(json.dumps({"sentiment": "positive"}).encode(), what) == []
        data = encode(frame)
        found = search.find(data, what)
        assert [(hit.inside, hit.how) for hit in found.hits()] == [("row 0", "id")]
        cleaned = search.clean(data, found, "letter", "0" * 64)
        assert pl.read_parquet(io.BytesIO(cleaned.data)).equals(frame.tail(1))


def test_records_are_told_from_what_a_lake_can_do_without() -> None:
    records = ["_takedowns/letter-12/record.json", "tiny/rounds/000.json", "tiny/head.json"]
    assert all(map(purge.is_record, records))
    others = ["tiny/docs/round=001/data_docs.html", "tiny/rounds/000.json.txt", "tiny/ahead.json"]
    assert not any(map(purge.is_record, [*others, "_takedowns/a/rows.parquet"]))
