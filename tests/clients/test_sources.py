"""A lakeFS branch as a source of real data, by the file system of lakefs-spec."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.modalities.tables import Tables
from pipelines.sources import registry
from pipelines.sources.read import read
from tests.clients.test_frames import LAKES, TABLE
from tests.lake.servers import Served


def test_a_branch_is_a_source(
    sampled: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = sampled.remote
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAKECTL_SERVER_ENDPOINT_URL", remote.endpoint)
    monkeypatch.setenv("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", remote.access_key_id)
    monkeypatch.setenv("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", remote.secret_access_key)
    found = read(TABLE, Tables(("Lake_name", "Depth_m")))
    assert found.frame.height == LAKES
    assert found.name == TABLE
    assert registry.remote_digests(TABLE) == registry.remote_digests(TABLE)
