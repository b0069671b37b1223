"""What a lake answered about commits. A commit never changes, so it need be asked only once.

Whoever works on one round asks for the same listing, log or manifest at a commit several times: a
third of all calls. A process that lives long must not use this, since objects of old commits can be
removed underneath.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Hashable
from typing import Any, Final

ID: Final = re.compile(r"[0-9a-f]{64}")
"""A whole commit id; an abbreviated one is resolved anew each time, as branches and tags are."""
REFS: Final = {
    "get_commit": (1,),
    "log_commits": (1,),
    "list_objects": (1,),
    "get_object": (1,),
    "diff_refs": (1, 2),
}
"""Methods of the SDK whose answer depends on commits alone, and which arguments name these."""
MOST: Final = 256
"""Answers that are kept; after them the oldest goes. A stage has some 70 questions."""
LONGEST: Final = 1 << 18
"""Bytes of the largest object that is kept; larger ones are tables, which are read once."""


class CommitAnswers:
    """The answers of one lake, by question."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._answers: dict[Hashable, Any] = {}
        self._lock = threading.Lock()

    def ask(
        self,
        method: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        ask: Callable[[], Any],
    ) -> Any:  # noqa: ANN401  the SDK is not typed
        """Return what was answered before, or ask.

        Args:
            method: of one of the SDK's APIs.
            args: its arguments.
            kwargs: its arguments by name.
            ask: calls it.
        """
        places = REFS.get(method.__name__)
        if places is None or not all(_is_commit(args, place) for place in places):
            return ask()
        named = tuple(sorted((name, value) for name, value in kwargs.items()))
        key = (method.__name__, args, named)
        with self._lock:
            if key in self._answers:
                return self._answers[key]
        answer = ask()
        if not isinstance(answer, bytes | bytearray) or len(answer) <= LONGEST:
            with self._lock:
                while len(self._answers) >= MOST:
                    del self._answers[next(iter(self._answers))]
                self._answers[key] = answer
        return answer


def _is_commit(args: tuple[Any, ...], place: int) -> bool:
    return place < len(args) and ID.fullmatch(str(args[place])) is not None
