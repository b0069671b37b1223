"""Marks of generators: found as each writes them, written without a change of pixels or id."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import polars as pl
import pytest
from PIL import Image, PngImagePlugin

from lineage.identity import sample_ids
from pipelines.common.errors import DataError
from pipelines.features import images
from pipelines.features.image_marks import containers, finding, writing
from pipelines.sources import marks

PIXELS = np.arange(64, dtype=np.uint8).reshape(8, 8)
PARAMETERS = "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1"
JOB = "a cat --v 6 Job ID: 01234567-89ab-cdef-0123-456789abcdef"
XMP = writing.PACKET.format(uri=writing.VOCABULARY + "trainedAlgorithmicMedia").encode()
PLAIN = writing.PACKET.format(uri=writing.VOCABULARY + "digitalCapture").encode()
JUMBF = b"\0\0\1\0jumb\0\0\0\x1ejumdc2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9bq\3c2pa\0"


def drawn(form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, form, **options)
    return buffer.getvalue()


def with_text(keyword: str, text: str, *, compressed: bool = False) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text(keyword, text, zip=compressed)
    return drawn(pnginfo=info)


def with_chunk(kind: bytes, body: bytes) -> bytes:
    plain = drawn()
    return plain[: writing.HEADER_END] + writing._chunk(kind, body) + plain[writing.HEADER_END :]


def with_segment(marker: int, body: bytes) -> bytes:
    plain = drawn("JPEG")
    return plain[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + plain[2:]


def exif(tag: int, text: str) -> bytes:
    content = Image.Exif()
    content[tag] = text
    return content.tobytes()


def commented(text: str) -> bytes:
    content = Image.Exif()
    content.get_ifd(finding.EXIF_IFD)[finding.USER_COMMENT] = b"UNICODE\0" + text.encode(
        "utf-16-be"
    )
    return content.tobytes()


def in_two_segments(box: bytes) -> bytes:
    """A box of JUMBF whose source type goes over the end of a segment, as of a large manifest."""
    at = box.index(b"trainedAlgorithmicMedia") + 7
    first = b"JP\0\1\0\0\0\1" + box[:at]
    second = b"JP\0\1\0\0\0\2" + box[:8] + box[at:]
    segments = [b"\xff\xeb" + struct.pack(">H", len(each) + 2) + each for each in (first, second)]
    return containers.JPEG + b"".join(segments)


def with_two_chunks(first: bytes, second: bytes) -> bytes:
    """A WebP with two chunks of XMP."""
    plain = drawn("WEBP")
    chunks = b"".join(
        b"XMP " + struct.pack("<I", len(each)) + each + b"\0" * (len(each) % 2)
        for each in (first, second)
    )
    return b"RIFF" + struct.pack("<I", len(plain) - 8 + len(chunks)) + plain[8:] + chunks


def extended(packet: bytes) -> bytes:
    """A JPEG whose XMP goes on in a segment of its own."""
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + struct.pack(">II", len(packet), 0)
    plain = drawn("JPEG", xmp=PLAIN)
    body = head + packet
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + plain[2:]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (with_two_chunks(PLAIN, XMP), {"iptc_synthetic"}),
        (with_two_chunks(XMP, PLAIN), {"iptc_synthetic"}),
        (extended(XMP), {"iptc_synthetic"}),
        (b"II*\0" + PLAIN + XMP, {"iptc_synthetic"}),
        (with_text("parameters", PARAMETERS), {"automatic1111"}),
        (with_text("parameters", PARAMETERS, compressed=True), {"automatic1111"}),
        (drawn("JPEG", exif=commented(PARAMETERS)), {"automatic1111"}),
        (drawn("WEBP", exif=commented(PARAMETERS)), {"automatic1111"}),
        (with_text("prompt", '{"3": {"class_type": "KSampler"}}'), {"comfyui"}),
        (with_text("workflow", "{}"), {"comfyui"}),
        (with_text("Dream", "a cat -s 50"), {"invokeai"}),
        (with_text("invokeai_metadata", "{}"), {"invokeai"}),
        (with_text("Software", "NovelAI"), {"novelai"}),
        (with_text("Description", JOB), {"midjourney"}),
        (with_text("sui_image_params", "{}"), {"swarmui"}),
        (with_text("fooocus_scheme", "fooocus"), {"fooocus"}),
        (drawn("JPEG", exif=exif(0x0131, "Stable Diffusion 1.5")), {"stable_diffusion"}),
        (drawn("JPEG", xmp=XMP), {"iptc_synthetic"}),
        (drawn("WEBP", xmp=XMP), {"iptc_synthetic"}),
        (b"II*\0" + XMP, {"iptc_synthetic"}),
        (with_chunk(b"caBX", JUMBF), {"c2pa"}),
        (with_chunk(b"caBX", JUMBF + XMP), {"c2pa_synthetic"}),
        (with_segment(0xEB, b"JP\0\1\0\0\0\1" + JUMBF), {"c2pa"}),
        (in_two_segments(JUMBF + XMP), {"c2pa_synthetic"}),
        (with_text("Software", "DALL·E 3"), {"dall_e"}),
        (with_text("Software", "dalle-2"), {"dall_e"}),
        (with_text("Software", "Draw Things 1.8"), {"drawthings"}),
    ],
)
def test_each_generator_leaves_its_mark(data: bytes, found: set[str]) -> None:
    assert finding.find(data) == found


@pytest.mark.parametrize(
    "data",
    [
        drawn(),
        drawn("JPEG"),
        drawn("WEBP"),
        drawn("BMP"),
        b"",
        with_text("Software", "Adobe Photoshop 25.0"),
        with_text("Comment", "Steps: two, then left"),
        with_text("prompt", "Describe the picture"),
        with_text("Description", "a job at a software company"),
        with_text("Description", "Vista dalle montagne, dalle 2 alle 4"),
        with_text("Description", "Children draw things they like"),
        drawn("JPEG", xmp=PLAIN),
        with_two_chunks(PLAIN, PLAIN),
        extended(PLAIN),
    ],
)
def test_photographs_and_words_alike_have_none(data: bytes) -> None:
    assert finding.find(data) == frozenset()


def test_hostile_metadata_costs_no_more_than_its_limits() -> None:
    bomb = zlib.compress(b"\0" * (1 << 26))
    data = with_chunk(b"zTXt", b"parameters\0\0" + bomb)
    assert len(containers.read(data).texts[0][1]) == containers.MAX_TEXT
    endless = containers.PNG + struct.pack(">I4s", 0, b"tEXt") * 100_000
    assert len(containers.read(endless).texts) <= containers.MAX_TEXTS
    long = with_chunk(b"tEXt", b"Comment\0" + b"x" * (1 << 21))
    assert len(containers.read(long).texts[0][1]) == containers.MAX_TEXT
    assert finding.find(b"\xff\xd8" + b"\xff" * 100_000) == frozenset()
    assert finding.find(with_segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff")) == frozenset()
    cut = with_text("parameters", PARAMETERS)
    for end in range(len(cut)):
        finding.find(cut[:end])


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_written_mark_is_found_and_leaves_pixels_and_id(form: str) -> None:
    plain = drawn(form)
    marked = writing.mark(plain, "trainedAlgorithmicMedia")
    assert marked is not None
    assert finding.find(marked) == {"iptc_synthetic"}
    with Image.open(io.BytesIO(marked)) as image:
        image.verify()
    with Image.open(io.BytesIO(marked)) as image, Image.open(io.BytesIO(plain)) as before:
        assert image.tobytes() == before.tobytes()
        packet = image.info["xmp"].decode()
    assert f">{writing.VOCABULARY}trainedAlgorithmicMedia</Iptc4xmpExt:Digital" in packet
    rows = [{"bytes": data, "path": None} for data in (plain, marked)]
    frame = pl.DataFrame({"image": pl.Series(rows, dtype=images.IMAGE)})
    assert sample_ids(frame, ("image",)).n_unique() == 1


def test_what_no_mark_is_written_into_is_left_alone() -> None:
    assert writing.mark(drawn("BMP"), "trainedAlgorithmicMedia") is None
    assert writing.mark(b"", "trainedAlgorithmicMedia") is None
    enhanced = writing.mark(drawn(), "algorithmicallyEnhanced")
    assert enhanced is not None
    assert finding.find(enhanced) == frozenset()


def column(*files: bytes) -> pl.DataFrame:
    rows = [{"bytes": data, "path": f"{row}.png"} for row, data in enumerate(files)]
    return pl.DataFrame({"image": pl.Series(rows, dtype=images.IMAGE), "text": ["x"] * len(rows)})


def test_marked_images_are_counted_named_and_refused_on_demand() -> None:
    files = (drawn(), with_text("parameters", PARAMETERS), with_chunk(b"caBX", JUMBF))
    found = marks.scan(column(*files))
    assert (found.images, found.generated) == (3, 1)
    assert dict(found.counts) == {"automatic1111": 1, "c2pa": 1}
    assert found.examples == ("1.png",)
    assert "set ingest.marked to keep" in found.sentence()
    assert "ingest.marked: keep" in found.sentence("keep")
    marks.check("mine", found, "warn")
    with pytest.raises(DataError, match=r"mine: 1 of 3 images have marks.*'1\.png'"):
        marks.check("mine", found, "refuse")
    assert marks.section(marks.scan(column(drawn())), "warn") == {}
    assert marks.scan(column(with_chunk(b"caBX", JUMBF))).generated == 0
