from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.llm.settings import API_KEY, BASE_URL, Service
from tests.pipelines.llm.proxy import Proxy
from tests.served import LocalServer


@pytest.fixture
def planted() -> str:
    """A key that must show up nowhere."""
    return f"sk-planted-{secrets.token_hex(12)}"


@pytest.fixture
def proxy(
    local_server: LocalServer, planted: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Proxy]:
    """The environment names a proxy in front of the real server, which wants the planted key."""
    with Proxy(local_server.access, planted) as running:
        monkeypatch.setenv(BASE_URL, running.url)
        monkeypatch.setenv(API_KEY, planted)
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "llm"


@pytest.fixture
def service() -> Service:
    """Short answers, and little patience."""
    return Service(max_tokens=4, concurrency=4, wait_s=0.01, wait_max_s=2, attempts=3, timeout_s=60)
