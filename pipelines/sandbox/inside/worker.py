"""The program's process: it loads a program and answers what the tests ask of it.

Nothing here is protected from the program, which may replace any of it. So nothing is decided here:
the process is asked for values, and whatever it answers counts as the program's answer.
"""

from __future__ import annotations

import importlib
import inspect
import linecache
import os
import sys
import types
from collections.abc import Callable
from typing import Any, Final, NoReturn

from pipelines.sandbox.inside import references, requests, special, waiting
from pipelines.sandbox.inside.channel import Channel, ClosedError
from pipelines.sandbox.inside.codec import Decoder, Encoder, Node
from pipelines.sandbox.inside.containers import Shared
from pipelines.sandbox.inside.errors import CrossingError, MalformedError
from pipelines.sandbox.inside.folder import Folder
from pipelines.sandbox.inside.given import Given
from pipelines.sandbox.inside.local import FILE, functions
from pipelines.sandbox.inside.setting import Setting
from pipelines.sandbox.inside.streams import Streams

LONGEST: Final = 1 << 16
"""Characters of an exception's message."""
CHAIN: Final = 4
"""Causes of an exception that are told."""
_PROCESS: Final = os.getpid
"""The tests may replace the function of that name."""


def main(request: dict[str, Any]) -> NoReturn:
    """Answer until nobody asks any more.

    Args:
        request: the numbers of the file descriptors, and the program.
    """
    worker = Worker(Channel(request["reading"], request["writing"]))
    sys.argv = [FILE]
    worker.serve(request["code"])
    os._exit(0)


class Worker:
    """The program, and what of it the tests know."""

    def __init__(self, channel: Channel) -> None:
        """Take over what the program prints and reads."""
        self._channel, self._folder, self._own = channel, Folder(), _PROCESS()
        self._shared, self._setting = Shared(1), Setting()
        self._given = Given(self._ask)
        self._streams = Streams(lambda how, *args: self._ask(how, "", *args))
        self._objects: list[Any] = []
        self._handles: dict[Any, int] = {}
        self._raised: dict[int, int] = {}
        self._kept: list[BaseException] = []
        self._module = types.ModuleType("program")

    def serve(self, code: str) -> None:
        """Load the program, say how that went, and answer requests."""
        self._answer({"nodes": []}, lambda *_: self._load(code))
        while True:
            try:
                message = self._receive()
            except ClosedError:
                return
            self._answer(message, self._action(message))

    def _load(self, code: str) -> None:
        """Run the program's module, as an import would."""
        self._module.__file__ = FILE
        sys.modules["program"] = self._module
        linecache.cache[FILE] = (len(code), None, code.splitlines(keepends=True), FILE)
        if "unittest" in code:
            import unittest  # noqa: PLC0415  slow to import

            setattr(unittest, "main", _nothing)  # noqa: B010  a class, otherwise
        exec(compile(code, FILE, "exec", dont_inherit=True), self._module.__dict__)  # noqa: S102  the sandbox's purpose

    def _action(self, message: dict[str, Any]) -> Callable[..., Any]:
        found: Callable[..., Any] | None = getattr(self, f"_do_{message['do']}", None)
        return requests.OF_OBJECTS[message["do"]] if found is None else found

    def _answer(self, message: dict[str, Any], action: Callable[..., Any]) -> None:
        """Do what a message asks, and reply with a value or with what was raised."""
        decoder = self._decoded(message)
        args = [decoder.value(ref) for ref in message.get("args", ())]
        named = {name: decoder.value(ref) for name, ref in message.get("named", {}).items()}
        encoder = Encoder(self._refer, self._shared)
        try:
            with waiting.running(message.get("running")):
                value = action(*args, **named)
        except BaseException as error:  # noqa: BLE001  whatever a program raises
            reply = self._raise(error, encoder)
        else:
            reply = {"value": encoder.add(value)}
        try:
            self._send(reply, encoder)
        except CrossingError as error:
            self._send({"uncrossed": str(error)}, Encoder(self._refer, Shared(1)))

    def _decoded(self, message: dict[str, Any]) -> Decoder:
        """The values of a message, once what it changes is changed."""
        decoder = Decoder(message["nodes"], self._resolve, self._shared)
        decoder.value(None)
        decoder.change(message.get("changed", []))
        for number in message.get("unused", ()):
            self._shared.forget(number)
        self._folder.apply(message.get("files"))
        if "setting" in message:
            self._setting.take(decoder.value(message["setting"]))
        return decoder

    def _send(self, message: dict[str, Any], encoder: Encoder) -> None:
        """Send a message with all that has changed since the last one."""
        if _PROCESS() != self._own:  # a process that the program forked says nothing
            os._exit(0)
        warned, logged = self._setting.told()
        if warned or logged:
            message["warned"] = [self._told(each, encoder) for each in warned]
            message["logged"] = encoder.add(logged)
        message["changed"] = encoder.changes()
        message["nodes"], message["files"] = encoder.nodes, self._folder.changes()
        message["printed"] = self._streams.taken()
        self._channel.send(message)

    def _receive(self) -> dict[str, Any]:
        return self._channel.receive()

    # What the tests may ask of the module; `requests` has what they may ask of objects.

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

    def _do_content_of_module(self) -> dict[str, Any]:
        names = [name for name in self._module.__dict__ if not name.startswith("__")]
        return {name: self._module.__dict__[name] for name in names}

    def _do_functions(self) -> list[str]:
        return functions(self._module)

    def _do_assign(self, name: str, value: Any) -> None:
        setattr(self._module, name, value)

    def _do_remove(self, name: str) -> None:
        delattr(self._module, name)

    # Values on their way.

    def _refer(self, value: Any, encoder: Encoder) -> Node:
        number = self._given.number(value)
        if number is not None:
            return ["given", number]
        known = references.plain(value)
        if known is not None:
            return known
        handle = self._handle(value)
        if isinstance(value, type):
            return ["class", handle]
        node: Node = ["object", handle, self._handle(type(value)), inspect.iscoroutine(value)]
        base = special.fixed(type(value))
        return node if base is None else [*node, encoder.place(special.EXACT[base](value))]

    def _handle(self, value: Any) -> int:
        """The number of an object; a method is one object, though each reading makes another."""
        method = type(value) is types.MethodType
        key = (id(value.__self__), id(value.__func__)) if method else id(value)
        handle = self._handles.get(key)
        if handle is None:
            handle = self._handles[key] = len(self._objects)
            self._objects.append(value)
        return handle

    def _resolve(self, node: Node, decoder: Decoder) -> Any:
        kind, first = node[0], node[1]
        if kind == "handle":
            return self._objects[first]
        if kind == "given":
            return self._given.value(first, *map(decoder.value, node[2:]))
        if kind == "library":
            return references.found(first, node[2])
        if kind == "type":
            return references.BY_NAME[first]
        if kind == "module":
            return importlib.import_module(first)
        if kind == "pickle":
            import pickle  # noqa: PLC0415  seldom needed

            return pickle.loads(bytes.fromhex(first))  # noqa: S301  of the tests, which are not hostile here
        raise MalformedError(f"a value of kind {kind!r}")

    def _ask(self, number: int | str, how: str, /, *args: Any, **named: Any) -> Any:
        """Ask the tests' process, and answer what it asks meanwhile."""
        encoder = Encoder(self._refer, self._shared)
        message = {
            "callback": number,
            "how": how,
            "args": [encoder.add(value) for value in args],
            "named": {name: encoder.add(value) for name, value in named.items()},
        }
        self._send(message, encoder)
        while True:
            found = self._receive()
            if "do" not in found:
                break
            self._answer(found, self._action(found))
        decoder = self._decoded(found)
        if "raised" not in found:
            return decoder.value(found["value"])
        again, kind, args = (decoder.value(ref) for ref in found["raised"])
        error = references.exception(kind, args)
        self._raised[id(error)] = again
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
            hidden = seen.__suppress_context__
            seen = seen.__cause__ or (None if hidden else seen.__context__)
        return {"raised": chain}

    def _told(self, error: BaseException, encoder: Encoder) -> list[Any]:
        """Class, arguments, message, number and attributes of an exception."""
        try:
            text = str(error)
        except BaseException:  # noqa: BLE001  whatever a program raises
            text = ""
        args = error.__reduce__()[1] if isinstance(error, OSError) else error.args
        number = self._handle(error)
        own = references.plain(type(error)) is not None
        attributes = encoder.add(dict(vars(error)) if own else None)
        return [encoder.add(type(error)), encoder.add(args), text[:LONGEST], number, attributes]


def _nothing(*_: Any, **__: Any) -> None:
    """Do nothing."""
