"""Inputs that are nearly right: bytes and documents with a few hostile edits.

What is wrong from its first byte on is refused at once and reaches nothing. So an input begins as
one that is right, and is edited a few times, or not at all: the first input of a session is always
one that is right.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]
Edit = Callable[[Draw, bytes, Sequence[bytes]], bytes]

MOST: Final = 1 << 18
"""Bytes of an input: more is no finding about a reader."""
EDITS: Final = 4
DEEP: Final = "@deep@"
"""Stands for lists that are nested deeply, until a document is written."""
DEPTHS: Final = (50, 100, 5_000, 60_000)

PIECES: Final = (
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",  # a byte order mark
    b"\xff\xfe",
    b"\xed\xa0\x80",  # half a surrogate pair
    b"\xf4\x90\x80\x80",  # beyond Unicode
    b"\x1b]0;title\x07",
    "\u202e\u2028\x85".encode(),
    b"\r",
    b"\n",
    b"\r\n",
    b"\t",
    b'"',
    b"'",
    b",",
    b":",
    b"{",
    b"}",
    b"[",
    b"]",
    b"- ",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"NaN",
    b"-Infinity",
    b"9" * 30,
    b"9" * 5_000,
    b"0x7fffffffffffffff",
    b"../../../etc/passwd",
    b"[" * 3_000,
    b'{"a":' * 3_000,
    b"a" * 10_000,
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
)

VALUES: Final = (
    None,
    True,
    False,
    0,
    1,
    -1,
    1 << 31,
    1 << 63,
    1 << 64,
    10**400,
    0.5,
    -0.0,
    1e308,
    float("inf"),
    float("nan"),
    "",
    " ",
    "a",
    "a\nb",
    "\0",
    "\ud800",
    "\x1b]0;title\x07",
    "\u202e",
    "../..",
    "/dev/stdin",
    "1",
    "9" * 5_000,
    "٣",  # a digit, but no ASCII
    "a" * 20_000,
    "=1+1",
    DEEP,
    [],
    [None],
    [[]],
    {},
    {"": None},
    {"a": {"a": {}}},
    ["a"] * 500,
    list(range(500)),
)
"""Values that some field of a document will not take, or should not."""


class Twice(dict[str, Any]):
    """An object of JSON in which a name comes twice."""

    def items(self) -> Any:
        """The pairs, the first one again at the end."""
        pairs = list(super().items())
        return [*pairs, (pairs[0][0], None)] if pairs else pairs


@st.composite
def mutated(
    draw: Draw, seeds: Sequence[bytes], pieces: Sequence[bytes] = (), edits: int = EDITS
) -> bytes:
    """Bytes of one of some right inputs, with a few edits.

    Args:
        draw: of Hypothesis.
        seeds: right inputs.
        pieces: what means something to the reader, besides what means something to many.
        edits: at most so many.
    """
    data: bytes = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, edits))):
        data = draw(st.sampled_from(_EDITS))(draw, data, (*pieces, *seeds, *PIECES))[:MOST]
    return data


@st.composite
def documents(draw: Draw, seeds: Sequence[Any], edits: int = EDITS) -> str:
    """JSON of one of some right documents, of which a few values are others; it is YAML too."""
    content = copy.deepcopy(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, edits))):
        content = _changed(draw, content)
    return written(content, depth=draw(st.sampled_from(DEPTHS)))


@st.composite
def either(
    draw: Draw, seeds: Sequence[Any], pieces: Sequence[bytes] = (), texts: Sequence[str] = ()
) -> bytes:
    """A document of which values are others, or bytes are, or nothing of the kind at all.

    Args:
        draw: of Hypothesis.
        seeds: right documents.
        pieces: as `mutated`.
        texts: more right documents, as they are written.
    """
    way = draw(st.sampled_from("ddddddmmmb"))
    if way == "d":
        return draw(documents(seeds)).encode("utf-8", "surrogatepass")
    if way == "b":
        return draw(st.binary(max_size=64))
    whole = [written(each).encode() for each in seeds] + [each.encode() for each in texts]
    return draw(mutated(whole, pieces))


def written(content: object, depth: int = DEPTHS[0]) -> str:
    """A document as JSON."""
    text = json.dumps(content)
    return text.replace(f'"{DEEP}"', "[" * depth + "]" * depth)


def _changed(draw: Draw, content: Any) -> Any:
    """A document with one value changed, somewhere in it."""
    if not isinstance(content, dict | list) or not content or draw(st.integers(0, 7)) == 7:
        return _value(draw)
    names = list(content) if isinstance(content, dict) else range(len(content))
    at = draw(st.sampled_from(names))
    act = draw(st.sampled_from(("into", "into", "into", "remove", "add", "twice")))
    if act == "into":
        content[at] = _changed(draw, content[at])
    elif act == "remove":
        del content[at]
    elif act == "twice":
        return Twice(content) if isinstance(content, dict) else content * 2
    elif isinstance(content, dict):
        name = draw(st.sampled_from([str(at), f"{at}x", "", "a" * 5_000, "\0", "__class__"]))
        content[name] = _value(draw)
    else:
        content.insert(at, _value(draw))
    return content


def _value(draw: Draw) -> Any:
    return copy.deepcopy(draw(st.sampled_from(VALUES)))


def _places(draw: Draw, data: bytes) -> tuple[int, int]:
    """Where a slice of a text begins and ends; most are short."""
    start = draw(st.integers(0, len(data)))
    length = draw(st.sampled_from((0, 1, 1, 2, 4, 8, 16, 64, len(data))))
    return start, min(len(data), start + length)


def _flip(draw: Draw, data: bytes, _: Sequence[bytes]) -> bytes:
    if not data:
        return b"\x00"
    at = draw(st.integers(0, len(data) - 1))
    return data[:at] + bytes([data[at] ^ 1 << draw(st.integers(0, 7))]) + data[at + 1 :]


def _set(draw: Draw, data: bytes, _: Sequence[bytes]) -> bytes:
    start, stop = _places(draw, data)
    return data[:start] + bytes([draw(st.integers(0, 255))]) * (stop - start) + data[stop:]


def _cut(draw: Draw, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: draw(st.integers(0, len(data)))]


def _delete(draw: Draw, data: bytes, _: Sequence[bytes]) -> bytes:
    start, stop = _places(draw, data)
    return data[:start] + data[stop:]


def _repeat(draw: Draw, data: bytes, _: Sequence[bytes]) -> bytes:
    start, stop = _places(draw, data)
    times = draw(st.sampled_from((2, 3, 10, 100)))
    return data[:start] + (data[start:stop] * times)[:MOST] + data[stop:]


def _insert(draw: Draw, data: bytes, pieces: Sequence[bytes]) -> bytes:
    start, _ = _places(draw, data)
    return data[:start] + draw(st.sampled_from(pieces)) + data[start:]


def _replace(draw: Draw, data: bytes, pieces: Sequence[bytes]) -> bytes:
    start, stop = _places(draw, data)
    return data[:start] + draw(st.sampled_from(pieces)) + data[stop:]


def _move(draw: Draw, data: bytes, _: Sequence[bytes]) -> bytes:
    start, stop = _places(draw, data)
    rest, to = data[:start] + data[stop:], draw(st.integers(0, len(data) - (stop - start)))
    return rest[:to] + data[start:stop] + rest[to:]


def _random(draw: Draw, data: bytes, _: Sequence[bytes]) -> bytes:
    start, stop = _places(draw, data)
    return data[:start] + draw(st.binary(max_size=32)) + data[stop:]


_EDITS: Final[tuple[Edit, ...]] = (
    _flip,
    _set,
    _cut,
    _delete,
    _repeat,
    _insert,
    _replace,
    _move,
    _random,
)
