"""Requests to the images API of a service, and the pictures in its answers.

`POST /images/generations` of OpenAI's API (platform.openai.com/docs/api-reference/images/create),
which others speak too. A picture comes in the answer itself, as base64: an address is not fetched.
The bytes are foreign, and are decoded under the limits of `lineage.image_files` before they are
kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lineage import image_files
from lineage.errors import ImageFileError
from pipelines.common import digests
from pipelines.llm import answers
from pipelines.llm.answers import Answer
from pipelines.llm.attempt_error import AttemptError
from pipelines.llm.values import NOTHING, Request, Usage

if TYPE_CHECKING:
    from PIL import Image

ENDPOINT: Final = "images"
"""Name of the endpoint in the requests that a round keeps."""
PATH: Final = "/images/generations"
SAID: Final = ("created", "size", "quality", "background", "output_format")
SAID_OF_PICTURE: Final = ("revised_prompt",)
"""What a service may say about a picture: the prompt that it drew by, where it has changed it."""
UNCOUNTED: Final = Usage(known=False)
"""Of a picture, which is paid by itself and not by its tokens."""


@dataclass(frozen=True)
class ImageRequest(Request):
    """A prompt for one picture."""

    size: str | None = None
    """Such as `1024x1024`; None: the service's own."""
    quality: str | None = None
    response_format: str | None = "b64_json"
    """None: it is not sent, for models that give base64 anyway and refuse it."""
    drawing: int = 0
    """Counts equal requests of a round, of which each is a picture of its own."""
    price: float | None = None
    """Dollars of a picture; None: unknown."""

    @property
    def path(self) -> str:
        """Path of the endpoint below the service's address."""
        return PATH

    @cached_property
    def body(self) -> dict[str, Any]:
        """The JSON object that is sent; settings that are None are left out."""
        settings = {
            "size": self.size,
            "quality": self.quality,
            "response_format": self.response_format,
        }
        given = {name: value for name, value in settings.items() if value is not None}
        return {"model": self.model, "prompt": self.prompt, "n": 1, **given, **self.extra}

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of endpoint, body and the number among equal requests."""
        content = {"path": self.path, "body": self.body, "drawing": self.drawing}
        return digests.of_json(content, ascii_only=False)


def read(data: bytes, request: ImageRequest) -> Answer:
    """Return the picture in the body of a 200, as base64.

    Raises:
        AttemptError: It is not JSON, holds an error, or holds no picture within the limits; a
            picture that cannot be used was billed all the same.
    """
    body = answers.content(data)
    model = str(body.get("model") or request.model)[: answers.MAX_QUOTED]
    try:
        text = _picture(body)
        _check(text)
    except AttemptError as error:
        raise error.billed(UNCOUNTED) from None
    return Answer(text, _said(body), model, NOTHING, "stop")  # a picture has a price of its own


def _check(text: str) -> None:
    try:
        pixels(text)
    except ImageFileError as error:
        raise AttemptError(f"the service answered with a picture that {error}") from None


def _said(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a service says about its picture, besides the picture: plain values by their names."""
    first = body["data"][0]
    named = {name: body.get(name) for name in SAID} | {
        name: first.get(name) for name in SAID_OF_PICTURE
    }
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in named.items()
        if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
    }


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of an answer."""

    pixels: NDArray[np.uint8]
    """[h, w, 3]."""
    about: Mapping[str, Any]
    """Of its file: sha256, bytes, format, width, height."""


def pixels(text: str) -> NDArray[np.uint8]:
    """Decode a picture from base64, [h, w, 3].

    Raises:
        ImageFileError: It is none within the limits.
    """
    return opened(text).pixels


def opened(text: str) -> Picture:
    """Decode a picture from base64, and describe its file.

    Raises:
        ImageFileError: It is none within the limits.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ImageFileError("is no base64") from None

    def read_image(image: Image.Image) -> Picture:
        about = {
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
            "format": str(image.format),
            "width": image.width,
            "height": image.height,
        }
        return Picture(np.asarray(image.convert("RGB"), dtype=np.uint8), about)

    return image_files.decode(data, read_image)


def _picture(body: Mapping[str, Any]) -> str:
    """The base64 of the first picture of an answer."""
    listed = body.get("data")
    first = listed[0] if isinstance(listed, list) and listed else None
    found = first.get("b64_json") if isinstance(first, Mapping) else None
    if isinstance(found, str):
        return found
    if isinstance(first, Mapping) and first.get("url"):
        raise AttemptError(
            "the service answered with the address of a picture, which is not fetched; set "
            "generate.hosted_images.response_format to b64_json",
            retryable=False,
        )
    raise AttemptError("the service answered without a picture")
