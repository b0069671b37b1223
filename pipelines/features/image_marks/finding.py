"""Marks of generators in image files: who states that a model made the image, and whose it was.

Sources: IPTC's vocabulary Digital Source Type; the C2PA specification (manifest stores are JUMBF
boxes, whose actions may name the same vocabulary); the text chunks that AUTOMATIC1111's web UI,
ComfyUI, InvokeAI, NovelAI, Fooocus, SwarmUI and Midjourney write. A mark is easily removed, and as
easily forged: that none is found says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pipelines.features.image_marks import containers
from pipelines.features.image_marks.containers import Metadata

C2PA: Final = "c2pa"
"""A manifest store is there. Cameras write one too, so by itself it says nothing of a generator."""
C2PA_SYNTHETIC: Final = "c2pa_synthetic"
"""A manifest store that names a synthetic source type."""
IPTC: Final = "iptc_synthetic"
"""XMP that names a synthetic source type."""
NEUTRAL: Final = frozenset({C2PA})
"""Marks that are no sign of a generator."""
SYNTHETIC: Final = re.compile(
    rb"\b(trainedAlgorithmicMedia|compositeWithTrainedAlgorithmicMedia|compositeSynthetic"
    rb"|algorithmicMedia)\b"
)
"""Source types of images that were made, in whole or in part, by an algorithm."""
SOURCE_TYPE: Final = re.compile(rb"digitalsourcetype", re.IGNORECASE)
STEPS: Final = re.compile(r"\bSteps: \d+, ")
"""How AUTOMATIC1111's web UI, and those that follow it, write parameters."""
KEYWORDS: Final[Mapping[str, str]] = {
    "workflow": "comfyui",
    "invokeai_metadata": "invokeai",
    "invokeai_graph": "invokeai",
    "sd-metadata": "invokeai",
    "Dream": "invokeai",
    "fooocus_scheme": "fooocus",
    "sui_image_params": "swarmui",
    "generation_data": "stable_diffusion",
}
"""Keywords of texts that nothing but a generator writes."""
PROGRAMS: Final[Mapping[str, re.Pattern[str]]] = {
    "novelai": re.compile(r"\bnovelai\b", re.IGNORECASE),
    "midjourney": re.compile(r"\bmidjourney\b|\bJob ID: [0-9a-f]{8}-", re.IGNORECASE),
    "stable_diffusion": re.compile(r"stable[ _-]?diffusion", re.IGNORECASE),
    "dall_e": re.compile(r"\b(?:dall[·_-]e|dalle[_-]?[23]|(?-i:DALL E))\b", re.IGNORECASE),
    "firefly": re.compile(r"\badobe firefly\b", re.IGNORECASE),
    "google_ai": re.compile(r"\bmade with google ai\b", re.IGNORECASE),
    "invokeai": re.compile(r"\binvokeai\b", re.IGNORECASE),
    "comfyui": re.compile(r"\bcomfyui\b", re.IGNORECASE),
    "drawthings": re.compile(r"\bDraw Things\b"),
}
"""Generators by what they call themselves where software, description or author is named.

Words of a language are none of them: Italian has `dalle`, English `draw things`."""
NAMING: Final = frozenset(
    {"Software", "Source", "Description", "Comment", "Author", "Title", "Generator", "Credit"}
)
"""Keywords under which a program names itself."""
TAGS: Final = (0x010E, 0x0131, 0x013B)
"""EXIF: ImageDescription, Software, Artist."""
EXIF_IFD: Final = 0x8769
USER_COMMENT: Final = 0x9286
CREDIT: Final = re.compile(rb"photoshop:Credit\W{1,3}([^<\"']{1,200})")


def find(data: bytes) -> frozenset[str]:
    """Find the marks in an image file, in bounded time, whatever its bytes are."""
    found = containers.read(data)
    return frozenset(
        {
            *_of_manifests(found.manifests),
            *_of_xmp(found.xmp),
            *_of_xmp(found.extended_xmp),
            *_of_texts(found),
            *_of_exif(found.exif),
        }
    )


def _of_manifests(manifests: bytes) -> Iterator[str]:
    if b"jumb" not in manifests or b"c2pa" not in manifests:
        return
    yield C2PA_SYNTHETIC if SYNTHETIC.search(manifests) else C2PA


def _of_xmp(xmp: bytes) -> Iterator[str]:
    if SOURCE_TYPE.search(xmp) and SYNTHETIC.search(xmp):
        yield IPTC
    for credit in CREDIT.findall(xmp)[:10]:
        yield from _named(credit.decode("utf-8", errors="replace"))


def _of_texts(found: Metadata) -> Iterator[str]:
    for keyword, text in found.texts:
        if keyword in KEYWORDS:
            yield KEYWORDS[keyword]
        if keyword == "parameters" or keyword in NAMING:
            yield from _parameters(text)
        if keyword == "prompt" and '"class_type"' in text:
            yield "comfyui"
        if keyword in NAMING:
            yield from _named(text)


def _of_exif(exif: bytes) -> Iterator[str]:
    for text in _exif_texts(exif) if exif else ():
        yield from _named(text)
        yield from _parameters(text)


def _exif_texts(exif: bytes) -> list[str]:
    """The texts of EXIF that may name a program; none where it cannot be read."""
    from PIL import Image  # noqa: PLC0415  light commands need no images

    tags = Image.Exif()
    try:
        tags.load(exif)
        values = [*map(tags.get, TAGS), tags.get_ifd(EXIF_IFD).get(USER_COMMENT)]
    except Exception:  # noqa: BLE001  hostile bytes break a reader in any way
        return []
    return [_text(value)[: containers.MAX_TEXT] for value in values if value]


def _text(value: object) -> str:
    """A value of EXIF as text; a comment has 8 bytes before it that name its encoding."""
    if not isinstance(value, bytes):
        return str(value)
    if value.startswith(b"UNICODE\0"):
        little = value[8:40:2].count(0) < value[9:40:2].count(0)
        return value[8:].decode("utf-16-le" if little else "utf-16-be", errors="replace")
    return value.decode("utf-8", errors="replace")


def _parameters(text: str) -> Iterator[str]:
    if STEPS.search(text):
        yield "automatic1111"


def _named(text: str) -> Iterator[str]:
    for name, pattern in PROGRAMS.items():
        if pattern.search(text[: containers.MAX_TEXT]):
            yield name
