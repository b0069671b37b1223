"""Pages: listings are handed out in parts, each saying where the next one begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final, Generic, TypeVar

MAX_PAGE: Final = 1000

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Part of a listing; `next` is where to go on, None at the end."""

    items: list[Item]
    next: str | None


def page(items: Iterable[Item], amount: int, name: Callable[[Item], str]) -> Page[Item]:
    """Take one page of a listing; 0 means the most that a page may hold."""
    return paged(items, amount, name)[0]


def paged(
    items: Iterable[Item], amount: int, name: Callable[[Item], str]
) -> tuple[Page[Item], Iterator[Item]]:
    """Take one page of a listing, and what is left of it."""
    size = min(amount, MAX_PAGE) if amount > 0 else MAX_PAGE
    rest = iter(items)
    taken = list(islice(rest, size))
    following = next(rest, None)
    if following is None:
        return Page(taken, None), rest
    return Page(taken, name(taken[-1])), chain([following], rest)
