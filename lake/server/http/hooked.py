"""Requests whose change waits for hooks: they give their thread back while the hooks are called."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from lake.server.actions.service import (
    MAX_ASKED,
    ActionService,
    Approval,
    Attempt,
    HooksPendingError,
)

Made = TypeVar("Made")


async def hooked(actions: ActionService, make: Attempt[Made]) -> Made:
    """Call what makes a change, in a thread, once or again with the approval of its hooks.

    Raises:
        PreconditionError: the hooks refuse it.
        ConflictError: the branch moves whenever they are asked.
    """
    approval: Approval | None = None
    for asked in range(MAX_ASKED + 1):
        try:
            return await run_in_threadpool(actions.attempt, make, approval)
        except HooksPendingError as pending:
            outcome = await asyncio.wrap_future(actions.ask(pending, asked))
            approval = actions.approval(pending.change, outcome)
    raise AssertionError("the last attempt is made or refused")
