"""Records that people leave in a lake: read back strictly, and only as they were written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from lake import documents
from lake.documents import DocumentError
from pipelines.common.errors import DataError
from pipelines.common.settings import strictly

Record = TypeVar("Record", bound=BaseModel)


def parse(
    model: type[Record],
    data: bytes,
    is_unchanged: Callable[[Record], bool],
    *,
    unreadable: str,
    altered: str,
) -> Record:
    """Parse a record.

    Args:
        model: what a record is.
        data: its bytes.
        is_unchanged: whether bytes and name are those that such a record is written with.
        unreadable: what to say of bytes that are no record.
        altered: what to say of a record that was changed.

    Raises:
        DataError: it is no record, or was changed.
    """
    try:
        record = strictly(model, documents.parse_json(data))
    except (DocumentError, ValidationError) as error:
        raise DataError(unreadable) from error
    if not is_unchanged(record):
        raise DataError(altered)
    return record


def parse_named(
    model: type[Record],
    data: bytes,
    written: Callable[[Record], tuple[str, bytes]],
    path: str,
    *,
    where: str,
    what: str,
) -> Record:
    """Parse a record whose path is made of its content.

    Args:
        model: what a record is.
        data: its bytes.
        written: path and bytes that a record is written with.
        path: where it lies.
        where: the ref or branch that holds it, as `on stemma-tests`.
        what: what it is a record of.

    Raises:
        DataError: it is no record, or its path is not that of its content.
    """
    return parse(
        model,
        data,
        lambda record: written(record) == (path, data),
        unreadable=f"{path} {where} is no record of {what}",
        altered=f"{path} {where} was altered: its name is not that of its content",
    )
