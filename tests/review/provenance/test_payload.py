"""The payload of a sample as a whole, and as a terminal and files get it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from pipelines.features import images
from review.errors import ReviewError
from review.provenance import payload


def frame(**columns: pl.Series) -> pl.DataFrame:
    key = {"round": [1], "row": [0], "sample_id": [b"x"]}
    return pl.DataFrame(key | columns)


def image(*files: bytes | None) -> pl.Series:
    return pl.Series([{"bytes": each, "path": None} for each in files], dtype=images.IMAGE)


def test_every_column_is_there_and_no_text_is_cut() -> None:
    long = "word " * 20_000
    named = {f"c{number}": pl.Series([number]) for number in range(40)}
    parts = list(payload.parts(frame(text=pl.Series([long]), **named)))
    assert parts[0].text == long
    assert [part.name for part in parts] == ["text", *named]
    assert parts[-1].text == "39"


def test_an_image_is_written_anew_at_full_size() -> None:
    pixels = np.arange(300 * 200, dtype=np.uint8).reshape(1, 300, 200)
    (file,) = images.encode(pixels)
    (part,) = payload.parts(frame(scan=image(file)))
    assert part.picture is not None
    assert (part.picture.width, part.picture.height) == (200, 300)
    with Image.open(io.BytesIO(part.picture.png)) as read:
        assert np.array_equal(np.asarray(read), pixels[0])
    assert payload.lines(part) == f"scan: 200 × 300 pixels, a file of {len(file):,} bytes"
    assert part.to_dict() == {"column": "scan", "width": 200, "height": 300}


def test_what_is_no_text_is_said_in_a_sentence() -> None:
    struct = pl.Series([{"role": "user", "content": "hé"}])
    columns = {
        "broken": image(b"GIF89a not really"),
        "gone": image(None),
        "raw": pl.Series([b"12345"], dtype=pl.Binary),
        "empty": pl.Series([None], dtype=pl.String),
        "message": struct,
        "blank": pl.Series([""]),
    }
    said = {part.name: part.text for part in payload.parts(frame(**columns))}
    assert said == {
        "broken": "cannot be shown as an image (17 bytes)",
        "gone": "cannot be shown as an image (no value)",
        "raw": "5 bytes of binary data",
        "empty": "no value",
        "message": '{\n  "role": "user",\n  "content": "hé"\n}',
        "blank": "",
    }


def test_a_terminal_gets_marks_for_what_does_not_print() -> None:
    hostile = "one\x1b]0;taken\x07\ntwo\u202e"
    (part,) = payload.parts(frame(**{"na\x1bme": pl.Series([hostile])}))
    assert payload.lines(part) == ("na\\u{1b}me:\n  one\\u{1b}]0;taken\\u{7}\n  two\\u{202e}")


def test_files_keep_the_exact_text_and_replace_nothing(tmp_path: Path) -> None:
    hostile = "\x1b\r\n../é"
    (file,) = images.encode(np.zeros((1, 4, 4), np.uint8))
    columns = {"../../etc/passwd": pl.Series([hostile]), "im": image(file), "bad": image(b"x")}
    parts = list(payload.parts(frame(**columns)))
    written = payload.write(tmp_path / "out", "tiny-1-0", parts)
    assert [path.name for path in written] == ["tiny-1-0-00-_etc_passwd.txt", "tiny-1-0-01-im.png"]
    assert written[0].read_bytes() == hostile.encode()
    assert {path.parent for path in written} == {tmp_path / "out"}
    with pytest.raises(ReviewError, match="is there already"):
        payload.write(tmp_path / "out", "tiny-1-0", parts)
