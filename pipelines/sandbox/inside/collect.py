"""Finding the tests in a file of tests, and running them.

Assertions at the top of the file run as the file does, as MBPP has them. What is only defined is
run afterwards: `check(candidate)` with the entry point, as HumanEval has it, `unittest` classes,
functions named `test…`; by pytest where they use it, or want fixtures.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import os
import types
import unittest
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any, Final, TypeGuard

from pipelines.sandbox.inside import instrument, operations, proxies
from pipelines.sandbox.inside.counting import Counted
from pipelines.sandbox.inside.decorated import Decorated
from pipelines.sandbox.inside.errors import Broken, Unjudged

PLACE: Final = Path("/box/test_program.py")
"""A file that pytest is given, in place of which it takes the tests."""
CHECK: Final = "check"
RUN: Final[dict[str, Callable[..., Any]]] = {}
"""What runs the tests, where the tests themselves must not call it."""


class FailedTestError(Exception):
    """A test failed, or could not be run, for the reason that is its cause."""


def needs_pytest(tree: ast.Module) -> bool:
    """Whether only pytest can run these tests."""
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        if any(name.split(".")[0] == "pytest" for name in names):
            return True
    return any(_wants_fixtures(statement) for statement in tree.body)


def _wants_fixtures(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        args = statement.args
        wanted = len(args.posonlyargs + args.args) > len(args.defaults)
        return statement.name.startswith("setup_") or (statement.name.startswith("test") and wanted)
    return (
        isinstance(statement, ast.ClassDef)
        and statement.name.startswith("Test")
        and not statement.bases
    )


def run(
    names: dict[str, Any],
    counted: Counted,
    decorated: Iterable[Decorated],
    *,
    by_pytest: bool,
    entry: Callable[[], Any],
) -> None:
    """Run what the tests have defined and not run themselves.

    Args:
        names: the namespace of the tests, after their file has run.
        counted: what was judged so far.
        decorated: functions of the tests that have decorators.
        by_pytest: whether pytest runs them.
        entry: gives the function that `check` is for.

    Raises:
        FailedTestError: a test failed.
        Unjudged: it is not known what `check` is for.
    """
    _check(names, counted, entry)
    if by_pytest:
        _pytest(names, counted)
        return
    _unittest(names, counted)
    wrapped = {each.name for each in decorated if each.is_top}
    for name, function in list(_functions(names, wrapped)):
        if name not in counted.entered:
            with contextlib.suppress(unittest.SkipTest):
                _call(function)
                counted.tests += name in counted.entered


def _check(names: dict[str, Any], counted: Counted, entry: Callable[[], Any]) -> None:
    function = names.get(CHECK) if CHECK in names.keys() else None  # noqa: SIM118, RUF100  not __missing__
    if not _is_of_tests(function) or CHECK in counted.entered:
        return
    wanted = [
        each
        for each in inspect.signature(function).parameters.values()
        if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD
    ]
    if len(wanted) == 1:
        function(entry())


def _functions(
    names: dict[str, Any], wrapped: Container[str]
) -> Iterator[tuple[str, Callable[[], Any]]]:
    for name, value in names.items():
        is_wrapped = name in wrapped and callable(value)
        if name.startswith("test") and (_is_of_tests(value) or is_wrapped):
            yield name, value


def _is_of_tests(value: object) -> TypeGuard[FunctionType]:
    return type(value) is FunctionType and value.__code__.co_filename == instrument.FILE


def _call(function: Callable[..., Any], **named: Any) -> None:
    """Call a test, and wait for one that is asynchronous."""
    found = function(**named)
    if inspect.iscoroutine(found):
        import asyncio  # noqa: PLC0415  slow to import

        asyncio.run(found)


def _unittest(names: dict[str, Any], counted: Counted) -> None:
    loader, suite = unittest.defaultTestLoader, unittest.TestSuite()
    for value in list(names.values()):
        if isinstance(value, type) and issubclass(value, unittest.TestCase):
            suite.addTests(loader.loadTestsFromTestCase(value))
    if not suite.countTestCases():
        return
    result = _Result(counted)
    suite.run(result)
    counted.tests += result.testsRun - len(result.skipped)
    if result.first is not None:
        raise FailedTestError from result.first
    if result.unexpectedSuccesses:
        raise FailedTestError from AssertionError("a test that is expected to fail did not")


class _Result(unittest.TestResult):
    """Keeps the first failure as the exception that it is, and counts none that is expected."""

    def __init__(self, counted: Counted) -> None:
        super().__init__()
        self._counted, self._failed = counted, 0
        self.first: BaseException | None = None

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802  of the library
        self._failed = self._counted.failed
        super().startTest(test)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802  of the library
        self._counted.failed = self._failed
        super().addExpectedFailure(test, err)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802  of the library
        self._keep(err[1])
        super().addFailure(test, (None, None, None))

    def addError(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802  of the library
        self._keep(err[1])
        super().addError(test, (None, None, None))

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: N802  of the library
        if err is not None:
            self._keep(err[1])
        super().addSubTest(test, subtest, None)

    def _exc_info_to_string(self, err: Any, test: Any) -> str:  # noqa: ARG002  of the library
        return ""

    def _keep(self, error: BaseException) -> None:
        if isinstance(error, Broken | Unjudged):
            raise error
        self.first = self.first or error


def _pytest(names: dict[str, Any], counted: Counted) -> None:
    import pytest  # noqa: PLC0415  an extra, and slow to import

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    module = types.ModuleType(PLACE.stem)
    module.__dict__.update({n: each for n, each in names.items() if not proxies.is_any(each)})
    module.__file__, module.__name__ = str(PLACE), PLACE.stem
    PLACE.write_text("", encoding="ascii")
    plugin = _Plugin(module, counted)
    options = ["--assert=plain", "-q", "--noconftest", "--import-mode=importlib", "--no-header"]
    options += ["-c", os.devnull, "--rootdir=/box", "-p", "no:cacheprovider", "-s"]
    options += ["-p", "no:threadexception"]  # `Counted.in_thread` hears of these
    code = RUN["pytest"]([*options, str(PLACE)], plugins=[plugin])
    if plugin.first is not None:
        raise FailedTestError from plugin.first
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        raise FailedTestError from AssertionError(plugin.said or f"pytest ended with {code}")


class _Plugin:
    """Gives pytest the tests that were loaded already, and keeps what came of them."""

    def __init__(self, module: types.ModuleType, counted: Counted) -> None:
        self._module, self._counted = module, counted
        self._raised: BaseException | None = None
        self._failed = 0
        self.first: BaseException | None = None
        self.said = ""

    def pytest_pycollect_makemodule(self, module_path: Path, parent: Any) -> Any:
        import pytest  # noqa: PLC0415  an extra

        own = self._module

        class Module(pytest.Module):
            def _getobj(self) -> types.ModuleType:
                return own

        return Module.from_parent(parent, path=module_path)

    def pytest_pyfunc_call(self, pyfuncitem: Any) -> bool | None:
        """Run asynchronous tests, for which pytest has no way of its own."""
        if not inspect.iscoroutinefunction(pyfuncitem.obj):
            return None
        wanted = inspect.signature(pyfuncitem.obj).parameters
        _call(pyfuncitem.obj, **{name: pyfuncitem.funcargs[name] for name in wanted})
        return True

    def pytest_runtest_logstart(self) -> None:
        self._failed = self._counted.failed

    def pytest_runtest_makereport(self, call: Any) -> None:
        self._raised = None if call.excinfo is None else call.excinfo.value

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._counted.tests += report.passed and report.when == "call"
        if report.skipped and hasattr(report, "wasxfail"):
            self._counted.failed = self._failed
        if report.failed:
            said = AssertionError(str(report.longrepr)[-300:])  # one that passed against its mark
            self.first = self.first or self._raised or said

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.said = self.said or str(report.longrepr)[-300:]


def silence(*, by_pytest: bool) -> None:
    """Keep tests that run themselves from doing so: they are run afterwards."""
    for name, function in (("assertIs", _assert_is), ("assertIsNot", _assert_is_not)):
        setattr(unittest.TestCase, name, function)
    setattr(unittest, "main", _later)  # noqa: B010  a class, otherwise
    if by_pytest:
        import pytest  # noqa: PLC0415  an extra, and slow to import

        RUN["pytest"], pytest.main = pytest.main, lambda *_, **__: 0


def _later(*_: Any, **__: Any) -> Any:
    """Stand in for `unittest.main`, whose result tests may ask for: they are run afterwards."""
    return types.SimpleNamespace(result=unittest.TestResult())


def _assert_is(case: unittest.TestCase, first: object, second: object, msg: Any = None) -> None:
    if not operations.same(first, second):
        case.fail(msg or f"{first!r} is not {second!r}")


def _assert_is_not(case: unittest.TestCase, first: object, second: object, msg: Any = None) -> None:
    if operations.same(first, second):
        case.fail(msg or f"unexpectedly identical: {first!r}")
