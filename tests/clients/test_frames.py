"""Polars, pandas and DuckDB read `lakefs://` through fsspec; curl reads and writes plainly."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import httpx
import pandas as pd
import polars as pl
import pytest
from lakefs_spec import LakeFSFileSystem

from lake.server.sample_data import LAKES
from tests.lake.servers import Served, api_root
from tests.needs import CLIENTS

TABLE = "lakefs://quickstart/main/lakes.parquet"


@pytest.fixture(scope="session")
def options(sampled: Served) -> dict[str, str]:
    """Storage options as a notebook would give them."""
    remote = sampled.remote
    return {
        "host": remote.endpoint,
        "username": remote.access_key_id,
        "password": remote.secret_access_key,
    }


@pytest.fixture
def fs(options: dict[str, str]) -> Iterator[LakeFSFileSystem]:
    LakeFSFileSystem.clear_instance_cache()
    yield LakeFSFileSystem(**options)
    LakeFSFileSystem.clear_instance_cache()


@pytest.fixture
def branch(api: httpx.Client) -> Iterator[str]:
    wanted = {"name": "frames", "source": "main"}
    api.post("/repositories/quickstart/branches", json=wanted).raise_for_status()
    yield "lakefs://quickstart/frames"
    api.delete("/repositories/quickstart/branches/frames").raise_for_status()


def test_polars_reads_and_writes(
    fs: LakeFSFileSystem, options: dict[str, str], branch: str
) -> None:
    found = pl.read_parquet(TABLE, use_pyarrow=True, storage_options=options)
    assert found.height == LAKES
    deep = found.filter(pl.col("Depth_m") > 50)
    with fs.open(f"{branch}/deep.parquet", "wb") as target:
        deep.write_parquet(target)
    with fs.open(f"{branch}/deep.parquet", "rb") as source:
        assert pl.read_parquet(source).equals(deep)


def test_pandas_reads_and_writes(options: dict[str, str], branch: str) -> None:
    found = pd.read_parquet(TABLE, storage_options=options)
    assert len(found) == LAKES
    few = found.head(10)
    for name in ("few.parquet", "few.csv"):
        place = f"{branch}/{name}"
        if name.endswith("csv"):
            few.to_csv(place, index=False, storage_options=options)
            again = pd.read_csv(place, storage_options=options)
        else:
            few.to_parquet(place, storage_options=options)
            again = pd.read_parquet(place, storage_options=options)
        assert list(again["Lake_name"]) == list(few["Lake_name"])


def test_duckdb_reads(fs: LakeFSFileSystem) -> None:
    with duckdb.connect() as database:
        database.register_filesystem(fs)
        asked = f"SELECT count(*), min(Area_km2) > 0 FROM read_parquet('{TABLE}')"  # noqa: S608
        assert database.execute(asked).fetchone() == (LAKES, True)


# curl


@pytest.fixture
def curl(sampled: Served) -> list[str]:
    if shutil.which("curl") is None:
        CLIENTS.stop("curl is not installed")
    keys = f"{sampled.remote.access_key_id}:{sampled.remote.secret_access_key}"
    return ["curl", "--silent", "--show-error", "--fail-with-body", "--user", keys]


def run(command: list[str], *more: str) -> bytes:
    return subprocess.run([*command, *more], capture_output=True, check=True, timeout=20).stdout


def test_curl_uploads_commits_and_reads(
    curl: list[str], sampled: Served, branch: str, tmp_path: Path
) -> None:
    assert branch
    root = f"{api_root(sampled.remote)}/repositories/quickstart"
    (tmp_path / "raw").write_bytes(b"raw bytes")
    where = f"{root}/branches/frames/objects"
    run(curl, "-T", str(tmp_path / "raw"), "-X", "POST", f"{where}?path=raw")
    form = f"content=@{tmp_path / 'raw'}"
    run(curl, "-F", form, f"{where}?path=form")
    said = json.dumps({"message": "by curl"})
    made = run(curl, "--json", said, f"{root}/branches/frames/commits")
    for path in ("raw", "form"):
        read = f"{root}/refs/{json.loads(made)['id']}/objects?path={path}"
        assert run(curl, read) == b"raw bytes"
        assert run(curl, "--range", "4-", read) == b"bytes"
        assert run(curl, "--location", f"{read}&presign=true") == b"raw bytes"


def test_curl_needs_no_keys_for_a_signed_address(curl: list[str], sampled: Served) -> None:
    root = f"{api_root(sampled.remote)}/repositories/quickstart"
    stats = run(curl, f"{root}/refs/main/objects/stat?path=README.md&presign=true")
    address = json.loads(stats)["physical_address"]
    assert run(["curl", "--silent", "--fail"], address).startswith(b"# Sample repository")
