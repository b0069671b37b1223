"""Images that nobody trusts, in whatever decodes them."""

from __future__ import annotations

import base64
import io
from typing import Final

import numpy as np
import polars as pl
from hypothesis import strategies as st
from PIL import Image

from expectations.custom import decodable_images
from expectations.custom.decodable_images import Shape
from expectations.measures import pixels
from lineage import pictures
from lineage.identity import sample_ids
from pipelines.features import image_hashes, images, thumbnails
from pipelines.features.image_marks import finding, writing
from review.diff import samples
from tests.fuzz.engine import fuzzed
from tests.fuzz.mutations import mutated
from tests.fuzz.pictures import OF_IMAGES, OTHERS, PICTURES, SIDE, TINY, drawn

TINY_PIXELS: Final = np.asarray(drawn("L"))
HOSTILE: Final = mutated(PICTURES, OF_IMAGES)


def column(*items: bytes | None) -> pl.Series:
    rows = [None if each is None else {"bytes": each, "path": "a\n\x1b.png"} for each in items]
    return pl.Series("image", rows, dtype=images.IMAGE)


@fuzzed(st.lists(st.none() | HOSTILE, min_size=1, max_size=3), reasons=4)
def test_images_that_must_be_whole(files: list[bytes | None]) -> object:
    given = column(*files)
    images.check(given)
    found = images.decode(given)
    assert found.shape[0] == len(files)
    if files == [TINY]:
        assert (found[0] == TINY_PIXELS).all()
    return found


@fuzzed(st.lists(HOSTILE, min_size=1, max_size=3), reasons=1)
def test_images_that_may_be_missing(files: list[bytes]) -> object:
    found = images.decode_lenient(column(TINY, None, *files))
    assert found.shape == (len(files) + 2, SIDE, SIDE)
    assert np.isnan(found[1]).all()
    assert not np.isnan(found[0]).any()
    readable = images.finite(found[2:])
    assert [each == TINY for each in files] <= readable.tolist()
    shown = list(images.each_lenient(column(*files)))
    assert len(shown) == len(files)
    return True if readable.any() else None


@fuzzed(HOSTILE, reasons=1)
def test_images_of_a_suite(data: bytes) -> object:
    found = decodable_images.decodable(data, Shape())
    assert found or data not in PICTURES
    if found:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    values = pixels.decode([data, None])
    assert values.shape[0] == 2
    assert np.isnan(values[1]).all()
    return True if found else None


@fuzzed(HOSTILE, reasons=1)
def test_pictures_of_pages(data: bytes) -> object:
    found, small = thumbnails.data_uri(data, 32), samples.picture(data)
    assert (found is None) is (small is None)
    if found is None:
        return None
    file = base64.b64decode(found.removeprefix("data:image/png;base64,"), validate=True)
    with Image.open(io.BytesIO(file), formats=["PNG"]) as image:
        assert max(image.size) <= 32
    return found


@fuzzed(HOSTILE, reasons=1)
def test_hashes_of_images(data: bytes) -> object:
    found, readable = image_hashes.hashes(column(TINY, data), "dhash")
    assert len(found) == 2
    assert readable[0]
    assert readable[1] or data not in PICTURES
    return True if readable[1] else None


MARKED: Final = tuple(
    marked for data in PICTURES if (marked := writing.mark(data, "trainedAlgorithmicMedia"))
)


@fuzzed(mutated((*MARKED, *OTHERS), OF_IMAGES), reasons=1)
def test_marks_of_images(data: bytes) -> object:
    found, written = finding.find(data), writing.mark(data, "trainedAlgorithmicMedia")
    assert found or data not in MARKED
    assert written is None or len(written) > len(data)
    return True if found else None


@fuzzed(mutated((*PICTURES, *OTHERS), OF_IMAGES), reasons=1)
def test_identities_of_images(data: bytes) -> object:
    tag, content = pictures.canonical(data)
    assert tag in {pictures.PIXELS, pictures.FILE}
    assert tag == pictures.PIXELS or content == data
    frame = pl.DataFrame({"image": column(data)})
    assert sample_ids(frame, ["image"]).bin.size().to_list() == [32]
    return True if tag == pictures.PIXELS else None
