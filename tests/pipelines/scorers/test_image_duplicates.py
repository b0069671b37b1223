from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from pipelines.common import plugin_protocols
from pipelines.features import images
from pipelines.scorers import image_duplicates, scoring
from pipelines.scorers.protocol import Given, Scorer


def picture(seed: int) -> Image.Image:
    """A smooth picture of its own."""
    draw = np.random.default_rng(seed)
    coarse = Image.fromarray(draw.integers(0, 256, (6, 6), dtype=np.uint8))
    return coarse.resize((64, 64), Image.Resampling.BICUBIC)


def frame(pictures: list[Image.Image | bytes | None], number: int = 1) -> pl.DataFrame:
    files = []
    for each in pictures:
        data = images.png(each) if isinstance(each, Image.Image) else each
        files.append(None if data is None else {"bytes": data, "path": None})
    column = pl.Series("image", files, dtype=images.IMAGE)
    return (
        column.to_frame()
        .with_row_index("row")
        .select(pl.lit(number, pl.Int32).alias("round"), pl.col("row").cast(pl.Int64), "image")
    )


def scored(candidates: pl.DataFrame, real: pl.DataFrame, **own: object) -> pl.DataFrame:
    return image_duplicates.ImageDuplicates().score(
        candidates, Given(real), image_duplicates.ImageDuplicatesSettings(**own)
    )


def jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, format="JPEG", quality=60)
    return buffer.getvalue()


def test_near_duplicates_of_real_and_fellow_images() -> None:
    real = frame([b"broken", picture(0), picture(1), picture(0)], 0)
    candidates = frame(
        [
            picture(2),
            jpeg(picture(1).resize((50, 50))),
            picture(2).resize((40, 40)),
            None,
            b"no image",
            picture(0),
            picture(3),
        ]
    )[[6, 5, 4, 3, 2, 1, 0]]
    assert not plugin_protocols.faults(image_duplicates.ImageDuplicates, Scorer)
    found = scored(candidates, real)
    assert found.schema == {"round": pl.Int32, "row": pl.Int64, **image_duplicates.COLUMNS}
    assert found["row"].to_list() == [6, 5, 4, 3, 2, 1, 0]
    found = found.sort("row")
    distance = found["image_real_hamming"].to_list()
    assert distance[3:5] == [None, None]
    assert distance[5] == 0
    assert distance[1] <= 4
    assert [distance[at] for at in (0, 2, 6)] == [5, 5, 5]
    assert found["image_real_row"].to_list() == [None, 2, None, None, None, 1, None]
    assert found["image_real_round"].to_list() == [None, 0, None, None, None, 0, None]
    assert found["image_candidate_row"].to_list() == [None, None, 0, None, None, None, None]
    assert found["image_candidate_hamming"].to_list()[0] == 5
    assert found["image_cluster"].to_list() == [0, 1, 0, None, None, 5, 6]


def test_real_images_are_compared_with_the_others() -> None:
    real = frame([b"broken", picture(0), picture(1), picture(0)], 0)
    found = image_duplicates.ImageDuplicates().score_real(
        Given(real), image_duplicates.ImageDuplicatesSettings()
    )
    assert found["image_real_hamming"].to_list() == [None, 0, 5, 0]
    assert found["image_real_row"].to_list() == [None, 3, None, 1]
    assert found["image_cluster"].null_count() == 4
    assert found["image_candidate_hamming"].null_count() == 4


@pytest.mark.parametrize("rows", [0, 2])
def test_nothing_to_compare(rows: int) -> None:
    real = frame([b"broken"] * rows, 0)
    found = scored(frame([picture(0), None]), real)
    assert found["image_real_hamming"].to_list() == [5, None]
    assert scored(frame([]), real).is_empty()
    nothing = scored(frame([None, b"x"]), real)
    assert all(nothing[name].null_count() == 2 for name in image_duplicates.COLUMNS)
    own = image_duplicates.ImageDuplicates().score_real(
        Given(real), image_duplicates.ImageDuplicatesSettings()
    )
    assert len(own) == rows


def test_scores_are_kept(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    given_ = Given(frame([picture(0)], 0))
    first = scoring.score_all({"image_duplicates": {}}, frame([picture(0), None]), given_)
    again = scoring.score_all({"image_duplicates": {}}, frame([picture(0), None]), given_)
    assert first.equals(again)
    digest = image_duplicates.ImageDuplicates().model_digest
    asked = image_duplicates.ImageDuplicatesSettings()
    assert digest(given_, asked) != digest(Given(frame([picture(1)], 0)), asked)


def bits(image: Image.Image) -> NDArray[np.bool_]:
    import imagehash  # noqa: PLC0415  of the extra

    found: NDArray[np.bool_] = imagehash.phash(image).hash.reshape(-1)
    return found


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=6),
    st.lists(st.integers(0, 9), max_size=6),
    st.integers(0, 8),
)
def test_distances_are_those_found_by_hand(
    candidates: list[int], real: list[int], within: int
) -> None:
    made = [np.asarray(picture(each // 2)) // 2 + 40 * (each % 2) for each in range(10)]
    pictures = [Image.fromarray(each.astype(np.uint8)) for each in made]
    found = scored(
        frame([pictures[each] for each in candidates]),
        frame([pictures[each] for each in real], 0),
        within=within,
    )
    hashes = [bits(each) for each in pictures]
    for at, each in enumerate(candidates):
        to_real = [int((hashes[each] != hashes[other]).sum()) for other in real]
        before = [int((hashes[each] != hashes[other]).sum()) for other in candidates[:at]]
        far = within + 1
        assert found["image_real_hamming"][at] == min([far, *to_real])
        assert found["image_candidate_hamming"][at] == min([far, *before])
        if min(to_real, default=far) <= within:
            assert found["image_real_row"][at] == int(np.argmin(to_real))
