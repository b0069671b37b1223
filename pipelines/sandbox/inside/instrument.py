"""Tests, with what counts that they judge.

After each assertion that held, and at the beginning of each test function, a call is put in that
counts it; so is a failed assertion, and one that the tests catch themselves; `is` asks whether two
proxies stand for one object; what a call gives of a name that the tests use as a class is known to
be made by them. Nothing else changes, and line numbers stay.
"""

from __future__ import annotations

import ast
from typing import Final

from pipelines.sandbox.inside.classes import classes, name

HELD: Final = "__assertion_held__"
HOLDS: Final = "__assertion_holds__"
CAUGHT: Final = "__failure_caught__"
ENTERED: Final = "__test_entered__"
SAME: Final = "__same_object__"
CONSTRUCTED: Final = "__constructed__"
FILE: Final = "tests.py"


def parsed(tests: str) -> ast.Module:
    """Parse tests.

    Raises:
        SyntaxError: they are not Python.
        ValueError: they hold what no source may.
        RecursionError: they are nested too deeply.
    """
    return ast.parse(tests, FILE)


def is_blank(tree: ast.Module) -> bool:
    """Whether there is nothing to run: only comments, texts, `pass`."""
    return all(_does_nothing(statement) for statement in tree.body)


def instrumented(tree: ast.Module) -> ast.Module:
    """The tests with the calls that count."""
    changed: ast.Module = _Instrument(classes(tree)).visit(tree)
    return ast.fix_missing_locations(changed)


def _does_nothing(statement: ast.stmt) -> bool:
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass)


def _call(function: str, args: list[ast.expr], at: ast.AST) -> ast.Call:
    called = ast.Call(ast.Name(function, ast.Load()), args, [])
    return ast.copy_location(called, at)


def _wants_failure(node: ast.With | ast.Try) -> bool:
    """Whether a block fails unless an assertion in it does."""
    if isinstance(node, ast.Try):
        after = ast.Module(node.orelse, [])
        return any(map(_names_failure, node.handlers)) and any(map(_fails, ast.walk(after)))
    return any(_names_failure(item) and not _suppresses(item) for item in node.items)


def _names_failure(node: ast.withitem | ast.ExceptHandler) -> bool:
    kind = node.type if isinstance(node, ast.ExceptHandler) else node
    return kind is not None and any(name(each) == "AssertionError" for each in ast.walk(kind))


def _ends_early(body: list[ast.stmt]) -> bool:
    jumps = ast.Return | ast.Break | ast.Continue
    return any(isinstance(each, jumps) for each in ast.walk(ast.Module(body, [])))


def _suppresses(item: ast.withitem) -> bool:
    return isinstance(item.context_expr, ast.Call) and name(item.context_expr.func) == "suppress"


def _fails(node: ast.AST) -> bool:
    """Whether a statement fails a test whatever the program gave."""
    if isinstance(node, ast.Assert):
        return isinstance(node.test, ast.Constant) and not node.test.value
    return isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and name(node.func) == "fail")


class _Instrument(ast.NodeTransformer):
    def __init__(self, of_classes: frozenset[str]) -> None:
        self._classes = of_classes
        self._expected = 0
        """Blocks around a statement in which a failed assertion is what the tests want."""

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        self.generic_visit(node)
        if not self._expected:
            node.test = _call(HOLDS, [node.test], node.test)
        return [node, ast.copy_location(ast.Expr(_call(HELD, [], node)), node)]

    def visit_With(self, node: ast.With) -> ast.AST:
        return self._block(node, wants_failure=_wants_failure(node))

    def visit_Try(self, node: ast.Try) -> ast.AST:
        self._block(node, wants_failure=_wants_failure(node))
        if not self._expected and _ends_early(node.finalbody):  # and an exception with it
            called = ast.Expr(_call(CAUGHT, [], node.finalbody[0]))
            node.finalbody.insert(0, ast.copy_location(called, node.finalbody[0]))
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.generic_visit(node)
        if not self._expected:
            called = ast.Expr(_call(CAUGHT, [], node))
            node.body.insert(0, ast.copy_location(called, node))
        return node

    def _block(self, node: ast.With | ast.Try, *, wants_failure: bool) -> ast.AST:
        self._expected += wants_failure
        self.generic_visit(node)
        self._expected -= wants_failure
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self.generic_visit(node)
        called = _call(ENTERED, [ast.Constant(node.name)], node)
        at = 0 if ast.get_docstring(node, clean=False) is None else 1
        node.body.insert(at, ast.copy_location(ast.Expr(called), node))
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Is | ast.IsNot):
            return node
        found: ast.expr = _call(SAME, [node.left, node.comparators[0]], node)
        if isinstance(node.ops[0], ast.IsNot):
            found = ast.copy_location(ast.UnaryOp(ast.Not(), found), node)
        return found

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if name(node.func) not in self._classes:
            return node
        made = _call(CONSTRUCTED, [node.func, *node.args], node)
        made.keywords = node.keywords
        return made
