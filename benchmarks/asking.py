"""What a request costs the process that asks: `ask` beside other clients of the same fake service.

Processor time of the asking process (user and system), without its start: each client is measured
in a process of its own with two amounts of requests, and the difference is what a further request
costs. `aiohttp` and `httpx` post the same bodies and read no answer: they are floors. Peers are
measured in the interpreters that `--peers` names, each in the first one that has it, so that their
requirements need not agree with ours or with each other's; one that none has is named as left out.
All take turns; a busy machine slows them alike.

    python -m benchmarks.asking [--requests 1000 3000] [--peers PYTHON…] [--clients NAME…] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.measured import machine

WORKERS: Final = Path(__file__).with_name("asking_workers.py")
OURS: Final = ("ask", "aiohttp", "httpx", "openai")
PEERS: Final = ("instructor", "curator", "data_designer")
ROOT: Final = Path(__file__).resolve().parents[1]


@contextmanager
def fake_service(delay: float) -> Iterator[str]:
    """Run the fake service in a process of its own, and give its address."""
    command = [sys.executable, "-m", "benchmarks.fake_service", "--delay", str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout is not None else ""
        finally:
            process.terminate()


def cpu_seconds(python: str, client: str, count: int, base_url: str) -> float | None:
    """Processor seconds of a process that asks so many requests; None: it is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, "-P", str(WORKERS), client, str(count)],
            env={
                **os.environ,
                "OPENAI_BASE_URL": base_url,
                "OPENAI_API_KEY": "sk-of-nobody-000000",
                "PYTHONPATH": str(ROOT),
                "HOME": folder,
            },
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    lines = done.stdout.strip().splitlines()
    if done.returncode == os.EX_UNAVAILABLE:
        return None
    if done.returncode or not lines:
        sys.exit(f"{client} failed: {done.stderr[-2000:]}")
    return float(lines[-1])


def measure(
    counts: Sequence[int], peers: Sequence[str], delay: float, clients: Sequence[str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Measure clients with every amount of requests; return peers that were left out too."""
    rows, left_out = [], []
    with fake_service(delay) as base_url:
        for client in clients:
            pythons = peers if client in PEERS else [sys.executable]
            cpu = _of_first(pythons, client, counts, base_url)
            if cpu is None:
                left_out.append(client)
                continue
            further = 1000 * (cpu[-1] - cpu[0]) / (counts[-1] - counts[0])
            print(f"{client}: {cpu} CPU s, {further:.3f} ms a further", file=sys.stderr, flush=True)
            rows.append({"client": client, "cpu_s": cpu, "further_ms": round(further, 3)})
    first = rows[0]["cpu_s"] if rows else []
    for row in rows:
        row["ratios"] = [
            round(own / ours, 2) for own, ours in zip(row["cpu_s"], first, strict=True)
        ]
    return rows, left_out


def _of_first(
    pythons: Sequence[str], client: str, counts: Sequence[int], base_url: str
) -> list[float] | None:
    """Processor seconds by amount, in the first interpreter that has a client; None: none has."""
    for python in pythons:
        first = cpu_seconds(python, client, counts[0], base_url)
        if first is not None:
            further = [cpu_seconds(python, client, count, base_url) for count in counts[1:]]
            return [first, *(each for each in further if each is not None)]
    return None


def main() -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.asking", description=__doc__)
    parser.add_argument("--requests", type=int, nargs=2, default=[1000, 3000])
    parser.add_argument("--delay", type=float, default=0.005, help="of the service, in seconds")
    parser.add_argument("--peers", nargs="+", default=[], help="interpreters with further clients")
    parser.add_argument("--clients", nargs="+", help="those alone; ratios are to the first")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not 0 < options.requests[0] < options.requests[1]:
        parser.error("--requests takes two amounts, the greater one last")
    facts = machine()
    clients = options.clients or [*OURS, *(PEERS if options.peers else ())]
    rows, left_out = measure(options.requests, options.peers, options.delay, clients)
    if options.json:
        about = {"machine": facts, "requests": options.requests, "left_out": left_out}
        print(json.dumps({**about, "rows": rows}, indent=1))
        return
    table = Table(title=", ".join(f"{name} {value}" for name, value in facts.items()))
    heads = [f"CPU s, {count:,} (×)" for count in options.requests]
    for head in ("client", *heads, "ms a further"):
        table.add_column(head, justify="left" if head == "client" else "right")
    for row in rows:
        pairs = zip(row["cpu_s"], row["ratios"], strict=True)
        cells = [*(f"{cpu:.2f} ({ratio:.2f})" for cpu, ratio in pairs), f"{row['further_ms']:.2f}"]
        table.add_row(row["client"], *cells)
    Console().print(table)
    if left_out:
        print(f"not installed in any interpreter that --peers names: {', '.join(left_out)}")


if __name__ == "__main__":
    main()
