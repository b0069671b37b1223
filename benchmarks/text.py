"""What requests to a language model cost: `ask` against the server's own ceiling.

The ceiling is the plainest client there is: kept connections (http.client, a thread each) that
post the same bodies to the same local server, and parse no answer. `ask` does all that it does for
a round: retries, budget, validation, an answer on disk before the next one. Both take turns, one
next to the other in alternating order, so a busy machine slows both; the ratio is the median over
pairs.

    python -m benchmarks.text [--json] [--quick]
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from benchmarks.measured import check, machine
from pipelines.llm.ask import ask
from pipelines.llm.home import ServerHome
from pipelines.llm.launch import serve_on_demand
from pipelines.llm.settings import API_KEY, BASE_URL, Access, Service
from pipelines.llm.values import Reply, Request, request

CONCURRENCIES: Final = (1, 4, 16)
GOAL: Final = 1.05
"""Largest ratio of the time of `ask` to the ceiling's."""
EXEMPLAR: Final = '{"question": "What is the sun?", "answer": "It is a star."}\n'
SCHEMA: Final = {
    "type": "object",
    "properties": {
        "question": {"type": "string", "maxLength": 40},
        "answer": {"type": "string", "maxLength": 40},
    },
    "required": ["question", "answer"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One pass over the requests: wall clock, CPU time of this process, CPU time of the server."""

    seconds: float
    client_cpu: float
    server_cpu: float


@dataclass(frozen=True, slots=True)
class Row:
    """Both clients at one concurrency: medians over the turns.

    The ratio is the median over pairs of turns.
    """

    at_once: int
    requests: int
    turns: int
    ceiling_s: float
    ask_s: float
    ratio: float
    ceiling_client_ms: float
    ask_client_ms: float
    server_ms: float
    """CPU time per request in milliseconds: of the plain client, of `ask`, of the server."""
    cpu_share: float
    """Share that `ask` adds to the CPU time of the plain client and the server: the steadier figure
    on a busy machine."""
    met: bool


def measure(count: int, turns: int, concurrencies: Sequence[int], folder: Path) -> list[Row]:
    """Measure both clients in turns on one server, which is started and stopped here."""
    service = Service(max_tokens=40, timeout_s=600)
    requests = [request(service, EXEMPLAR * 3, schema=SCHEMA, seed=n) for n in range(count)]
    with _serving(folder / "server") as (access, pid):
        _post(access, requests[:2], 1)
        _ask(service, requests[:2], 1, folder / "warm")
        bar = tqdm(total=len(concurrencies) * turns * 2, desc="turns", file=sys.stderr)
        rows = []
        for concurrency in concurrencies:
            plain: list[Turn] = []
            ours: list[Turn] = []
            for turn in range(turns):
                cache = folder / f"{concurrency}-{turn}"
                clients: list[tuple[list[Turn], Callable[[], None]]] = [
                    (plain, partial(_post, access, requests, concurrency)),
                    (ours, partial(_ask, service, requests, concurrency, cache)),
                ]
                for measured, send in clients[:: 1 if turn % 2 else -1]:
                    measured.append(_timed(pid, send))
                    bar.update()
            rows.append(_row(concurrency, count, plain, ours))
        bar.close()
    return rows


def _row(concurrency: int, count: int, plain: Sequence[Turn], ours: Sequence[Turn]) -> Row:
    ceiling, seconds = (median(turn.seconds for turn in client) for client in (plain, ours))
    pairs = zip(plain, ours, strict=True)
    ratio = median(own.seconds / bare.seconds for bare, own in pairs)

    def per_request_ms(measured: Sequence[Turn], field: str) -> float:
        return 1000 * median(getattr(turn, field) for turn in measured) / count

    bare, own = per_request_ms(plain, "client_cpu"), per_request_ms(ours, "client_cpu")
    server = per_request_ms([*plain, *ours], "server_cpu")
    return Row(
        at_once=concurrency,
        requests=count,
        turns=len(plain),
        ceiling_s=ceiling,
        ask_s=seconds,
        ratio=ratio,
        ceiling_client_ms=bare,
        ask_client_ms=own,
        server_ms=server,
        cpu_share=(own - bare) / (bare + server),
        met=ratio <= GOAL,
    )


def _timed(server: int, send: Callable[[], None]) -> Turn:
    start, own, other = time.perf_counter(), time.process_time(), _cpu(server)
    send()
    return Turn(time.perf_counter() - start, time.process_time() - own, _cpu(server) - other)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ask(service: Service, requests: Sequence[Request], concurrency: int, cache: Path) -> None:
    replies = ask(requests, service.model_copy(update={"concurrency": concurrency}), cache=cache)
    first = [isinstance(reply, Reply) and reply.attempts == 1 for reply in replies]
    check(all(first), "a request failed or was sent twice, so the two clients did not do the same")


def _post(access: Access, requests: Sequence[Request], concurrency: int) -> None:
    """Post prepared bodies over kept connections, one a thread."""
    address = urlsplit(access.base_url)
    headers = {"Authorization": f"Bearer {access.key}", "Content-Type": "application/json"}
    bodies = iter([json.dumps(request.body).encode() for request in requests])

    def post(_: int) -> None:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=600)
        for body in bodies:  # one iterator for all threads
            connection.request("POST", f"{address.path}/completions", body, headers)
            answer = connection.getresponse()
            answer.read()
            check(answer.status == http.client.OK, f"the server answered {answer.status}")
        connection.close()

    with ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(post, range(concurrency)))


@contextmanager
def _serving(folder: Path) -> Iterator[tuple[Access, int]]:
    home = ServerHome(folder)
    access = serve_on_demand(folder)
    endpoint = home.endpoint()
    pid = endpoint.pid if endpoint is not None else 0
    os.environ |= {BASE_URL: access.base_url, API_KEY: access.key}
    try:
        yield access, pid
    finally:
        os.kill(pid, signal.SIGTERM)


def render(rows: Sequence[Row], facts: dict[str, Any], console: Console) -> None:
    """Print the rows as a table."""
    table = Table(title=", ".join(f"{name} {value}" for name, value in facts.items()))
    heads = ("at once", "ask, 1/s", "ceiling, 1/s", "ratio", "goal")
    for head in (*heads, "ask CPU ms", "plain CPU ms", "server CPU ms", "CPU share"):
        table.add_column(head, justify="right")
    for row in rows:
        table.add_row(
            str(row.at_once),
            f"{row.requests / row.ask_s:.2f}",
            f"{row.requests / row.ceiling_s:.2f}",
            f"{row.ratio:.3f}",
            "met" if row.met else "missed",
            f"{row.ask_client_ms:.1f}",
            f"{row.ceiling_client_ms:.1f}",
            f"{row.server_ms:.0f}",
            f"{row.cpu_share:.1%}",
        )
    console.print(table)


def main() -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.text", description=__doc__)
    parser.add_argument("--requests", type=int, default=32, help="in a turn")
    parser.add_argument("--turns", type=int, default=5, help="of each way")
    parser.add_argument("--quick", action="store_true", help="few requests; goals say nothing")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    count, turns = (4, 1) if options.quick else (options.requests, options.turns)
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(count, turns, CONCURRENCIES, Path(folder))
    facts = machine()
    if options.json:
        print(json.dumps({"machine": facts, "rows": [asdict(row) for row in rows]}, indent=1))
    else:
        render(rows, facts, Console())


if __name__ == "__main__":
    main()
