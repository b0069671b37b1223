"""The S3 gateway with an unmodified boto3, and with requests that no good client makes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import httpx
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.lake.servers import Served

MIB = 1 << 20


def client(served: Served, **options: Any) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=served.remote.endpoint,
        aws_access_key_id=served.remote.access_key_id,
        aws_secret_access_key=served.remote.secret_access_key,
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, **options),
    )


@pytest.fixture(scope="module")
def s3(server: Served) -> Iterator[Any]:
    made = client(server)
    yield made
    made.close()


def code(call: Any, **options: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as refused:
        call(**options)
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def send(
    served: Served,
    method: str,
    target: str,
    body: bytes = b"",
    *,
    secret: str = "",
    signed: bytes | None = None,
    **headers: str,
) -> httpx.Response:
    """Sign and send a request that a client of AWS would not make, or with another body."""
    url = served.remote.endpoint + target
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method, url, data=body if signed is None else signed, headers=named)
    keys = Credentials(served.remote.access_key_id, secret or served.remote.secret_access_key)
    S3SigV4Auth(keys, "s3", "us-east-1").add_auth(request)
    return httpx.request(method, url, content=body, headers=dict(request.headers.items()))


# Objects


def test_what_is_written_is_read_with_its_metadata(
    s3: Any, api: httpx.Client, repo: str, name: str
) -> None:
    key, data = "main/dir/a ü+&=%.txt", b"some bytes" * 100
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    put = s3.put_object(
        Bucket=name, Key=key, Body=data, ContentType="text/x", Metadata={"who": "me"}
    )
    assert put["ETag"] == f'"{md5}"'
    read = s3.get_object(Bucket=name, Key=key)
    assert read["Body"].read() == data
    assert (read["ContentType"], read["Metadata"]) == ("text/x", {"who": "me"})
    head = s3.head_object(Bucket=name, Key=key)
    assert (head["ContentLength"], head["ETag"]) == (1000, f'"{md5}"')
    part = s3.get_object(Bucket=name, Key=key, Range="bytes=5-14")
    assert (part["ContentRange"], part["Body"].read()) == ("bytes 5-14/1000", data[5:15])
    where = f"{repo}/refs/main/objects/stat"
    stat = api.get(where, params={"path": "dir/a ü+&=%.txt"}).json()
    assert (stat["checksum"], stat["metadata"]) == (md5, {"who": "me"})
    api.post(f"{repo}/branches/main/commits", json={"message": "m"}).raise_for_status()
    s3.delete_object(Bucket=name, Key=key)
    assert code(s3.get_object, Bucket=name, Key=key) == (404, "NoSuchKey")
    assert s3.get_object(Bucket=name, Key=key.replace("main", "main@", 1))["Body"].read() == data


def test_conditions_of_writes_and_reads_hold(s3: Any, repo: str, name: str) -> None:
    assert repo
    where = {"Bucket": name, "Key": "main/a"}
    etag = s3.put_object(**where, Body=b"1", IfNoneMatch="*")["ETag"]
    failed = (412, "PreconditionFailed")
    assert code(s3.put_object, **where, Body=b"2", IfNoneMatch="*") == failed
    assert code(s3.put_object, **where, Body=b"2", IfMatch='"0"') == failed
    assert s3.get_object(**where, IfMatch=etag)["Body"].read() == b"1"
    assert code(s3.get_object, **where, IfMatch='"0"') == failed
    assert code(s3.get_object, **where, IfNoneMatch=etag)[0] == 304
    later = datetime.now(UTC) + timedelta(hours=1)
    assert code(s3.get_object, **where, IfModifiedSince=later)[0] == 304
    assert code(s3.get_object, **where, IfUnmodifiedSince=later - timedelta(days=1)) == failed
    s3.put_object(**where, Body=b"2", IfMatch=etag)
    assert code(s3.delete_object, **where, IfMatch=etag) == failed
    one = {"Objects": [{"Key": where["Key"], "ETag": etag}]}
    assert code(s3.delete_objects, Bucket=name, Delete=one) == (501, "NotImplemented")
    read = s3.get_object(**where)
    assert read["Body"].read() == b"2"
    s3.delete_object(**where, IfMatch=read["ETag"])
    assert code(s3.get_object, **where) == (404, "NoSuchKey")


def test_a_copy_moves_no_bytes_and_keeps_or_replaces_what_is_said(
    s3: Any, repo: str, name: str
) -> None:
    assert repo
    s3.put_object(Bucket=name, Key="main/a b", Body=b"x", Metadata={"k": "1"}, ContentType="t/a")
    source = {"Bucket": name, "Key": "main/a b"}
    s3.copy_object(Bucket=name, Key="main/kept", CopySource=source)
    kept = s3.head_object(Bucket=name, Key="main/kept")
    assert (kept["Metadata"], kept["ContentType"]) == ({"k": "1"}, "t/a")
    more: dict[str, Any] = {"MetadataDirective": "REPLACE", "Metadata": {"n": "2"}}
    s3.copy_object(Bucket=name, Key="main/new", CopySource=source, **more)
    assert s3.head_object(Bucket=name, Key="main/new")["Metadata"] == {"n": "2"}
    gone = {"Bucket": name, "Key": "main/none"}
    assert code(s3.copy_object, Bucket=name, Key="main/c", CopySource=gone) == (404, "NoSuchKey")


def test_many_are_deleted_and_each_refusal_is_named(
    s3: Any, api: httpx.Client, repo: str, name: str
) -> None:
    api.post(f"{repo}/branches", json={"name": "held", "source": "main"}).raise_for_status()
    api.post(f"{repo}/branch_protection", json={"pattern": "held"}).raise_for_status()
    for number in range(3):
        s3.put_object(Bucket=name, Key=f"main/{number}", Body=b"x")
    keys = ["main/0", "main/absent", "held/1", "nowhere/1", "main"]
    answer = s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": key} for key in keys]})
    assert {item["Key"] for item in answer["Deleted"]} == {"main/0", "main/absent"}
    assert {item["Key"]: item["Code"] for item in answer["Errors"]} == {
        "held/1": "AccessDenied",
        "nowhere/1": "NoSuchKey",
        "main": "NoSuchKey",
    }
    listed = s3.list_objects_v2(Bucket=name, Prefix="main/")
    assert [item["Key"] for item in listed["Contents"]] == ["main/1", "main/2"]


# Lists


def test_buckets_are_repositories(s3: Any, repo: str, name: str) -> None:
    assert repo
    assert name in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    assert s3.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] is None
    assert code(s3.head_bucket, Bucket="nowhere")[0] == 404
    assert code(s3.list_objects_v2, Bucket="nowhere") == (404, "NoSuchBucket")


@pytest.mark.parametrize("call", ["list_objects", "list_objects_v2"])
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_lists_are_the_same_on_pages_of_any_size(
    s3: Any, api: httpx.Client, repo: str, call: str, size: int
) -> None:
    name = repo.rpartition("/")[2]
    for branch in ("main-b", "main"):
        if branch != "main":
            api.post(f"{repo}/branches", json={"name": branch, "source": "main"})
        for path in ("a", "d/x", "d/y", "e/z", "ü "):
            s3.put_object(Bucket=name, Key=f"{branch}/{path}", Body=b"x")

    def listed(prefix: str, delimiter: str) -> list[str]:
        pages = s3.get_paginator(call).paginate(
            Bucket=name, Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": size}
        )
        found: list[str] = []
        for page in pages:
            found += [item["Key"] for item in page.get("Contents", [])]
            found += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
        return sorted(found)

    assert listed("", "/") == ["main-b/", "main/"]
    assert listed("main/", "/") == ["main/a", "main/d/", "main/e/", "main/ü "]
    assert listed("main/d", "/") == ["main/d/"]
    below = ["a", "d/x", "d/y", "e/z", "ü "]
    assert listed("main/", "") == [f"main/{path}" for path in below]
    assert listed("", "") == [f"{b}/{path}" for b in ("main-b", "main") for path in below]
    assert listed("nowhere/", "") == []


# Uploads in parts


def test_parts_become_one_object(s3: Any, repo: str, name: str) -> None:
    assert repo
    where = {"Bucket": name, "Key": "main/large"}
    begun = s3.create_multipart_upload(**where, ContentType="t/x", Metadata={"k": "v"})
    upload = {**where, "UploadId": begun["UploadId"]}
    parts = [b"a" * (5 * MIB), b"b" * (5 * MIB), b"end"]
    sent = [
        s3.upload_part(**upload, PartNumber=number, Body=body)["ETag"]
        for number, body in ((1, b"replaced"), *enumerate(parts, 1))
    ][1:]
    listed = s3.list_parts(**upload)["Parts"]
    assert [part["Size"] for part in listed] == [len(part) for part in parts]
    assert [item["Key"] for item in s3.list_multipart_uploads(Bucket=name)["Uploads"]] == [
        "main/large"
    ]
    named = [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(sent, 1)]
    wrong = [*named[:2], {"PartNumber": 3, "ETag": sent[0]}]
    complete = s3.complete_multipart_upload
    assert code(complete, **upload, MultipartUpload={"Parts": wrong}) == (400, "InvalidPart")
    turned = {"Parts": named[::-1]}
    assert code(complete, **upload, MultipartUpload=turned) == (400, "InvalidPartOrder")
    size = sum(map(len, parts))
    short = {"MultipartUpload": {"Parts": named}, "MpuObjectSize": size - 1}
    assert code(complete, **upload, **short) == (400, "InvalidRequest")
    complete(**upload, MultipartUpload={"Parts": named}, MpuObjectSize=size)
    read = s3.get_object(**where)
    assert read["Body"].read() == b"".join(parts)
    assert (read["ContentType"], read["Metadata"]) == ("t/x", {"k": "v"})
    again = {"MultipartUpload": {"Parts": named}}
    assert code(complete, **upload, **again) == (404, "NoSuchUpload")


def test_an_upload_that_is_given_up_leaves_nothing(
    s3: Any, server: Served, repo: str, name: str
) -> None:
    assert repo
    where = {"Bucket": name, "Key": "main/gone"}
    before = set((server.home / "staging").iterdir())
    upload = {**where, "UploadId": s3.create_multipart_upload(**where)["UploadId"]}
    s3.upload_part(**upload, PartNumber=1, Body=b"x")
    other = {**upload, "Key": "main/other"}
    assert code(s3.upload_part, **other, PartNumber=1, Body=b"x") == (404, "NoSuchUpload")
    s3.abort_multipart_upload(**upload)
    assert set((server.home / "staging").iterdir()) == before
    assert code(s3.get_object, **where) == (404, "NoSuchKey")
    assert code(s3.upload_part, **upload, PartNumber=1, Body=b"x") == (404, "NoSuchUpload")


def test_a_part_that_is_gone_is_to_be_sent_again(
    s3: Any, server: Served, repo: str, name: str
) -> None:
    assert repo
    where = {"Bucket": name, "Key": "main/parts"}
    before = set((server.home / "staging").iterdir())
    upload = {**where, "UploadId": s3.create_multipart_upload(**where)["UploadId"]}
    etag = s3.upload_part(**upload, PartNumber=1, Body=b"x")["ETag"]
    (file,) = set((server.home / "staging").iterdir()) - before
    file.unlink()
    named = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    complete = s3.complete_multipart_upload
    assert code(complete, **upload, MultipartUpload=named) == (400, "InvalidPart")
    s3.upload_part(**upload, PartNumber=1, Body=b"x")
    complete(**upload, MultipartUpload=named)
    assert s3.get_object(**where)["Body"].read() == b"x"


# Signatures


def test_presigned_addresses_read_and_write_what_they_are_for(
    server: Served, s3: Any, repo: str, name: str
) -> None:
    assert repo
    where = {"Bucket": name, "Key": "main/a"}
    signing = client(server, signature_version="s3v4")
    put = signing.generate_presigned_url("put_object", Params=where, ExpiresIn=60)
    assert httpx.put(put, content=b"signed").status_code == 200
    get = signing.generate_presigned_url("get_object", Params=where, ExpiresIn=60)
    assert httpx.get(get).content == b"signed"
    assert httpx.put(get, content=b"x").status_code == 403
    assert httpx.get(get.replace("main/a", "main/b")).status_code == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in httpx.get(f"{get}&x-id=x").content
    old = s3.generate_presigned_url("get_object", Params=where, ExpiresIn=60)  # version 2
    assert b"not a signature of version 4" in httpx.get(old).content


def test_a_wrong_secret_is_refused(server: Served, repo: str, name: str) -> None:
    assert repo
    answer = send(server, "GET", f"/{name}", secret="wrong")  # noqa: S106  the point
    assert answer.status_code == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in answer.content


def test_a_body_that_was_changed_is_not_there(
    server: Served, s3: Any, repo: str, name: str
) -> None:
    assert repo
    answer = send(server, "PUT", f"/{name}/main/a", b"changed", signed=b"signed!")
    assert (answer.status_code, b"SHA256Mismatch" in answer.content) == (400, True), answer.text
    assert code(s3.get_object, Bucket=name, Key="main/a") == (404, "NoSuchKey")


# What is not there


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("PUT", "/{name}", {}),
        ("DELETE", "/{name}", {}),
        ("GET", "/{name}?acl", {}),
        ("GET", "/{name}?versions", {}),
        ("GET", "/{name}?list-type=2&unknown=1", {}),
        ("GET", "/{name}/main/a?versionId=1", {}),
        ("GET", "/{name}/main/a?tagging", {}),
        ("POST", "/{name}/main/a?select&select-type=2", {}),
        ("PUT", "/{name}/main/a", {"x_amz_tagging": "a=b"}),
        ("PUT", "/{name}/main/a", {"x_amz_server_side_encryption": "AES256"}),
        ("PUT", "/{name}/main/a", {"content_encoding": "gzip"}),
        ("PUT", "/{name}/main/a", {"x_amz_storage_class": "GLACIER"}),
        ("PUT", "/{name}/main/a?partNumber=1&uploadId=x", {"x_amz_copy_source": "/a/b/c"}),
        ("DELETE", "/{name}/main/a", {"x_amz_if_match_size": "1"}),
    ],
)
def test_anything_else_is_refused_by_name(
    server: Served, repo: str, method: str, target: str, headers: dict[str, str]
) -> None:
    name = repo.rpartition("/")[2]
    answer = send(server, method, target.format(name=name), **headers)
    assert answer.status_code == 501, answer.text
    assert b"<Code>NotImplemented</Code>" in answer.content


BOMB = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<Delete><Object><Key>main/&b;</Key></Object></Delete>"""
OUTSIDE = b"""<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<Delete><Object><Key>main/&x;</Key></Object></Delete>"""
DEEP = b"<Delete>" + b"<Object>" * 20 + b"</Object>" * 20 + b"</Delete>"


@pytest.mark.parametrize(
    "body", [BOMB, OUTSIDE, DEEP, b"", b"{}", b"<Delete/>", b"<Delete><Object>", b"\xff\xfe<"]
)
def test_hostile_xml_is_refused(server: Served, repo: str, name: str, body: bytes) -> None:
    assert repo
    answer = send(server, "POST", f"/{name}?delete", body)
    assert answer.status_code == 400, answer.text
    assert b"<Code>MalformedXML</Code>" in answer.content
    assert b"root:" not in answer.content


@pytest.mark.parametrize(
    "key", ["main/../x", "main/a%00b", "main/./a", "main//", "x" * 40, "main/"]
)
def test_keys_that_no_object_can_have_are_refused(
    server: Served, repo: str, name: str, key: str
) -> None:
    assert repo
    answer = send(server, "PUT", f"/{name}/{key}", b"x")
    assert answer.status_code in (200, 400, 403, 404), answer.text
    assert (answer.status_code == 200) == (key == "main//")
    marked = send(server, "PUT", f"/{name}/main/")
    assert (marked.status_code, send(server, "PUT", f"/{name}/nowhere/").status_code) == (200, 404)


def test_a_key_that_xml_cannot_hold_is_listed_encoded(
    server: Served, api: httpx.Client, repo: str, name: str
) -> None:
    odd = "a\x01<b>&"
    api.post(f"{repo}/branches/main/objects", params={"path": odd}, content=b"x")
    plain = send(server, "GET", f"/{name}?list-type=2&prefix=main%2F")
    assert (plain.status_code, b"encoding-type=url" in plain.content) == (400, True)
    encoded = send(server, "GET", f"/{name}?encoding-type=url&list-type=2&prefix=main%2F")
    assert quote(f"main/{odd}").encode() in encoded.content


def test_an_unsigned_request_is_no_request_of_s3(server: Served, repo: str, name: str) -> None:
    assert repo
    where = urlsplit(server.remote.endpoint)
    assert httpx.get(f"{where.scheme}://{where.netloc}/{name}").status_code == 401


def test_a_call_of_the_api_may_name_what_presigned_addresses_begin_with(
    api: httpx.Client, repo: str
) -> None:
    listed = api.get(f"{repo}/refs/main/objects/ls?prefix=X-Amz-Date/AWSAccessKeyId=")
    assert (listed.status_code, listed.json()["results"]) == (200, [])


def test_a_protected_branch_and_a_read_only_repository_take_no_writes(
    s3: Any, api: httpx.Client, repo: str, name: str
) -> None:
    api.post(f"{repo}/branch_protection", json={"pattern": "main"}).raise_for_status()
    denied = (403, "AccessDenied")
    where = {"Bucket": name, "Key": "main/a"}
    assert code(s3.put_object, **where, Body=b"x") == denied
    assert code(s3.create_multipart_upload, **where) == denied
    assert code(s3.delete_object, **where) == denied
    fixed = {"name": f"{name}-fixed", "storage_namespace": f"local://{name}-x", "read_only": True}
    api.post("/repositories", json=fixed).raise_for_status()
    assert code(s3.put_object, Bucket=f"{name}-fixed", Key="main/a", Body=b"x") == denied
