"""Pagination: a listing is returned page by page, each with the offset of the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final, Generic, TypeVar

MAX_PAGE: Final = 1000

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A page of a listing; `next` is the offset of the next page, None at the end."""

    items: list[Item]
    next: str | None


def page(items: Iterable[Item], amount: int, name: Callable[[Item], str]) -> Page[Item]:
    """The first page of a listing; an amount of 0 means the largest page."""
    return paged(items, amount, name)[0]


def paged(
    items: Iterable[Item], amount: int, name: Callable[[Item], str]
) -> tuple[Page[Item], Iterator[Item]]:
    """The first page of a listing, and the rest of the listing."""
    size = min(amount, MAX_PAGE) if amount > 0 else MAX_PAGE
    rest = iter(items)
    first = list(islice(rest, size))
    beyond = next(rest, None)
    if beyond is None:
        return Page(first, None), rest
    return Page(first, name(first[-1])), chain([beyond], rest)
