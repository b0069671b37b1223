"""What a worker is told to do, and how it ends: plain data and functions of modules.

A worker is another process, perhaps on another machine. It opens a task once, which is where a
round is planned, and then does one shard after the other. How it ends comes back as a value, since
not every error of a library can be sent from one process to another.
"""

from __future__ import annotations

import pickle
import secrets
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from pipelines.common.errors import PipelineError, WorkerError
from pipelines.common.shards import Shard

State = TypeVar("State")
Result = TypeVar("Result")
_OPENED: Final[dict[str, Any]] = {}
"""What this process has opened: one task at a time, by its token."""


@dataclass(frozen=True, slots=True)
class Task(Generic[State, Result]):
    """The work of a stage on its shards; both functions are found by their module and name."""

    open: Callable[[Any], State]
    """Builds what all shards need, once in each process."""
    work: Callable[[State, Shard], Result]
    """Does a shard."""
    data: Any = None
    """What `open` is given: plain values. It reaches workers by memory and is in no file."""
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    """Tells this task from others in the same process."""


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """A shard that was done."""

    result: Result


@dataclass(frozen=True, slots=True)
class Failed:
    """A shard that failed."""

    error: Exception
    of_all: bool = False
    """Whether every shard would fail so: the task could not be opened."""
    last: bool = False
    """Whether its tries are used up already, by who ran it."""


def do(task: Task[Any, Result], shard: Shard) -> Done[Result] | Failed:
    """Do a shard in a worker's process."""
    try:
        if task.token not in _OPENED:
            _OPENED.clear()
            _OPENED[task.token] = task.open(task.data)
    except Exception as error:  # noqa: BLE001  of any library; it is raised where the stage runs
        return Failed(_portable(error), of_all=True)
    try:
        return Done(task.work(_OPENED[task.token], shard))
    except Exception as error:  # noqa: BLE001  as above
        return Failed(_portable(error))


def _portable(error: Exception) -> Exception:
    """Return an error that can be sent to another process, with the traceback as a note."""
    where = "".join(traceback.format_exception(error))
    try:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301  made a moment ago, here
    except Exception:  # noqa: BLE001  an error whose class takes other arguments
        copy = None
    sent: Exception = WorkerError(f"{type(error).__name__}: {error}")
    if type(copy) is type(error) and str(copy) == str(error):
        sent = copy
    if not isinstance(error, PipelineError):
        sent.add_note(f"in a worker:\n{where}")
    return sent
