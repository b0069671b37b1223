from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from lineage import image_files
from pipelines.features import image_hashes, images

HASHES = st.lists(
    st.one_of(
        st.sampled_from([0, 1, 3, 7, 2**63, 2**63 + 1, 2**64 - 1]), st.integers(0, 2**64 - 1)
    ),
    max_size=14,
).map(lambda found: np.array(found, dtype=np.uint64))


def distances(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Hamming distances of all pairs, [n, m]."""
    counted = [[(int(one) ^ int(two)).bit_count() for two in right] for one in left]
    return np.array(counted, dtype=np.int64).reshape(len(left), len(right))


@settings(deadline=None, max_examples=80)
@given(HASHES, HASHES, st.integers(0, 6))
def test_the_nearest_is_the_one_found_by_hand(
    left: NDArray[np.uint64], right: NDArray[np.uint64], within: int
) -> None:
    nearest = image_hashes.nearest(left, right, within)
    for query, row in enumerate(distances(left, right)):
        near = [(int(bits), other) for other, bits in enumerate(row) if bits <= within]
        assert (nearest.distance[query], nearest.row[query]) == min(near, default=(-1, -1))


@settings(deadline=None, max_examples=80)
@given(HASHES, st.integers(0, 6), st.booleans())
def test_the_nearest_of_one_list_and_groups_are_those_found_by_hand(
    hashes: NDArray[np.uint64], within: int, earlier: bool
) -> None:
    nearest, group = image_hashes.among(hashes, within, earlier=earlier)
    matrix = distances(hashes, hashes)
    for query, row in enumerate(matrix):
        others = range(query) if earlier else [other for other in range(len(row)) if other != query]
        near = [(int(row[other]), other) for other in others if row[other] <= within]
        wanted = min(near, default=(-1, -1))
        assert nearest.distance[query] == wanted[0]
        assert near == [] or (nearest.distance[query], nearest.row[query]) in near
    linked = matrix <= within
    for _ in range(len(hashes)):
        linked = linked @ linked
    assert group.tolist() == [int(np.flatnonzero(row)[0]) for row in linked]


def test_many_hashes_are_not_compared_all_with_all() -> None:
    draw = np.random.default_rng(0)
    hashes = draw.integers(0, 2**64, 50_000, dtype=np.uint64)
    flipped = hashes[:1000] ^ (np.uint64(1) << draw.integers(0, 64, 1000).astype(np.uint64))
    nearest, group = image_hashes.among(np.concatenate([hashes, flipped]), 4, earlier=True)
    assert nearest.row[50_000:].tolist() == list(range(1000))
    assert (nearest.distance[50_000:] == 1).all()
    assert (nearest.distance[:50_000] == -1).sum() > 49_990
    assert group[50_000:].tolist() == list(range(1000))


def png(image: Image.Image, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=form)
    return buffer.getvalue()


def column(files: list[bytes | None]) -> pl.Series:
    rows = [None if data is None else {"bytes": data, "path": None} for data in files]
    return pl.Series("image", rows, dtype=images.IMAGE)


@pytest.mark.parametrize("method", ["phash", "dhash", "average_hash", "whash"])
def test_images_of_any_mode_and_broken_ones(method: image_hashes.Method) -> None:
    draw = np.random.default_rng(1)
    pixels = draw.integers(0, 256, (48, 64), dtype=np.uint8)
    grey = Image.fromarray(pixels)
    vast = Image.new("L", (1, image_files.MAX_PIXELS + 1))
    files = [
        png(grey), png(grey.convert("RGB"), "BMP"), png(grey.convert("RGBA")), None, b"no image",
        png(grey)[:200], png(vast), png(Image.fromarray(255 - pixels)), png(grey, "GIF"),
    ]  # fmt: skip
    seen: list[tuple[int, int]] = []
    hashes, readable = image_hashes.hashes(
        column(files), method, lambda done, of: seen.append((done, of))
    )
    assert readable.tolist() == [True, True, True, False, False, False, False, True, False]
    assert distances(hashes[:1], hashes[:3]).max() <= 1
    assert distances(hashes[:1], hashes[7:8])[0, 0] > 20
    assert seen[-1] == (9, 9)


def test_no_images() -> None:
    hashes, readable = image_hashes.hashes(column([]), "phash")
    assert len(hashes) == len(readable) == 0
    assert image_hashes.nearest(hashes, hashes, 4).distance.tolist() == []
    assert image_hashes.among(hashes, 4, earlier=True)[1].tolist() == []
