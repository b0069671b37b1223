"""The handwritten digits that ship in scikit-learn: 1,797 real images of 8×8 with labels.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998 (https://doi.org/10.24432/C50P49), the test part, as packaged by
`sklearn.datasets.load_digits`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.common.plugins import NoSettings
from pipelines.features import images
from pipelines.sources.protocol import Source

SOURCE = "uci-optdigits/sklearn.load_digits"
LICENCE = "CC-BY-4.0"


class Digits(Source[NoSettings]):
    """The handwritten digits of scikit-learn."""

    name = "digits"
    version = "digits/1"
    Settings = NoSettings
    origin = SOURCE
    licence = LICENCE

    def load(self, settings: NoSettings) -> pl.DataFrame:  # noqa: ARG002  it has none
        """Return all rows, as the function `load`."""
        return load()


def load() -> pl.DataFrame:
    """Return all rows: image struct{bytes, path} (PNG, mode L, 8×8) and label int64."""
    from sklearn.datasets import load_digits  # noqa: PLC0415  slow to import

    bunch = load_digits()
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    return pl.DataFrame(
        {
            "image": [{"bytes": png, "path": None} for png in images.encode(pixels)],
            "label": bunch.target.astype(np.int64),
        },
        schema={"image": pl.Struct({"bytes": pl.Binary, "path": pl.String}), "label": pl.Int64},
    )
