"""The program, as the tests see it: proxies that ask the program's process.

Plain values arrive as themselves, so that they are compared here, where the program reaches
nothing. Objects, classes and functions of the program stay there; what arrives is a proxy, of a
class that has the special methods of the original (`proxies`).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Final, NoReturn

from pipelines.sandbox.inside import codec, outgoing, proxies, references, special
from pipelines.sandbox.inside.channel import Channel, ClosedError
from pipelines.sandbox.inside.codec import Decoder, Encoder, Node, refill
from pipelines.sandbox.inside.errors import Broken, CrossingError, MalformedError, Unjudged
from pipelines.sandbox.inside.folder import Folder
from pipelines.sandbox.inside.proxies import KNOWN, Known, Proxy, Remote

ENDED: Final = "the program ended its process"


class Handle:
    """An object of the program by its number alone."""

    def __init__(self, number: int) -> None:
        """Take the number."""
        self.number = number


@dataclass(frozen=True, slots=True)
class _Raised:
    """What a reply raises."""

    error: BaseException


class Program:
    """A program in another process."""

    def __init__(self, channel: Channel) -> None:
        """Take the connection."""
        self.asked = 0
        """Requests that were about the program's own doing."""
        self.classes: frozenset[str] = frozenset()
        """Names that the tests use as classes."""
        self.ended: Broken | Unjudged | None = None
        """Why it cannot be asked any more."""
        self._channel, self._folder = channel, Folder()
        self._constructed: set[int] = set()
        self._classes: dict[int, Any] = {}
        self._proxies: dict[tuple[int, bool], Any] = {}
        self._functions: list[Callable[..., Any]] = []
        self._numbers: dict[int, int] = {}
        self._errors: list[BaseException] = []

    def loaded(self) -> None:
        """Wait until the program's module has run; raises what it raised."""
        self._reply([])
        self.asked = 0

    def look(self, name: str) -> Any:
        """A name of its module; NameError where it has none."""
        found = self.ask("look", name)
        if name in self.classes and isinstance(found, Remote):
            self._constructed.add(proxies.class_handle(found))
        return found

    def functions(self) -> list[str]:
        """Names of the functions that it defines."""
        found = self.ask("functions")
        return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []

    def ask(self, do: str, *args: Any, **named: Any) -> Any:
        """Ask the program's process, and answer its questions meanwhile.

        Raises:
            Broken: it has ended, or does not keep the protocol.
            Unjudged: an argument cannot cross.
            BaseException: what the program raised.
        """
        if self.ended is not None:
            raise self.ended
        self.asked += do not in {"describe", "names", "functions", "look"}
        encoder = Encoder(self._refer)
        try:
            message = {
                "do": do,
                "args": [encoder.add(value) for value in args],
                "named": {name: encoder.add(value) for name, value in named.items()},
                "nodes": encoder.nodes,
            }
            self._send(message)
        except CrossingError as error:
            self.unjudge(str(error))
        return self._reply(encoder.kept)

    def unjudge(self, why: str) -> NoReturn:
        """End judging.

        Raises:
            Unjudged: always.
        """
        self.ended = self.ended or Unjudged(why)
        raise self.ended

    def made(self, value: Any, kind: Any) -> Any:
        """An object that the tests made of what they use as a class; anything else as it is."""
        if type(value) is not kind or not proxies.is_object(value):
            return value
        if proxies.class_handle(kind) not in self._constructed:
            return value
        return self._proxy(proxies.handle(value), kind, made=True, content=value)

    def _break(self, why: str) -> NoReturn:
        self.ended = self.ended or Broken(why)
        raise self.ended

    def _send(self, message: dict[str, Any]) -> None:
        message["files"] = self._folder.changes()
        try:
            self._channel.send(message)
        except ClosedError:
            self._break(ENDED)

    def _receive(self) -> dict[str, Any]:
        """Take a message; what was printed is printed here."""
        message = self._channel.receive()
        printed = message.get("printed", "")
        if not isinstance(printed, str):
            raise MalformedError("what was printed is no text")
        self._folder.apply(message.get("files"))
        if printed:
            sys.stdout.write(printed)
        return message

    def _reply(self, kept: list[Any]) -> Any:
        """Wait for the reply to a request with these values."""
        try:
            message = self._receive()
            while "callback" in message:
                self._called_back(message)
                message = self._receive()
            found = self._read(message, kept)
        except ClosedError:
            self._break(ENDED)
        except (MalformedError, RecursionError, MemoryError) as error:
            self._break(f"the program's process sent {error or type(error).__name__}")
        except codec.ERRORS as error:
            self._break(f"the program's process sent what is no reply: {type(error).__name__}")
        if isinstance(found, _Raised):
            raise found.error
        return found

    def _read(self, message: dict[str, Any], kept: list[Any]) -> Any:
        if "uncrossed" in message:
            self._break(f"what the program gave has {str(message['uncrossed'])[:200]}")
        decoder = Decoder(message.get("nodes"), partial(self._resolve, kept=kept))
        changed = message.get("changed", [])
        if not isinstance(changed, list) or not all(map(_is_change, changed)):
            raise MalformedError("changes that are none")
        for place, parts in changed:
            if not 0 <= place < len(kept):
                raise MalformedError("a change of nothing")
            refill(kept[place], [decoder.value(part) for part in parts])
        if "value" in message:
            return decoder.value(message["value"])
        if "again" in message:
            return _Raised(self._errors[message["again"]])
        chain = [self._error(*map(decoder.value, told)) for told in message["raised"]]
        for (error, _), (cause, is_meant) in pairwise(chain):
            object.__setattr__(error, "__cause__" if is_meant else "__context__", cause)
        return _Raised(chain[0][0])

    def _error(
        self,
        kind: Any,
        args: Any,
        text: Any,
        number: Any,
        is_meant: Any,
    ) -> tuple[BaseException, bool]:
        """An exception of the program, and whether it is given as the cause of the one before."""
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise MalformedError("an exception that is none")
        if not isinstance(kind, Remote):
            return references.exception(kind, args), bool(is_meant)
        error: Any = kind.__new__(kind, *args)  # type: ignore[arg-type]
        KNOWN[id(error)] = Known(error, int(number), made=False, text=str(text))
        return error, bool(is_meant)

    def _called_back(self, message: dict[str, Any]) -> None:
        """Call a function of the tests for the program."""
        decoder = Decoder(message.get("nodes"), partial(self._resolve, kept=[]))
        args = [decoder.value(ref) for ref in message["args"]]
        named = {name: decoder.value(ref) for name, ref in message["named"].items()}
        number = message["callback"]
        encoder = Encoder(self._refer)
        try:
            if isinstance(number, str):
                value = outgoing.standard_input(number, args)
            else:
                value = self._functions[number](*args, **named)
            answer: dict[str, Any] = {"value": encoder.add(value)}
        except CrossingError as error:
            self.unjudge(str(error))
        except (Broken, Unjudged):
            raise
        except BaseException as error:  # noqa: BLE001  whatever the tests raise
            encoder = Encoder(self._refer)
            self._errors.append(error)
            told = (len(self._errors) - 1, outgoing.kind(error), outgoing.arguments(error))
            answer = {"raised": [encoder.add(part) for part in told]}
        self._send(answer | {"nodes": encoder.nodes})

    def _refer(self, value: Any, encoder: Encoder) -> Node:
        """The node of a value of the tests."""
        if isinstance(value, Handle):
            return ["handle", value.number]
        if isinstance(value, Remote):
            return ["handle", proxies.class_handle(value)]
        if proxies.is_object(value):
            return ["handle", proxies.handle(value)]
        node = outgoing.node(value)
        if node is not None:
            return node
        function = outgoing.function(value)
        number = self._numbers.get(id(value))
        if number is None:
            number = self._numbers[id(value)] = len(self._functions)
            self._functions.append(function)
            encoder.keep(value)
        how = "iterator" if outgoing.iterates(value) else "callback"
        return [how, number, outgoing.name(value)]

    def _resolve(self, node: Node, decoder: Decoder, *, kept: list[Any]) -> Any:
        """What a node of the program stands for."""
        kind, first = node[0], node[1]
        known: dict[str, Callable[[], Any]] = {
            "owned": lambda: kept[first],
            "type": lambda: references.BY_NAME[first],
            "module": lambda: _module(first),
            "callback": lambda: self._functions[first],
            "class": lambda: self._class(first),
            "object": lambda: self._object(node, decoder),
        }
        if kind not in known:
            raise MalformedError(f"a value of kind {kind[:40]!r}")
        if kind not in {"type", "module"} and (type(first) is not int or first < 0):
            raise MalformedError("a value without a number")
        return known[kind]()

    def _object(self, node: Node, decoder: Decoder) -> Any:
        """A proxy of an object, or what waits for it."""
        _, number, owner, waits, *content = node
        if waits:
            return _waiting(self, Handle(number))
        known = decoder.value(content[0]) if content else None
        return self._proxy(number, decoder.value(owner), made=False, content=known)

    def _proxy(self, number: int, kind: Any, *, made: bool, content: Any) -> Any:
        key = (number, made)
        if key not in self._proxies:
            if not isinstance(kind, Remote):
                raise MalformedError("an object without a class")
            base = special.fixed(kind)
            if issubclass(kind, BaseException):
                found: Any = kind.__new__(kind)
            elif base is None:
                found = object.__new__(kind)
            else:
                found = _new(base, kind, special.EXACT[base](content))
            KNOWN[id(found)] = Known(found, number, made)
            self._proxies[key] = found
        return self._proxies[key]

    def _class(self, number: int) -> Any:
        """The proxy's class of a class of the program."""
        if number not in self._classes:
            about = self.ask("describe", Handle(number))
            bases = tuple(base for base in about[4] if base not in special.CONTAINERS)
            if not any(isinstance(base, Remote) for base in bases):
                bases = (Proxy, *bases)
            content = proxies.namespace(about)
            try:
                made = Remote(about[0], bases, content, about=(self, number, about))
            except TypeError:  # bases that do not go together
                made = Remote(about[0], (Proxy,), content, about=(self, number, about))
            self._classes[number] = made
        return self._classes[number]


def _new(base: Any, kind: Any, content: Any) -> Any:
    """An unchanging value of a class that derives from its type."""
    return base.__new__(kind, content)


async def _waiting(program: Program, awaitable: Handle) -> Any:
    return program.ask("wait", awaitable)


def _module(name: Any) -> Any:
    """A module of the standard library that the program has imported."""
    if not isinstance(name, str) or name.split(".")[0] not in sys.stdlib_module_names:
        raise MalformedError("a module that is not of the standard library")
    return importlib.import_module(name)


def _is_change(change: object) -> bool:
    return isinstance(change, list) and [type(part) for part in change] == [int, list]
