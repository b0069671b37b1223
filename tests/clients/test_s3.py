"""Clients of S3 that people have, unmodified, on the gateway of `python -m lake.server`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet
import pytest

from lake.server.sample_data import LAKES as COUNT
from lake.settings import Remote
from tests.lake.servers import Served
from tests.needs import CLIENTS, HTTPFS

REPO = "quickstart"
LAKES = f"s3://{REPO}/main/lakes.parquet"
MIB = 1 << 20

pytestmark = pytest.mark.foreign


@pytest.fixture
def remote(sampled: Served) -> Remote:
    return sampled.remote


@pytest.fixture
def branch(sampled: Served, request: pytest.FixtureRequest) -> Iterator[str]:
    """A branch of the test's own."""
    name = request.node.name.replace("[", "-").replace("]", "")
    with sampled.http() as api:
        where = f"/repositories/{REPO}/branches"
        api.post(where, json={"name": name, "source": "main"}).raise_for_status()
        yield name
        api.delete(f"{where}/{name}").raise_for_status()


def read(served: Served, branch: str, path: str) -> bytes:
    with served.http() as api:
        answer: httpx.Response = api.get(
            f"/repositories/{REPO}/refs/{branch}/objects", params={"path": path}
        )
        return answer.raise_for_status().content


def polars_options(remote: Remote) -> dict[str, str]:
    return {
        "aws_endpoint_url": remote.endpoint,
        "aws_access_key_id": remote.access_key_id,
        "aws_secret_access_key": remote.secret_access_key,
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }


def test_polars_scans_and_writes(remote: Remote, branch: str) -> None:
    options = polars_options(remote)
    lakes = pl.scan_parquet(LAKES, storage_options=options)
    assert lakes.select(pl.len()).collect().item() == COUNT
    deep = lakes.filter(pl.col("Depth_m") > 100).select("Lake_name").collect()
    assert 0 < deep.height < COUNT
    target = f"s3://{REPO}/{branch}/out/deep.parquet"
    deep.write_parquet(target, storage_options=options)
    assert pl.read_parquet(target, storage_options=options).equals(deep)
    found = pl.scan_parquet(f"s3://{REPO}/{branch}/out/*.parquet", storage_options=options)
    assert found.collect().equals(deep)


def test_pyarrow_reads_writes_lists_and_deletes(remote: Remote, branch: str) -> None:
    at = remote.endpoint.removeprefix("http://")
    files = pyarrow.fs.S3FileSystem(
        access_key=remote.access_key_id,
        secret_key=remote.secret_access_key,
        endpoint_override=at,
        scheme="http",
        region="us-east-1",
    )
    table = pyarrow.parquet.read_table(f"{REPO}/main/lakes.parquet", filesystem=files)
    assert table.num_rows == COUNT
    place = f"{REPO}/{branch}/parts"
    pyarrow.dataset.write_dataset(table, place, format="parquet", filesystem=files)
    again = pyarrow.dataset.dataset(place, format="parquet", filesystem=files)
    assert again.count_rows() == COUNT
    with files.open_output_stream(f"{place}/large.bin") as stream:
        stream.write(b"x" * (11 * MIB))
    info = files.get_file_info(f"{place}/large.bin")
    assert info.size == 11 * MIB
    selector = pyarrow.fs.FileSelector(place)
    assert {item.base_name for item in files.get_file_info(selector)} >= {"large.bin"}
    files.copy_file(f"{place}/large.bin", f"{place}/copy.bin")
    files.delete_dir(place)
    with pytest.raises(FileNotFoundError):
        files.get_file_info(selector)
    assert isinstance(table, pa.Table)


def test_pandas_reads_and_writes_through_s3fs(sampled: Served, remote: Remote, branch: str) -> None:
    options: dict[str, Any] = {
        "key": remote.access_key_id,
        "secret": remote.secret_access_key,
        "client_kwargs": {"endpoint_url": remote.endpoint, "region_name": "us-east-1"},
    }
    lakes = pd.read_parquet(LAKES, storage_options=options)
    assert len(lakes) == COUNT
    target = f"s3://{REPO}/{branch}/dir/lakes.csv"
    lakes.head(1000).to_csv(target, storage_options=options, index=False)
    assert read(sampled, branch, "dir/lakes.csv").count(b"\n") == 1001
    assert len(pd.read_csv(target, storage_options=options)) == 1000


S3FS = """
import s3fs, sys
options = {"endpoint_url": sys.argv[1], "region_name": "us-east-1"}
fs = s3fs.S3FileSystem(key=sys.argv[2], secret=sys.argv[3], client_kwargs=options)
root = sys.argv[4]
with fs.open(f"{root}/large", "wb") as file:
    for letter in b"abc":
        file.write(bytes([letter]) * (6 << 20))
assert fs.info(f"{root}/large")["size"] == 18 << 20
fs.pipe({f"{root}/d/{n}": b"x" * n for n in range(12)})
assert len(fs.ls(f"{root}/d")) == 12 and fs.exists(f"{root}/d/3") and not fs.exists(f"{root}/no")
assert fs.cat(f"{root}/d/11") == b"x" * 11 and fs.cat(f"{root}/large", start=-3) == b"ccc"
fs.mv(f"{root}/d/11", f"{root}/e/11")
fs.rm(f"{root}/d", recursive=True)
assert fs.find(root) == [f"{root}/e/11", f"{root}/large"], fs.find(root)
"""


def test_s3fs_writes_lists_moves_and_removes(remote: Remote, branch: str) -> None:
    program = [sys.executable, "-c", S3FS, remote.endpoint, remote.access_key_id]
    program += [remote.secret_access_key, f"{REPO}/{branch}/fs"]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


STORE = """
import hashlib, sys
from lake import blockstore
from lake.errors import InvalidError, NotFoundError
root, other = sys.argv[1:]
store = blockstore.open_store(root)
address = f"{root}/data/one"
store._system.pipe_file(address, b"to be removed")
blockstore.remove(store, address, hashlib.md5(b"to be removed").hexdigest())
for place, error in ((address, NotFoundError), (other, InvalidError)):
    try:
        store.read(place)
    except error:
        continue
    raise AssertionError(place)
"""


def test_an_object_is_removed_from_the_bucket_under_a_lake(remote: Remote, branch: str) -> None:
    program = [sys.executable, "-c", STORE, f"s3://{REPO}/{branch}/under", LAKES]
    keys = {
        "AWS_ENDPOINT_URL": remote.endpoint,
        "AWS_ACCESS_KEY_ID": remote.access_key_id,
        "AWS_SECRET_ACCESS_KEY": remote.secret_access_key,
        "AWS_REGION": "us-east-1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    env = {**os.environ, **keys}
    done = subprocess.run(program, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_duckdb_queries_and_writes(remote: Remote, branch: str) -> None:
    with duckdb.connect() as db:
        try:
            db.execute("INSTALL httpfs")
            db.execute("LOAD httpfs")
        except duckdb.Error as error:
            HTTPFS.stop(str(error)[:100])
        db.execute(
            f"CREATE SECRET (TYPE s3, KEY_ID '{remote.access_key_id}', "
            f"SECRET '{remote.secret_access_key}', REGION 'us-east-1', USE_SSL false, "
            f"URL_STYLE 'path', ENDPOINT '{remote.endpoint.removeprefix('http://')}')"
        )
        query = f"SELECT count(*) FROM '{LAKES}'"  # noqa: S608  no foreign text
        assert db.execute(query).fetchall() == [(COUNT,)]
        target = f"s3://{REPO}/{branch}/duck.parquet"
        db.execute(f"COPY (SELECT * FROM '{LAKES}' LIMIT 10) TO '{target}'")  # noqa: S608
        assert db.execute(f"SELECT count(*) FROM '{target}'").fetchall() == [(10,)]  # noqa: S608


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AWS's command line, in an environment of its own: its botocore is another one."""
    place = tmp_path_factory.mktemp("aws")
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    install = [str(place / "bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*install, "awscli"], capture_output=True, text=True, check=False, timeout=240
    )
    if done.returncode:
        CLIENTS.stop(f"pip cannot install awscli: {done.stderr[-200:]}")
    return place / "bin/aws"


def test_aws_syncs_both_ways(sampled: Served, aws: Path, branch: str, tmp_path: Path) -> None:
    remote, source = sampled.remote, tmp_path / "source"
    (source / "deep/er").mkdir(parents=True)
    (source / "a b+ü.txt").write_bytes(b"odd")
    (source / "deep/er/large.bin").write_bytes(b"l" * (20 * MIB))
    for path in source.rglob("*.*"):
        os.utime(path, (1e9, 1e9))  # S3 tells whole seconds: a file of this one would be newer
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ACCESS_KEY_ID": remote.access_key_id,
        "AWS_SECRET_ACCESS_KEY": remote.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
    }

    def run(*args: str) -> str:
        command = [str(aws), "--endpoint-url", remote.endpoint, "s3", *args]
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    there = f"s3://{REPO}/{branch}/sync"
    assert run("sync", str(source), there).count("upload:") == 2
    assert run("sync", str(source), there) == ""
    assert read(sampled, branch, "sync/a b+ü.txt") == b"odd"
    assert len(read(sampled, branch, "sync/deep/er/large.bin")) == 20 * MIB
    run("sync", there, str(tmp_path / "back"))
    assert (tmp_path / "back/deep/er/large.bin").read_bytes() == b"l" * (20 * MIB)
    assert "PRE deep/" in run("ls", f"{there}/")
    run("cp", f"{there}/a b+ü.txt", f"{there}/copy.txt")
    run("rm", "--recursive", there)
    assert "sync/" not in run("ls", "--recursive", f"s3://{REPO}/{branch}/")
