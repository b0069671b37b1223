"""Settings of ingest that suit images are found in every format that ingest reads."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from pipelines.project import detection, image_settings


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


def test_an_image_beyond_the_rows_that_columns_are_told_by_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, brightest in enumerate((900, 900, 4000)):
        (tmp_path / f"{number}.tif").write_bytes(tiff(brightest, 24))
    monkeypatch.setattr(detection, "SAMPLE", 2)
    found = detection.detect(str(tmp_path), {}, detection.Choice())
    assert found.settings == {"white": 4095}
