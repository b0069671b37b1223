"""Several keys: what each may do, whose repositories are closed, and that revoked ones end."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from lake import keys
from lake.errors import ConflictError, CorruptError, InvalidError, NotFoundError
from lake.keys import Key, Role
from review.commands import lake_keys
from tests.lake.servers import Served, api_root

KEYS = "/_stemma/keys"
Made = Callable[..., Key]


@pytest.fixture
def made(server: Served, name: str) -> Any:
    """Make keys that are revoked with the test."""
    names: list[str] = []

    def make(role: str, *repositories: str) -> Key:
        names.append(f"{name}-{role}-{len(names)}")
        return keys.add(server.home, names[-1], Role(role), repositories)

    yield make
    for each in names:
        keys.revoke(server.home, each)


def http(served: Served, key: Key) -> httpx.Client:
    pair = (key.access_key_id, key.secret_access_key)
    return httpx.Client(base_url=api_root(served.remote), auth=pair, timeout=20.0)


def s3(served: Served, key: Key) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=served.remote.endpoint,
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
        region_name="us-east-1",
    )


def writes(repo: str) -> list[tuple[str, str, dict[str, Any]]]:
    where = f"{repo}/branches/main"
    return [
        ("POST", f"{where}/objects?path=b", {"content": b"x"}),
        ("DELETE", f"{where}/objects?path=a", {}),
        ("POST", f"{where}/objects/delete", {"json": {"paths": ["a"]}}),
        ("POST", f"{where}/objects/copy?dest_path=c", {"json": {"src_path": "a"}}),
        ("GET", f"{where}/staging/backing?path=b", {}),
        ("POST", f"{where}/commits", {"json": {"message": "m"}}),
        ("PUT", where, {"json": {"type": "reset"}}),
        ("POST", f"{repo}/branches", {"json": {"name": "new", "source": "main"}}),
        ("POST", f"{repo}/tags", {"json": {"id": "v", "ref": "main"}}),
        ("POST", f"{repo}/refs/main/merge/main", {"json": {}}),
        ("POST", f"{repo}/metadata", {"json": {"metadata": {"a": "b"}}}),
        ("POST", "/repositories", {"json": {"name": "more", "storage_namespace": "local://m"}}),
    ]


def management(repo: str) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        ("GET", KEYS, {}),
        ("POST", KEYS, {"json": {"name": "mine", "role": "admin"}}),
        ("DELETE", f"{KEYS}/anybody", {}),
        ("POST", "/_stemma/gc", {"json": {}}),
        ("POST", f"{repo}/branch_protection", {"json": {"pattern": "main"}}),
        ("DELETE", repo, {}),
    ]


@pytest.fixture
def filled(api: httpx.Client, repo: str) -> str:
    where = f"{repo}/branches/main/objects"
    api.post(where, params={"path": "a"}, content=b"a").raise_for_status()
    return repo


def test_a_readers_key_reads_and_cannot_write(
    server: Served, api: httpx.Client, filled: str, made: Made
) -> None:
    key = made("reader")
    with http(server, key) as reader:
        read = reader.get(f"{filled}/refs/main/objects", params={"path": "a"})
        assert (read.status_code, read.content) == (200, b"a")
        assert reader.get(f"{filled}/refs/main/objects/ls").json()["results"]
        assert reader.get("/user").json()["user"]["id"] == key.name
        for method, path, options in [*writes(filled), *management(filled)]:
            answer = reader.request(method, path, **options)
            assert answer.status_code == 403, (method, path, answer.text)
            assert "this needs a" in answer.json()["message"]
    assert [item["path"] for item in api.get(f"{filled}/branches/main/diff").json()["results"]] == [
        "a"
    ]


def test_a_readers_key_cannot_write_by_s3_either(
    server: Served, filled: str, name: str, made: Made
) -> None:
    assert filled
    reader, where = s3(server, made("reader")), {"Bucket": name, "Key": "main/a"}
    assert reader.get_object(**where)["Body"].read() == b"a"
    gone = {"Objects": [{"Key": "main/a"}]}
    for call, options in [
        (reader.put_object, {**where, "Body": b"x"}),
        (reader.delete_object, where),
        (reader.delete_objects, {"Bucket": name, "Delete": gone}),
        (reader.create_multipart_upload, where),
        (reader.copy_object, {**where, "CopySource": {"Bucket": name, "Key": "main/a"}}),
    ]:
        with pytest.raises(ClientError, match="AccessDenied"):
            call(**options)
    assert reader.get_object(**where)["Body"].read() == b"a"


def test_a_writers_key_writes_and_cannot_manage_keys(
    server: Served, filled: str, made: Made
) -> None:
    key = made("writer")
    with http(server, key) as writer:
        where = f"{filled}/branches/main"
        assert writer.post(f"{where}/objects?path=b", content=b"b").status_code == 201
        commit = writer.post(f"{where}/commits", json={"message": "m"})
        assert (commit.status_code, commit.json()["committer"]) == (201, key.name)
        for method, path, options in management(filled):
            assert writer.request(method, path, **options).status_code == 403, (method, path)


def test_an_administrator_manages_keys(server: Served, api: httpx.Client, name: str) -> None:
    body = {"name": name, "role": "reader", "repositories": ["abc"]}
    added = api.post(KEYS, json=body)
    assert added.status_code == 201, added.text
    secret = added.json()["secret_access_key"]
    listed = api.get(KEYS)
    assert secret not in listed.text
    assert {key["name"]: key["role"] for key in listed.json()["keys"]}[name] == "reader"
    assert api.post(KEYS, json=body).status_code == 409
    pair = (added.json()["access_key_id"], secret)
    config = f"{api_root(server.remote)}/config"
    assert httpx.get(config, auth=pair).status_code == 200
    assert api.delete(f"{KEYS}/{name}").status_code == 204
    assert api.delete(f"{KEYS}/{name}").status_code == 404
    assert httpx.get(config, auth=pair).status_code == 401


def test_a_hold_out_is_read_by_its_own_key_alone(
    server: Served, api: httpx.Client, filled: str, name: str, made: Made
) -> None:
    free = {"name": f"{name}-free", "storage_namespace": f"local://{name}-free"}
    api.post("/repositories", json=free).raise_for_status()
    writer, own = made("writer"), made("writer", name)
    read = f"{filled}/refs/main/objects?path=a"
    with http(server, own) as its_own, http(server, writer) as other:
        assert its_own.get(read).content == b"a"
        assert its_own.get(f"/repositories/{name}-free").status_code == 403
        assert [item["id"] for item in its_own.get("/repositories").json()["results"]] == [name]
        copied = {"Bucket": name, "Key": "main/a"}
        for client, key in ((other, writer), (api, None)):
            assert client.get(read).status_code == 403
            assert client.get(f"{filled}/refs/main/objects/ls").status_code == 403
            assert client.get(f"{filled}/refs/main/commits").status_code == 403
            listed = client.get("/repositories?amount=1000").json()["results"]
            assert name not in {item["id"] for item in listed}
            if key is not None:
                gateway = s3(server, key)
                target = {"Bucket": f"{name}-free", "Key": "main/stolen", "CopySource": copied}
                with pytest.raises(ClientError, match="AccessDenied"):
                    gateway.copy_object(**target)
                with pytest.raises(ClientError, match="403"):
                    gateway.head_object(**copied)


def test_an_administrator_of_one_repository_manages_no_others(
    server: Served, filled: str, name: str, made: Made
) -> None:
    with http(server, made("admin", name)) as admin:
        for method, path, options in management(filled)[:4]:
            answer = admin.request(method, path, **options)
            assert answer.status_code == 403, (method, path, answer.text)
            assert answer.json()["message"].endswith("alone: this concerns the whole lake")
        assert admin.post(f"{filled}/branch_protection", json={"pattern": "x"}).is_success


def test_a_token_ends_with_its_key(server: Served, name: str) -> None:
    key = keys.add(server.home, name, Role.READER)
    login = {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key}
    root = api_root(server.remote)
    token = httpx.post(f"{root}/auth/login", json=login).json()["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{root}/repositories", headers=bearer).status_code == 200
    keys.revoke(server.home, name)
    assert httpx.get(f"{root}/repositories", headers=bearer).status_code == 401
    assert httpx.post(f"{root}/auth/login", json=login).status_code == 401


# The file


def test_the_file_is_the_owners_alone_and_keeps_what_is_there(tmp_path: Path) -> None:
    first = keys.add(tmp_path, "ada", Role.ADMIN)
    second = keys.add(tmp_path, "bob", Role.READER, ["abc", "def"])
    assert keys.read(tmp_path) == (first, second)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert first.secret_access_key not in repr(first)
    keys.revoke(tmp_path, "ada")
    assert keys.read(tmp_path) == (second,)
    with pytest.raises(NotFoundError, match="no key of this lake is called 'ada'"):
        keys.revoke(tmp_path, "ada")
    with pytest.raises(ConflictError):
        keys.add(tmp_path, "bob", Role.READER)
    for wrong in ("", "a b", "a/b", "x" * 65, "a\n"):
        with pytest.raises(InvalidError):
            keys.add(tmp_path, wrong, Role.READER)
    with pytest.raises(InvalidError):
        keys.add(tmp_path, "c", Role.READER, ["A/B"])


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"keys": [{}]}', '{"keys": 3}', "\xff"])
def test_a_damaged_file_lets_nobody_in_and_says_what_to_do(tmp_path: Path, content: str) -> None:
    keys.path(tmp_path).write_text(content, encoding="utf-8")
    with pytest.raises(CorruptError, match=r"keys\.json holds no list of keys: restore it"):
        keys.read(tmp_path)


# The command


def test_the_command_adds_lists_and_revokes_keys(
    server: Served, repo: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    home = {"home": server.home}
    lake_keys.add(name=name, role=Role.WRITER, repository=["abc"], as_json=False, **home)
    said = capsys.readouterr().out
    (key,) = [each for each in keys.read(server.home) if each.name == name]
    assert said.startswith(f"{name} has a writer's key for abc alone; the secret is shown")
    assert "the lake has no repository abc: the key is for the one that gets this name" in said
    assert key.secret_access_key in said
    lake_keys.run(as_json=False, **home)
    listed = capsys.readouterr().out
    assert key.access_key_id in listed
    assert key.secret_access_key not in listed
    lake_keys.revoke(name=name, as_json=True, **home)
    assert json.loads(capsys.readouterr().out)["access_key_id"] == key.access_key_id
    assert repo.endswith(name)
    lake_keys.add(name=name, role=Role.READER, repository=[name], as_json=True, **home)
    assert json.loads(capsys.readouterr().out)["missing"] == []
    lake_keys.revoke(name=name, as_json=True, **home)
    with pytest.raises(NotFoundError, match="there is no lake in"):
        lake_keys.run(home=server.home / "none", as_json=False)
