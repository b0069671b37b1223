"""Errors of the S3 gateway: a code that S3 clients know, an HTTP status, and a sentence."""

from __future__ import annotations

from typing import Final

from lake.errors import (
    ConflictError,
    CorruptError,
    ForbiddenError,
    FullError,
    InvalidError,
    LakeError,
    NotFoundError,
    PreconditionError,
    RangeError,
    TooLargeError,
    UnsupportedError,
)


class S3Error(Exception):
    """A request that is refused, as S3 says it.

    Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        """Hold status, code and message."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


_OF_LAKE: Final[dict[type[LakeError], tuple[int, str]]] = {
    InvalidError: (400, "InvalidArgument"),
    ForbiddenError: (403, "AccessDenied"),
    NotFoundError: (404, "NoSuchKey"),
    ConflictError: (409, "OperationAborted"),
    CorruptError: (410, "ObjectDamaged"),
    PreconditionError: (412, "PreconditionFailed"),
    TooLargeError: (413, "EntityTooLarge"),
    RangeError: (416, "InvalidRange"),
    UnsupportedError: (501, "NotImplemented"),
    FullError: (507, "InsufficientStorage"),
}


def of_lake(error: LakeError) -> S3Error:
    """An error of the lake as S3 says it."""
    parents = (cls for cls in type(error).__mro__ if cls in _OF_LAKE)
    status, code = _OF_LAKE[next(parents)] if _is_known(error) else (500, "InternalError")
    return S3Error(status, code, str(error))


def not_implemented(what: str) -> S3Error:
    """A call, parameter or header that the gateway does not have."""
    return S3Error(501, "NotImplemented", f"{what} is not part of this server")


def _is_known(error: LakeError) -> bool:
    return any(cls in _OF_LAKE for cls in type(error).__mro__)
