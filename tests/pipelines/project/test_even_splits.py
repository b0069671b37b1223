"""Images that are near by their pixels without being copies do not all go into one split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.features import images
from pipelines.project import dataset_entry


def entry_of(folder: Path, brightest: int, count: int = 60) -> dict[str, Any]:
    """The section of a data set of noise, from black to some grey."""
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, brightest, (count, 8, 8), dtype=np.uint8)
    bright = np.random.default_rng(1).integers(0, 255, (count // 3, 8, 8), dtype=np.uint8)
    for row, png in enumerate(images.encode(np.concatenate([noise, bright]))):
        (folder / f"{row}.png").write_bytes(png)
    return {"identity": ["image"], "ingest": {"source": str(folder), "near": 0.06}}


@pytest.mark.parametrize(("brightest", "near"), [(200, 0.06), (24, 0.03)])
def test_the_distance_of_near_duplicates_is_halved_where_most_images_are_in_one_group(
    tmp_path: Path, brightest: int, near: float
) -> None:
    entry = entry_of(tmp_path / "dim", brightest)
    real, lowered = dataset_entry.with_even_splits("dim", entry)
    assert real.settings.ingest.near == entry["ingest"]["near"] == near
    assert not real.report.uneven
    assert bool(lowered) == (near < 0.06)
    if lowered:
        assert "at ingest.near 0.06, 60 of 80 images are in one group" in lowered
