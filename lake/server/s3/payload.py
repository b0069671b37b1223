"""Bodies of signed requests: their bytes, given out as they come and proven at their end.

Whoever takes the bytes must not use them before the end: a body that is not what was signed, or
does not have its checksum, ends with an error instead.

A body comes whole, or in chunks (`aws-chunked`), each with its length and, where it is signed, a
signature that covers the one before it; a trailer with checksums may follow.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Mapping
from typing import Final

from lake.server.s3 import checksums
from lake.server.s3.errors import S3Error, not_implemented
from lake.server.s3.signature import ALGORITHM, UNSIGNED, Verified, sign

SIGNED_CHUNKS: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER: Final = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
MAX_LINE: Final = 4096
"""Longest line between chunks, and of a trailer, in bytes."""
MAX_TRAILER_LINES: Final = 16
MAX_CHUNK: Final = 5 << 30
_EMPTY: Final = hashlib.sha256(b"").hexdigest()
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_CHUNK: Final = re.compile(rb"([0-9a-fA-F]{1,10})(?:;chunk-signature=([0-9a-f]{64}))?")
Chunks = AsyncIterator[bytes]


def proven(chunks: Chunks, verified: Verified, headers: Mapping[str, str]) -> Chunks:
    """The bytes of a body, which end with an error where they are not what was signed.

    Args:
        chunks: the body as it comes.
        verified: the request's signature.
        headers: the request's, names in lower case.

    Raises:
        S3Error: the body is proven in a way that is not known here; while it is read, it is not
            what was signed, or does not have its length or its checksum.
    """
    mode = verified.signed.payload
    if mode in (SIGNED_CHUNKS, SIGNED_TRAILER, UNSIGNED_TRAILER):
        body = _Chunked(chunks, verified, headers).bytes()
    elif mode == UNSIGNED or _SHA256.fullmatch(mode):
        body = _hashed(chunks, mode)
    else:
        raise not_implemented(f"a body that is signed as {mode!r}")
    for name, value in headers.items():
        if checksums.is_checksum(name):
            body = _checked(body, name, value)
    if "content-md5" in headers:
        body = _with_md5(body, headers["content-md5"])
    return body


async def _hashed(chunks: Chunks, expected: str) -> Chunks:
    digest = hashlib.sha256()
    async for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if expected != UNSIGNED and not hmac.compare_digest(digest.hexdigest(), expected):
        raise S3Error(
            400, "XAmzContentSHA256Mismatch", "the body does not have the SHA-256 that was signed"
        )


async def _checked(chunks: Chunks, name: str, expected: str) -> Chunks:
    checksum = checksums.named(name)
    async for chunk in chunks:
        checksum.update(chunk)
        yield chunk
    _check(checksum, name, expected)


def _check(checksum: checksums.Checksum, name: str, expected: str) -> None:
    if checksums.encoded(checksum) != expected:
        raise S3Error(400, "BadDigest", f"the body does not have the checksum of {name}")


async def _with_md5(chunks: Chunks, expected: str) -> Chunks:
    try:
        wanted = base64.b64decode(expected, validate=True)
    except binascii.Error:
        wanted = b""
    md5 = hashlib.md5(usedforsecurity=False)
    if len(wanted) != md5.digest_size:
        raise S3Error(400, "InvalidDigest", "Content-MD5 is no MD5 in base64")
    async for chunk in chunks:
        md5.update(chunk)
        yield chunk
    if md5.digest() != wanted:
        raise S3Error(400, "BadDigest", "the body does not have the MD5 of Content-MD5")


class _Chunked:
    """A body in chunks of the protocol's own."""

    def __init__(self, chunks: Chunks, verified: Verified, headers: Mapping[str, str]) -> None:
        self._input = _Input(chunks)
        self._verified = verified
        self._is_signed = verified.signed.payload != UNSIGNED_TRAILER
        self._has_trailer = verified.signed.payload != SIGNED_CHUNKS
        self._signature = verified.signed.signature
        self._length = _decoded_length(headers)
        names = headers.get("x-amz-trailer", "").split(",") if self._has_trailer else []
        wanted = [name.strip().lower() for name in names if name.strip()]
        self._checksums = {name: checksums.named(name) for name in wanted}

    async def bytes(self) -> Chunks:
        """The bytes of all chunks."""
        total = 0
        while True:
            size, signature = await self._chunk_head()
            digest = hashlib.sha256()
            async for part in self._input.take(size):
                digest.update(part)
                for checksum in self._checksums.values():
                    checksum.update(part)
                total += len(part)
                yield part
            if self._is_signed:
                self._check_signature("PAYLOAD", f"{_EMPTY}\n{digest.hexdigest()}", signature)
            if size == 0:
                break
            await self._input.line_end()
        await self._end()
        if total != self._length:
            raise S3Error(400, "IncompleteBody", "the body is not as long as it says")

    async def _chunk_head(self) -> tuple[int, str]:
        match = _CHUNK.fullmatch(await self._input.line())
        if match is None or bool(match[2]) != self._is_signed or int(match[1], 16) > MAX_CHUNK:
            raise _broken()
        return int(match[1], 16), (match[2] or b"").decode()

    async def _end(self) -> None:
        """Read what follows the last chunk: the trailer, and an empty line."""
        if not self._has_trailer:
            await self._input.line_end()
            return
        lines, signature = await self._trailer()
        if self._is_signed:
            canonical = "".join(f"{name}:{value}\n" for name, value in lines.items())
            digest = hashlib.sha256(canonical.encode()).hexdigest()
            self._check_signature("TRAILER", digest, signature)
        if lines.keys() != self._checksums.keys():
            raise _broken()
        for name, checksum in self._checksums.items():
            _check(checksum, name, lines[name])

    async def _trailer(self) -> tuple[dict[str, str], str]:
        """Lines of a trailer, and its signature; an empty line may stand before that."""
        lines: dict[str, str] = {}
        signature = ""
        for _ in range(MAX_TRAILER_LINES):
            line = await self._input.line(at_end=True)
            if not line and (signature or not self._is_signed or self._input.is_at_end):
                return lines, signature
            name, _, value = line.decode("latin-1").partition(":")
            if name.strip().lower() == "x-amz-trailer-signature":
                signature = value.strip()
            elif line:
                lines[name.strip().lower()] = value.strip()
        raise _broken()

    def _check_signature(self, what: str, digest: str, given: str) -> None:
        signed = self._verified.signed
        text = "\n".join(
            (f"{ALGORITHM}-{what}", signed.date, signed.scope, self._signature, digest)
        )
        expected = sign(self._verified.signing_key, text)
        if not hmac.compare_digest(expected, given):
            raise S3Error(
                403, "SignatureDoesNotMatch", "the signature of a chunk is not that of its bytes"
            )
        self._signature = expected


class _Input:
    """Bytes as they come, taken by lines and by counts."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks
        self._buffer = b""
        self._start = 0
        """Where in the buffer the next byte is: cutting it off would copy all that follow."""
        self.is_at_end = False

    async def line(self, *, at_end: bool = False) -> bytes:
        """The next line, without its end; with `at_end`, the end of the body is one too."""
        while (end := self._buffer.find(b"\r\n", self._start)) < 0:
            if self._left > MAX_LINE:
                raise _broken()
            if not await self._more():
                if at_end and not self._left:
                    return b""
                raise _broken()
        line, self._start = self._buffer[self._start : end], end + 2
        return line

    async def line_end(self) -> None:
        """Pass the end of a line."""
        if await self.line(at_end=True):
            raise _broken()

    async def take(self, size: int) -> Chunks:
        """The next bytes, in parts as they come."""
        left = size
        while left:
            if not self._left and not await self._more():
                raise S3Error(400, "IncompleteBody", "the body ends within a chunk")
            part = self._buffer[self._start : self._start + left]
            self._start += len(part)
            left -= len(part)
            yield part

    @property
    def _left(self) -> int:
        """How many bytes of the buffer are not taken yet."""
        return len(self._buffer) - self._start

    async def _more(self) -> bool:
        async for chunk in self._chunks:
            if chunk:
                self._buffer, self._start = self._buffer[self._start :] + chunk, 0
                return True
        self.is_at_end = True
        return False


def _decoded_length(headers: Mapping[str, str]) -> int:
    text = headers.get("x-amz-decoded-content-length", "")
    if not re.fullmatch(r"[0-9]{1,13}", text):
        raise S3Error(
            411, "MissingContentLength", "a body in chunks needs x-amz-decoded-content-length"
        )
    return int(text)


def _broken() -> S3Error:
    return S3Error(400, "InvalidRequest", "the body is not in chunks as its headers say")
