"""What a stage tells the person at the terminal, on standard error, with nothing raw in it."""

from __future__ import annotations

import sys

from lake.visible import visible


def line(sentence: str) -> None:
    """Say one thing on one line."""
    sys.stderr.write(f"{visible(sentence)}\n")


def lines(text: str) -> None:
    """Say something of several lines."""
    sys.stderr.write(f"{visible(text, lines=True)}\n")
