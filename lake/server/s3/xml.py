"""XML of the S3 protocol: built with every text escaped, read without entities or a document type.

A document type is where entities are defined that expand without end or name other files, so a body
that has one is refused as soon as it begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, tostring
from xml.parsers import expat

from lake.server.s3.errors import S3Error

NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
MAX_DEPTH: Final = 8
"""Deepest element of a body; the protocol needs three levels."""
_NO_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, escaped or not."""

Value = str | int | bool | None | Iterable["Field"]
Field = tuple[str, Value]
"""An element: its name and its text, or the elements in it; None leaves it out."""


def document(name: str, fields: Iterable[Field], *, namespace: bool = True) -> bytes:
    """A document of nested elements.

    Raises:
        S3Error: a text cannot be in XML.
    """
    root = Element(name, {"xmlns": NAMESPACE} if namespace else {})
    _fill(root, fields)
    body: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return body


def _fill(parent: Element, fields: Iterable[Field]) -> None:
    for name, value in fields:
        if value is None:
            continue
        child = SubElement(parent, name)
        if isinstance(value, bool):
            child.text = "true" if value else "false"
        elif isinstance(value, str | int):
            child.text = _text(str(value))
        else:
            _fill(child, value)


def _text(text: str) -> str:
    if _NO_XML.search(text):
        raise S3Error(
            400,
            "InvalidArgument",
            f"{text!a} has a character that XML cannot hold: list with encoding-type=url",
        )
    return text


def parse(body: bytes) -> Element:
    """Read a body; names of elements come without their namespace.

    Raises:
        S3Error: it is no XML, is nested deeply, or has a document type.
    """
    builder = _Builder()
    parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise malformed() from error
    return builder.close()


def malformed() -> S3Error:
    """The error of a body that is not what it should be."""
    return S3Error(400, "MalformedXML", "the body is not the XML that this call takes")


class _Builder:
    """Builds the tree of a body, and refuses what no call needs."""

    def __init__(self) -> None:
        self._tree = TreeBuilder()
        self._depth = 0

    def refuse(self, *_: object) -> None:
        raise malformed()

    def start(self, name: str, _attributes: object) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise malformed()
        self._tree.start(name.rpartition(" ")[2], {})

    def end(self, name: str) -> None:
        self._depth -= 1
        self._tree.end(name.rpartition(" ")[2])

    def data(self, text: str) -> None:
        self._tree.data(text)

    def close(self) -> Element:
        return self._tree.close()
