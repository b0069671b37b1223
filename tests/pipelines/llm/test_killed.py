"""A run that is killed in the middle goes on where it was, and pays for nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from benchmarks.asking import fake_service
from pipelines.llm.ask import ask
from pipelines.llm.cache import answered
from pipelines.llm.settings import API_KEY, BASE_URL, Service
from pipelines.llm.values import Reply, Request, request
from tests.served import LocalServer

COUNT = 8
ASKER = """
import sys
from pathlib import Path
from pipelines.llm.ask import ask
from pipelines.llm.settings import Service
from pipelines.llm.values import request
service = Service.model_validate_json(sys.argv[2])
requests = [request(service, f"{n} birds are", seed=n) for n in range(int(sys.argv[3]))]
report = lambda done, of: print(done, flush=True)
ask(requests, service, cache=Path(sys.argv[1]), progress=report)
"""
SERVICE = Service(max_tokens=6, concurrency=2)


def some(service: Service = SERVICE, count: int = COUNT) -> list[Request]:
    return [request(service, f"{n} birds are", seed=n) for n in range(count)]


def asking(service: Service, count: int, cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ASKER, str(cache), service.model_dump_json(), str(count)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


@pytest.mark.kill
def test_a_killed_run_asks_only_for_what_is_missing(local_model: LocalServer, cache: Path) -> None:
    before = local_model.served()
    with asking(SERVICE, COUNT, cache) as asker:
        assert asker.stdout is not None
        for line in asker.stdout:
            if int(line) >= 3:
                break
        os.kill(asker.pid, signal.SIGKILL)
    done = len(answered(cache, [one.digest for one in some()]))
    assert 3 <= done < COUNT

    replies = ask(some(), SERVICE, cache=cache)
    assert all(isinstance(reply, Reply) for reply in replies)
    served = local_model.served(at_least=before + COUNT) - before
    # What was in flight is asked again, whenever the server comes to it, and nothing else.
    assert COUNT <= served <= COUNT + SERVICE.resolved_concurrency < COUNT + done
    ask(some(), SERVICE, cache=cache)
    assert local_model.served() - before == served


FAKE = Service(model="fake-1", concurrency=16, max_tokens=6)


def many() -> list[Request]:
    return some(FAKE, 400)


@pytest.mark.slow
def test_a_killed_run_with_sixteen_in_flight_asks_for_no_more_than_these_again(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers are flushed in groups by a thread; none is handed out before it is on disk."""
    with fake_service(0.01) as base_url:
        monkeypatch.setenv(BASE_URL, base_url)
        monkeypatch.setenv(API_KEY, "sk-of-nobody-0000")
        with asking(FAKE, 400, cache) as asker:
            assert asker.stdout is not None
            for line in asker.stdout:
                if int(line) >= 150:
                    break
            os.kill(asker.pid, signal.SIGKILL)
        done = len(answered(cache, [one.digest for one in many()]))
        assert 150 <= done < 400
        begun = served(base_url)
        assert 0 <= begun - done <= FAKE.resolved_concurrency
        replies = ask(many(), FAKE, cache=cache)
        assert all(isinstance(reply, Reply) for reply in replies)
        assert served(base_url) == begun + 400 - done


def served(base_url: str) -> int:
    """How many requests the fake service was sent."""
    with urllib.request.urlopen(base_url) as answer:  # noqa: S310  of this machine
        return int(answer.read())
