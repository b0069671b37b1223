"""The `if` of a hook: whether it runs, by what became of the hooks of its action before it.

An expression has `success()`, `failure()`, `true`, `false`, `!`, `&&`, `||` (also `not`, `and`,
`or`) and parentheses. It is rewritten into Python's notation and only parsed, never evaluated.
"""

from __future__ import annotations

import ast
import re
from typing import Final

MAX_TEXT: Final = 200
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<call>(?:success|failure)\s*\(\s*\))|(?P<word>true|false|not|and|or)\b"
    r"|(?P<sign>&&|\|\||!|\(|\)))\s*"
)
_PYTHON: Final = {"&&": " and ", "||": " or ", "!": " not ", "true": "True", "false": "False"}
_MEANING: Final = (
    "must be put together of success(), failure(), true, false, !, &&, || and parentheses"
)


def check(text: str) -> None:
    """Refuse what is no condition.

    Raises:
        ValueError: it is none.
    """
    holds(text, failed=False)


def holds(text: str, *, failed: bool) -> bool:
    """Whether a hook with this condition runs; one without any runs where none before it failed.

    Args:
        text: the condition.
        failed: whether a hook of the action has failed before it.

    Raises:
        ValueError: it is no condition.
    """
    if not text:
        return not failed
    try:
        tree = ast.parse(_python(text), mode="eval")
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(_MEANING) from None
    return _value(tree.body, failed=failed)


def _python(text: str) -> str:
    """The condition in Python's notation; only the tokens that are known are in it."""
    written, end = "", 0
    while len(text) <= MAX_TEXT and (token := _TOKEN.match(text, end)):
        if token["call"]:
            written += token["call"][: len("success")]
        else:
            word = token["word"] or token["sign"]
            written += f" {_PYTHON.get(word, word)} "
        end = token.end()
        if end == len(text):
            return written.strip()
    raise ValueError(_MEANING)


def _value(node: ast.expr, *, failed: bool) -> bool:
    match node:
        case ast.Constant(value=bool(value)):
            return value
        case ast.Name(id="success"):
            return not failed
        case ast.Name(id="failure"):
            return failed
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, failed=failed)
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_values(values, failed=failed))
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(_values(values, failed=failed))
    raise ValueError(_MEANING)


def _values(nodes: list[ast.expr], *, failed: bool) -> list[bool]:
    """All of them, so that what is no condition is found wherever it stands."""
    return [_value(node, failed=failed) for node in nodes]
