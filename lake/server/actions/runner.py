"""Runs: the hooks of an event, called in a thread of their own beside the server's.

The hooks of an action are called one after the other, its actions beside each other, as lakeFS does
it. No lock and no thread of a request waits for a hook: a run is a future.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from lake import polling
from lake.errors import LakeError
from lake.server.actions import conditions, runs
from lake.server.actions.action_file import Action, Hook
from lake.server.actions.events import Event
from lake.server.actions.runs import HookRun, Run, Runs
from lake.server.actions.webhook import Caller, HookFailedError, Transcript

MAX_AT_ONCE: Final = 16
"""How many runs of one repository call hooks at once; others of it wait."""
MAX_WAITING: Final = 256
"""How many runs of one repository there are at most, those that wait included."""
STOP_SECONDS: Final = 5.0
_LOG: Final = logging.getLogger("lake.server")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run; `reasons` are those of the hooks that failed."""

    run: Run
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Called:
    run: HookRun
    reason: str = ""


class HookRunner:
    """Runs the hooks of a lake."""

    def __init__(self, records: Runs, caller: Caller) -> None:
        """Keep records of runs; nothing is started before it is needed."""
        self._records = records
        self._caller = caller
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(MAX_AT_ONCE)
        )
        self._open: Counter[str] = Counter()
        self._calls: set[asyncio.Task[None]] = set()
        self._stopped = threading.Event()

    @property
    def busy(self) -> bool:
        """Whether hooks are being called."""
        return self._open.total() > 0

    def start(self, event: Event, actions: Sequence[Action]) -> Future[Outcome]:
        """Call the hooks of an event, and keep a record of it."""
        with self._lock:
            too_many = self._open[event.repository] >= MAX_WAITING
            self._open[event.repository] += 1
            loop = self._started()
        refusal = f"{MAX_WAITING} runs of {event.repository} are under way" if too_many else ""
        running = asyncio.run_coroutine_threadsafe(self._run(event, actions, refusal), loop)
        running.add_done_callback(lambda _: self._ended(event))
        return running

    def stop(self) -> None:
        """End all calls; their hooks have failed, and are recorded so."""
        self._stopped.set()
        with self._lock:
            loop = self._loop
        if loop is None:
            return
        loop.call_soon_threadsafe(lambda: [call.cancel() for call in self._calls])

    def wait(self) -> None:
        """Wait a little until what was stopped is on record."""
        if self.busy:
            polling.until(lambda: not self.busy, interval=0.02, timeout=STOP_SECONDS)

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            thread = threading.Thread(target=self._loop.run_forever, name="hooks", daemon=True)
            thread.start()
        return self._loop

    def _ended(self, event: Event) -> None:
        with self._lock:
            self._open[event.repository] -= 1
            self._open += Counter()  # those of no runs go

    async def _run(self, event: Event, actions: Sequence[Action], refusal: str) -> Outcome:
        run_id = runs.new_id()
        if refusal:
            groups = [await self._group(*item, event, refusal) for item in enumerate(actions)]
        else:
            async with self._turns[event.repository]:
                groups = await asyncio.gather(
                    *(self._group(*item, event, "") for item in enumerate(actions))
                )
        called = [one for group in groups for one in group]
        reasons = tuple(one.reason for one in called if one.reason)
        started, ended = runs.span(one.run for one in called)
        now = time.time_ns()
        run = Run(
            run_id,
            str(event.type),
            event.branch,
            event.source_ref,
            event.made,
            started or now,
            ended or now,
            passed=not reasons,
        )
        await asyncio.to_thread(self._save, event, run, [one.run for one in called])
        return Outcome(run, reasons)

    def _save(self, event: Event, run: Run, hooks: Sequence[HookRun]) -> None:
        try:
            self._records.save(event.repository, run, hooks)
        except LakeError as error:
            _LOG.error("run %s of %s is not on record: %s", run.id, event.repository, error)
            raise

    async def _group(
        self, number: int, action: Action, event: Event, refusal: str
    ) -> list[_Called]:
        """Call the hooks of an action in their order."""
        called: list[_Called] = []
        for index, hook in enumerate(action.hooks):
            hook_run = runs.hook_run_id(number, index)
            failed = next((one for one in called if one.reason), None)
            if conditions.holds(hook.condition, failed=failed is not None):
                called.append(await self._call(hook_run, action, hook, event, refusal))
            else:
                why = f"hook {failed.run.hook!r} failed before it" if failed else "no hook failed"
                output = f"Skipped: {why} (if: {hook.condition or 'success()'})\n"
                run = HookRun(hook_run, action.name, hook.id, 0, 0, passed=False, output=output)
                called.append(_Called(run))
        return called

    async def _call(
        self, hook_run: str, action: Action, hook: Hook, event: Event, refusal: str
    ) -> _Called:
        log, started, reason = Transcript(), time.time_ns(), refusal
        if not reason:
            reason = await self._answer(action, hook, event, log)
        if reason:
            log.add(f"Error: {reason}")
            reason = (
                f"hook run id '{hook_run}' failed on action '{action.name}' hook '{hook.id}': "
                f"{reason}"
            )
        run = HookRun(
            hook_run,
            action.name,
            hook.id,
            started,
            time.time_ns(),
            passed=not reason,
            output=log.text(),
        )
        return _Called(run, reason)

    async def _answer(self, action: Action, hook: Hook, event: Event, log: Transcript) -> str:
        """Call a hook; return why it failed, empty where it did not."""
        if self._stopped.is_set():
            return "the server was stopped"
        payload: Mapping[str, object] = event.payload(action.name, hook.id)
        call = asyncio.create_task(self._caller.call(hook.properties, payload, log))
        self._calls.add(call)
        try:
            await call
        except HookFailedError as error:
            return str(error)
        except asyncio.CancelledError:
            if not self._stopped.is_set():
                raise
            return "the server was stopped while it ran"
        except Exception:  # noqa: BLE001  whatever it is, the hook has not agreed
            _LOG.exception("hook %s of %s failed", hook.id, event.repository)
            return "internal error; see server.log of the lake"
        finally:
            self._calls.discard(call)
        return ""
