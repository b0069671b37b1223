"""Tokens and dollars."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Ledger:
    """What a round has cost so far."""

    spent: float = 0.0
