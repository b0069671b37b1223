"""Settings of edits of an image; apart from them, because params.yaml is read without Pillow."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from pipelines.common.settings import StrictModel

ROTATION: Final = 180.0
"""Greatest angle to turn an image by, in degrees."""


class Edits(StrictModel):
    """How an image is edited.

    The defaults keep what an image shows: none is mirrored, which makes another letter or digit of
    some.
    """

    flip: float = Field(0.0, ge=0, le=1)
    """Chance that an image is mirrored left to right."""
    vertical_flip: float = Field(0.0, ge=0, le=1)
    """Chance that an image is mirrored top to bottom."""
    rotation: float = Field(10.0, ge=0, le=ROTATION)
    """Greatest angle in degrees, either way; corners are filled with the median of the border."""
    crop: float = Field(0.85, gt=0, le=1)
    """Least share of height and width that is kept, and brought back to the size of the image."""
    brightness: float = Field(0.2, ge=0, le=1)
    """Greatest share by which the brightness rises or falls."""
    contrast: float = Field(0.2, ge=0, le=1)
    """Greatest share by which the contrast rises or falls."""
    saturation: float = Field(0.2, ge=0, le=1)
    """Greatest share by which the saturation of an image in colour rises or falls."""
    noise: float = Field(0.02, ge=0, le=1)
    """Standard deviation of Gaussian noise, of pixels in [0, 1]."""

    def changes(self, *, in_colour: bool) -> bool:
        """Whether any edit is asked for that can change an image."""
        edits = self.flip, self.vertical_flip, self.rotation, self.brightness, self.contrast
        return self.crop < 1 or any((*edits, self.noise, self.saturation if in_colour else 0.0))
