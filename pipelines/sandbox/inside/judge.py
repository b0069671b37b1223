"""The tests' process: it runs the tests against the program in the other process, and reports.

The report is written by this process alone, which the program cannot reach.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import inspect
import json
import os
import sys
import types
import typing
from typing import Any, Final, NoReturn

from pipelines.sandbox.inside import (
    collect,
    deriving,
    explaining,
    instrument,
    known,
    local,
    operations,
    packages,
    proxies,
    remote,
)
from pipelines.sandbox.inside.channel import Channel
from pipelines.sandbox.inside.collect import FailedTestError
from pipelines.sandbox.inside.counting import Counted, ends_well
from pipelines.sandbox.inside.decorated import decorated
from pipelines.sandbox.inside.errors import CAUGHT, Broken, Unjudged
from pipelines.sandbox.inside.folder import Folder
from pipelines.sandbox.inside.guards import Guards
from pipelines.sandbox.inside.modules import Main, Module, Program
from pipelines.sandbox.inside.names import Names

ALIASES: Final = ("program", "solution", "candidate", "submission", "main")
"""Modules that tests may import the program from."""
LOOKING: Final = {
    dataclasses: ("asdict", "astuple", "replace", "fields", "is_dataclass"),
    inspect: ("signature", "getsource", "getdoc", "getmembers", "isabstract"),
    typing: ("get_type_hints",),
}
"""Functions of the library that look into objects."""


def main(request: dict[str, Any]) -> NoReturn:
    """Judge a program and report.

    Args:
        request: tests, entry point, packages, numbers of file descriptors; the program itself where
            it is to be judged in this process.
    """
    number = request["report"]
    for own in (number, request.get("reading", number), request.get("writing", number)):
        os.set_inheritable(own, False)  # a process that the tests start reports nothing
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if request["packages"]:
        packages.install(request["packages"])
    own, counted = os.getpid(), Counted()
    said = judged(request, counted)
    if os.getpid() == own:  # a process that the tests forked says nothing
        said |= {"assertions": counted.assertions, "tests": counted.tests}
        os.write(number, json.dumps(said).encode("ascii"))
    os._exit(0)


def judged(request: dict[str, Any], counted: Counted) -> dict[str, Any]:
    """Judge a program: the result, and what to say of it."""
    try:
        tree = instrument.parsed(request["tests"])
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return _unjudged(f"the tests cannot be read: {explaining.told(error)}")
    if instrument.is_blank(tree):
        return _unjudged("there are no tests")
    program = _program(request)
    ended: BaseException | None = None
    try:
        _run(program, tree, request, counted)
    except BaseException as error:  # noqa: BLE001  whatever program and tests raise
        ended = error
    ended = program.ended or ended
    if ended is not None:
        return _failed(ended, request)
    return _passed(program, counted)


def _program(request: dict[str, Any]) -> Program:
    if "code" in request:
        return local.Program(request["code"])
    channel = Channel(request["reading"], request["writing"])
    return remote.Program(channel, request["tests"], Folder())


def _passed(program: Program, counted: Counted) -> dict[str, Any]:
    """The result where nothing has failed: passed, if something was judged."""
    if not counted.assertions + counted.tests:
        return _unjudged("no assertion of the tests was run, and no test")
    if program.caught:
        return _unjudged(CAUGHT)
    if counted.failed:
        return _unjudged("the tests passed over a failed assertion, or an error in a thread")
    if not program.asked:
        return _unjudged("the tests never use the program")
    return {"result": "passed", "says": ""}


def _run(program: Program, tree: ast.Module, request: dict[str, Any], counted: Counted) -> None:
    """Load the program, run the file of tests, then what it defines."""
    by_pytest = collect.needs_pytest(tree)
    if by_pytest and importlib.util.find_spec("pytest") is None:
        raise Unjudged("these tests need pytest")
    collect.silence(by_pytest=by_pytest)
    counted.watch()
    program.loaded()
    names = Names(program, tree, request["entry_point"])
    _modules(program, names)
    if not isinstance(program, local.Program):
        Guards(request["tests"], program).install(names)
        _library(program)
        names["super"] = deriving.super_
    names[instrument.HELD], names[instrument.SAME] = counted.held, operations.same
    names[instrument.ENTERED] = counted.entered.add
    names[instrument.HOLDS], names[instrument.CAUGHT] = counted.holds, counted.caught
    names[instrument.CONSTRUCTED] = proxies.constructed
    names |= {"isinstance": proxies.is_instance, "issubclass": proxies.is_subclass}
    names["id"] = proxies.identity
    code = compile(instrument.instrumented(tree), instrument.FILE, "exec", dont_inherit=True)
    try:
        exec(code, names)  # noqa: S102  the sandbox's purpose
    except SystemExit as end:
        if not ends_well(end):
            raise
    entry, wrapped = request["entry_point"], decorated(tree)
    collect.run(names, counted, wrapped, by_pytest=by_pytest, entry=lambda: _entry(program, entry))
    for each in wrapped if program.is_apart else ():
        if each.name not in counted.entered and each.is_by_program(names):
            program.unjudge(
                f"the program can replace {each.name} of the tests, which is not called"
            )


def _modules(program: Program, names: Names) -> None:
    """Register the tests as the main module, and the program under the names it is imported by."""
    sys.modules["__main__"] = Main(names)
    module = program.module if isinstance(program, local.Program) else Module(program, names)
    for name in ALIASES:
        sys.modules[name] = module


def _library(program: Program) -> None:
    """Let functions of the library that look into objects do so in the program's process."""
    for module, names in LOOKING.items():
        for name in names:
            setattr(module, name, _looking(program, module, name))


def _looking(program: Program, module: types.ModuleType, name: str) -> Any:
    own = getattr(module, name)

    def function(value: Any, /, *args: Any, **named: Any) -> Any:
        if known.is_object(value) or isinstance(value, proxies.Remote):
            return program.ask("library", module.__name__, name, value, *args, **named)
        return own(value, *args, **named)

    return function


def _entry(program: Program, entry_point: str | None) -> Any:
    """The function that the program had to define."""
    if entry_point is not None:
        return program.look(entry_point)
    found = {name: program.look(name) for name in program.functions()}
    if len(found) != 1:
        program.unjudge(
            f"the program defines {len(found)} functions, so it is not known which one the tests "
            "are for; name the column that tells with `entry_point`"
        )
    return next(iter(found.values()))


def _failed(error: BaseException, request: dict[str, Any]) -> dict[str, Any]:
    """What an error that ended the tests says of the program."""
    while isinstance(error, FailedTestError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, Unjudged):
        return _unjudged(str(error))
    if isinstance(error, Broken):
        return {"result": "failed", "says": explaining.clean(str(error))}
    if isinstance(error, ImportError) and _is_of_tests(error, request["tests"]):
        return _unjudged(f"the tests cannot be run: {explaining.told(error)}")
    return {"result": explaining.cause(error), "says": explaining.told(error)}


def _is_of_tests(error: ImportError, tests: str) -> bool:
    """Whether the tests import a module that the sandbox does not have."""
    return isinstance(error, ModuleNotFoundError) and (error.name or "") in tests


def _unjudged(says: str) -> dict[str, Any]:
    return {"result": "unjudged", "says": explaining.clean(says)}
