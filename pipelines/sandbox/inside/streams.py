"""Standard streams of the program, which are those of the tests."""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Callable
from typing import Any, Final

PRINTED: Final = 1 << 20
"""Bytes of what a program prints during one request that are sent."""
ENCODING: Final = "utf-8"


class Streams:
    """What the program prints and reads."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        """Take over the standard streams.

        Args:
            ask: asks the tests for what they have on standard input.
        """
        sys.stdin.close()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        self._out, self._err = Printed(), Printed()
        sys.stdout = self._stdout = _text(self._out)
        sys.stderr = self._stderr = _text(self._err)
        sys.stdin = Asked(ask)
        builtins.input = lambda prompt="": str(ask("input", str(prompt)))

    def taken(self) -> tuple[str, str]:
        """What was printed to standard output and to standard error, which then is forgotten."""
        return _taken(self._stdout, self._out), _taken(self._stderr, self._err)


class Printed(io.BytesIO):
    """What is printed, up to a bound; the rest is dropped."""

    def write(self, data: Any) -> int:
        """Keep what there is room for."""
        size = memoryview(data).nbytes
        super().write(bytes(data)[: max(PRINTED - self.tell(), 0)])
        return size


class Asked(io.TextIOBase):
    """Standard input."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        """Take what asks the tests' process."""
        self._ask = ask

    @property
    def buffer(self) -> io.BufferedIOBase:
        """The same in bytes."""
        return AskedBytes(self)

    def readable(self) -> bool:
        """It is."""
        return True

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]  # a text
        """One line."""
        return str(self._ask("readline", -1 if size is None else size))

    def read(self, size: int | None = -1) -> str:
        """All that is left."""
        return str(self._ask("read", -1 if size is None else size))


class AskedBytes(io.BufferedIOBase):
    """Standard input in bytes."""

    def __init__(self, asked: Asked) -> None:
        """Take the texts."""
        self._asked = asked

    def readable(self) -> bool:
        """It is."""
        return True

    def readline(self, size: int | None = -1) -> bytes:
        """One line."""
        return self._asked.readline(size).encode(ENCODING)

    def read(self, size: int | None = -1) -> bytes:
        """All that is left."""
        return self._asked.read(size).encode(ENCODING)


def _text(printed: Printed) -> io.TextIOWrapper:
    return io.TextIOWrapper(printed, encoding=ENCODING, errors="replace")


def _taken(stream: io.TextIOWrapper, printed: Printed) -> str:
    try:
        stream.flush()
        text = printed.getvalue().decode(ENCODING, "replace")
        printed.seek(0)
        printed.truncate()
    except ValueError:  # the program has closed it
        return ""
    return text
