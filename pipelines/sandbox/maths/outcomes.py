"""What a comparison of two forms comes to: right, wrong, or unknown with a reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether two forms are the same answer."""

    correct: bool | None
    """None: unknown."""
    says: str = ""


RIGHT = Verdict(True)
WRONG = Verdict(False, "another value")


def unknown(says: str) -> Verdict:
    """A verdict that could not be reached, with the reason."""
    return Verdict(None, says)


def every(verdicts: list[Verdict]) -> Verdict:
    """Right where all are right, wrong where one is wrong, otherwise the first that is unknown."""
    for wanted in (False, None):
        for each in verdicts:
            if each.correct is wanted:
                return each
    return RIGHT
