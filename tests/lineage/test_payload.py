"""Digests of what an id leaves out, and proofs that samples hold what was decided on."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lineage import payload
from lineage.errors import IdentityError
from lineage.identity import sample_ids
from lineage.payload import columns_digests
from lineage.proof import payload as proof
from lineage.proof.findings import Batch
from lineage.proof.tables import Tables
from pipelines.rounds.payload import faults

LABEL = b"stemma-columns/1\0\0\0\5labeli\0\0\0\0\0\0\0\0010"
"""What is hashed of the first row of `samples`: decisions in lakes state its digest."""
MESSAGES = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))


def samples(number: int = 1, count: int = 4) -> pl.DataFrame:
    """Accepted samples of a round of texts with labels."""
    rows = pl.DataFrame({"row": range(count)}).select(
        pl.lit(number, pl.Int32).alias("round"),
        "row",
        pl.format("text {}", "row").alias("text"),
        (pl.col("row") % 2).alias("label"),
    )
    return rows.with_columns(sample_ids(rows, ["text"]))


def decisions(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select("round", "row", "sample_id").with_columns(
        columns_digests(frame, ["text"]), pl.lit("accepted").alias("decision")
    )


def file(size: int, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (size, size), 7).save(buffer, kind)
    return buffer.getvalue()


def one(frame: pl.DataFrame, identity: tuple[str, ...] = ("text",)) -> bytes:
    (digest,) = columns_digests(frame.head(1), identity)
    assert isinstance(digest, bytes)
    return digest


def proved(
    frame: pl.DataFrame, decided: pl.DataFrame | None, stated: str | None = None
) -> list[Batch]:
    lazy = None if decided is None else decided.lazy()
    number = int(frame["round"][0])
    held = Tables("d", number, None, frame.lazy(), lazy, None, ("text",), stated)
    return list(proof.prove(held))


def said(batches: list[Batch]) -> list[tuple[str, int | None, str]]:
    return [
        (each.check, row["row"], row["detail"])
        for each in batches
        for row in each.findings.iter_rows(named=True)
    ]


def test_a_digest_covers_all_columns_but_key_and_identity() -> None:
    frame = samples()
    assert payload.others(frame.columns, ["text"]) == ["label"]
    assert one(frame) == hashlib.sha256(LABEL).digest()
    assert one(frame.with_columns(label=pl.lit(5))) != one(frame)
    assert one(frame.with_columns(extra=pl.lit("x"))) != one(frame)
    assert one(frame.rename({"label": "class"})) != one(frame)
    same = frame.with_columns(text=pl.lit("other"), row=pl.lit(9), round=pl.lit(9))
    assert one(same) == one(frame)
    assert len(columns_digests(frame.drop("label"), ["text"])) == 4
    assert len(columns_digests(frame.clear(), ["text"])) == 0


def test_a_digest_does_not_depend_on_how_a_table_is_stored(tmp_path: Path) -> None:
    frame = samples(count=9).with_columns(
        name=pl.Series(["a", "b", None] * 3), said=pl.Series([[{"role": "u", "content": "x"}]] * 9)
    )
    wanted = columns_digests(frame, ["text"]).to_list()
    frame.write_parquet(tmp_path / "a.parquet", row_group_size=2, compression="snappy")
    stored = pl.read_parquet(tmp_path / "a.parquet")
    ways = (
        stored.select(reversed(stored.columns)),
        stored.cast({"label": pl.Int8, "name": pl.Categorical}),
        pl.concat([stored.head(3), stored.tail(6)], rechunk=False),
        stored.cast({"said": pl.List(pl.Struct({"role": pl.Categorical, "content": pl.String}))}),
    )
    for other in ways:
        assert columns_digests(other, ["text"]).to_list() == wanted


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = samples(count=10)
    whole, total = columns_digests(frame, ["text"]), payload.described(frame, ["text"])
    monkeypatch.setattr(payload, "BLOCK", 3)
    assert columns_digests(frame, ["text"]).to_list() == whole.to_list()
    assert payload.described(frame, ["text"]) == total
    assert [len(block) for block in payload.blocks(frame.lazy(), "it")] == [3, 3, 3, 1]
    assert pl.concat(payload.blocks(frame.lazy(), "it")).equals(frame)
    decided = decisions(frame).sort("row", descending=True)
    for rows in (frame, frame.sort("label")):
        assert said(proved(changed("label", 7)(rows), decided))[0][:2] == ("columns", 2)
    real = samples(0, 10)
    stated = str(payload.described(real, ["text"])["digest"])
    assert said(proved(real.sort("label"), None, stated)) == []


def test_large_rows_are_read_in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = samples(count=600).with_columns(text=pl.lit("x" * 1000))
    monkeypatch.setattr(payload, "BLOCK_BYTES", 100_000)
    sizes = [len(block) for block in payload.blocks(frame.lazy(), "it")]
    assert sizes[0] == payload.FIRST
    assert all(80 < size < 100 for size in sizes[1:-1])
    assert sum(sizes) == 600


def test_real_data_has_one_digest_of_rows_in_any_order() -> None:
    frame = samples(0)
    stated = payload.described(frame, ["text"])
    assert stated["rows"] == 4
    assert payload.described(frame.sort("row", descending=True), ["text"]) == stated
    for other in (
        frame.with_columns(label=pl.lit(1)),
        frame.with_columns(text=pl.lit("x")),
        frame.head(3),
        frame.with_columns(row=3 - pl.col("row")),
    ):
        assert payload.described(other, ["text"])["digest"] != stated["digest"]


def test_lists_and_structs_have_canonical_bytes() -> None:
    def of(*messages: tuple[str, str | None]) -> bytes:
        talk = [{"role": role, "content": content} for role, content in messages]
        return one(pl.DataFrame({"m": pl.Series([talk], dtype=MESSAGES)}), ())

    told = [
        of(("user", "a")),
        of(("user", "b")),
        of(("user", None)),
        of(("user", "")),
        of(("a", "user")),
        of(("user", "a"), ("user", "a")),
        of(("user", "a"), ("user", "")),
        of(),
        one(pl.DataFrame({"m": pl.Series([None], dtype=MESSAGES)}), ()),
        one(pl.DataFrame({"m": [[["user"], ["a"]]]}), ()),
        one(pl.DataFrame({"m": [[["user", "a"]]]}), ()),
    ]
    assert len(set(told)) == len(told)
    swapped = pl.List(pl.Struct({"content": pl.String, "role": pl.String}))
    turned = pl.DataFrame({"m": pl.Series([[{"content": "a", "role": "user"}]], dtype=swapped)})
    assert one(turned, ()) == told[0]
    array = pl.DataFrame({"m": pl.Series([[1, 2]], dtype=pl.Array(pl.Int64, 2))})
    assert one(array, ()) == one(pl.DataFrame({"m": [[1, 2]]}), ())


def test_decimals_count_without_the_zeros_of_their_scale() -> None:
    def of(text: str, scale: int) -> bytes:
        column = pl.Series("d", [Decimal(text)], dtype=pl.Decimal(12, scale))
        return one(column.to_frame(), ())

    assert of("1.5", 1) == of("1.500", 3)
    assert of("100", 0) == of("100.00", 2)
    assert len({of(text, 2) for text in ("100", "10", "1", "0.1", "-1", "0")}) == 6


@given(st.lists(st.lists(st.text(max_size=2), max_size=3), min_size=2, max_size=2))
def test_other_lists_have_other_digests(pair: list[list[str]]) -> None:
    first, second = columns_digests(
        pl.DataFrame({"m": pl.Series(pair, dtype=pl.List(pl.String))}), ()
    )
    assert (first == second) == (pair[0] == pair[1])


def test_the_path_of_an_image_counts_and_its_encoding_does_not() -> None:
    kind = pl.Struct({"bytes": pl.Binary, "path": pl.String})

    def of(data: bytes, path: str | None, name: str = "image") -> bytes:
        image = pl.Series(name, [{"bytes": data, "path": path}], dtype=kind)
        return one(image.to_frame(), ("image",))

    assert of(file(3), "a.png") == of(file(3, "BMP"), "a.png")
    assert of(file(3), "a.png") != of(file(3), "b.png")
    assert of(file(3), None, "mask") != of(file(4), None, "mask")


def deep_list() -> pl.DataType:
    """Lists within lists, deeper than anything is encoded."""
    dtype: pl.DataType = pl.Int64()
    for _ in range(40):
        dtype = pl.List(dtype)
    return dtype


@pytest.mark.parametrize("depth", [1, 40])
def test_a_type_without_canonical_bytes_is_an_error(depth: int) -> None:
    dtype: pl.DataType = pl.Int64() if depth > 1 else pl.Object()
    for _ in range(depth - 1):
        dtype = pl.List(dtype)
    column = pl.Series("odd", [object()] if depth == 1 else [None], dtype=dtype)
    with pytest.raises(IdentityError, match=r"column 'odd' has type .*no canonical bytes"):
        columns_digests(column.to_frame(), ())


def test_samples_as_they_were_decided_on_are_proved() -> None:
    frame = samples()
    found = proved(frame.sort("row", descending=True), decisions(frame))
    assert [(each.check, each.checked, each.unproved) for each in found] == [
        ("payload", 4, 0),
        ("columns", 4, 0),
    ]
    assert said(found) == []
    assert faults(frame.lazy(), decisions(frame).lazy(), ["text"]) is None


def changed(column: str, value: object) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Change a column of row 2."""
    at = pl.col("row") == 2
    return lambda frame: frame.with_columns(
        pl.when(at).then(pl.lit(value, frame.schema[column])).otherwise(column).alias(column)
    )


@pytest.mark.parametrize(
    ("change", "check", "row", "words"),
    [
        (changed("label", 1), "columns", 2, "has label that was not decided on: the digest is"),
        (changed("label", None), "columns", 2, "has label that was not decided on"),
        (changed("text", "x"), "payload", 2, "has a payload whose id is"),
        (changed("text", None), "payload", 2, "has a payload whose id is"),
        (changed("sample_id", b"0" * 32), "payload", 2, "not the one that is stored"),
        (
            lambda frame: frame.drop("text"),
            "payload",
            None,
            "has a payload that gives no ids: identity column 'text' is missing",
        ),
        (
            lambda frame: frame.with_columns(text=pl.lit(None, deep_list())),
            "payload",
            None,
            "has no canonical bytes",
        ),
    ],
)
def test_a_change_of_a_sample_is_found(
    change: Callable[[pl.DataFrame], pl.DataFrame], check: str, row: int | None, words: str
) -> None:
    frame = samples()
    ((at, place, detail),) = said(proved(change(frame), decisions(frame)))
    assert (at, place) == (check, row)
    assert words in detail
    told = faults(change(frame).lazy(), decisions(frame).lazy(), ["text"])
    assert told is not None
    assert ("row 2" if row else "cannot be computed again") in told
    assert "\n" not in told


def test_every_row_that_changed_is_named_and_a_sentence_counts_them() -> None:
    frame = samples()
    flipped = frame.with_columns(label=1 - pl.col("label"))
    assert [row for _, row, _ in said(proved(flipped, decisions(frame)))] == [0, 1, 2, 3]
    told = faults(flipped.lazy(), decisions(frame).lazy(), ["text"])
    assert told is not None
    assert told.startswith("has samples that were changed: row 0 (")
    assert told.endswith(", and 3 more rows are like it")


def test_rows_without_a_stated_digest_are_not_provable() -> None:
    frame = samples()
    at = pl.col("row") > 0
    half = decisions(frame).with_columns(pl.when(at).then("columns_digest").alias("columns_digest"))
    for decided, unproved in (
        (half, 1),
        (decisions(frame).drop("columns_digest"), 4),
        (None, 4),
    ):
        found = [each for each in proved(frame, decided) if each.check == "columns"]
        assert sum(each.unproved for each in found) == unproved
        assert sum(each.checked for each in found) == 4 - unproved
        assert said(found) == []
        assert {each.reason for each in found if each.unproved} == {
            "no digest of these columns was stated when they were written"
        }


def test_real_data_is_compared_with_its_manifest() -> None:
    frame = samples(0)
    stated = str(payload.described(frame, ["text"])["digest"])
    assert said(proved(frame, None, stated)) == []
    ((check, row, detail),) = said(proved(changed("label", 1)(frame), None, stated))
    assert (check, row) == ("columns", None)
    assert f"its manifest states {stated[:12]}" in detail
    (open_,) = (each for each in proved(frame, None) if each.check == "columns")
    assert (open_.checked, open_.unproved) == (0, 4)
    assert faults(frame.lazy(), None, ["text"]) is None
