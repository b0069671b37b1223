"""Tables in parts of bounded size."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from lineage.errors import SchemaError
from pipelines.rounds import parts
from pipelines.rounds.parts import PartWriter


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a few rows reach."""
    for name, value in {"BLOCK_ROWS": 4, "PART_ROWS": 6}.items():
        monkeypatch.setattr(parts, name, value)


def table(rows: int) -> pl.DataFrame:
    return pl.DataFrame({"row": range(rows), "text": ["some text"] * rows})


def written(*frames: pl.DataFrame, max_rows: int = 6) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    writer = PartWriter(
        lambda path, frame: found.update({path: frame["row"].to_list()}),
        "d",
        "samples",
        3,
        max_rows,
    )
    for frame in frames:
        writer.add(frame)
    writer.close()
    assert writer.rows == sum(map(len, frames))
    return found


def test_a_small_table_is_one_block_and_one_part() -> None:
    whole = table(1000)
    assert [len(block) for block in parts.cut(whole.lazy(), "it")] == [1000]
    assert written(whole, max_rows=1000) == {
        "d/samples/round=003/part-00000.parquet": whole["row"].to_list()
    }


@pytest.mark.usefixtures("small")
def test_a_table_is_read_in_blocks_across_its_parts(tmp_path: Path) -> None:
    for at in range(3):
        table(11)[at * 5 : at * 5 + 5].write_parquet(tmp_path / f"part-{at}.parquet")
    found = list(parts.cut(pl.scan_parquet(tmp_path), "it", 4))
    assert [len(block) for block in found] == [4, 4, 3]
    assert pl.concat(found).equals(table(11))


def test_large_rows_come_in_blocks_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "BLOCK_BYTES", 40_000)
    rows = pl.DataFrame({"row": range(20), "text": ["x" * 10_000] * 20})
    found = list(parts.cut(rows.lazy(), "it"))
    assert [len(block) for block in found] == [3] * 6 + [2]
    assert pl.concat(found).equals(rows)


def test_rows_longer_than_those_before_make_no_larger_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "BLOCK_BYTES", 40_000)
    texts = ["x" * 100] * 300 + ["x" * 30_000] * 3 + ["x" * 50_000]
    rows = pl.DataFrame({"row": range(304), "text": texts})
    found = list(parts.cut(rows.lazy(), "it"))
    assert pl.concat(found).equals(rows)
    assert [len(block) for block in found[-3:]] == [1, 1, 1]
    assert all(block.estimated_size() <= 40_000 for block in found[:-1])


def test_a_table_without_rows_is_one_block() -> None:
    (block,) = parts.cut(table(0).lazy(), "it")
    assert block.schema == table(0).schema


def test_what_cannot_be_read_is_named() -> None:
    with pytest.raises(SchemaError, match="the samples"):
        list(parts.cut(table(3).lazy().select("label"), "the samples"))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([4], [4]),
        ([4, 2], [6]),
        ([4, 3], [4, 3]),
        ([13], [6, 6, 1]),
        ([5, 0, 13, 1], [5, 6, 6, 2]),
        ([0, 0], [0]),
    ],
)
def test_parts_hold_so_many_rows_at_most(sizes: list[int], expected: list[int]) -> None:
    whole, frames, start = table(sum(sizes)), [], 0
    for size in sizes:
        frames.append(whole[start : start + size])
        start += size
    found = written(*frames)
    assert [len(rows) for rows in found.values()] == expected
    assert list(found) == [
        f"d/samples/round=003/part-{at:05d}.parquet" for at in range(len(expected))
    ]
    assert [row for rows in found.values() for row in rows] == whole["row"].to_list()


def test_large_rows_make_smaller_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_BYTES", 30_000)
    rows = pl.DataFrame({"row": range(5), "text": ["x" * 10_000] * 5})
    assert list(map(len, written(rows, max_rows=100).values())) == [2, 2, 1]


def test_a_table_without_columns_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing was added to samples"):
        written()
