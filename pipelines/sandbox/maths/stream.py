"""Tokens that are read one after another, and the brackets among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pipelines.sandbox.maths.forms import Notes, UnreadableError
from pipelines.sandbox.maths.tokens import Token

MAX_DEPTH: Final = 40
"""Brackets within brackets."""
CLOSING: Final = {
    ("sign", "("): {("sign", ")"), ("sign", "]")},
    ("sign", "["): {("sign", "]"), ("sign", ")")},
    ("sign", "{"): {("sign", "}")},
    ("command", "{"): {("command", "}")},
    ("command", "langle"): {("command", "rangle")},
    ("command", "lfloor"): {("command", "rfloor")},
    ("command", "lceil"): {("command", "rceil")},
}
"""What closes a bracket; an interval may be closed by another kind than it is opened by."""
HALF_OPEN: Final = {("(", "]"), ("[", ")")}
"""Brackets that only an interval has."""
CLOSERS: Final = frozenset().union(*CLOSING.values())


class Stream:
    """Tokens and a place among them."""

    def __init__(self, tokens: Sequence[Token], notes: Notes, plus_minus: int = 1) -> None:
        self.tokens = tokens
        self.notes = notes
        self.plus_minus = plus_minus
        """The sign that ± stands for."""
        self.at = 0
        self.depth = 0
        self.in_bars = False
        """Whether an absolute value is open."""

    def peek(self, ahead: int = 0) -> Token | None:
        """The token at the place, or so many after it; None at the end."""
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else None

    def is_sign(self, *signs: str) -> bool:
        """Whether the next token is one of these signs."""
        token = self.peek()
        return token is not None and token.kind == "sign" and token.text in signs

    def is_command(self, *names: str) -> bool:
        """Whether the next token is one of these commands."""
        token = self.peek()
        return token is not None and token.kind == "command" and token.text in names

    def take(self) -> Token:
        """The next token.

        Raises:
            UnreadableError: there is none.
        """
        token = self.peek()
        if token is None:
            raise UnreadableError("it ends too early")
        self.at += 1
        return token

    def expect(self, *signs: str) -> None:
        """Take one of these signs.

        Raises:
            UnreadableError: something else is next.
        """
        if not self.is_sign(*signs):
            raise UnreadableError(f"{signs[0]} is missing")
        self.at += 1

    def inner(self) -> Stream:
        """What stands in the brackets that open at the place, which moves behind them."""
        end = closing(self.tokens, self.at)
        if (self.tokens[self.at].text, self.tokens[end].text) in HALF_OPEN:
            raise UnreadableError("brackets do not match")
        found = Stream(self.tokens[self.at + 1 : end], self.notes, self.plus_minus)
        found.depth = self.depth + 1
        if found.depth > MAX_DEPTH:
            raise UnreadableError("it is nested too deeply")
        self.at = end + 1
        return found


def closing(tokens: Sequence[Token], start: int) -> int:
    """Where the bracket at `start` is closed.

    Raises:
        UnreadableError: it is not, or by another kind of bracket.
    """
    for at, depth in levels(tokens, start):
        if depth == 0 and at > start:
            return at
    raise UnreadableError("a bracket is not closed")


def levels(tokens: Sequence[Token], start: int = 0) -> Iterator[tuple[int, int]]:
    """Each place with its depth in brackets; a bracket that closes has that of what is outside.

    Raises:
        UnreadableError: brackets do not match.
    """
    open_: list[Token] = []
    for at in range(start, len(tokens)):
        key = (tokens[at].kind, tokens[at].text)
        if key in CLOSERS:
            if not open_ or key not in CLOSING[open_[-1].kind, open_[-1].text]:
                raise UnreadableError("brackets do not match")
            open_.pop()
        yield at, len(open_)
        if key in CLOSING:
            open_.append(tokens[at])
    if start == 0 and open_:
        raise UnreadableError("a bracket is not closed")


def split(
    tokens: Sequence[Token], parts: Callable[[Token], bool]
) -> tuple[list[list[Token]], list[Token]]:
    """The pieces between the tokens outside of brackets that part them, and those tokens."""
    pieces: list[list[Token]] = [[]]
    between = []
    for at, depth in levels(tokens):
        token = tokens[at]
        if depth == 0 and parts(token):
            between.append(token)
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces, between
