"""A run that is killed in the middle goes on where it was, and pays for nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.llm.ask import ask
from pipelines.llm.cache import answered
from pipelines.llm.settings import Service
from pipelines.llm.values import Reply, Request, request
from tests.served import LocalServer

COUNT = 8
ASKER = """
import sys
from pathlib import Path
from pipelines.llm.ask import ask
from tests.pipelines.llm.test_killed import SERVICE, some
ask(some(), SERVICE, cache=Path(sys.argv[1]), progress=lambda done, of: print(done, flush=True))
"""
SERVICE = Service(max_tokens=6, concurrency=2)


def some() -> list[Request]:
    return [request(SERVICE, f"{n} birds are", seed=n) for n in range(COUNT)]


@pytest.mark.kill
def test_a_killed_run_asks_only_for_what_is_missing(local_model: LocalServer, cache: Path) -> None:
    before = local_model.served()
    asker = subprocess.Popen(
        [sys.executable, "-c", ASKER, str(cache)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    with asker:
        assert asker.stdout is not None
        for line in asker.stdout:
            if int(line) >= 3:
                break
        os.kill(asker.pid, signal.SIGKILL)
    time.sleep(0.5)  # the server notices that nobody listens any more
    digests = [one.digest for one in some()]
    done = len(answered(cache, digests))
    begun = local_model.served(at_least=before + done) - before
    assert 3 <= done < COUNT
    assert begun - done <= SERVICE.concurrency  # what was in flight, and nothing else, is lost

    replies = ask(some(), SERVICE, cache=cache)
    assert all(isinstance(reply, Reply) for reply in replies)
    served = local_model.served(at_least=before + begun + COUNT - done) - before
    assert served == begun + COUNT - done
    ask(some(), SERVICE, cache=cache)
    assert local_model.served() - before == served
