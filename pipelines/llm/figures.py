"""What a run of requests has reached so far, as a line that is shown while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pipelines.llm.costs import Ledger
from pipelines.llm.values import Failure, Reply

EVERY: Final = 0.5
"""Seconds between two lines."""


@dataclass
class Figures:
    """Counts of the results of one call of `ask`, without the answers that were kept before."""

    clock: Callable[[], float] = time.monotonic
    missing: int = 0
    """Requests to be sent."""
    kept: int = 0
    failed: int = 0
    retried: int = 0
    """Attempts beyond the first of each request."""
    tokens: int = 0
    """Tokens in and out that the service counted."""
    began: float = 0.0
    shown: float = 0.0

    def begin(self, missing: int) -> None:
        """Begin with so many requests to be sent."""
        self.missing, self.began = missing, self.clock()

    def count(self, result: Reply | Failure) -> None:
        """Count a result."""
        self.kept += isinstance(result, Reply)
        self.failed += isinstance(result, Failure)
        self.retried += max(0, result.attempts - 1)
        self.tokens += result.tokens_in + result.tokens_out

    def is_due(self) -> bool:
        """Whether the last line is old, or all is done."""
        now = self.clock()
        if now - self.shown < EVERY and self.kept + self.failed < self.missing:
            return False
        self.shown = now
        return True

    def sentence(self, ledger: Ledger) -> str:
        """Return the figures as a line: kept, failed, retried, dollars, tokens, time left."""
        seconds = max(self.clock() - self.began, 1e-9)
        done = self.kept + self.failed
        left = timedelta(seconds=round(seconds / done * (self.missing - done))) if done else "?"
        parts = [
            f"kept {self.kept:,}",
            f"failed {self.failed:,}",
            f"retried {self.retried:,}",
            *([] if ledger.unpriced else [f"${ledger.spent:.4f}"]),
            f"{self.tokens / seconds:,.0f} tokens/s",
            f"{left} left",
        ]
        return ", ".join(parts)
