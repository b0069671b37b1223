"""The handwritten digits that ship in scikit-learn: 1,797 real images of 8×8 with labels.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998 (https://doi.org/10.24432/C50P49), the test part, as packaged by
`sklearn.datasets.load_digits`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from pipelines.features import images
from pipelines.sources.function_source import of_function

SOURCE = "uci-optdigits/sklearn.load_digits"
LICENCE = "CC-BY-4.0"


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


Digits: Final = of_function(
    load, called="digits", release="digits/1", made_from=SOURCE, terms=LICENCE
)
