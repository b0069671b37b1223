"""The gate of a change: hooks before it may refuse it, hooks after it are told.

A handler makes its change inside `ActionService.change`, and names it there. Where hooks have to be
asked, the change is taken back at once (`HooksPendingError`), the hooks are called while nothing is
held, and the handler is called again with their approval. An approval is for one change exactly:
the id of its commit covers tree, parents, message and time. If something else would come of it by
then, because the branch has moved, the hooks are asked about that.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from lake.errors import ConflictError, LakeError, PreconditionError
from lake.server.actions import addresses, changes, loading
from lake.server.actions.action_file import Action, ActionFileError
from lake.server.actions.changes import Change
from lake.server.actions.events import Event, EventType
from lake.server.actions.loading import ActionLoader, UnreadActionsError, Unusable
from lake.server.actions.runner import HookRunner, Outcome
from lake.server.actions.runs import Runs
from lake.server.actions.webhook import Caller
from lake.server.catalog import commits
from lake.server.catalog.commits import Commit, CommitMessage
from lake.server.catalog.database import Database
from lake.server.catalog.trees import Tree
from lake.server.storage.reading import ObjectReader

MAX_ASKED: Final = 3
"""How often the hooks of one change are asked, where its branch moves meanwhile."""
_MAX_READ: Final = 10
"""How often action files are read for one change, where they change meanwhile."""
_LOG: Final = logging.getLogger("lake.server")

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Approval:
    """The hooks before a change agreed to it: to which one, made when, and in which run."""

    token: tuple[str, ...]
    created: int | None
    run: str


class HooksPendingError(Exception):
    """A change has to wait for its hooks; it was taken back."""

    def __init__(self, change: Change, actions: Sequence[Action]) -> None:
        """Say which change, and which actions have hooks for it."""
        super().__init__("hooks are to be asked")
        self.change = change
        self.actions = actions


Attempt = Callable[[Approval | None], Made]
"""Makes a change, with the approval of its hooks where they have given it."""


class ActionService:
    """The actions of a lake."""

    def __init__(self, database: Database, store: ObjectReader, caller: Caller) -> None:
        """Work on catalogue and objects; call what the caller may call."""
        self.database = database
        self.runs = Runs(database)
        self.loader = ActionLoader(store)
        self.runner = HookRunner(self.runs, caller)
        self.allowed = caller.allowed

    @contextmanager
    def change(self, approval: Approval | None) -> Iterator[Gate]:
        """One change in one transaction, which the gate's hooks may hold up; then they are told.

        Raises:
            HooksPendingError: hooks have to be asked first; nothing has changed.
            UnreadActionsError: action files have to be read first; nothing has changed.
            PreconditionError: an action file cannot be used, or names what may not be called.
        """
        gate = Gate(self, approval)
        with self.database.change():
            yield gate
        gate.tell()

    def attempt(self, make: Attempt[Made], approval: Approval | None) -> Made:
        """Try a change, and read the action files that it needs.

        Raises:
            HooksPendingError: its hooks have to be asked.
            ConflictError: its action files do not stay the same.
        """
        for _ in range(_MAX_READ):
            try:
                return make(approval)
            except UnreadActionsError as error:
                self.loader.read(error.keys)
        raise ConflictError("the action files of the change are other ones each time: try again")

    def ask(self, pending: HooksPendingError, asked: int) -> Future[Outcome]:
        """Call the hooks that a change waits for.

        Args:
            pending: the change.
            asked: how often they were called for it before.

        Raises:
            ConflictError: that was often enough, and its branch has moved each time.
        """
        if asked == MAX_ASKED:
            raise ConflictError(
                f"the branch moved {MAX_ASKED} times while the hooks before its change ran: "
                "try again"
            )
        return self.runner.start(pending.change.before, pending.actions)

    def approval(self, change: Change, outcome: Outcome) -> Approval:
        """What the hooks' agreement is worth.

        Raises:
            PreconditionError: they do not agree; the message names run, action, hook and answer.
        """
        if outcome.reasons:
            event, run = change.before.type, outcome.run.id
            raise PreconditionError(
                f"{event} hook aborted, run id '{run}': {'; '.join(outcome.reasons)}"
            )
        created = change.commit.created if change.commit else None
        return Approval(change.token, created, outcome.run.id)

    def committed(
        self,
        repository: str,
        branch: str,
        make: Callable[[CommitMessage], Commit],
        message: CommitMessage,
    ) -> Commit:
        """Make a commit with its hooks, and wait for them here.

        Args:
            repository: its name.
            branch: the branch that moves.
            make: makes the commit in the transaction.
            message: of the commit.

        Raises:
            PreconditionError: the hooks refuse it.
            ConflictError: the branch moves whenever they are asked.
        """

        def attempt(approval: Approval | None) -> Commit:
            with self.change(approval) as gate:
                made = make(gate.dated(message))
                gate.check(changes.commit(repository, branch, made))
            return made

        approval: Approval | None = None
        for asked in range(MAX_ASKED + 1):
            try:
                return self.attempt(attempt, approval)
            except HooksPendingError as pending:
                approval = self.approval(pending.change, self.ask(pending, asked).result())
        raise AssertionError("the last attempt is made or refused")

    def matched(self, event: Event) -> list[Action]:
        """The actions with hooks for an event.

        Raises:
            UnreadActionsError: files have to be read first.
            ActionFileError: a file that may be for the event cannot be used.
        """
        matched = []
        for action in self.loader.load(Tree(self.database, event.root)).values():
            if isinstance(action, Unusable):
                action.check(event.type)
            elif action.matches(event.type, event.branch):
                matched.append(action)
        return matched

    def check_new(self, made: Commit, repository: str) -> None:
        """Refuse action files of a commit that cannot be used, or call what may not be called.

        Raises:
            ActionFileError: there is one that its parent has not, or not so.
        """
        tree = Tree(self.database, made.root)
        actions = self.loader.load(tree)
        if not actions:
            return
        parent = commits.read(self.database, repository, made.parents[0])
        new = loading.changed(Tree(self.database, parent.root), tree)
        for path in sorted(new & actions.keys()):
            action = actions[path]
            if isinstance(action, Unusable):
                raise ActionFileError(action.reason)
            for number, hook in enumerate(action.hooks):
                try:
                    self.allowed.check(addresses.parse(hook.properties.url))
                except ValueError as error:
                    raise ActionFileError(
                        f"{path}: `hooks[{number}].properties.url` {error}"
                    ) from None

    def tell(self, event: Event) -> None:
        """Call the hooks after a change; whatever comes of it, the change stays."""
        try:
            actions = self.attempt(lambda _: self.matched(event), None)
        except (ActionFileError, LakeError, sqlite3.Error) as error:
            _LOG.warning("%s hooks of %s did not run: %s", event.type, event.repository, error)
            return
        if actions:
            self.runner.start(event, actions)


class Gate:
    """Where one change passes its hooks."""

    def __init__(self, service: ActionService, approval: Approval | None) -> None:
        """Begin a change, with the approval of its hooks where they have given it."""
        self._service = service
        self._approval = approval
        self._passed: list[Change] = []

    def dated(self, message: CommitMessage) -> CommitMessage:
        """The message with the time of the commit that was approved."""
        if self._approval is None or self._approval.created is None:
            return message
        return replace(message, created=self._approval.created)

    def check(self, change: Change) -> None:
        """Hold a change up until its hooks agree to it; to be called inside the transaction.

        Raises:
            HooksPendingError: they have to be asked.
            UnreadActionsError: action files have to be read first.
            PreconditionError: an action file cannot be used, or names what may not be called.
        """
        service, before = self._service, change.before
        try:
            if change.commit is not None and before.type is EventType.PRE_COMMIT:
                service.check_new(change.commit, before.repository)
            elif change.commit is not None:  # two sides of a merge can each add a name
                service.loader.load(Tree(service.database, change.commit.root))
            actions = service.matched(before)
        except ActionFileError as error:
            raise PreconditionError(f"{before.type} hook aborted: {error}") from None
        if actions and (self._approval is None or self._approval.token != change.token):
            raise HooksPendingError(change, actions)
        if actions and self._approval is not None and change.commit is not None:
            service.runs.set_commit(before.repository, self._approval.run, change.commit.id)
        self._passed.append(change)

    def tell(self) -> None:
        """Tell the hooks after the changes that they were made."""
        for change in self._passed:
            self._service.tell(change.after)
