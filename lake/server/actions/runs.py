"""Records of runs: which hooks an event called, and what came of each, kept in the catalogue."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

from lake.errors import NotFoundError
from lake.server.catalog import repositories
from lake.server.catalog.database import Database
from lake.server.catalog.pagination import Page, page

MAX_RUNS: Final = 1000
"""How many runs of a repository are kept; the oldest go."""
_LAST: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class HookRun:
    """What came of a hook; times in nanoseconds of unix time, both 0 where it was not called."""

    id: str
    action: str
    hook: str
    started: int
    ended: int
    passed: bool
    output: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of an event; `commit` is the one that was made, empty where none was."""

    id: str
    event: str
    branch: str
    source_ref: str
    commit: str
    started: int
    ended: int
    passed: bool


class _Ids:
    """Ids that sort by time, the newest first, as lakeFS's do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._previous = 0

    def next(self) -> str:
        with self._lock:
            self._previous = max(time.time_ns(), self._previous + 1)
            return f"{_LAST - self._previous:016x}{secrets.token_hex(2)}"


_IDS: Final = _Ids()


def new_id() -> str:
    """The id of a run that begins now."""
    return _IDS.next()


def hook_run_id(action: int, hook: int) -> str:
    """The id of a hook's run within its run, by the numbers of action and hook."""
    return f"{action:04}_{hook:04}"


class Runs:
    """The runs of a lake's repositories."""

    def __init__(self, database: Database) -> None:
        """Work on a catalogue."""
        self._database = database

    def save(self, repository: str, run: Run, hooks: Sequence[HookRun]) -> None:
        """Keep a run with its hooks, and forget the oldest; nothing for a repository that is gone.

        Raises:
            FullError: it cannot be written.
        """
        with self._database.change() as db:
            if not db.execute("SELECT 1 FROM repositories WHERE id = ?", (repository,)).fetchone():
                return
            db.execute(
                "INSERT INTO action_runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (repository, *astuple(run)),
            )
            db.executemany(
                "INSERT INTO action_hooks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(repository, run.id, *astuple(hook)) for hook in hooks],
            )
            db.execute(
                "DELETE FROM action_runs WHERE repository = ?1 AND id IN (SELECT id FROM "
                "action_runs WHERE repository = ?1 ORDER BY id LIMIT -1 OFFSET ?2)",
                (repository, MAX_RUNS),
            )

    def set_commit(self, repository: str, run: str, commit: str) -> None:
        """Record the commit that was made after a run; to be called inside the change."""
        self._database.connection.execute(
            "UPDATE action_runs SET commit_id = ? WHERE repository = ? AND id = ?",
            (commit, repository, run),
        )

    def page(
        self, repository: str, after: str, amount: int, *, branch: str = "", commit: str = ""
    ) -> Page[Run]:
        """Runs of a repository, the newest first; of one branch, or of one commit.

        Raises:
            NotFoundError: there is no such repository.
        """
        repositories.read(self._database, repository)
        rows = self._database.connection.execute(
            "SELECT id, event, branch, source_ref, commit_id, started, ended, passed "
            "FROM action_runs WHERE repository = ?1 AND id > ?2 AND (?3 = '' OR branch = ?3) "
            "AND (?4 = '' OR commit_id = ?4) ORDER BY id",
            (repository, after, branch, commit),
        )
        return page(map(_run, rows), amount, lambda run: run.id)

    def get(self, repository: str, run: str) -> Run:
        """Look a run up.

        Raises:
            NotFoundError: there is none, or not any more.
        """
        repositories.read(self._database, repository)
        row = self._database.connection.execute(
            "SELECT id, event, branch, source_ref, commit_id, started, ended, passed "
            "FROM action_runs WHERE repository = ? AND id = ?",
            (repository, run),
        ).fetchone()
        if row is None:
            raise NotFoundError(f"run {run!r} not found in {repository!r}")
        return _run(row)

    def hooks(self, repository: str, run: str, after: str, amount: int) -> Page[HookRun]:
        """The hooks of a run in the order of actions and hooks, without their output.

        Raises:
            NotFoundError: there is no such run.
        """
        self.get(repository, run)
        rows = self._database.connection.execute(
            "SELECT id, action, hook, started, ended, passed FROM action_hooks "
            "WHERE repository = ? AND run = ? AND id > ? ORDER BY id",
            (repository, run, after),
        )
        hooks = (HookRun(*[*row[:5], bool(row[5])]) for row in rows)
        return page(hooks, amount, lambda hook: hook.id)

    def output(self, repository: str, run: str, hook_run: str) -> str:
        """What was sent to a hook, and what it answered.

        Raises:
            NotFoundError: there is no such run of a hook.
        """
        self.get(repository, run)
        row = self._database.connection.execute(
            "SELECT output FROM action_hooks WHERE repository = ? AND run = ? AND id = ?",
            (repository, run, hook_run),
        ).fetchone()
        if row is None:
            raise NotFoundError(f"hook run {hook_run!r} of run {run!r} not found")
        return str(row[0])


def _run(row: Sequence[Any]) -> Run:
    return Run(*[*row[:7], bool(row[7])])


def span(hooks: Iterable[HookRun]) -> tuple[int, int]:
    """When the first of the hooks began and the last one ended; 0 where none was called."""
    called, other = itertools.tee(hook for hook in hooks if hook.started)
    return min((hook.started for hook in called), default=0), max(
        (hook.ended for hook in other), default=0
    )
