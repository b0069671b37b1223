"""The program, as the tests see it: proxies that ask the program's process.

Plain values arrive as themselves, so that they are compared here, where the program reaches
nothing. Objects, classes and functions of the program stay there; what arrives is a proxy, of a
class that has the special methods of the original (`proxies`).
"""

from __future__ import annotations

import re
import sys
from _thread import RLock
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NoReturn

from pipelines.sandbox.inside import (
    codec,
    deriving,
    known,
    outgoing,
    proxies,
    quiet,
    references,
    surroundings,
    texts,
)
from pipelines.sandbox.inside.channel import Channel, ClosedError
from pipelines.sandbox.inside.codec import Decoder, Encoder, Node
from pipelines.sandbox.inside.containers import Shared
from pipelines.sandbox.inside.errors import (
    Broken,
    CrossingError,
    MalformedError,
    Unjudged,
    is_failure,
)
from pipelines.sandbox.inside.folder import Folder
from pipelines.sandbox.inside.handed import Handed
from pipelines.sandbox.inside.objects import Handle, Objects
from pipelines.sandbox.inside.proxies import Remote
from pipelines.sandbox.inside.surroundings import Surroundings

ENDED: Final = "the program ended its process"
LOOKING: Final = frozenset({"describe", "names", "functions", "look"})
"""Requests that are not about the program's own doing."""
RUNS: Final = re.compile(r"\b(eval|exec)\b")
"""How tests run texts."""
TURNING: Final = frozenset({"step", "cancel"})
"""Requests that let the program's loop take turns."""


@dataclass(frozen=True, slots=True)
class _Raised:
    """What a reply raises."""

    error: BaseException


class Program:
    """A program in another process."""

    is_apart = True

    def __init__(self, channel: Channel, tests: str, folder: Folder) -> None:
        """Take the connection, the source of the tests, and the folder that both have."""
        self.asked = 0
        """Requests that were about the program's own doing."""
        self.ended: Broken | Unjudged | None = None
        """Why it cannot be asked any more."""
        self.caught: set[int] = set()
        """Failed assertions of the tests that the program got to know and did not pass on."""
        self._channel, self._folder, self._tests = channel, folder, tests
        self._shared, self._handed = Shared(0), Handed()
        self._surroundings = Surroundings(tests)
        self._objects = Objects(self)
        self._errors: list[BaseException] = []
        self._texts: list[str] | None = [] if RUNS.search(tests) else None
        """What the program gave, as texts, if the tests run some."""
        self._lock = RLock()

    def loaded(self) -> None:
        """Wait until the program's module has run; raises what it raised."""
        self._reply()
        self.asked = 0

    def look(self, name: str) -> Any:
        """A name of its module; NameError where it has none."""
        return self.ask("look", name)

    def functions(self) -> list[str]:
        """Names of the functions that it defines."""
        found = self.ask("functions")
        return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []

    def ask(self, do: str, /, *args: Any, **named: Any) -> Any:
        """Ask the program's process, and answer its questions meanwhile.

        Raises:
            Broken: it has ended, or does not keep the protocol.
            Unjudged: an argument cannot cross.
            BaseException: what the program raised.
        """
        with self._lock:  # of several threads, one asks at a time
            if self.ended is not None:
                raise self.ended
            self.asked += do not in LOOKING
            encoder = Encoder(self._refer, self._shared)
            try:
                message: dict[str, Any] = {
                    "do": do,
                    "args": [encoder.add(value) for value in args],
                    "named": {name: encoder.add(value) for name, value in named.items()},
                }
                if do not in TURNING and _is_running():
                    message["running"] = True
                self._send(message, encoder)
            except CrossingError as error:
                self.unjudge(str(error))
            try:
                return self._reply()
            except BaseException as error:
                if quiet.raised(error, do, args, self._tests):
                    name = type(error).__name__
                    self._break(f"the program raised {name} where it was called")
                raise

    def unjudge(self, why: str) -> NoReturn:
        """End judging.

        Raises:
            Unjudged: always.
        """
        self.ended = self.ended or Unjudged(why)
        raise self.ended

    def gave(self, text: str) -> bool:
        """Whether a text is a part of one that the program gave."""
        return any(text in each for each in self._texts or ())

    def known_as(self, value: Any, trust: int) -> Any:
        """An object with another origin; anything else as it is."""
        return self._objects.known_as(value, trust)

    def derived(self, name: str, bases: tuple[type, ...], content: dict[str, Any]) -> Any:
        """A class that the tests derive from the program's."""
        return deriving.derived(self, name, bases, content)

    async def awaited(self, value: Any) -> Any:
        """Wait for something of the program, and let others go on meanwhile."""
        import asyncio  # noqa: PLC0415  slow to import

        task = self.ask("begin", value)
        try:
            while True:
                await asyncio.sleep(0)
                done, found = self.ask("step", task)
                if done is True:
                    return found
        except (asyncio.CancelledError, GeneratorExit):
            if self.ended is None:
                self.ask("cancel", task)
            raise

    def _break(self, why: str) -> NoReturn:
        self.ended = self.ended or Broken(why)
        raise self.ended

    def _send(self, message: dict[str, Any], encoder: Encoder) -> None:
        """Send a message with all that has changed since the last one."""
        if setting := self._surroundings.changes():
            message["setting"] = encoder.add(setting)
        message["changed"] = encoder.changes()
        message["unused"] = self._shared.unused(sys.getrefcount)
        message["nodes"], message["files"] = encoder.nodes, self._folder.changes()
        try:
            self._channel.send(message)
        except ClosedError:
            self._break(ENDED)

    def _reply(self) -> Any:
        """Wait for the reply to a request."""
        try:
            message = self._channel.receive()
            while "callback" in message:
                self._called_back(message, self._decoded(message))
                message = self._channel.receive()
            found = self._read(message)
        except ClosedError:
            self._break(ENDED)
        except (MalformedError, RecursionError, MemoryError) as error:
            self._break(f"the program's process sent {error or type(error).__name__}")
        except codec.ERRORS as error:
            self._break(f"the program's process sent what is no reply: {type(error).__name__}")
        if isinstance(found, _Raised):
            raise found.error
        return found

    def _decoded(self, message: dict[str, Any]) -> Decoder:
        """The values of a message; what was printed is printed here."""
        printed, complained = message["printed"]
        if not isinstance(printed, str) or not isinstance(complained, str):
            raise MalformedError("what was printed is no text")
        if self._texts is not None:
            self._texts.extend(texts.of(message))
        decoder = Decoder(message.get("nodes"), self._resolve, self._shared)
        decoder.value(None)
        decoder.change(message.get("changed"))
        self._folder.apply(message.get("files"))
        if printed:
            sys.stdout.write(printed)
        if complained:
            sys.stderr.write(complained)
        return decoder

    def _read(self, message: dict[str, Any]) -> Any:
        decoder = self._decoded(message)
        if "uncrossed" in message:
            self._break(f"what the program gave has {str(message['uncrossed'])[:200]}")
        if "warned" in message:
            surroundings.logged(decoder.value(message["logged"]))
            told = [self._objects.error(*map(decoder.value, each)) for each in message["warned"]]
            try:
                surroundings.warned(told)
            except Warning as warning:
                return _Raised(warning)
        if "value" in message:
            return decoder.value(message["value"])
        if "again" in message:
            self.caught.discard(message["again"])
            return _Raised(self._errors[message["again"]])
        chain = [list(map(decoder.value, each)) for each in message["raised"]]
        errors = [(self._objects.error(*each[:-1]), each[-1]) for each in chain]
        for (error, _), (cause, is_meant) in pairwise(errors):
            object.__setattr__(error, "__cause__" if is_meant else "__context__", cause)
        return _Raised(errors[0][0])

    def _called_back(self, message: dict[str, Any], decoder: Decoder) -> None:
        """Do what the program asks of the tests."""
        args = [decoder.value(ref) for ref in message["args"]]
        named = {name: decoder.value(ref) for name, ref in message["named"].items()}
        number, how = message["callback"], message["how"]
        encoder = Encoder(self._refer, self._shared)
        values: tuple[Any, ...]
        try:
            if isinstance(number, str):
                value = outgoing.standard_input(number, args)
            else:
                value = self._handed.answer(number, how, args, named)
        except (Broken, Unjudged, MalformedError):
            raise
        except BaseException as error:  # noqa: BLE001  whatever the tests raise
            if is_failure(error):
                self.caught.add(len(self._errors))
            self._errors.append(error)
            kind = type(error) if type(error).__module__ == "__main__" else outgoing.kind(error)
            name, values = "raised", (len(self._errors) - 1, kind, outgoing.arguments(error))
        else:
            name, values = "value", (value,)
        try:
            refs = [encoder.add(value) for value in values]
            self._send({name: refs[0] if name == "value" else refs}, encoder)
        except CrossingError as error:
            self.unjudge(str(error))

    def _refer(self, value: Any, encoder: Encoder) -> Node:
        """The node of a value of the tests."""
        if isinstance(value, Handle):
            return ["handle", value.number]
        if type(value) is Remote:
            return ["handle", proxies.class_handle(value)]
        if known.is_object(value):
            return ["handle", known.handle(value)]
        return outgoing.node(value) or self._handed.node(value, encoder)

    def _resolve(self, node: Node, decoder: Decoder) -> Any:
        """What a node of the program stands for."""
        kind, first, *others = node
        resolving: dict[str, Callable[[], Any]] = {
            "type": lambda: references.BY_NAME[first],
            "module": lambda: references.module_sent(first),
            "library": lambda: references.class_sent(first, *others),
            "given": lambda: self._handed.value(first),
            "class": lambda: self._objects.kind(first),
            "object": lambda: self._objects.value(node, decoder),
        }
        if kind not in resolving:
            raise MalformedError(f"a value of kind {kind[:40]!r}")
        return resolving[kind]()


def _is_running() -> bool:
    """Whether the tests are in a coroutine."""
    loops = sys.modules.get("asyncio.events")
    return loops is not None and loops._get_running_loop() is not None  # noqa: SLF001  it may be none
