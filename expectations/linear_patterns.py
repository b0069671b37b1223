r"""Translates patterns of Python's `re` for Rust's regex, where both match the same texts.

Python backtracks, so a pattern as harmless as `^(a+)+$` may take exponential time. A pattern made
only of characters, sets, repeats, alternatives, beginning and end describes a regular language, and
whether a text matches does not depend on the algorithm. Such a pattern is rewritten for Rust's
regex, which Polars uses and which takes linear time.

Whatever the two engines may understand differently is left to Python: classes such as `\w`, which
depend on the version of Unicode, boundaries, flags, and everything that is not regular: lookaround,
references, atomic groups.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from re import _constants as ops  # type: ignore[attr-defined]  # no stub has it
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final

MOST: Final = 1000
"""Largest repeat count that is translated."""
Tree = Sequence[tuple[Any, Any]]


class UnlikeError(ValueError):
    """A part of a pattern may mean something else in Rust's regex."""


def translated(pattern: str) -> str | None:
    """Translate a pattern for Rust's regex; None where it may mean something else.

    Args:
        pattern: one that `re.compile` takes.
    """
    try:
        tree = _parser.parse(pattern)
        if tree.state.flags & ~(re.DOTALL | re.VERBOSE) != re.UNICODE:
            return None
        dot = "(?s:.)" if tree.state.flags & re.DOTALL else "[^\\n]"
        return _sequence(tree, dot, last=True)
    except (UnlikeError, re.error, RecursionError, OverflowError):
        return None


def _sequence(tree: Tree, dot: str, *, last: bool) -> str:
    """Translate parts one after another.

    Args:
        tree: the parts.
        dot: what stands for any character.
        last: whether nothing of the pattern comes after them, so that its end may be the end of
            the text or the line break before it.
    """
    count = len(tree)
    return "".join(
        _part(op, value, dot, last=last and position == count)
        for position, (op, value) in enumerate(tree, 1)
    )


def _part(op: Any, value: Any, dot: str, *, last: bool) -> str:  # noqa: ANN401  of the parser
    if op is ops.ANY:
        return dot
    if op is ops.AT:
        return _anchor(value, last=last)
    write = _WRITERS.get(op)
    if write is None:
        raise UnlikeError(str(op))
    return write(value, dot, last)


def _anchor(value: Any, *, last: bool) -> str:  # noqa: ANN401  of the parser
    if value in {ops.AT_BEGINNING, ops.AT_BEGINNING_STRING}:
        return r"\A"
    if value is ops.AT_END_STRING:
        return r"\z"
    if value is ops.AT_END and last:
        return r"(?:\n?\z)"
    raise UnlikeError(str(value))


def _literal(code: int, dot: str = "", last: bool = False) -> str:  # noqa: ARG001  one of many writers
    if 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004  half of a surrogate pair is no character
        raise UnlikeError("a surrogate")
    return f"\\x{{{code:x}}}"


def _not_literal(code: int, dot: str, last: bool) -> str:
    return f"[^{_literal(code, dot, last)}]"


def _set(items: Tree, dot: str, last: bool) -> str:  # noqa: ARG001  one of many writers
    parts = []
    for op, value in items:
        if op is ops.NEGATE:
            parts.append("^")
        elif op is ops.LITERAL:
            parts.append(_literal(value))
        elif op is ops.RANGE:
            parts.append(f"{_literal(value[0])}-{_literal(value[1])}")
        else:
            raise UnlikeError(str(op))
    return f"[{''.join(parts)}]"


def _repeat(value: tuple[int, Any, Tree], dot: str, last: bool) -> str:  # noqa: ARG001  one of many
    least, most, inner = value
    if least > MOST or (most is not ops.MAXREPEAT and most > MOST):
        raise UnlikeError("many repeats")
    end = "" if most is ops.MAXREPEAT else str(most)
    return f"(?:{_sequence(inner, dot, last=False)}){{{least},{end}}}"


def _branch(value: tuple[None, Sequence[Tree]], dot: str, last: bool) -> str:
    return f"(?:{'|'.join(_sequence(branch, dot, last=last) for branch in value[1])})"


def _group(value: tuple[int | None, int, int, Tree], dot: str, last: bool) -> str:
    _, added, removed, inner = value
    if added or removed:
        raise UnlikeError("flags of a group")
    return f"(?:{_sequence(inner, dot, last=last)})"


_WRITERS: Final[dict[Any, Callable[[Any, str, bool], str]]] = {
    ops.LITERAL: _literal,
    ops.NOT_LITERAL: _not_literal,
    ops.IN: _set,
    ops.MAX_REPEAT: _repeat,
    ops.MIN_REPEAT: _repeat,
    ops.BRANCH: _branch,
    ops.SUBPATTERN: _group,
}
