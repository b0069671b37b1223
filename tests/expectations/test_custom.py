from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from expectations import catalogue, custom, gx, verifier
from expectations.suite import Suite
from lineage import image_files

IMAGES = "expect_column_values_to_be_decodable_images"
SUPPORT = "expect_column_classes_to_have_support"
NOT_NULL = "expect_column_values_to_not_be_null"

Make = Callable[..., Suite]
Png = Callable[..., bytes]


def judged(make: Make, column: pl.Series, kind: str, **kwargs: object) -> pl.DataFrame:
    suite = make((NOT_NULL, {"column": "a"}), (kind, {"column": "a", **kwargs}))
    given = pl.DataFrame({"round": 1, "row": range(len(column)), "a": column})
    found = verifier.verify(given, suite).verdicts
    return found.filter(pl.col("expectation") == suite.rules[1].name)


def encoded(form: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(buffer, format=form)
    return buffer.getvalue()


def test_the_types_are_those_that_the_documents_name() -> None:
    assert {IMAGES, SUPPORT} <= set(custom.TYPES)
    assert set(custom.TYPES) <= set(gx.list_registered_expectation_implementations())


@pytest.mark.parametrize("form", image_files.FORMATS)
def test_images_of_every_known_format_pass(make: Make, form: str) -> None:
    found = judged(make, pl.Series([encoded(form)]), IMAGES, width=8, height=8)
    assert found["verdict"].to_list() == ["passed"]


def test_what_is_no_image_of_the_shape_fails(make: Make, png: Png) -> None:
    whole = png(3)
    planted = {
        "whole": whole,
        "missing": None,
        "empty": b"",
        "text": b"a digit",
        "cut short": whole[: len(whole) // 2],
        "wrong checksum": whole[:-20] + bytes([whole[-20] ^ 255]) + whole[-19:],
        "another mode": png(3, mode="RGB"),
        "too wide": png(3, size=(9, 8)),
        "too high": png(3, size=(8, 9)),
        "another format": encoded("GIF"),
    }
    found = judged(make, pl.Series(list(planted.values())), IMAGES, mode="L", width=8, height=8)
    expected = ["passed", "unknown"] + ["failed"] * 8
    assert dict(zip(planted, found["verdict"], strict=True)) == dict(
        zip(planted, expected, strict=True)
    )
    detail = found["detail"].to_list()
    assert detail[:2] == [None, "a has no value"]
    assert detail[2] == 'a of 0 bytes; asked: mode "L", width 8, height 8'
    assert found["observed"].null_count() == len(found)


def test_without_a_shape_any_image_within_the_limits_passes(make: Make, png: Png) -> None:
    side = 1 + int(image_files.MAX_PIXELS**0.5)
    column = pl.Series([png(size=(3, 5)), png(mode="RGB"), png(size=(side, side))])
    found = judged(make, column, IMAGES)
    assert found["verdict"].to_list() == ["passed", "passed", "failed"]


def test_only_the_asked_formats_pass(make: Make) -> None:
    column = pl.Series([encoded("PNG"), encoded("BMP")])
    found = judged(make, column, IMAGES, formats=["BMP"])
    assert found["verdict"].to_list() == ["failed", "passed"]


def test_a_column_that_holds_no_bytes_fails(make: Make) -> None:
    found = judged(make, pl.Series(["a.png", "b.png"]), IMAGES)
    assert found["verdict"].to_list() == ["failed", "failed"]


@pytest.mark.parametrize(
    ("labels", "kwargs", "verdict", "observed"),
    [
        ([0, 1, 1, 2], {"classes": [0, 1, 2]}, "passed", 1.0),
        ([0, 1, 1, 2, None], {"classes": [0, 1, 2]}, "passed", 1.0),
        ([0, 1, 1], {"classes": [0, 1, 2]}, "failed", 0.0),
        ([0, 1, 1, 0, 2], {"classes": [0, 1, 2], "min_count": 2}, "failed", 1.0),
        ([0, 1, 1, 0, 2], {"classes": [0, 1], "min_count": 2}, "passed", 2.0),
        (["cat", "dog"], {"classes": ["cat", "dog"]}, "passed", 1.0),
        (["cat", "cat"], {"classes": ["cat", "dog"]}, "failed", 0.0),
    ],
)
def test_each_class_has_support(
    make: Make, labels: list[Any], kwargs: dict[str, Any], verdict: str, observed: float
) -> None:
    found = judged(make, pl.Series(labels), SUPPORT, **kwargs)
    assert found.select("row", "verdict", "observed").rows() == [(None, verdict, observed)]


@pytest.mark.parametrize(
    ("kind", "kwargs", "said"),
    [
        (
            IMAGES,
            {"mode": "L", "width": 8, "formats": ["PNG", "BMP"]},
            (
                "$column values must be whole images, of mode $mode, $width pixels wide, "
                "in the format $formats."
            ),
        ),
        (IMAGES, {}, "$column values must be whole images."),
        (
            SUPPORT,
            {"classes": [0, 1], "min_count": 5},
            (
                "$column must have enough rows of each class, classes $classes, "
                "at least $min_count each."
            ),
        ),
    ],
)
def test_data_docs_say_what_is_expected(
    make: Make, kind: str, kwargs: dict[str, Any], said: str
) -> None:
    suite = make((kind, {"column": "a", **kwargs}))
    expectation = catalogue.expectation(suite.rules[0])
    expectation.render()
    assert expectation.rendered_content is not None
    value = expectation.rendered_content[0].value
    assert value.template == said
    assert value.params["column"]["value"] == "a"
    (content,) = type(expectation)._prescriptive_renderer(configuration=expectation.configuration)
    assert content.string_template["template"] == said
    assert set(content.string_template["params"]) == {"column", *kwargs}
