"""Compute the decoded size of a Parquet file from its page headers.

The footer states a size too, but a writer may state anything there, and readers allocate what the
header of a page asks for. So each page's header is read, in Thrift's compact protocol, and the
larger of the two sizes counts. No page is decompressed.

Format: https://github.com/apache/parquet-format (parquet.thrift: PageHeader, DataPageHeader)
"""

from __future__ import annotations

from typing import Any, BinaryIO, Final

HEADER_BYTES: Final = 1 << 8
"""Bytes that are read for the header of a page at first; statistics with long values need more."""
MAX_HEADER_BYTES: Final = 1 << 24
WIDTH: Final = 8
"""Least number of bytes of a decoded value: most values are numbers of 64 bits."""
VIEW: Final = 16
"""Bytes that a text or binary value takes in addition to its content."""
DEPTH: Final = 16
"""Greatest nesting of the structs of a header."""
_UNCOMPRESSED, _COMPRESSED = 2, 3
_COUNTED: Final = (5, 7, 8)
"""Fields that hold the headers of data, dictionary and version 2 data pages.

Field 1 of each is the number of its values.
"""
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12


def decoded_size(file: BinaryIO, metadata: Any) -> int:  # noqa: ANN401  pyarrow is not typed
    """Compute an upper bound of the bytes of all decoded columns, without repeated long values.

    Args:
        file: The file, open for reading.
        metadata: The file's metadata, as pyarrow reads it.

    Raises:
        ValueError: A page's header cannot be read.
    """
    end = file.seek(0, 2)
    total = header_bytes = 0
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for column in range(row_group.num_columns):
            size, read = _chunk(file, row_group.column(column), row_group.num_rows, end)
            total, header_bytes = total + size, header_bytes + read
            if header_bytes > end:
                raise ValueError("the pages of its columns overlap")
    return total


def _chunk(file: BinaryIO, column: Any, rows: int, end: int) -> tuple[int, int]:  # noqa: ANN401  pyarrow is not typed
    """Count the decoded bytes of one column of one row group, and the bytes of its page headers."""
    starts = [column.dictionary_page_offset, column.data_page_offset]
    offset = min((start for start in starts if start), default=end)
    stop = min(end, offset + column.total_compressed_size)
    size = values = header_bytes = 0
    while offset < stop:
        fields, length = _header(file, offset)
        header_bytes += length
        size += _number(fields.get(_UNCOMPRESSED))
        inner = [fields[name] for name in _COUNTED if isinstance(fields.get(name), dict)]
        values += sum(_number(page.get(1)) for page in inner)
        offset += length + _number(fields.get(_COMPRESSED))
    width = VIEW if column.physical_type == "BYTE_ARRAY" else WIDTH
    whole = max(size, int(column.total_uncompressed_size)) + width * max(values, rows)
    return whole, header_bytes


def _number(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError("the header of a page holds no size")
    return value


def _header(file: BinaryIO, offset: int) -> tuple[dict[int, Any], int]:
    """Read the fields of a page's header, and its length."""
    length = HEADER_BYTES
    while True:
        file.seek(offset)
        data = file.read(length)
        try:
            return _struct(data, 0, 0)
        except IndexError:
            if len(data) < length or length >= MAX_HEADER_BYTES:
                raise ValueError("the header of a page is cut") from None
            length *= 16


def _struct(data: bytes, offset: int, depth: int) -> tuple[dict[int, Any], int]:
    """Read the numbers and structs of a struct, by field; other types are skipped."""
    if depth > DEPTH:
        raise ValueError("the header of a page is nested too deeply")
    fields: dict[int, Any] = {}
    field = 0
    while True:
        head = data[offset]
        offset += 1
        if not head:
            return fields, offset
        step, type_ = head >> 4, head & 15
        if step:
            field += step
        else:
            number, offset = _varint(data, offset)
            field = _zigzag(number)
        fields[field], offset = _value(data, offset, type_, depth)


def _value(data: bytes, offset: int, type_: int, depth: int) -> tuple[Any, int]:
    """Read a value of a Thrift type, None for types that are skipped, and where it ends."""
    if type_ in {_TRUE, _FALSE}:
        return None, offset
    if type_ == _STRUCT:
        return _struct(data, offset, depth + 1)
    if type_ in {_LIST, _SET, _MAP}:
        return None, _end_of_elements(data, offset, type_, depth)
    if type_ in {_BYTE, _DOUBLE, _BINARY}:
        return None, _end_of_plain(data, offset, type_)
    if type_ > _STRUCT:
        raise ValueError("the header of a page has a field of an unknown type")
    number, offset = _varint(data, offset)
    return _zigzag(number), offset


def _end_of_plain(data: bytes, offset: int, type_: int) -> int:
    """Find where a byte, a float or a text ends."""
    if type_ == _BINARY:
        length, offset = _varint(data, offset)
    else:
        length = 1 if type_ == _BYTE else 8
    if offset + length > len(data):
        raise IndexError
    return offset + length


def _end_of_elements(data: bytes, offset: int, type_: int, depth: int) -> int:
    """Find where a list, set or map ends."""
    if depth > DEPTH:
        raise ValueError("the header of a page is nested too deeply")
    if type_ == _MAP:
        count, offset = _varint(data, offset)
        both = data[offset] if count else 0
        offset += bool(count)
        element_types = [both >> 4, both & 15]
    else:
        count, element_types, offset = data[offset] >> 4, [data[offset] & 15], offset + 1
        if count == 15:  # noqa: PLR2004  the length of a longer list follows
            count, offset = _varint(data, offset)
    if count > len(data):
        raise IndexError  # an element takes at least a byte
    for _ in range(count):
        for element_type in element_types:
            if element_type in {_TRUE, _FALSE}:
                offset += 1  # in a list, a boolean takes a byte
            else:
                _, offset = _value(data, offset, element_type, depth + 1)
    return offset


def _zigzag(number: int) -> int:
    """Decode a signed number."""
    return number >> 1 ^ -(number & 1)


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    """Read an unsigned number of variable length, and where it ends."""
    number = shift = 0
    while True:
        byte = data[offset]
        offset += 1
        number |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004  the last byte has no high bit
            return number, offset
        shift += 7
        if shift > 63:  # noqa: PLR2004  bits
            raise ValueError("the header of a page holds too large a number")
