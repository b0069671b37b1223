"""Settings of ingest that suit images are found in every format that ingest reads."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from PIL import Image

from pipelines.project import image_settings


def tiff(brightest: int, side: int, depth: str = "uint16") -> bytes:
    values = np.linspace(0, brightest, side * side).reshape(side, side).astype(depth)
    target = io.BytesIO()
    Image.fromarray(values).save(target, "TIFF")
    return target.getvalue()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([tiff(4000, 64), tiff(900, 64)], {"size": 32, "white": 4095}),
        ([tiff(4000, 24), tiff(40_000, 24)], {}),
        ([tiff(200, 24, "uint8"), tiff(4000, 24)], {}),
        ([tiff(0, 24), b"no image", None], {}),
    ],
)
def test_size_and_white(files: list[bytes | None], expected: dict[str, int]) -> None:
    assert image_settings.suited(pl.Series(files, dtype=pl.Binary)) == expected
    rows = [{"bytes": content, "path": None} for content in files]
    kind = pl.Struct({"bytes": pl.Binary, "path": pl.String})
    assert image_settings.suited(pl.Series(rows, dtype=kind)) == expected
