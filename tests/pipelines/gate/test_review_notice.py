"""People are told that a round waits: by what the environment names, and once for each commit."""

from __future__ import annotations

import json
import shlex
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipelines.gate import review_notice

ROUND = ("digits-3", "digits-r003")


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (review_notice.WEBHOOK, review_notice.COMMAND):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def receiver(status: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server on a port of loopback, and what it was sent."""
    received: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            received.append({**json.loads(self.rfile.read(length)), "path": self.path})
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_webhook_may_have_a_query(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver(200) as (url, received):
        monkeypatch.setenv(review_notice.WEBHOOK, f"{url}?sig=a%2Bb")
        review_notice.tell(*ROUND, "a" * 64, "x")
    assert [each["path"] for each in received] == ["/hook?sig=a%2Bb"]


def test_a_webhook_is_told_once_for_each_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver(200) as (url, received):
        monkeypatch.setenv(review_notice.WEBHOOK, url)
        for commit in ("a" * 64, "a" * 64, "b" * 64):
            review_notice.tell(*ROUND, commit, "the guard blocks it")
    assert [each["commit"][0] for each in received] == ["a", "b"]
    assert received[0] == {
        "event": "review-waiting",
        "round": "digits-3",
        "branch": "digits-r003",
        "commit": "a" * 64,
        "reason": "the guard blocks it",
        "path": "/hook",
    }


@pytest.mark.parametrize("status", [302, 500])
def test_a_webhook_that_refuses_or_leads_elsewhere_is_told_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    with receiver(status) as (url, received):
        monkeypatch.setenv(review_notice.WEBHOOK, url)
        review_notice.tell(*ROUND, "a" * 64, "x")
        review_notice.tell(*ROUND, "a" * 64, "x")
    assert len(received) == 2
    said = capsys.readouterr()
    assert f"status code: {status}" in said.out + said.err


def test_a_command_gets_the_notice_without_a_shell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
    place = tmp_path / "told; touch $(x)"
    monkeypatch.setenv(
        review_notice.COMMAND, f"{sys.executable} -c {json.dumps(program)} '{place}'"
    )
    review_notice.tell(*ROUND, "a" * 64, "$(touch y)")
    review_notice.tell(*ROUND, "a" * 64, "$(touch y)")
    assert json.loads(place.read_text())["reason"] == "$(touch y)"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".stemma", place.name]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (review_notice.COMMAND, "/no/such/program", "cannot be run: No such file"),
        (review_notice.COMMAND, "'", "cannot be run: No closing quotation"),
        (review_notice.COMMAND, " ", "names no program"),
        (review_notice.COMMAND, "false", "ended with exit code 1"),
        (review_notice.WEBHOOK, "file:///secret", "STEMMA_REVIEW_WEBHOOK: the URL must begin with"),
        (review_notice.WEBHOOK, "http://h.invalid:99999/secret", "host or port cannot be read"),
        (review_notice.WEBHOOK, "http://127.0.0.1:9/x", "webhook request failed"),
    ],
)
def test_what_cannot_be_told_is_said_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv(name, value)
    review_notice.tell(*ROUND, "a" * 64, "x")
    shown = capsys.readouterr()
    assert "nobody was told that digits-3 waits for review" in shown.out + shown.err
    assert said in shown.out + shown.err
    assert "secret" not in shown.out + shown.err
    assert not review_notice.TOLD.exists()


def test_a_list_of_notices_that_is_none_is_written_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(review_notice.COMMAND, "true")
    (tmp_path / ".stemma").mkdir()
    review_notice.TOLD.write_text("[1]")
    review_notice.tell(*ROUND, "a" * 64, "x")
    assert json.loads(review_notice.TOLD.read_text()) == {"digits-3": "a" * 64}


def test_nobody_is_told_where_nothing_is_named(tmp_path: Path) -> None:
    review_notice.tell(*ROUND, "a" * 64, "x")
    assert list(tmp_path.iterdir()) == []


def test_what_another_publish_notes_meanwhile_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = "import pathlib, sys; pathlib.Path('.stemma').mkdir(); "
    program += "pathlib.Path('.stemma/review_notices.json').write_text(sys.argv[1])"
    other = json.dumps({"texts-1": "b" * 64})
    monkeypatch.setenv(review_notice.COMMAND, shlex.join([sys.executable, "-c", program, other]))
    review_notice.tell(*ROUND, "a" * 64, "x")
    noted = json.loads((tmp_path / review_notice.TOLD).read_text())
    assert noted == {"texts-1": "b" * 64, "digits-3": "a" * 64}
