"""Common prefixes: paths that share what stands before a delimiter, folded into one line.

They are what directories are to a flat listing. What is folded is skipped and not read: the walk
starts again behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from lake.server.catalog.validation import MAX_KEY

Item = TypeVar("Item")
Walk = Callable[[str, bool], Iterator[tuple[str, Item]]]
"""Yields paths under the prefix in order: from a path on, with or without that path itself."""

_LAST: Final = 0x10FFFF
_FIRST_SURROGATE: Final = 0xD800
_AFTER_SURROGATES: Final = 0xE000
_NEVER: Final = chr(_LAST) * (MAX_KEY + 1)
"""Sorts after every key, for none is as long."""


def fold_common_prefixes(
    walk: Walk[Item], prefix: str, delimiter: str, after: str
) -> Iterator[tuple[str, Item | None]]:
    """Lines of a listing behind `after`; one without an item is a common prefix."""
    start, inclusive = (after, False) if after and after >= prefix else (prefix, True)
    if not delimiter:
        yield from walk(start, inclusive)
        return
    if after.endswith(delimiter) and after > prefix:
        start, inclusive = beyond(after), True
    restart: str | None = start
    while restart is not None:
        start, restart = restart, None
        for path, item in walk(start, inclusive):
            cut = path.find(delimiter, len(prefix))
            if cut < 0:
                yield path, item
                continue
            line = path[: cut + len(delimiter)]
            if line != after:
                yield line, None
            restart, inclusive = beyond(line), True
            break


def beyond(prefix: str) -> str:
    """A text that sorts after everything with this prefix, and not after anything else.

    >>> beyond("images/")
    'images0'
    """
    if not prefix:
        return _NEVER
    code = ord(prefix[-1]) + 1
    if code > _LAST:
        return beyond(prefix[:-1])
    return prefix[:-1] + chr(_AFTER_SURROGATES if code == _FIRST_SURROGATE else code)
