"""The service of the kind `asked`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


@contextmanager
def answering() -> Iterator[tuple[str, int]]:
    """Run a service that answers with texts at once; give its address and its process."""
    command = [sys.executable, "-m", "benchmarks.fake_service", "--delay", "0", "--texts"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            address = process.stdout.readline().strip() if process.stdout is not None else ""
            yield address, process.pid
        finally:
            process.terminate()


def access(address: str) -> dict[str, str]:
    """Variables by which a client finds the service."""
    return {"OPENAI_BASE_URL": address, "OPENAI_API_KEY": "sk-of-nobody-000000"}
