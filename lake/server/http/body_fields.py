"""Types of the fields of bodies: as strict as the API, as lenient as its clients need it.

Null stands for an absent field, and a boolean may come as text. Fields whose value the server finds
out by itself (sizes, checksums) are described, and not checked.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt, StrictStr, WithJsonSchema

from lake.errors import InvalidError
from lake.server.catalog.validation import check_header_name, check_header_text

MAX_OBJECT_METADATA: Final = 8192
"""Characters of the metadata of one object: as headers of a read, more is refused by clients."""
MAX_OBJECT_NAMES: Final = 64
"""Names in the metadata of one object: Python's clients read at most 100 headers of a response."""
MAX_DATE: Final = 1 << 33
"""Unix seconds that still fit 64 bits when counted in nanoseconds."""


def _flag(value: object) -> bool:
    return str(value).lower() == "true"


def _or_zero(value: object) -> object:
    return value or 0


def _or_empty_text(value: object) -> object:
    return value or ""


def or_empty_mapping(value: object) -> object:
    """An empty mapping in place of null."""
    return value or {}


def check_object_metadata(metadata: dict[str, str]) -> dict[str, str]:
    """User metadata, whose names must be fit for headers, and all of it together for their size.

    Raises:
        InvalidError: it is not.
    """
    if sum(len(name) + len(text) for name, text in metadata.items()) > MAX_OBJECT_METADATA:
        raise InvalidError(f"metadata of an object has at most {MAX_OBJECT_METADATA} characters")
    if len(metadata) > MAX_OBJECT_NAMES:
        raise InvalidError(f"metadata of an object has at most {MAX_OBJECT_NAMES} names")
    return {check_header_name(name): text for name, text in metadata.items()}


Text = Annotated[StrictStr, Field(min_length=1)]
OptionalText = Annotated[StrictStr, BeforeValidator(_or_empty_text)]
HeaderText = Annotated[OptionalText, AfterValidator(check_header_text)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Texts = list[StrictStr]
Metadata = Annotated[dict[str, StrictStr], BeforeValidator(or_empty_mapping)]
ObjectMetadata = Annotated[Metadata, AfterValidator(check_object_metadata)]
Date = Annotated[
    Annotated[StrictInt, Field(ge=0, lt=MAX_DATE)] | None,
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": MAX_DATE - 1}),
]
ParentNumber = Annotated[StrictInt, Field(ge=0), BeforeValidator(_or_zero)]
UncheckedText = Annotated[Any, WithJsonSchema({"type": "string"})]
UncheckedNumber = Annotated[Any, WithJsonSchema({"type": "integer"})]
