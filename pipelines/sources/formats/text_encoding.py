"""Files of text in the encodings that people use: brought to UTF-8, and said.

UTF-8 is what a file has to be. A byte order mark names UTF-8, UTF-16 or UTF-32. Bytes that are no
UTF-8 are taken for Windows-1252, which holds Latin-1, if they stand among ASCII letters, as accents
do; where they come in runs, the text is in another alphabet, and nothing is guessed.
"""

from __future__ import annotations

import codecs
import io
import os
import re
from functools import partial
from typing import BinaryIO, Final

from pipelines.sources.formats.errors import MalformedError

CHUNK: Final = 1 << 20
MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
RUN: Final = re.compile(rb"[\x80-\xff]{3,}")
"""More letters beyond ASCII in a row than Western languages have."""
HIGH: Final = re.compile(rb"[\x80-\xff]")
WESTERN: Final = "cp1252"
LARGEST: Final = 1 << 30
"""Bytes of a file that is brought to UTF-8, which happens in memory."""


def utf8(file: BinaryIO) -> tuple[BinaryIO, tuple[str, ...]]:
    """Return the text of a file as UTF-8 without a byte order mark, with newlines at line ends.

    Args:
        file: open for reading; it is returned itself where nothing has to change.

    Returns:
        The bytes, from their beginning; and what was found out, in predicates such as "is UTF-16".

    Raises:
        MalformedError: the encoding is not known; the message says what to do.
    """
    file, encoded = _in_utf8(file)
    file.seek(0)
    start = file.read(CHUNK)
    if b"\r" in start and b"\n" not in start:
        file = io.BytesIO(_whole(file).replace(b"\r", b"\n"))
        encoded = (*encoded, "has carriage returns as line ends")
    file.seek(0)
    return file, encoded


def _in_utf8(file: BinaryIO) -> tuple[BinaryIO, tuple[str, ...]]:
    file.seek(0)
    start = file.read(len(codecs.BOM_UTF32_LE))
    mark = next((name for mark, name in MARKS if start.startswith(mark)), None)
    if mark is not None:
        return _decoded(file, mark), (f"is {mark.upper()}",)
    wrong = _first_wrong(file)
    if wrong is not None:
        place = f"byte 0x{wrong[1]:02x} in line {wrong[0]:,}"
        return _western(file, place), (f"is not UTF-8 ({place}); it is read as Windows-1252",)
    if start.startswith(codecs.BOM_UTF8):
        return _decoded(file, "utf-8-sig"), ("begins with a byte order mark",)
    return file, ()


def _first_wrong(file: BinaryIO) -> tuple[int, int] | None:
    """Find the first byte that is no UTF-8: its line, from 1, and the byte."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = 1
    for chunk in iter(partial(file.read, CHUNK), b""):
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            return lines + error.object.count(b"\n", 0, error.start), error.object[error.start]
        lines += chunk.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return lines, error.object[error.start]
    return None


def _western(file: BinaryIO, place: str) -> BinaryIO:
    data = _whole(file)
    if b"\0" in data:
        raise MalformedError(
            "it is no text in UTF-8, UTF-16 with a byte order mark, or Windows-1252; convert it to "
            "UTF-8"
        )
    in_runs, high = sum(map(len, RUN.findall(data))), len(HIGH.findall(data))
    try:
        text = data.decode(WESTERN)
    except UnicodeDecodeError:
        text = ""
    if not text or 2 * in_runs > high:
        raise MalformedError(
            f"it is not UTF-8 ({place}), and nothing says which encoding it "
            "is; convert it, for example by `iconv -f cp1251 -t utf-8`"
        )
    return io.BytesIO(text.encode())


def _decoded(file: BinaryIO, encoding: str) -> BinaryIO:
    try:
        return io.BytesIO(_whole(file).decode(encoding).encode())
    except UnicodeError as error:
        raise MalformedError(
            f"its byte order mark says {encoding.upper()}, which it is not"
        ) from error


def _whole(file: BinaryIO) -> bytes:
    size = file.seek(0, os.SEEK_END)
    if size > LARGEST:
        raise MalformedError(f"it has {size:,} bytes and has to be converted; convert it to UTF-8")
    file.seek(0)
    return file.read()
