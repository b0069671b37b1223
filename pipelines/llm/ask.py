"""Ask a service many requests at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pipelines.llm.costs import Ledger
from pipelines.llm.settings import Service
from pipelines.llm.values import Failure, Reply, Request

CACHE: Final = Path(".stemma/llm")
"""Where answers are kept unless told otherwise, below the project's directory."""


def ask(
    requests: Sequence[Request],
    service: Service,
    *,
    cache: Path = CACHE,
    progress: Callable[[int, int], None] | None = None,
    ledger: Ledger | None = None,
) -> list[Reply | Failure]:
    """Answer each request, in order, from the cache or by the service.

    Equal requests are asked once. Answers are kept as they arrive: a killed run that is started
    again asks for what is missing only.

    Args:
        requests: what to ask.
        service: whom to ask, and how patiently.
        cache: directory of the answers.
        progress: told how many are done, and of how many (`pipelines.progress.bar` gives one).
        ledger: counts what a round with several calls has cost, so that its budget holds for all
            of them; None: the budget is for this call.

    Raises:
        ServiceError: the service cannot be used at all: no key or a wrong one, no such model, no
            such address.
        BudgetError: the next request could pass `budget_usd`.
        TooManyFailures: more requests failed for good than `max_failures` allows.
    """
    raise NotImplementedError
