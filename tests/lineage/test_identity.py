from __future__ import annotations

import datetime as dt
import hashlib
import io
import struct
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lineage import identity
from lineage.errors import IdentityError
from lineage.identity import sample_ids

TEXT = st.text(st.characters(codec="utf-8"), max_size=6)


def one(value: object, dtype: pl.DataType | type[pl.DataType], name: str = "x") -> bytes:
    found = sample_ids(pl.DataFrame({name: [value]}, schema={name: dtype}), [name])
    return bytes(found[0])


def part(name: bytes, tag: bytes, value: bytes) -> bytes:
    return struct.pack(">I", len(name)) + name + tag + struct.pack(">Q", len(value)) + value


def image(data: bytes | None, path: str | None = None) -> bytes:
    kind = pl.Struct({"bytes": pl.Binary, "path": pl.String})
    return one({"bytes": data, "path": path}, kind, "image")


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


GREY = np.arange(64, dtype=np.uint8).reshape(8, 8)


def test_golden_digest() -> None:
    frame = pl.DataFrame({"text": ["été"], "label": [7]})
    message = b"stemma-id/1" + part(b"label", b"i", b"7") + part(b"text", b"s", "été".encode())
    found = sample_ids(frame, ["text", "label"])[0]
    assert found == hashlib.sha256(message).digest()
    assert found.hex() == "bf43ee01ea3c7505e532f78c37c94125219cb4e9e66a2fee98d9e1b276187cd7"


def test_golden_digest_of_typed_columns() -> None:
    frame = pl.DataFrame(
        {
            "cents": [Decimal("12.50")],
            "day": [dt.date(1970, 1, 2)],
            "gone": [None],
            "nan": [-float("nan")],
            "open": [True],
            "zero": [-0.0],
        },
        schema_overrides={"cents": pl.Decimal(9, 2), "gone": pl.Float64},
    )
    message = b"".join([
        b"stemma-id/1",
        part(b"cents", b"n", b"12.5"),
        part(b"day", b"d", b"1"),
        part(b"gone", b"0", b""),
        part(b"nan", b"f", struct.pack(">d", float("nan"))),
        part(b"open", b"b", b"1"),
        part(b"zero", b"f", struct.pack(">d", 0.0)),
    ])  # fmt: skip
    found = sample_ids(frame, frame.columns)[0]
    assert found == hashlib.sha256(message).digest()
    assert found.hex() == "49120e0cd2bf55f1d36ffb72fc4036a62c0c6e0e1cd4878fc2413796f05f8b43"
    wider = frame.with_columns(pl.col("cents").cast(pl.Decimal(20, 6)), zero=pl.lit(0.0))
    assert sample_ids(wider, frame.columns)[0] == found


def test_golden_digest_of_an_image() -> None:
    pixels = b"L 8 8 64\n" + bytes(range(64))
    message = b"stemma-id/1" + part(b"image", b"p", pixels)
    assert image(encoded(GREY)) == hashlib.sha256(message).digest()
    assert (
        image(encoded(GREY)).hex()
        == "f7c8de99d70131c5c97c26d2dd4854cc27799a54cb706bc4d0df587ff0c728fd"
    )


@given(st.integers(-128, 127))
def test_width_of_an_integer_does_not_matter(value: int) -> None:
    widths = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128)
    assert len({one(value, width) for width in widths}) == 1


def test_width_and_zero_of_a_float_do_not_matter() -> None:
    assert one(0.5, pl.Float32) == one(0.5, pl.Float64)
    assert one(-0.0, pl.Float64) == one(0.0, pl.Float64)
    odd = np.array([0x7FF8_0000_0000_0001], dtype=np.uint64).view(np.float64)
    frame = pl.DataFrame({"x": np.concatenate([odd, [np.nan]])})
    assert sample_ids(frame, ["x"]).n_unique() == 1
    assert one(0.1, pl.Float32) != one(0.1, pl.Float64)


def test_the_type_matters() -> None:
    same = [
        one(1, pl.Int64),
        one(1.0, pl.Float64),
        one("1", pl.String),
        one(b"1", pl.Binary),
        one(value=True, dtype=pl.Boolean),
        one(dt.date(1970, 1, 2), pl.Date),
        one(dt.datetime(1970, 1, 2), pl.Datetime("ns")),  # noqa: DTZ001  no zone is the case
        one(dt.datetime(1970, 1, 2, tzinfo=dt.UTC), pl.Datetime("ns", "UTC")),
        one(dt.timedelta(days=1), pl.Duration("ns")),
        one(dt.time(0), pl.Time),
    ]
    assert len(set(same)) == len(same)


def test_null_is_not_empty() -> None:
    assert one(None, pl.String) != one("", pl.String)
    assert one(None, pl.Binary) != one(b"", pl.Binary)
    assert one(None, pl.Float64) != one(0.0, pl.Float64)
    assert one(None, pl.Float64) != one(float("nan"), pl.Float64)
    assert one(None, pl.String) == one(None, pl.Int64) == one(None, pl.Null)


def test_storage_of_text_does_not_matter() -> None:
    assert one("a", pl.String) == one("a", pl.Categorical) == one("a", pl.Enum(["b", "a"]))


def test_unit_of_a_time_does_not_matter() -> None:
    at = dt.datetime(2024, 2, 29, 12, 30, 1, 5000)  # noqa: DTZ001
    assert len({one(at, pl.Datetime(unit)) for unit in ("ms", "us", "ns")}) == 1


def test_names_matter_and_order_does_not() -> None:
    frame = pl.DataFrame({"a": ["x", "y"], "b": ["y", "x"]})
    swapped = frame.rename({"a": "b", "b": "a"})
    assert (sample_ids(frame, ["a", "b"]) == sample_ids(frame, ["b", "a"])).all()
    assert (sample_ids(frame, ["a", "b"]) == sample_ids(frame.select("b", "a"), ["a", "b"])).all()
    assert sample_ids(frame, ["a", "b"])[0] == sample_ids(swapped, ["a", "b"])[1]
    assert sample_ids(frame, ["a"])[0] != sample_ids(swapped, ["b"])[0]


def test_other_columns_do_not_matter() -> None:
    frame = pl.DataFrame({"a": ["x", "x"], "label": [1, 2]})
    assert sample_ids(frame, ["a"]).n_unique() == 1


@given(st.lists(st.tuples(st.none() | TEXT, st.none() | TEXT), min_size=2, max_size=8))
def test_ids_are_equal_where_contents_are(rows: list[tuple[str | None, str | None]]) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")
    found = sample_ids(frame, ["a", "b"]).to_list()
    assert [found.index(each) for each in found] == [rows.index(row) for row in rows]


@given(st.lists(st.none() | TEXT, max_size=9), st.integers(1, 4))
def test_blocks_and_chunks_do_not_matter(values: list[str | None], block: int) -> None:
    frame = pl.DataFrame({"x": values}, schema={"x": pl.String})
    whole = sample_ids(frame, ["x"])
    chunked = pl.concat([frame[:2], frame[2:]], rechunk=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "BLOCK", block)
        assert sample_ids(chunked, ["x"]).to_list() == whole.to_list()


def test_no_rows_have_no_ids() -> None:
    found = sample_ids(pl.DataFrame(schema={"x": pl.Float64}), ["x"])
    assert (found.name, found.dtype, len(found)) == ("sample_id", pl.Binary, 0)


def test_an_image_is_its_pixels() -> None:
    note = PngInfo()
    note.add_text("camera", "none")
    plain = encoded(GREY, compress_level=0)
    packed = encoded(GREY, compress_level=9, pnginfo=note)
    assert plain != packed
    assert image(plain) == image(packed) == image(encoded(GREY, "BMP"))
    assert image(plain, "a.png") == image(plain, "b.png")


def test_one_pixel_mode_or_shape_makes_another_image() -> None:
    changed = GREY.copy()
    changed[0, 0] += 1
    colour = np.repeat(GREY[:, :, None], 3, axis=2)
    found = [encoded(each) for each in (GREY, changed, colour, GREY.reshape(4, 16), GREY.T.copy())]
    assert len({image(each) for each in found}) == len(found)


def test_a_broken_image_has_an_identity() -> None:
    whole = encoded(GREY)
    assert image(whole[:40]) != image(whole)
    assert image(whole[:40]) == image(whole[:40], "x")
    assert image(None) != image(b"")


def test_lists_and_structs_are_content() -> None:
    chats = [[{"role": "user", "content": "a"}], [{"role": "user", "content": "b"}], [], None]
    kind = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
    turned = pl.List(pl.Struct({"content": pl.String, "role": pl.String}))
    frame = pl.DataFrame({"m": pl.Series(chats, dtype=kind)})
    ids = sample_ids(frame, ["m"])
    assert ids.n_unique() == len(chats)
    other = pl.DataFrame({"m": pl.Series(chats, dtype=turned)})
    assert sample_ids(other, ["m"]).to_list() == ids.to_list()
    two = pl.DataFrame({"m": [["a", "b"], ["ab"], ["a"], [None]]})
    assert sample_ids(two, ["m"]).n_unique() == len(two)


def test_errors_name_the_column() -> None:
    frame = pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object), "b": ["x"]})
    with pytest.raises(IdentityError, match="'c' is missing; the frame has a, b"):
        sample_ids(frame, ["b", "c"])
    with pytest.raises(IdentityError, match="'a' has type Object"):
        sample_ids(frame, ["a"])
    for columns in ([], ["b", "b"]):
        with pytest.raises(IdentityError, match="each named once"):
            sample_ids(frame, columns)
    with pytest.raises(IdentityError, match="by path only"):
        image(None, "a.png")
