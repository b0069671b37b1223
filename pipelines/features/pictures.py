"""Images with the network that makes points of them, for points in other colours.

Figures of style need the points of some images in other colours than they have. Nothing is decoded
or embedded before that, and then a block of images at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.features import image_descriptor, images
from pipelines.features.colour_transfer import Colours, Transfer

CHUNK: Final = 512
"""Images that are decoded at once."""

Values = NDArray[np.float32]
Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Images of rows, and the network that measures them."""

    files: pl.Series
    """struct{bytes, path}, n rows, each of which can be decoded."""
    embed: Callable[[Values], Points]
    """Makes points [n, d] of images [n, h, w] or [n, h, w, 3] in [0, 1]."""

    def at(self, rows: NDArray[np.int64]) -> Pictures:
        """Select rows."""
        return Pictures(self.files[rows], self.embed)

    def colours(self) -> Colours:
        """Take mean of the colours of all images and covariance in them, made small, n ≥ 1."""
        parts = (Colours.of(image_descriptor.reduced(values)) for values in self._chunks())
        return reduce(Colours.joined, parts)

    def points_in_colours_of(self, other: Pictures) -> Points:
        """Embed the images in the colours that others have together, [n, d], n ≥ 1."""
        transfer = Transfer.between(self.colours(), other.colours())
        return np.concatenate([self.embed(transfer(values)) for values in self._chunks()])

    def _chunks(self) -> Iterator[Values]:
        for start in range(0, len(self.files), CHUNK):
            yield images.to_unit(images.decode(self.files[start : start + CHUNK]))
