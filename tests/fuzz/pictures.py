"""Small image files of every format and mode that is decoded, and what means something in them."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import Any, Final

from PIL import Image

SIDE: Final = 8


def drawn(mode: str, size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    """An image whose pixels differ."""
    return Image.linear_gradient("L").resize(size).convert("RGB").convert(mode)


def saved(mode: str, form: str, size: tuple[int, int] = (SIDE, SIDE), **options: Any) -> bytes:
    """An image file."""
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some formats are old
        drawn(mode, size).save(out, format=form, **options)
    return out.getvalue()


TINY: Final = saved("L", "PNG")
"""What a data set of grey images holds."""
FRAMES: Final = [Image.new("L", (SIDE, SIDE), value) for value in (1, 2)]
PICTURES: Final = (
    TINY,
    saved("L", "JPEG"),
    saved("L", "BMP"),
    saved("L", "WEBP", lossless=True),
    saved("RGB", "PNG"),
    saved("RGBA", "PNG"),
    saved("P", "PNG", transparency=0),
    saved("1", "PNG"),
    saved("I;16", "PNG"),
    saved("LA", "PNG"),
    saved("RGB", "JPEG", quality=5, progressive=True),
    saved("CMYK", "JPEG"),
    saved("RGBA", "WEBP"),
    saved("P", "BMP"),
    saved("L", "PNG", size=(1, 300)),
)
"""Of the formats that are decoded."""
OTHERS: Final = (
    saved("P", "GIF"),
    saved("P", "GIF", save_all=True, append_images=FRAMES),
    saved("L", "TIFF"),
    saved("RGB", "TIFF", compression="tiff_lzw"),
    saved("L", "TIFF", save_all=True, append_images=FRAMES),
    saved("L", "PNG", save_all=True, append_images=FRAMES),
    saved("RGB", "WEBP", save_all=True, append_images=FRAMES),
    saved("RGB", "ICO", sizes=[(SIDE, SIDE)]),
    saved("RGB", "PPM"),
    saved("RGB", "TGA"),
    saved("RGB", "PCX"),
    saved("RGB", "SGI"),
    saved("RGB", "DDS"),
    saved("L", "IM"),
    saved("RGB", "JPEG2000"),
    saved("RGBA", "ICNS", size=(16, 16)),
    saved("1", "XBM"),
    saved("1", "MSP"),
    saved("L", "SPIDER"),
    saved("RGB", "QOI"),
    saved("RGB", "EPS"),
    saved("RGB", "AVIF"),
    saved("RGB", "MPO", save_all=True, append_images=[Image.new("RGB", (SIDE, SIDE))]),
)
"""Of other formats, in which an image has an identity all the same."""


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


OF_IMAGES: Final = (
    chunk(b"IHDR", struct.pack(">IIBBBBB", 1 << 15, 1 << 15, 8, 0, 0, 0, 0)),
    chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 0, 8, 0, 0, 0, 0)),
    chunk(b"IHDR", struct.pack(">IIBBBBB", 2047, 2048, 8, 0, 0, 0, 0)),
    chunk(b"IDAT", zlib.compress(bytes(1 << 20), 9)),
    chunk(b"IDAT", b""),
    chunk(b"IEND", b""),
    chunk(b"PLTE", b"\x00" * 3),
    chunk(b"tRNS", b"\x00\x05"),
    chunk(b"iCCP", b"a\x00\x00" + zlib.compress(bytes(1 << 20), 9)),
    chunk(b"zTXt", b"a\x00\x00" + zlib.compress(bytes(1 << 21), 9)),
    chunk(b"iTXt", b"a\x00\x01\x00\x00\x00" + b"junk"),
    chunk(b"eXIf", b"II*\x00\xff\xff\xff\xff"),
    chunk(b"acTL", struct.pack(">II", 1 << 31, 0)),
    chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, SIDE, SIDE, 0, 0, 1, 1, 0, 0)),
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00",
    b"\xff\xda\x00\x0c",
    b"\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03",
    b"RIFF\xff\xff\xff\xffWEBP",
    b"BM",
    b"GIF89a\xff\xff\xff\xff",
    b"MM\x00*\x00\x00\x00\x08",
)
