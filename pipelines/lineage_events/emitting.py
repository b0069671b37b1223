"""Send the events of a stage: START, and COMPLETE, FAIL or ABORT; a stage never fails by them.

What the transport does not take is said once, when the stage ends, and counted. After an event that
was not sent no other is tried in this stage, so that a server that does not answer costs one wait.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from lake.visible import shorten
from pipelines.common import console
from pipelines.common.errors import PipelineError
from pipelines.common.optional import library
from pipelines.lineage_events import configuration, events
from pipelines.lineage_events.events import EXTRA, WORK, RunFacts
from pipelines.lineage_events.facts import StageFacts

DEFAULT_NAMESPACE: Final = "stemma"
PARENT_PARTS: Final = 3
"""Namespace, job and run id of a parent run, between slashes."""


class Collect(Protocol):
    """Collects what a stage read and wrote; of one that failed, what it read."""

    def __call__(self, *, failed: bool) -> StageFacts:
        """Collect it."""


@dataclass(slots=True)
class Told:
    """The events of one stage: how many there were, and what became of them."""

    stage: str
    key: str | None
    collect: Collect | None = None
    """Collects what the stage read and wrote; None: nothing is known."""
    sent: int = 0
    unsent: int = 0
    reason: str = ""
    untold: str = ""
    """Type of the error by which data sets could not be told."""
    _client: Any = None
    _run: RunFacts | None = None

    def tell(self, state: str, error: BaseException | None = None) -> None:
        """Send one event; an error is counted, and raised by nobody."""
        if self.unsent:
            self.unsent += 1
            return
        try:
            self._send(state, error)
        except Exception as failed:  # noqa: BLE001  of any transport, and of what is not known
            self.unsent += 1
            # What other libraries say may quote an address with a password.
            known = isinstance(failed, PipelineError)
            self.reason = shorten(str(failed)) if known else type(failed).__name__
        else:
            self.sent += 1

    def close(self) -> None:
        """Wait for what a transport still sends, and say what was not sent."""
        if self._client is not None and not self.unsent:
            try:
                self._client.close()
            except Exception as failed:  # noqa: BLE001  of any transport
                self.unsent, self.sent = self.sent, 0
                self.reason = type(failed).__name__
        if self.untold:
            console.line(
                f"openlineage: the data sets of stage {self.stage} could not be told "
                f"({self.untold}); the stage is not affected"
            )
        if self.unsent:
            console.line(
                f"openlineage: {self.unsent} of {self.unsent + self.sent} events of stage "
                f"{self.stage} not sent ({self.reason}); the stage is not affected"
            )

    def _send(self, state: str, error: BaseException | None) -> None:
        if self._client is None:
            self._client = _client()
        self._run = self._run or _run(self.stage, self.key)
        facts = None if state == "START" else self._facts(failed=error is not None)
        self._client.emit(events.compose(self._run, state, facts, error))

    def _facts(self, *, failed: bool) -> StageFacts | None:
        """What the stage read and wrote; None where it cannot be told."""
        if self.collect is None:
            return None
        try:
            return self.collect(failed=failed)
        except Exception as error:  # noqa: BLE001  an event without data sets is one all the same
            self.untold = type(error).__name__
            return None


@contextmanager
def stage_run(stage: str, key: str | None) -> Iterator[Told | None]:
    """Tell of a stage's run while the `with` block lasts, if anybody listens.

    Yields:
        The events, to which the block adds what collects their facts; None: nobody listens.
    """
    if not configuration.is_configured():
        yield None
        return
    told = Told(stage, key)
    told.tell("START")
    try:
        yield told
    except BaseException as error:
        told.tell("ABORT" if isinstance(error, KeyboardInterrupt) else "FAIL", error)
        raise
    else:
        told.tell("COMPLETE")
    finally:
        told.close()


def _client() -> Any:  # noqa: ANN401  a class of the client
    """The client, configured by itself; it leaves no variable and no line of a log behind.

    It sets variables of its own in the environment for those that it is configured by.
    """
    module = library("openlineage.client", WORK, extra=EXTRA)
    logging.getLogger("openlineage").addHandler(logging.NullHandler())
    before = set(os.environ)
    try:
        return module.OpenLineageClient()
    finally:
        for name in set(os.environ) - before:
            del os.environ[name]


def _run(stage: str, key: str | None) -> RunFacts:
    """A new run of a stage, whose job is the stage of its data set, and its parent."""
    namespace = os.environ.get(configuration.NAMESPACE) or DEFAULT_NAMESPACE
    dataset = key.rpartition("-")[0] or key if key else None
    job = f"{dataset}.{stage}" if dataset else stage
    return RunFacts(namespace, job, events.new_id(), key, _parent(namespace, key))


def _parent(namespace: str, key: str | None) -> tuple[str, str, str] | None:
    """The run that a stage belongs to: the one that the environment names, or else its round."""
    named = os.environ.get(configuration.PARENT, "").rsplit("/", PARENT_PARTS - 1)
    if len(named) == PARENT_PARTS:
        return named[0], named[1], named[2]
    if key is None:
        return None
    return namespace, f"round {key}", events.id_of(f"{namespace}/{Path.cwd()}/{key}")
