"""Images that a model drew in its own size, brought to the form of a data set's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipelines.features import images


def fitted(drawn: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Bring an image in colour to the form of the data's: its middle, scaled; grey where it is.

    Args:
        drawn: [h', w', 3] in [0, 1].
        shape: [h, w] or [h, w, 3].

    Returns:
        Of the shape, in [0, 1]; NaN throughout, where a number is not finite.
    """
    if not np.isfinite(drawn).all():
        return np.full(shape, np.nan, dtype=np.float32)
    image = Image.fromarray(images.to_bytes(drawn.astype(np.float32)))
    middle = ImageOps.fit(image, (shape[1], shape[0]), method=Image.Resampling.BICUBIC)
    grey = len(shape) == 2  # noqa: PLR2004  height and width
    return images.to_unit(np.asarray(middle.convert("L") if grey else middle, dtype=np.uint8))
