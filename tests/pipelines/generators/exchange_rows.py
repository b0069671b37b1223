"""A row of what was asked and answered."""

from __future__ import annotations

from typing import Any

ROW: dict[str, Any] = {
    "row": 0,
    "planned": 0,
    "step": 0,
    "model": "gpt",
    "served": "gpt",
    "endpoint": "chat",
    "weights": None,
    "template": "ab" * 32,
    "seed": 7,
    "prompt": "Say it.",
    "answer": "It.",
    "finish_reason": "stop",
    "failure": None,
    "broken": [],
    "attempts": 1,
    "tokens_in": 3,
    "tokens_out": 2,
    "dollars": 0.25,
    "attributes": None,
    "chosen": True,
}


def exchange(**other: Any) -> dict[str, Any]:
    """A row, with some values other than usual."""
    return {**ROW, **other}
