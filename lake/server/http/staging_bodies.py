"""JSON bodies about bytes that come in beside the API: linked files, batches, uploads in parts."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, StrictInt, StrictStr, model_validator

from lake.server.catalog.multipart import MAX_PARTS
from lake.server.http.bodies import MANY_BYTES, Body
from lake.server.http.body_fields import (
    Flag,
    HeaderText,
    ObjectMetadata,
    Text,
    UncheckedNumber,
    UncheckedText,
)
from lake.server.storage.reading import SCHEME

Address = Annotated[StrictStr, Field(pattern=f"^{SCHEME}")]


class ObjectStageCreation(Body):
    """A file beside the lake to stage as an object."""

    physical_address: Text
    content_type: HeaderText = ""
    metadata: ObjectMetadata = Field(default={})
    checksum: UncheckedText = None
    size_bytes: UncheckedNumber = None
    mtime: UncheckedNumber = None
    force: Flag = False


class StagingLocation(Body):
    """An address that the server handed out."""

    physical_address: Address
    presigned_url: UncheckedText = None
    presigned_url_expiry: UncheckedNumber = None


class StagingMetadata(Body):
    """Bytes at an address that become an object."""

    staging: StagingLocation
    user_metadata: ObjectMetadata = Field(default={})
    content_type: HeaderText = ""
    checksum: UncheckedText = None
    size_bytes: UncheckedNumber = None
    mtime: UncheckedNumber = None
    force: Flag = False


class BatchOffer(Body):
    """Paths for which addresses are to be handed out."""

    max_bytes: ClassVar[int] = MANY_BYTES
    paths: list[Text]


class BatchLink(Body):
    """Addresses whose bytes become objects, and the path of each."""

    max_bytes: ClassVar[int] = MANY_BYTES
    paths: list[Text]
    addresses: list[Text]
    content_type: HeaderText = ""

    @model_validator(mode="after")
    def _addresses_fit_paths(self) -> Self:
        distinct = len(set(self.addresses))
        if len(self.paths) != len(self.addresses) or distinct != len(self.addresses):
            raise ValueError("every path needs an address of its own")
        return self


class UploadedPart(Body):
    """A part of an upload that was sent, and the ETag that was answered."""

    part_number: Annotated[StrictInt, Field(ge=1, le=MAX_PARTS)]
    etag: Text


class PartUpload(Body):
    """An upload in parts, by the address that it was begun with."""

    physical_address: Address


class CompletePresignMultipartUpload(PartUpload):
    """Parts that become an object."""

    max_bytes: ClassVar[int] = MANY_BYTES
    parts: Annotated[list[UploadedPart], Field(min_length=1, max_length=MAX_PARTS)]
    user_metadata: ObjectMetadata = Field(default={})
    content_type: HeaderText = ""
