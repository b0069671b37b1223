"""Calls of webhooks: names, addresses where nobody listens, and how many run at once."""

from __future__ import annotations

import asyncio
import html
import ipaddress
import json
import re
import socket
import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from lake.server.actions import action_file, runner
from lake.server.actions.action_file import Action
from lake.server.actions.addresses import AllowedAddresses
from lake.server.actions.events import Event, EventType
from lake.server.actions.runner import HookRunner
from lake.server.actions.webhook import Caller, HookFailedError, Transcript
from lake.server.http.app import build
from lake.server.http.idle_monitor import IdleMonitor
from tests.lake.in_process import MESSAGE, REPO, InProcessLake
from tests.lake.receiver import Receiver
from tests.lake.servers import nobody

FILE = """
name: gate
on: {pre-commit: }
hooks: [{id: ask, type: webhook, properties: {url: "%s", timeout: 5s}}]
"""


def call(url: str, environment: dict[str, str] | None = None) -> str:
    """Call a URL that is allowed; return the record."""
    caller, log = Caller(AllowedAddresses.of([url]), environment or {}), Transcript()
    hook = action_file.parse("a.yaml", (FILE % url).encode()).hooks[0].properties
    asyncio.run(caller.call(hook, {"a": 1}, log))
    return log.text()


def refusal(url: str, secret: str) -> tuple[str, str]:
    """Call a URL with a secret in its query, which is refused; return record and message."""
    caller, log = Caller(AllowedAddresses.of([url]), {"LAKEFSACTIONS_K": secret}), Transcript()
    hook = action_file.parse("a.yaml", (FILE % url).encode()).hooks[0].properties
    keyed = hook.model_copy(update={"query_params": {"key": ["{{ ENV.LAKEFSACTIONS_K }}"]}})
    with pytest.raises(HookFailedError) as failed:
        asyncio.run(caller.call(keyed, {"a": 1}, log))
    return log.text(), str(failed.value)


def test_a_name_is_resolved_and_the_answer_is_on_record(receiver: Receiver) -> None:
    def answer(_: dict[str, Any]) -> tuple[int, bytes, dict[str, str]]:
        return 200, b"\xff\x1b]0;x\x07\na", {"x-kind": "hostile"}

    url = receiver.hook("/named", answer).replace("127.0.0.1", "localhost")
    record = call(url)
    (made,) = receiver.calls("/named")
    assert made.headers["host"] == url.removeprefix("http://").removesuffix("/named")
    assert made.event == {"a": 1}
    assert "HTTP/1.1 200 OK" in record
    assert "x-kind: hostile\n" in record
    assert "\n\ufffd\\u{1b}]0;x\\u{7}\na\n" in record


def test_a_name_that_leads_here_is_not_called(receiver: Receiver) -> None:
    name = socket.gethostname().lower()
    if not ipaddress.ip_address(socket.gethostbyname(name)).is_loopback:
        pytest.skip("the name of this machine does not lead to its loopback address")
    url = receiver.hook("/astray").replace("127.0.0.1", name)
    with pytest.raises(HookFailedError, match=f"{name} leads to 127.* only where --hook-address"):
        call(url)
    assert not receiver.calls("/astray")


@pytest.mark.parametrize(("host", "reason"), [("127.0.0.1", "127"), ("none.invalid", "none")])
def test_where_nobody_answers_the_hook_has_failed(host: str, reason: str) -> None:
    url = nobody().replace("127.0.0.1", host)
    with pytest.raises(HookFailedError, match=f"^webhook request failed: {reason}") as failed:
        call(url)
    assert "\n" not in str(failed.value)


def test_an_endless_answer_is_not_read_to_its_end(receiver: Receiver) -> None:
    record = call(receiver.hook("/long", lambda _: (200, b"x" * (1 << 20), {})))
    assert len(record) < 20_000


@pytest.mark.parametrize(
    "quoted",
    [
        str,
        partial(quote, safe=""),
        lambda secret: quote(secret, safe="/:").lower(),
        quote_plus,
        json.dumps,
        lambda secret: html.escape(secret).replace("&quot;", "&#34;"),
    ],
)
def test_a_secret_is_in_no_record_however_it_is_written(
    receiver: Receiver, quoted: Callable[[str], str]
) -> None:
    secret = "k/3+4= \\\"<\u00e9&'"  # noqa: S105  of nobody
    url = receiver.hook("/echo", lambda _: (403, f"got {quoted(secret)}.".encode(), {}))
    record, failure = refusal(url, secret)
    assert receiver.calls("/echo")[0].query == {"key": [secret]}
    assert re.search(r'^got "?\*{7}"?\.$', record, re.MULTILINE)
    assert re.search(r'got "?\*{7}"?\.$', failure)


def test_an_error_about_an_address_names_no_secret_of_it() -> None:
    def babble() -> None:
        with listener.accept()[0] as connection:
            connection.recv(1 << 16)
            connection.sendall(b"no HTTP\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        answering = threading.Thread(target=babble)
        answering.start()
        _, failure = refusal(f"http://127.0.0.1:{listener.getsockname()[1]}/", "k+1=")
        answering.join(10)
    assert "?key=*******" in failure


def test_an_answer_is_not_cut_off_within_a_secret(receiver: Receiver) -> None:
    secret = "0123456789abcdef" * 2
    text = "x" * ((16 << 10) - 20) + secret
    record, _ = refusal(receiver.hook("/cut", lambda _: (403, text.encode(), {})), secret)
    assert secret[:4] not in record
    assert record.count("x" * 15_000) == 1


def test_a_long_queue_is_refused_and_recorded(local: InProcessLake, receiver: Receiver) -> None:
    let, path = threading.Event(), "/queue"

    def held(_: dict[str, Any]) -> tuple[int, bytes, dict[str, str]]:
        let.wait(20)
        return 200, b"", {}

    url = receiver.hook(path, held)
    runs = local.lake.actions.runs
    hooks = HookRunner(runs, Caller(AllowedAddresses.of([url]), {}))
    local.lake.actions.runner = hooks
    monitor = IdleMonitor(build(local.lake))
    event = Event(EventType.PRE_COMMIT, REPO, "", branch="main")
    actions = [action_file.parse("a.yaml", (FILE % url).encode())]
    try:
        under_way = [hooks.start(event, actions) for _ in range(runner.MAX_WAITING)]
        refused = hooks.start(event, actions).result(10)
        assert len(receiver.calls(path)) <= runner.MAX_AT_ONCE
        assert monitor.idle_seconds(local.lake) == 0
    finally:
        let.set()
    assert not refused.run.passed
    assert f"{runner.MAX_WAITING} runs of {REPO} are under way" in refused.reasons[0]
    assert all(future.result(20).run.passed for future in under_way)
    assert not hooks.busy
    assert monitor.idle_seconds(local.lake) > 0
    assert runs.get(REPO, refused.run.id) == refused.run


def test_an_error_of_the_database_after_a_change_is_no_error_of_the_change(
    local: InProcessLake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    actions = local.lake.actions
    matched = actions.matched

    def broken(event: Event) -> list[Action]:
        if event.type is EventType.POST_COMMIT:
            raise sqlite3.OperationalError("disk I/O error")
        return matched(event)

    monkeypatch.setattr(actions, "matched", broken)
    local.write("a", b"1")
    made = actions.committed(
        REPO,
        "main",
        lambda message: local.lake.versions.commit_staged(REPO, "main", message, allow_empty=False),
        MESSAGE,
    )
    assert local.lake.versions.resolve(REPO, "main").commit.id == made.id
    assert "post-commit hooks of garbage did not run: disk I/O error" in caplog.text
