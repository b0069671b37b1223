from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from expectations import suite as suites
from expectations.suite import Suite

Write = Callable[..., Path]
Make = Callable[..., Suite]


def png(pixel: int = 0, *, mode: str = "L", size: tuple[int, int] = (8, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, pixel).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.fixture(name="png")
def _png() -> Callable[..., bytes]:
    return png


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a suite file of these expectations."""

    def file(*expectations: dict[str, Any], **top: object) -> Path:
        path = tmp_path / "suite.json"
        path.write_text(json.dumps({"name": "s", "expectations": list(expectations), **top}))
        return path

    return file


@pytest.fixture
def make(write: Write) -> Make:
    """Load a suite of these expectations, each (type, kwargs) or (type, kwargs, severity)."""

    def suite(*rules: tuple[Any, ...]) -> Suite:
        keys = ("type", "kwargs", "severity")
        return suites.load(write(*(dict(zip(keys, rule, strict=False)) for rule in rules)))

    return suite


@pytest.fixture
def good() -> pl.DataFrame:
    """Twenty candidates of digits that pass everything."""
    rows = range(20)
    return pl.DataFrame(
        {
            "round": [3] * 20,
            "row": list(rows),
            "label": [row % 10 for row in rows],
            "image_bytes": [png(row) for row in rows],
            "predicted_label": [row % 10 for row in rows],
            "confidence": [0.99] * 20,
            "real_distance": [0.15] * 20,
            "real_ratio": [0.9] * 20,
            "real_round": [0] * 20,
            "real_row": list(rows),
            "candidate_distance": [0.1] * 20,
            "candidate_row": list(rows),
        },
        schema_overrides={"round": pl.Int32, "real_round": pl.Int32},
    )


@pytest.fixture(scope="session")
def digits() -> Suite:
    here = Path(suites.__file__).parent
    return suites.load(here / "suites" / "digits.json")
