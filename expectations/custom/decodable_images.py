"""`expect_column_values_to_be_decodable_images`: whole images of the wanted shape.

Candidates come from outside, so the decoder works under limits: known formats, a bounded file and
a bounded number of pixels, which is read before anything is decompressed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import pandas as pd
from PIL import Image

from expectations import gx
from expectations.custom.sentence import Sentence
from lineage import image_files
from lineage.errors import ImageFileError
from lineage.image_files import FORMATS

VERSION: Final = "decodable_images/1"
"""Raised when the verdicts change for equal input."""

METRIC: Final = "column_values.decodable_image"


@dataclass(frozen=True, slots=True)
class Shape:
    """What an image must be; None where anything passes."""

    mode: str | None = None
    width: int | None = None
    height: int | None = None
    formats: Sequence[str] = FORMATS

    def fits(self, image: Image.Image) -> bool:
        """Whether the header of an image has this shape."""
        return (
            self.mode in {None, image.mode}
            and self.width in {None, image.width}
            and self.height in {None, image.height}
        )


def decodable(data: object, shape: Shape) -> bool:
    """Whether bytes are a whole image of this shape; other values are not."""

    def read(image: Image.Image) -> bool:
        fits = shape.fits(image)
        if fits:
            image.load()
        return fits

    if not isinstance(data, bytes):
        return False
    try:
        return image_files.decode(data, read, formats=shape.formats, warnings_are_errors=True)
    except ImageFileError:
        return False


class ColumnValuesDecodableImage(gx.ColumnMapMetricProvider):
    """GX's metric that tells which values of a column of bytes are whole images."""

    condition_metric_name = METRIC
    condition_value_keys = ("mode", "width", "height", "formats")

    @gx.column_condition_partial(engine=gx.PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805  GX makes it a class method
        column: pd.Series,
        mode: str | None = None,
        width: int | None = None,
        height: int | None = None,
        formats: Sequence[str] | None = None,
        **_: object,
    ) -> pd.Series:
        shape = Shape(mode, width, height, formats or FORMATS)
        return pd.Series([decodable(value, shape) for value in column], column.index, dtype=bool)


class ExpectColumnValuesToBeDecodableImages(Sentence, gx.ColumnMapExpectation):
    """Expect each value of a column of bytes to be a whole image.

    Args:
        column: of bytes, one image file each.
        mode: Pillow's mode, such as L or RGB; not given: any.
        width: in pixels; not given: any.
        height: in pixels; not given: any.
        formats: some of PNG, JPEG, BMP, WEBP; not given: all of them.
    """

    mode: str | None = None
    width: int | None = None
    height: int | None = None
    formats: list[str] | None = None

    map_metric: ClassVar[str] = METRIC
    success_keys: ClassVar[tuple[str, ...]] = ("mostly", "mode", "width", "height", "formats")
    args_keys: ClassVar[tuple[str, ...]] = ("column", "mode", "width", "height", "formats")
    sentence: ClassVar[str] = "$column values must be whole images"
    phrases: ClassVar[dict[str, str]] = {
        "mode": "of mode $mode",
        "width": "$width pixels wide",
        "height": "$height pixels high",
        "formats": "in the format $formats",
    }

    @gx.validator("mode")
    def _known_mode(cls, value: str | None) -> str | None:  # noqa: N805  pydantic makes it a class method
        if value is not None and value not in Image.MODES:
            raise ValueError(f"mode {value!r} is none of {', '.join(Image.MODES)}")
        return value

    @gx.validator("formats", each_item=True)
    def _known_format(cls, value: str) -> str:  # noqa: N805  pydantic makes it a class method
        if value not in FORMATS:
            raise ValueError(f"format {value!r} is none of {', '.join(FORMATS)}")
        return value
