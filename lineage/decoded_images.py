"""Pixels of image files that were decoded before, so that a piece of work decodes each file once.

A stage asks for the pixels of an image again and again: ingest for its form, its id, its
near-duplicates and the digests of the hold-out, verify for each scorer. Within `kept` they are
written to a file without a name, and found again by SHA-256 of the image file. Outside of it
nothing is kept. Memory grows by an entry for each file, about 200 bytes, and never with the pixels;
the file takes `MAX_BYTES` of its disk at most, and never more than half of what was free there.

Only images that every reader decodes alike are kept: one picture of 8 bits, grey or in colour,
without a transparent colour, in a format that is told by its first bytes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from lineage import image_files

if TYPE_CHECKING:
    from PIL import Image

FORMATS: Final = frozenset({"PNG", "JPEG", "BMP"})
COLOUR: Final = "RGB"
MODES: Final = frozenset({"L", COLOUR})
MAX_BYTES: Final = 1 << 33
"""Most bytes of pixels that are kept; images that come later are decoded each time."""
FORMS: Final = 1 << 24
"""More modes, heights and widths than there are images that are kept."""


class Decoded(NamedTuple):
    """An image: one byte for each pixel, or three, from the top to the bottom."""

    mode: str
    """`L` or `RGB`, as Pillow names them."""
    height: int
    width: int
    pixels: bytes


@dataclass(slots=True)
class _Store:
    """Pixels in a file, one image behind the other."""

    file: IO[bytes]
    limit: int
    """Bytes of pixels that are kept."""
    places: dict[bytes, int] = field(default_factory=dict)
    """By digest of the image file: where its pixels start, and the number of its form."""
    forms: dict[tuple[str, int, int], int] = field(default_factory=dict)
    """Numbers of modes, heights and widths."""
    end: int = 0
    written: int = 0
    """Bytes that have left the buffer of the file."""
    is_full: bool = False

    def add(self, digest: bytes, image: Decoded) -> None:
        self.is_full |= self.end + len(image.pixels) > self.limit
        if self.is_full or digest in self.places:
            return
        form = self.forms.setdefault(image[:3], len(self.forms))
        try:
            self.file.write(image.pixels)
        except OSError:  # the disk is full
            self.is_full = True
            return
        self.places[digest] = self.end * FORMS + form
        self.end += len(image.pixels)

    def get(self, digest: bytes) -> Decoded | None:
        place = self.places.get(digest)
        if place is None:
            return None
        start, form = divmod(place, FORMS)
        mode, height, width = next(islice(self.forms, form, None))
        size = height * width * (3 if mode == COLOUR else 1)
        if start + size > self.written and not self._flushed():
            return None
        pixels = os.pread(self.file.fileno(), size, start)
        return Decoded(mode, height, width, pixels) if len(pixels) == size else None

    def _flushed(self) -> bool:
        try:
            self.file.flush()
        except OSError:  # the disk is full
            self.is_full = True
            return False
        self.written = self.end
        return True

    def close(self) -> None:
        """End the file; nobody needs what could not be written to it."""
        with suppress(OSError):
            self.file.close()


_STORE: ContextVar[_Store | None] = ContextVar("decoded_images", default=None)


@contextmanager
def kept(folder: Path | None = None) -> Iterator[None]:
    """Keep the pixels of what is decoded in this context; it may be entered more than once.

    Args:
        folder: On whose disk they are kept, of the outermost context; None: that of temporary
            files, which on some machines is memory.
    """
    if _STORE.get() is not None:
        yield
        return
    with ExitStack() as stack:
        with suppress(OSError):  # without a place for it nothing is kept
            place = tempfile.gettempdir() if folder is None else str(folder)
            limit = min(MAX_BYTES, shutil.disk_usage(place).free // 2)
            file = tempfile.TemporaryFile(prefix="stemma-pixels-", buffering=1 << 20, dir=place)  # noqa: SIM115
            store = _Store(file, limit)
            stack.callback(store.close)
            stack.callback(_STORE.reset, _STORE.set(store))
        yield


def find(data: bytes | None) -> Decoded | None:
    """Return the pixels of an image file, if they are kept."""
    store = _STORE.get()
    return None if store is None or data is None else store.get(hashlib.sha256(data).digest())


def keep(data: bytes, image: Image.Image, form: str | None = None) -> None:
    """Keep the pixels of an image, if there is a place and every reader decodes its file alike.

    Args:
        data: Its file.
        image: The whole of it, as the file holds it.
        form: Format of the file; None: it was opened from the file, and knows.
    """
    store = _STORE.get()
    if store is None or not _is_plain(data, image, form or image.format):
        return
    decoded = Decoded(image.mode, image.height, image.width, image.tobytes())
    store.add(hashlib.sha256(data).digest(), decoded)


def _is_plain(data: bytes, image: Image.Image, form: str | None) -> bool:
    return (
        form in FORMATS
        and image.mode in MODES
        and "transparency" not in image.info
        and getattr(image, "n_frames", 1) == 1
        and image.width * image.height <= image_files.MAX_PIXELS
        and len(data) <= image_files.MAX_BYTES
    )
