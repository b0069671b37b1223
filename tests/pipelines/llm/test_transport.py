"""Posts use the environment's proxies, and nothing else that it says of passwords."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.llm.ask import ask
from pipelines.llm.settings import Service
from pipelines.llm.transport import environment_proxy
from pipelines.llm.values import Reply, request
from tests.pipelines.llm.proxy import Proxy


def test_the_environment_names_proxies_and_who_is_asked_past_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert environment_proxy("https://example.org/v1") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "inner.example.org,127.0.0.1")
    assert environment_proxy("https://example.org/v1") == "http://proxy:3128"
    assert environment_proxy("https://inner.example.org/v1") is None
    assert environment_proxy("http://127.0.0.1:8000/v1") is None
    assert environment_proxy("http://example.org/v1") is None
    monkeypatch.setenv("ALL_PROXY", "http://other:3128")
    assert environment_proxy("http://example.org/v1") == "http://other:3128"


def test_a_password_of_netrc_is_not_sent_and_the_headers_are_those_of_the_openai_client(
    proxy: Proxy, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password planted-in-netrc\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-nobody")
    (reply,) = ask([request(service, "One two", seed=3)], service, cache=tmp_path / "llm")
    assert isinstance(reply, Reply)
    (seen,) = proxy.seen
    assert seen.headers["authorization"] == f"Bearer {proxy.key}"
    assert seen.headers["openai-organization"] == "org-of-nobody"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["accept-encoding"] == "gzip"
