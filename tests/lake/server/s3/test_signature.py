"""Signatures of AWS: its own published examples, and every change that must break one.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html (and the pages on
presigned addresses, chunks and trailers beside it) have the requests and signatures.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lake.home import Credentials
from lake.server.http.key_ring import KeyRing
from lake.server.s3 import payload, signature
from lake.server.s3.errors import S3Error
from lake.server.s3.signature import Unverified, Verified

KEYS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
NOW = datetime(2013, 5, 24, tzinfo=UTC)
EMPTY = hashlib.sha256(b"").hexdigest()
HOST = "examplebucket.s3.amazonaws.com"
DATE = "20130524T000000Z"


def signed(
    path: str,
    headers: Mapping[str, str],
    sent: str,
    *,
    method: str = "GET",
    query: bytes = b"",
    body: str = EMPTY,
) -> Unverified:
    every = {"host": HOST, "x-amz-content-sha256": body, "x-amz-date": DATE, **headers}
    scope = "20130524/us-east-1/s3/aws4_request"
    every["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={KEYS.access_key_id}/{scope},"
        f"SignedHeaders={';'.join(sorted(every))},Signature={sent}"
    )
    pairs = signature.query_pairs(query)
    return Unverified(method, path.encode(), pairs, list(every.items()))


RANGE = signed(
    "/test.txt",
    {"range": "bytes=0-9"},
    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
)
PUT = signed(
    "/test%24file.text",
    {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    method="PUT",
    body="44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
)
LIFECYCLE = signed(
    "/",
    {},
    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    query=b"lifecycle",
)
LIST = signed(
    "/",
    {},
    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    query=b"max-keys=2&prefix=J",
)
PRESIGNED = Unverified(
    "GET",
    b"/test.txt",
    signature.query_pairs(
        b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
        b"%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
        b"&X-Amz-SignedHeaders=host&X-Amz-Signature="
        b"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    ),
    [("host", HOST)],
)
EXAMPLES = {
    "range": RANGE,
    "put": PUT,
    "lifecycle": LIFECYCLE,
    "list": LIST,
    "presigned": PRESIGNED,
}


@pytest.fixture
def keys(tmp_path: Path) -> KeyRing:
    return KeyRing(tmp_path, KEYS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_published_examples_are_right(keys: KeyRing, name: str) -> None:
    assert signature.verify(EXAMPLES[name], keys, NOW).key.access_key_id == KEYS.access_key_id


def refusal(request: Unverified, keys: KeyRing, now: datetime = NOW) -> str:
    with pytest.raises(S3Error) as refused:
        signature.verify(request, keys, now)
    return refused.value.code


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_was_changed_on_the_way_is_refused(keys: KeyRing, name: str) -> None:
    request = EXAMPLES[name]
    wrong = "SignatureDoesNotMatch"
    assert refusal(replace(request, method="DELETE"), keys) == wrong
    assert refusal(replace(request, raw_path=request.raw_path + b"x"), keys) == wrong
    assert refusal(replace(request, query=[*request.query, ("acl", "")]), keys) == wrong
    headers = [(key, f"{value}x" if key == "host" else value) for key, value in request.headers]
    assert refusal(replace(request, headers=headers), keys) == wrong


def test_another_secret_is_refused_and_so_is_another_key(tmp_path: Path) -> None:
    other = KeyRing(tmp_path, Credentials(KEYS.access_key_id, "another"))
    assert refusal(RANGE, other) == "SignatureDoesNotMatch"
    assert refusal(RANGE, KeyRing(tmp_path, Credentials("X", "x"))) == "InvalidAccessKeyId"


@pytest.mark.parametrize(("seconds", "is_right"), [(899, True), (901, False)])
def test_clocks_may_differ_by_fifteen_minutes(keys: KeyRing, seconds: int, is_right: bool) -> None:
    for sign in (1, -1):
        now = NOW + sign * timedelta(seconds=seconds)
        if is_right:
            signature.verify(RANGE, keys, now)
        else:
            assert refusal(RANGE, keys, now) == "RequestTimeTooSkewed"


def test_a_presigned_address_ends_when_it_says_and_nobody_can_say_otherwise(keys: KeyRing) -> None:
    signature.verify(PRESIGNED, keys, NOW + timedelta(seconds=86_400))
    late = NOW + timedelta(seconds=86_401)
    assert refusal(PRESIGNED, keys, late) == "AccessDenied"
    longer = [(k, "90000" if k == "X-Amz-Expires" else v) for k, v in PRESIGNED.query]
    assert refusal(replace(PRESIGNED, query=longer), keys, late) == "SignatureDoesNotMatch"
    twice = [*PRESIGNED.query, ("X-Amz-Expires", "90000")]
    assert refusal(replace(PRESIGNED, query=twice), keys) == "AuthorizationHeaderMalformed"
    for expires in ("0", "604801", "-1", "x", ""):
        query = [(k, expires if k == "X-Amz-Expires" else v) for k, v in PRESIGNED.query]
        assert refusal(replace(PRESIGNED, query=query), keys) == "AuthorizationHeaderMalformed"
    assert refusal(PRESIGNED, keys, NOW - timedelta(seconds=901)) == "RequestTimeTooSkewed"


def test_a_header_that_says_what_to_do_must_be_signed(keys: KeyRing) -> None:
    for request in (RANGE, PRESIGNED):
        more = [*request.headers, ("x-amz-copy-source", "/other/main/secret")]
        assert refusal(replace(request, headers=more), keys) == "AccessDenied"


@pytest.mark.parametrize(
    "authorization",
    [
        "AWS4-HMAC-SHA256 Credential=a/b",
        "AWS4-ECDSA-P256-SHA256 Credential=a/b, SignedHeaders=host, Signature=0",
        "AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=",
        (
            "AWS4-HMAC-SHA256 Credential=a/20130524/\udcff/s3/aws4_request, "
            f"SignedHeaders=host, Signature={EMPTY}"
        ),
    ],
)
def test_other_signatures_are_refused_by_name(keys: KeyRing, authorization: str) -> None:
    headers = [("host", HOST), ("authorization", authorization)]
    code = refusal(replace(RANGE, headers=headers), keys)
    assert code == "AuthorizationHeaderMalformed"


# Bodies

CHUNKS = (b"a" * 65_536, b"a" * 1024, b"")
SIGNED = {
    payload.SIGNED_CHUNKS: (
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ),
    payload.SIGNED_TRAILER: (
        "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ),
}
TRAILER = (
    b"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:"
    b"d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
)


def streamed(mode: str) -> tuple[Unverified, bytes]:
    """AWS's example of a body in chunks: the request, and the body as it is sent."""
    headers = {
        "host": "s3.amazonaws.com",
        "content-encoding": "aws-chunked",
        "x-amz-decoded-content-length": "66560",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
    }
    if mode == payload.SIGNED_TRAILER:
        headers["x-amz-trailer"] = "x-amz-checksum-crc32c"
    else:
        headers["content-length"] = "66824"
    seed, *rest = SIGNED[mode]
    request = signed("/examplebucket/chunkObject.txt", headers, seed, method="PUT", body=mode)
    parts = [
        b"%x;chunk-signature=%b\r\n%b\r\n" % (len(chunk), sent.encode(), chunk)
        for chunk, sent in zip(CHUNKS, rest, strict=True)
    ]
    body = b"".join(parts)
    return request, body[:-2] + TRAILER if mode == payload.SIGNED_TRAILER else body


def read(body: bytes, verified: Verified, headers: Mapping[str, str], size: int = 1000) -> bytes:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    async def whole() -> bytes:
        return b"".join([part async for part in payload.proven(chunks(), verified, headers)])

    return asyncio.run(whole())


@pytest.mark.parametrize("mode", SIGNED)
@pytest.mark.parametrize("size", [7, 1000, 1 << 20])
def test_the_published_bodies_in_chunks_are_right(keys: KeyRing, mode: str, size: int) -> None:
    request, body = streamed(mode)
    verified = signature.verify(request, keys, NOW)
    assert read(body, verified, dict(request.headers), size) == b"".join(CHUNKS)


@pytest.mark.parametrize("mode", SIGNED)
def test_a_body_in_chunks_that_was_changed_is_refused(keys: KeyRing, mode: str) -> None:
    request, body = streamed(mode)
    verified, headers = signature.verify(request, keys, NOW), dict(request.headers)
    changed = {
        "a byte": body.replace(b"aaa", b"aab", 1),
        "chunks that change places": body[-1_000:] + body[:-1_000],
        "the last chunk left out": body[: body.rindex(b"0;chunk")],
        "an end in a chunk": body[:5000],
        "nothing": b"",
        "a trailer that is cut": body[:-30],
    }
    if mode == payload.SIGNED_TRAILER:
        changed["a checksum"] = body.replace(b"sOO8", b"sOO9")
        changed["no trailer"] = body.replace(TRAILER, b"\r\n")
    for what, other in changed.items():
        try:
            read(other, verified, headers)
        except S3Error:
            continue
        pytest.fail(f"{what} is not noticed")
    with pytest.raises(S3Error, match="not as long"):
        read(body, verified, {**headers, "x-amz-decoded-content-length": "66561"})


def test_an_unsigned_body_in_chunks_has_its_checksum(keys: KeyRing) -> None:
    verified = signature.verify(PUT, keys, NOW)
    verified = replace(verified, signed=replace(verified.signed, payload=payload.UNSIGNED_TRAILER))
    headers = {"x-amz-decoded-content-length": "9", "x-amz-trailer": "x-amz-checksum-crc32"}
    body = b"9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:%b\r\n\r\n"
    assert read(body % b"y/Q5Jg==", verified, headers) == b"123456789"
    with pytest.raises(S3Error, match="checksum of x-amz-checksum-crc32"):
        read(body % b"y/Q5Jw==", verified, headers)
    with pytest.raises(S3Error, match="not in chunks"):
        read(b"9\r\n123456789\r\n0\r\n\r\n", verified, headers)


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        ("crc32", "y/Q5Jg=="),
        ("crc32c", "4waSgw=="),
        ("crc64nvme", "rosUhgp5mIg="),
        ("sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
        ("sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
    ],
)
def test_checksums_of_headers_are_held_against_the_body(
    keys: KeyRing, algorithm: str, value: str
) -> None:
    verified = signature.verify(PRESIGNED, keys, NOW)
    header = f"x-amz-checksum-{algorithm}"
    assert read(b"123456789", verified, {header: value}, 4) == b"123456789"
    with pytest.raises(S3Error, match=f"checksum of {header}"):
        read(b"123456780", verified, {header: value})


def test_a_body_has_the_hash_and_the_md5_that_were_sent(keys: KeyRing) -> None:
    verified = signature.verify(PUT, keys, NOW)
    assert read(b"Welcome to Amazon S3.", verified, {}) == b"Welcome to Amazon S3."
    with pytest.raises(S3Error, match="SHA-256"):
        read(b"Welcome to Amazon S4.", verified, {})
    unsigned = signature.verify(PRESIGNED, keys, NOW)
    assert read(b"x", unsigned, {"content-md5": MD5_OF_X}) == b"x"
    with pytest.raises(S3Error, match="MD5"):
        read(b"y", unsigned, {"content-md5": MD5_OF_X})


MD5_OF_X = "ndTkYSaMgDT1yFZOFVxnpg=="
