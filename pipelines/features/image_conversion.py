"""Convert one image to greyscale or colour of 8 bits, upright, opaque and of a given size.

`image_forms` says in which order, and does it to all images of a data set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from lineage import image_files
from lineage.errors import ImageFileError
from pipelines.features import images
from pipelines.features.images import COLOUR, GREY

if TYPE_CHECKING:
    from PIL import Image

Fit: TypeAlias = Literal["crop", "pad", "stretch"]
Size: TypeAlias = tuple[int, int]
Colour: TypeAlias = tuple[int, int, int]
ORIENTATION: Final = 274
"""EXIF tag: how the image must be turned or mirrored to be upright; 1 where it is."""
TURNED: Final = range(2, 9)
"""Values of this tag for which it must be."""
WHITE: Final = 65_535
"""The greatest value of 16 bits."""


@dataclass(frozen=True, slots=True)
class Form:
    """What the images of a data set are made into."""

    size: Size | None = None
    """Height and width; None: the one that all images have."""
    fit: Fit = "crop"
    """How an image of other proportions gets this size."""
    ground: Colour = (255, 255, 255)
    """The colour below alpha, and around an image that is padded."""
    white: int = WHITE
    """The value of grey of 16 bits from which on it is white, 255 of 8 bits."""

    @property
    def max_pixels(self) -> int:
        """Greatest number of pixels of a source: large ones are read only to be made smaller."""
        return image_files.MAX_PIXELS if self.size is None else image_files.MAX_SOURCE_PIXELS


def colour(name: str) -> Colour:
    """Read a colour as CSS writes it, such as `white`, `#ff8800` or `rgb(0, 128, 0)`.

    Raises:
        ValueError: It is none, or is not opaque.
    """
    from PIL import ImageColor  # noqa: PLC0415  light commands need no images

    try:
        values = ImageColor.getrgb(name)
    except (ValueError, TypeError) as error:
        raise ValueError(
            "is no colour; write a name such as white, or #rrggbb in quotes"
        ) from error
    if len(values) != 3:  # noqa: PLR2004  red, green, blue
        raise ValueError("has alpha; the ground must be opaque")
    return values


def is_plain(image: Image.Image) -> bool:
    """Tell by its header whether a file shows what its pixels are, and can be stored as it is.

    Raises:
        ImageFileError: It is more than one picture.
    """
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if frames > 1:
        raise ImageFileError(f"holds {frames} pictures; keep one of them")
    return (
        image.format in image_files.FORMATS
        and image.mode in images.MODES
        and "transparency" not in image.info
        and not has_16_bits(image)
        and not _is_turned(image)
    )


def _is_turned(image: Image.Image) -> bool:
    """Tell whether EXIF names an orientation; EXIF that cannot be read names none.

    Where EXIF is behind the pixels, they are decoded, so an error of theirs must not be taken for
    one of EXIF: Pillow raises it once, and takes what was decoded for the image after that.
    """
    image.load()
    try:
        return image.getexif().get(ORIENTATION, 1) in TURNED
    except Exception:  # noqa: BLE001  hostile bytes break a reader in any way, and pixels are whole
        return False


def has_16_bits(image: Image.Image) -> bool:
    """Tell by its header whether a file has 16 bits for each value."""
    return any("16" in str(tile[3]) for tile in getattr(image, "tile", ()))


def plain(image: Image.Image, form: Form) -> Image.Image:
    """Make an image upright, opaque, and of mode L or RGB.

    Raises:
        ImageFileError: The values have 32 bits, whose range nothing names.
    """
    from PIL import ImageOps  # noqa: PLC0415  light commands need no images

    if image.mode in {"I", "F"}:
        raise ImageFileError("has values of 32 bits; convert them to 8 or 16 bits")
    is_palette, is_deep = image.mode in {"P", "PA"}, has_16_bits(image)
    upright = ImageOps.exif_transpose(image) if _is_turned(image) else image
    if upright.mode.startswith("I;16"):
        upright = _of_8_bits(upright, form.white)
    elif is_deep and isinstance(upright.info.get("transparency"), tuple):
        shades = upright.info["transparency"]
        upright.info["transparency"] = tuple(shade >> 8 for shade in shades)
    opaque = _on_ground(upright, form.ground)
    if opaque.mode not in images.MODES:
        opaque = opaque.convert(GREY if opaque.mode == "1" else COLOUR)
    return _without_hue(opaque) if is_palette else opaque


def brightest(image: Image.Image) -> int | None:
    """Return the greatest value of grey of 16 bits; None for any other image."""
    return int(np.asarray(image).max()) if image.mode.startswith("I;16") else None


def _of_8_bits(image: Image.Image, white: int) -> Image.Image:
    """Reduce grey of 16 bits to 8, with a transparent shade as alpha.

    A value v becomes the whole part of 256 v / (white + 1), at most 255: its high byte, for the
    greatest white.
    """
    from PIL import Image  # noqa: PLC0415  light commands need no images

    values = np.asarray(image).astype(np.uint16)
    scaled = np.minimum(values.astype(np.uint32) * 256 // (white + 1), 255)
    grey = Image.fromarray(scaled.astype(np.uint8))
    transparent = image.info.get("transparency")
    if transparent is None:
        return grey
    alpha = Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8))
    return Image.merge("LA", (grey, alpha))


def _on_ground(image: Image.Image, ground: Colour) -> Image.Image:
    """Lay an image with alpha or a transparent colour on a ground; others are returned as is."""
    from PIL import Image  # noqa: PLC0415  light commands need no images

    if not image.has_transparency_data:
        return image
    was_grey = image.mode in {"L", "LA", "La", "1"} and len(set(ground)) == 1
    layer = image.convert("RGBA")
    below = Image.new("RGBA", layer.size, (*ground, 255))
    below.alpha_composite(layer)
    return below.getchannel("R") if was_grey else below.convert(COLOUR)


def _without_hue(image: Image.Image) -> Image.Image:
    """Make an image of a palette greyscale where all its colours are shades of grey."""
    pixels = np.asarray(image)
    is_grey = pixels.ndim == 2 or bool((pixels == pixels[..., :1]).all())  # noqa: PLR2004
    return image.getchannel(0) if is_grey else image


def fit_to(image: Image.Image, form: Form) -> Image.Image:
    """Give an image the size of the form; one that has it is returned as it is."""
    from PIL import Image, ImageOps  # noqa: PLC0415  light commands need no images

    if form.size is None or form.size == (image.height, image.width):
        return image
    size, how = (form.size[1], form.size[0]), Image.Resampling.BICUBIC
    if form.fit == "stretch":
        return image.resize(size, how)
    if form.fit == "crop":
        return ImageOps.fit(image, size, how)
    if image.mode == GREY and len(set(form.ground)) == 1:
        return ImageOps.pad(image, size, how, color=form.ground[0])
    return ImageOps.pad(image.convert(COLOUR), size, how, color=form.ground)


def written(image: Image.Image) -> bytes:
    """Write pixels as a PNG file, without metadata such as a place, a profile or a comment."""
    bare = image.copy()
    bare.info = {}
    return images.png(bare)
