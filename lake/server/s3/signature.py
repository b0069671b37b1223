"""AWS Signature Version 4: who sent a request, and that nobody changed it on the way.

The signature lies in the header `Authorization` or, of a presigned address, in the query. It covers
method, path, query, the headers that it names, and how the body is proven (`payload.py`).

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NoReturn
from urllib.parse import quote, unquote_to_bytes

from lake.keys import Key
from lake.server.http.key_ring import KeyRing
from lake.server.s3.errors import S3Error

ALGORITHM: Final = "AWS4-HMAC-SHA256"
UNSIGNED: Final = "UNSIGNED-PAYLOAD"
MAX_SKEW: Final = 900
"""Seconds by which a client's clock may be wrong."""
MAX_EXPIRES: Final = 604_800
"""Longest life of a presigned address, in seconds."""

_HEADER: Final = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^ ,]+), *SignedHeaders=([^ ,]+), *Signature=([0-9a-f]{64})"
)
_DATE: Final = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_SIGNATURE: Final = re.compile(r"[0-9a-f]{64}")
_NO_KEY: Final = "no key has this secret"

Pairs = Sequence[tuple[str, str]]
"""Names and values, in the order in which they came."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """A request as it came: what a signature can cover."""

    method: str
    raw_path: bytes
    query: Pairs
    headers: Pairs
    """Names in lower case."""

    def header(self, name: str) -> str:
        """The value of a header, all its lines joined; empty where there is none."""
        return ",".join(value for known, value in self.headers if known == name)

    def parameter(self, name: str) -> str:
        """The value of a query parameter; empty where there is none."""
        return next((value for known, value in self.query if known == name), "")


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request says of its signature."""

    access_key_id: str
    scope: str
    """Date, region, service and `aws4_request`."""
    date: str
    headers: tuple[str, ...]
    signature: str
    payload: str
    """SHA-256 (hex) of the body, or how its bytes are proven."""
    expires: int | None = None
    """Seconds for which a presigned address is valid."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Who sent a request, and what the signatures of its chunks begin with."""

    key: Key
    signed: Signed
    signing_key: bytes


def verify(request: Unverified, keys: KeyRing, now: datetime | None = None) -> Verified:
    """Find out who signed a request.

    Raises:
        S3Error: the signature is missing, malformed, wrong or too old.
    """
    is_presigned = bool(request.parameter("X-Amz-Algorithm"))
    signed = _from_query(request) if is_presigned else _from_header(request)
    _check_time(signed, now or datetime.now(UTC))
    _check_covered(request, signed)
    key = keys.find(signed.access_key_id)
    secret = key.secret_access_key if key else _NO_KEY
    signing_key = derive(secret, signed.scope)
    expected = sign(signing_key, string_to_sign(signed, canonical_request(request, signed)))
    is_right = hmac.compare_digest(expected, signed.signature)
    if key is None:
        raise S3Error(403, "InvalidAccessKeyId", "the lake has no such access key")
    if not is_right:
        raise S3Error(
            403,
            "SignatureDoesNotMatch",
            "the signature is not that of this request by this key: check the secret",
        )
    return Verified(key, signed, signing_key)


def canonical_request(request: Unverified, signed: Signed) -> str:
    """The text of a request whose hash is signed."""
    query = sorted(
        (_encoded(name), _encoded(value))
        for name, value in request.query
        if name != "X-Amz-Signature"
    )
    lines = [f"{name}:{_collapsed(request.header(name))}\n" for name in signed.headers]
    return "\n".join(
        (
            request.method,
            quote(unquote_to_bytes(request.raw_path), safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            "".join(lines),
            ";".join(signed.headers),
            signed.payload,
        )
    )


def string_to_sign(signed: Signed, canonical: str) -> str:
    """What is signed: the hash of the canonical request, with time and scope."""
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{ALGORITHM}\n{signed.date}\n{signed.scope}\n{digest}"


def derive(secret: str, scope: str) -> bytes:
    """The key that signs within a scope."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def sign(signing_key: bytes, text: str) -> str:
    """The signature of a text (hex)."""
    return hmac.new(signing_key, text.encode(), hashlib.sha256).hexdigest()


def _from_header(request: Unverified) -> Signed:
    match = _HEADER.fullmatch(request.header("authorization").strip())
    if match is None:
        _malformed("Authorization is not a signature of version 4 (AWS4-HMAC-SHA256)")
    access, scope = _credential(match[1])
    payload = request.header("x-amz-content-sha256")
    if not payload:
        raise S3Error(400, "MissingSecurityHeader", "the header x-amz-content-sha256 is missing")
    date = request.header("x-amz-date")
    return Signed(access, scope, date, tuple(match[2].split(";")), match[3], payload)


def _from_query(request: Unverified) -> Signed:
    if request.parameter("X-Amz-Algorithm") != ALGORITHM:
        _malformed(f"X-Amz-Algorithm is not {ALGORITHM}")
    names = [name for name, _ in request.query]
    if len(set(names)) != len(names):
        _malformed("a parameter of a presigned address comes twice")
    access, scope = _credential(request.parameter("X-Amz-Credential"))
    expires = request.parameter("X-Amz-Expires")
    if not re.fullmatch(r"[0-9]{1,6}", expires) or not 0 < int(expires) <= MAX_EXPIRES:
        _malformed(f"X-Amz-Expires is not a number from 1 to {MAX_EXPIRES}")
    signature = request.parameter("X-Amz-Signature")
    if not _SIGNATURE.fullmatch(signature):
        _malformed("X-Amz-Signature is no signature")
    payload = request.header("x-amz-content-sha256") or UNSIGNED
    headers = tuple(request.parameter("X-Amz-SignedHeaders").split(";"))
    date = request.parameter("X-Amz-Date")
    return Signed(access, scope, date, headers, signature, payload, int(expires))


def _credential(text: str) -> tuple[str, str]:
    """Access key and scope; the region may be any, since a lake has only one place."""
    access, _, scope = text.partition("/")
    parts = scope.split("/")
    if len(parts) != 4 or parts[2:] != ["s3", "aws4_request"] or not all(parts):  # noqa: PLR2004
        _malformed("the credential's scope is not DATE/REGION/s3/aws4_request")
    if not text.isascii():
        _malformed("the credential has other characters than ASCII")
    return access, scope


def _check_time(signed: Signed, now: datetime) -> None:
    if not _DATE.fullmatch(signed.date) or signed.date[:8] != signed.scope[:8]:
        _malformed("the date of the signature is missing, or not that of its scope")
    try:
        then = datetime.strptime(signed.date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        _malformed("the date of the signature is no date")
    age = (now - then).total_seconds()
    if signed.expires is not None and age > signed.expires:
        raise S3Error(403, "AccessDenied", "the presigned address has expired: make a new one")
    if age < -MAX_SKEW or (signed.expires is None and age > MAX_SKEW):
        raise S3Error(
            403,
            "RequestTimeTooSkewed",
            f"the clocks of client and server differ by more than {MAX_SKEW} s",
        )


def _check_covered(request: Unverified, signed: Signed) -> None:
    """Refuse a signature that leaves out the host, or a header that says what is to be done."""
    listed = set(signed.headers)
    if list(signed.headers) != sorted(listed):
        _malformed("the signed headers are not sorted, or one comes twice")
    needed = {name for name, _ in request.headers if name.startswith("x-amz-")}
    left_out = sorted(({"host"} | needed) - listed)
    if left_out:
        raise S3Error(403, "AccessDenied", f"the header {left_out[0]} is not signed")


def _collapsed(value: str) -> str:
    return " ".join(value.split())


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")


def _malformed(message: str) -> NoReturn:
    raise S3Error(400, "AuthorizationHeaderMalformed", message)


def query_pairs(raw: bytes) -> list[tuple[str, str]]:
    """The parameters of a query, as they came; a plus sign stands for itself.

    Raises:
        S3Error: what is encoded is no UTF-8.
    """
    pairs = []
    for part in raw.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            try:
                pairs.append((unquote_to_bytes(name).decode(), unquote_to_bytes(value).decode()))
            except UnicodeDecodeError:
                raise S3Error(400, "InvalidURI", "path and query must be UTF-8") from None
    return pairs
