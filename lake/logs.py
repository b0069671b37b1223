"""Log entries in which no foreign text is raw or looks like another entry."""

from __future__ import annotations

import logging
from typing import Any

from lake.visible import visible


class Formatter(logging.Formatter):
    """Writes what does not print in an entry as marks, and the entry itself on one line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the library's name
        """The entry's own line."""
        return visible(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: ANN401, N802  as the library has it
        """The lines of a traceback."""
        return visible(super().formatException(ei), lines=True)

    def formatStack(self, stack_info: str) -> str:  # noqa: N802  the library's name
        """The lines of a stack."""
        return visible(super().formatStack(stack_info), lines=True)
