"""The deny-list finds content again, by its id and by its fingerprints, and nothing else."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from PIL import Image

from lineage.identity import sample_ids
from pipelines import modalities
from pipelines.sources import dialogue, digits
from pipelines.takedown import deny_list, fingerprints
from pipelines.takedown.deny_list import ENTRY, DenyList

PAIR = ("prompt", "completion")
IMAGES = modalities.load("image", ("image",))
TEXTS = modalities.load("text", PAIR)
ROWS = modalities.load("table", ("name", "weight"))


def listed(
    frame: pl.DataFrame, modality: modalities.Modality, identity: tuple[str, ...]
) -> DenyList:
    """A deny-list of rows, each of them taken down by `letter`."""
    rows = frame.with_columns(sample_ids(frame, identity))
    entries = deny_list.entries_of(rows, "some", modality, identity)
    return DenyList(entries.select(pl.lit("letter").alias("takedown"), *ENTRY))


def matched(
    frame: pl.DataFrame, listed: DenyList, modality: modalities.Modality, identity: tuple[str, ...]
) -> list[tuple[int, str]]:
    rows = frame.with_columns(sample_ids(frame, identity))
    return list(listed.matches(rows, modality, identity).select("index", "how").iter_rows())


def picture(values: np.ndarray, **options: object) -> dict[str, object]:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, **options)
    return {"bytes": buffer.getvalue(), "path": None}


def images(*files: dict[str, object]) -> pl.DataFrame:
    dtype = pl.Struct({"bytes": pl.Binary, "path": pl.String})
    return pl.DataFrame({"image": pl.Series(files, dtype=dtype)})


def test_an_image_is_found_encoded_again_compressed_and_scaled() -> None:
    draw = np.random.default_rng(3)
    coarse = draw.integers(30, 220, (8, 8, 3)).astype(np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((96, 96), Image.Resampling.BICUBIC))
    listing = listed(images(picture(smooth, format="PNG")), IMAGES, ("image",))
    scaled = np.asarray(Image.fromarray(smooth).resize((64, 64), Image.Resampling.LANCZOS))
    other = np.asarray(
        Image.fromarray(draw.integers(30, 220, (8, 8, 3)).astype(np.uint8)).resize((96, 96))
    )
    files = [
        picture(smooth, format="PNG", compress_level=0),
        picture(smooth, format="JPEG", quality=80),
        picture(scaled, format="PNG"),
        picture(other, format="PNG"),
        picture(smooth[:, ::-1].copy(), format="PNG"),
    ]
    found = matched(images(*files), listing, IMAGES, ("image",))
    assert found == [(0, "id"), (1, "near"), (2, "near")]


def test_no_other_digit_is_near_to_ten_of_them() -> None:
    frame = digits.load()
    listing = listed(frame.head(10), IMAGES, ("image",))
    assert matched(frame, listing, IMAGES, ("image",)) == [(row, "id") for row in range(10)]


def test_a_text_is_found_with_other_space_case_and_a_word_more() -> None:
    frame = dialogue.load().filter(pl.col("completion").str.len_chars() > 80).head(40)
    listing = listed(frame.head(1), TEXTS, PAIR)
    first = frame.row(0, named=True)
    prompt, completion = first["prompt"], first["completion"]
    again = pl.DataFrame(
        {
            "prompt": [prompt, f" {prompt} ", prompt.upper(), prompt],
            "completion": [
                completion,
                completion.replace(" ", "\n  "),
                completion,
                f"{completion} Ok.",
            ],
        }
    )
    assert matched(again, listing, TEXTS, PAIR) == [
        (0, "id"),
        (1, "exact"),
        (2, "exact"),
        (3, "near"),
    ]
    assert matched(frame[1:], listing, TEXTS, PAIR) == []


def test_a_row_of_a_table_is_found_with_rounded_numbers() -> None:
    frame = pl.DataFrame({"name": ["Ada  Ly"], "weight": [1.23456749]})
    listing = listed(frame, ROWS, ("name", "weight"))
    again = pl.DataFrame(
        {"name": ["ada ly", "ada ly", "ada lyx"], "weight": [1.2345675, 1.2346, 1.23456749]}
    )
    assert matched(again, listing, ROWS, ("name", "weight")) == [(0, "exact")]


@pytest.mark.parametrize("modality", ["image", "text"])
def test_what_cannot_be_read_is_near_to_nothing(modality: str) -> None:
    entries = pl.Series([None, bytes(16 if modality == "image" else 32)], dtype=pl.Binary)
    rows = pl.Series([None, None], dtype=pl.Binary)
    left, right = fingerprints.near_pairs(rows, entries, modality)
    assert (list(left), list(right)) == ([], [])


def test_the_bits_that_differ_estimate_the_similarity_of_texts() -> None:
    """A share (1 - J) / 2 of the bits differs, where J is the Jaccard similarity of shingles."""
    words = [f"word{number:04d}" for number in range(400)]
    texts = [" ".join(words[start : start + 200]) for start in (0, 20, 100)]
    frame = pl.DataFrame({"prompt": texts, "completion": ["-"] * 3})
    near = fingerprints.of_rows(frame, TEXTS, PAIR)["near"]
    bits = [np.unpackbits(np.frombuffer(value, dtype=np.uint8)) for value in near]
    shares = [float((bits[0] != other).mean()) for other in bits[1:]]
    assert shares[0] == pytest.approx((1 - 180 / 220) / 2, abs=0.06)
    assert shares[1] == pytest.approx((1 - 100 / 300) / 2, abs=0.08)


def test_fingerprints_hold_no_payload_and_stay_as_they_are() -> None:
    frame = pl.DataFrame({"prompt": ["My name is Ada Lovelace"], "completion": ["Hello Ada"]})
    made = fingerprints.of_rows(frame, TEXTS, PAIR).row(0, named=True)
    assert b"ada" not in (made["exact"] + made["near"]).lower()
    assert {name: len(value) for name, value in made.items()} == {"exact": 32, "near": 32}
    assert made["exact"].hex()[:16] == "77855cbd3dad4ca2"
    assert made["near"].hex()[:16] == "48641d2fed5675d7"
