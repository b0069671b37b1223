"""Posts use the environment's proxies, and nothing else that it says of passwords."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipelines.llm.ask import ask
from pipelines.llm.settings import Service
from pipelines.llm.transport import Received, Transport, environment_proxy
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


class Leading(BaseHTTPRequestHandler):
    """Leads every request to the address that its server has in `target`, or answers it."""

    target = ""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(307 if self.target else 200)
        self.send_header("location", self.target)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def leading(target: str = "", context: ssl.SSLContext | None = None) -> Iterator[int]:
    handler = type("Handler", (Leading,), {"target": target})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            serving.join(5)


def signed_by_nobody(folder: Path) -> ssl.SSLContext:
    """The context of a server whose certificate is its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
        + builder.sign(key, hashes.SHA256()).public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def posted(base_url: str) -> Received:
    transport = Transport(base_url, {}, direct=True)
    try:
        return await transport.post("/chat", {})
    finally:
        await transport.close()


def test_a_certificate_is_checked_where_a_plain_address_leads_to_a_secure_one(
    tmp_path: Path,
) -> None:
    with leading() as port:
        assert asyncio.run(posted(f"http://127.0.0.1:{port}")).status == 200
    with (
        leading(context=signed_by_nobody(tmp_path)) as secure,
        leading(f"https://127.0.0.1:{secure}") as port,
        pytest.raises(aiohttp.ClientConnectorCertificateError),
    ):
        asyncio.run(posted(f"http://127.0.0.1:{port}"))
