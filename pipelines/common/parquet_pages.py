"""How much a Parquet file holds once it is decompressed, by its own page headers.

The footer says it too, but nothing makes a writer say it rightly, and readers allocate what the
header of a page asks for. So each page's header is read, in Thrift's compact protocol, and the
larger of the two counts. No page is decompressed.

Format: https://github.com/apache/parquet-format (parquet.thrift: PageHeader, DataPageHeader)
"""

from __future__ import annotations

from typing import Any, BinaryIO, Final

HEAD: Final = 1 << 8
"""Bytes that are read for the header of a page; statistics with long values need more."""
MOST_HEAD: Final = 1 << 24
WIDTH: Final = 8
"""Bytes of a decoded value, at least: most are numbers of 64 bits."""
VIEW: Final = 16
"""Bytes that a text or binary value takes besides its content."""
DEPTH: Final = 16
"""How deeply the structs of a header may be nested."""
_UNCOMPRESSED, _COMPRESSED = 2, 3
_COUNTED: Final = (5, 7, 8)
"""Fields of the headers of data, dictionary and second-version data pages; 1 is their values."""
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12


def decoded_size(file: BinaryIO, metadata: Any) -> int:  # noqa: ANN401  pyarrow is not typed
    """Bytes that all columns take once they are decoded, at most but for repeated long values.

    Args:
        file: open for reading.
        metadata: of the file, as pyarrow reads it.

    Raises:
        ValueError: a page's header cannot be read.
    """
    end = file.seek(0, 2)
    total = heads = 0
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for at in range(row_group.num_columns):
            size, read = _chunk(file, row_group.column(at), row_group.num_rows, end)
            total, heads = total + size, heads + read
            if heads > end:
                raise ValueError("the pages of its columns lie on top of each other")
    return total


def _chunk(file: BinaryIO, column: Any, rows: int, end: int) -> tuple[int, int]:  # noqa: ANN401  pyarrow is not typed
    """Bytes of one column of one row group, and of the headers of its pages."""
    starts = [column.dictionary_page_offset, column.data_page_offset]
    at = min((start for start in starts if start), default=end)
    stop = min(end, at + column.total_compressed_size)
    size = values = heads = 0
    while at < stop:
        found, head = _header(file, at)
        heads += head
        size += _number(found.get(_UNCOMPRESSED))
        inner = [found[name] for name in _COUNTED if isinstance(found.get(name), dict)]
        values += sum(_number(each.get(1)) for each in inner)
        at += head + _number(found.get(_COMPRESSED))
    width = VIEW if column.physical_type == "BYTE_ARRAY" else WIDTH
    whole = max(size, int(column.total_uncompressed_size)) + width * max(values, rows)
    return whole, heads


def _number(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError("the header of a page holds no size")
    return value


def _header(file: BinaryIO, at: int) -> tuple[dict[int, Any], int]:
    """The fields of a page's header, and its length."""
    length = HEAD
    while True:
        file.seek(at)
        data = file.read(length)
        try:
            return _struct(data, 0, 0)
        except IndexError:
            if len(data) < length or length >= MOST_HEAD:
                raise ValueError("the header of a page is cut") from None
            length *= 16


def _struct(data: bytes, at: int, depth: int) -> tuple[dict[int, Any], int]:
    """Numbers and structs of a struct by field; anything else is passed over."""
    if depth > DEPTH:
        raise ValueError("the header of a page is nested too deeply")
    found: dict[int, Any] = {}
    name = 0
    while True:
        head = data[at]
        at += 1
        if not head:
            return found, at
        step, kind = head >> 4, head & 15
        if step:
            name += step
        else:
            name, at = _varint(data, at)
            name = name >> 1 ^ -(name & 1)
        found[name], at = _value(data, at, kind, depth)


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in {_TRUE, _FALSE}:
        return None, at
    if kind == _STRUCT:
        return _struct(data, at, depth + 1)
    if kind in {_LIST, _SET, _MAP}:
        return None, _elements(data, at, kind, depth)
    if kind in {_BYTE, _DOUBLE, _BINARY}:
        return None, _plain(data, at, kind)
    if kind > _STRUCT:
        raise ValueError("the header of a page has a field of an unknown type")
    number, at = _varint(data, at)
    return number >> 1 ^ -(number & 1), at


def _plain(data: bytes, at: int, kind: int) -> int:
    """Where a byte, a float or a text ends."""
    if kind == _BINARY:
        length, at = _varint(data, at)
    else:
        length = 1 if kind == _BYTE else 8
    if at + length > len(data):
        raise IndexError
    return at + length


def _elements(data: bytes, at: int, kind: int, depth: int) -> int:
    """Where a list, set or map ends."""
    if depth > DEPTH:
        raise ValueError("the header of a page is nested too deeply")
    if kind == _MAP:
        count, at = _varint(data, at)
        kinds = data[at] if count else 0
        at += bool(count)
        each = [kinds >> 4, kinds & 15]
    else:
        count, each, at = data[at] >> 4, [data[at] & 15], at + 1
        if count == 15:  # noqa: PLR2004  a longer list says its length apart
            count, at = _varint(data, at)
    if count > len(data):
        raise IndexError  # each takes a byte at least
    for _ in range(count):
        for one in each:
            if one in {_TRUE, _FALSE}:
                at += 1  # of a list, a boolean takes a byte
            else:
                _, at = _value(data, at, one, depth + 1)
    return at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    found = shift = 0
    while True:
        byte = data[at]
        at += 1
        found |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004  the last byte has no high bit
            return found, at
        shift += 7
        if shift > 63:  # noqa: PLR2004  bits
            raise ValueError("the header of a page holds too large a number")
