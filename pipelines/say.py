"""What a stage tells the person at the terminal, on standard error."""

from __future__ import annotations

import sys


def line(sentence: str) -> None:
    """Say one thing."""
    sys.stderr.write(f"{sentence}\n")
