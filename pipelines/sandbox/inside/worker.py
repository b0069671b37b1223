"""The program's process: it loads a program and answers what the tests ask of it.

Nothing here is protected from the program, which may replace any of it. So nothing is decided here:
the process is asked for values, and whatever it answers counts as the program's answer.
"""

from __future__ import annotations

import asyncio
import builtins
import inspect
import io
import linecache
import os
import sys
import types
from collections.abc import Callable
from typing import Any, Final, NoReturn

from pipelines.sandbox.inside import references, special
from pipelines.sandbox.inside.channel import Channel, ClosedError
from pipelines.sandbox.inside.codec import Decoder, Encoder, Node
from pipelines.sandbox.inside.errors import CrossingError, MalformedError
from pipelines.sandbox.inside.folder import Folder
from pipelines.sandbox.inside.local import functions

FILE: Final = "program.py"
PRINTED: Final = 1 << 18
"""Bytes of what a program prints during one request that are sent."""
CHAIN: Final = 4
"""Causes of an exception that are told."""
MUTABLE: Final = (list, set, dict, bytearray)
"""What a program may change in the arguments that it is given, and subclasses."""


def main(request: dict[str, Any]) -> NoReturn:
    """Answer until nobody asks any more.

    Args:
        request: the numbers of the file descriptors, and the program.
    """
    sys.stdin.close()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    worker = Worker(Channel(request["reading"], request["writing"]))
    sys.argv = [FILE]
    worker.serve(request["code"])
    os._exit(0)


class Printed(io.BytesIO):
    """What is printed, up to a bound; the rest is dropped."""

    def write(self, data: Any) -> int:
        """Keep what there is room for."""
        size = memoryview(data).nbytes
        super().write(bytes(data)[: max(PRINTED - self.tell(), 0)])
        return size


class Asked(io.TextIOBase):
    """Standard input, which is that of the tests."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        """Take what asks the tests' process."""
        self._ask = ask

    def readable(self) -> bool:
        """It is."""
        return True

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]  # a text
        """One line."""
        return str(self._ask("readline", -1 if size is None else size))

    def read(self, size: int | None = -1) -> str:
        """All that is left."""
        return str(self._ask("read", -1 if size is None else size))


class Worker:
    """The program, and what of it the tests know."""

    def __init__(self, channel: Channel) -> None:
        """Take over what the program prints and reads."""
        self._channel, self._folder, self._own = channel, Folder(), os.getpid()
        self._objects: list[Any] = []
        self._handles: dict[int, int] = {}
        self._callbacks: dict[int, Callable[..., Any]] = {}
        self._raised: dict[int, int] = {}
        self._kept: list[BaseException] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._module = types.ModuleType("program")
        self._printed = Printed()
        self._stdout = io.TextIOWrapper(self._printed, encoding="utf-8", errors="replace")
        sys.stdout = self._stdout
        sys.stderr = io.TextIOWrapper(Printed(), encoding="utf-8", errors="replace")
        sys.stdin = Asked(self._standard_input)
        builtins.input = lambda prompt="": str(self._standard_input("input", str(prompt)))

    def serve(self, code: str) -> None:
        """Load the program, say how that went, and answer requests."""
        self._answer({"nodes": []}, lambda *_: self._load(code))
        while True:
            try:
                message = self._receive()
                action: Callable[..., Any] = getattr(self, f"_do_{message['do']}")
            except ClosedError:
                return
            self._answer(message, action)

    def _load(self, code: str) -> None:
        """Run the program's module, as an import would."""
        self._module.__file__ = FILE
        sys.modules["program"] = self._module
        linecache.cache[FILE] = (len(code), None, code.splitlines(keepends=True), FILE)
        if "unittest" in code:
            import unittest  # noqa: PLC0415  slow to import

            setattr(unittest, "main", _nothing)  # noqa: B010  a class, otherwise
        exec(compile(code, FILE, "exec", dont_inherit=True), self._module.__dict__)  # noqa: S102  the sandbox's purpose

    def _answer(self, message: dict[str, Any], action: Callable[..., Any]) -> None:
        """Do what a message asks, and reply with a value or with what was raised."""
        decoder = Decoder(message["nodes"], self._resolve)
        args = [decoder.value(ref) for ref in message.get("args", ())]
        named = {name: decoder.value(ref) for name, ref in message.get("named", {}).items()}
        mine = self._owned(decoder, message["nodes"])
        before = {place: _snapshot(value) for place, value in mine.items()}
        owned = {id(value): place for place, value in mine.items()}
        encoder = Encoder(self._refer, owned)
        try:
            value = action(*args, **named)
            reply: dict[str, Any] = {"value": encoder.add(value)}
        except BaseException as error:  # noqa: BLE001  whatever a program raises
            encoder = Encoder(self._refer, owned)
            reply = self._raise(error, encoder)
        try:
            changed = [
                [place, [encoder.add(part) for part in _snapshot(value)]]
                for place, value in mine.items()
                if not _same(_snapshot(value), before[place])
            ]
            self._send(reply | {"nodes": encoder.nodes, "changed": changed})
        except CrossingError as error:
            self._send({"uncrossed": str(error), "nodes": [], "changed": []})

    def _owned(self, decoder: Decoder, nodes: list[Node]) -> dict[int, Any]:
        """The arguments that the program may change, by their place in the request's table."""
        values = {place: decoder.value([place]) for place in range(len(nodes))}
        return {
            place: value
            for place, value in values.items()
            if nodes[place][0] != "handle" and isinstance(value, MUTABLE)
        }

    def _send(self, message: dict[str, Any]) -> None:
        """Send a message with what was printed and written since the last one."""
        if os.getpid() != self._own:  # a process that the program forked says nothing
            os._exit(0)
        message["printed"], message["files"] = self._taken(), self._folder.changes()
        self._channel.send(message)

    def _receive(self) -> dict[str, Any]:
        message = self._channel.receive()
        self._folder.apply(message.get("files"))
        return message

    def _taken(self) -> str:
        """What was printed, which then is forgotten."""
        try:
            self._stdout.flush()
            text = self._printed.getvalue().decode("utf-8", "replace")
            self._printed.seek(0)
            self._printed.truncate()
        except ValueError:  # the program has closed it
            return ""
        return text

    # What the tests may ask.

    def _do_look(self, name: str) -> Any:
        """A name of the program's module; NameError where it has none."""
        if name not in self._module.__dict__ and not hasattr(self._module, name):
            raise NameError(f"name {name!r} is not defined")
        return getattr(self._module, name)

    def _do_names(self) -> list[str]:
        """Names that `from program import *` gives."""
        own = getattr(self._module, "__all__", None)
        public = (name for name in self._module.__dict__ if not name.startswith("_"))
        return list(public if own is None else own)

    def _do_functions(self) -> list[str]:
        return functions(self._module)

    def _do_assign(self, name: str, value: Any) -> None:
        setattr(self._module, name, value)

    def _do_remove(self, name: str) -> None:
        delattr(self._module, name)

    def _do_call(self, function: Any, *args: Any, **named: Any) -> Any:
        return function(*args, **named)

    def _do_library(self, module: str, name: str, *args: Any, **named: Any) -> Any:
        """Call a function of the standard library on the program's objects."""
        return references.found(module, name)(*args, **named)

    def _do_get(self, owner: Any, name: str) -> Any:
        return getattr(owner, name)

    def _do_set(self, owner: Any, name: str, value: Any) -> None:
        setattr(owner, name, value)

    def _do_delete(self, owner: Any, name: str) -> None:
        delattr(owner, name)

    def _do_special(self, owner: Any, name: str, *args: Any, **named: Any) -> Any:
        return special.called(owner, name, *args, **named)

    def _do_equal(self, owner: Any, other: Any) -> list[Any]:
        """Whether two objects are equal, and whether the first equals what nothing equals."""
        return [bool(owner == other), bool(owner == object())]

    def _do_content(self, owner: Any) -> Any:
        """An instance of a subclass of a container, as that container."""
        return special.content(owner)

    def _do_describe(self, kind: type) -> list[Any]:
        return special.described(kind)

    def _do_wait(self, awaitable: Any) -> Any:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop.run_until_complete(_waited(awaitable))

    # Values on their way.

    def _refer(self, value: Any, encoder: Encoder) -> Node:
        known = references.plain(value)
        if known is not None:
            return known
        number = getattr(value, references.CALLBACK, None) if callable(value) else None
        if type(value) is types.FunctionType and self._callbacks.get(number or -1) is value:
            return ["callback", number]
        handle = self._handle(value)
        if isinstance(value, type):
            return ["class", handle]
        node: Node = ["object", handle, encoder.place(type(value)), inspect.isawaitable(value)]
        base = special.fixed(type(value))
        return node if base is None else [*node, encoder.place(special.EXACT[base](value))]

    def _handle(self, value: Any) -> int:
        handle = self._handles.get(id(value))
        if handle is None:
            handle = self._handles[id(value)] = len(self._objects)
            self._objects.append(value)
        return handle

    def _resolve(self, node: Node, _: Decoder) -> Any:
        kind, first = node[0], node[1]
        if kind == "handle":
            return self._objects[first]
        if kind == "library":
            return references.found(first, node[2])
        if kind == "pickle":
            import pickle  # noqa: PLC0415  seldom needed

            return pickle.loads(bytes.fromhex(first))  # noqa: S301  of the tests, which are not hostile here
        if kind in {"callback", "iterator"}:
            return self._callback(first, str(node[2]), iterates=kind == "iterator")
        raise MalformedError(f"a value of kind {kind!r}")

    def _callback(self, number: int, name: str, *, iterates: bool) -> Any:
        """A function of the tests, which the program may call."""
        if iterates:
            return iter(lambda: self._call(number, (), {}), references.STOP)
        if number not in self._callbacks:

            def function(*args: Any, **named: Any) -> Any:
                return self._call(number, args, named)

            function.__name__ = function.__qualname__ = name
            setattr(function, references.CALLBACK, number)
            self._callbacks[number] = function
        return self._callbacks[number]

    def _call(self, number: int, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        encoder = Encoder(self._refer)
        message = {
            "callback": number,
            "args": [encoder.add(value) for value in args],
            "named": {name: encoder.add(value) for name, value in named.items()},
            "nodes": encoder.nodes,
        }
        return self._asked(message)

    def _standard_input(self, how: str, *args: Any) -> Any:
        return self._asked({"callback": how, "args": list(args), "named": {}, "nodes": []})

    def _asked(self, message: dict[str, Any]) -> Any:
        """Ask the tests' process, and answer what it asks meanwhile."""
        self._send(message)
        while True:
            found = self._receive()
            if "do" not in found:
                break
            action: Callable[..., Any] = getattr(self, f"_do_{found['do']}")
            self._answer(found, action)
        decoder = Decoder(found["nodes"], self._resolve)
        if "raised" not in found:
            return decoder.value(found["value"])
        number, kind, args = (decoder.value(ref) for ref in found["raised"])
        error = references.exception(kind, args)
        self._raised[id(error)] = number
        self._kept.append(error)
        raise error

    def _raise(self, error: BaseException, encoder: Encoder) -> dict[str, Any]:
        """What was raised, with its causes."""
        if id(error) in self._raised:
            return {"again": self._raised[id(error)]}
        chain: list[Any] = []
        seen: BaseException | None = error
        is_meant = False
        while seen is not None and len(chain) < CHAIN:
            chain.append([*self._told(seen, encoder), is_meant])
            is_meant = seen.__cause__ is not None
            seen = seen.__cause__ or seen.__context__
        return {"raised": chain}

    def _told(self, error: BaseException, encoder: Encoder) -> list[Any]:
        """Class, arguments, message and number of an exception."""
        try:
            text = str(error)
        except BaseException:  # noqa: BLE001  whatever a program raises
            text = ""
        try:
            args = encoder.add(error.args)
        except CrossingError:
            args = encoder.add((text,))
        number = self._handle(error)
        return [encoder.add(type(error)), args, text[:PRINTED], number]


def _nothing(*_: Any, **__: Any) -> None:
    """Do nothing."""


async def _waited(awaitable: Any) -> Any:
    return await awaitable


def _snapshot(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [part for pair in dict.items(value) for part in pair]
    if isinstance(value, set):
        return list(set.__iter__(value))
    return list(value)


def _same(left: list[Any], right: list[Any]) -> bool:
    return len(left) == len(right) and all(map(_is, left, right))


def _is(left: object, right: object) -> bool:
    return left is right
