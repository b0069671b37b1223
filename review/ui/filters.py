"""Which candidates of a round are listed, and in which order: the query of a page's address."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from review.errors import UsageError

NUMBERS: Final = ("depth", "after", "before")
LIMITS: Final = ("least", "most")
FOREIGN: Final = ("column", "value", "score")
"""Filters whose values come from the data, where blanks may belong to them."""
ORDERS: Final = ("up", "down")
PART: Final = re.compile(r"([0-9]{1,3})/([0-9]{1,3})", re.ASCII)
DIGITS: Final = 15
"""Most digits of a whole number, so that it fits 64 bits."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which candidates are listed; the query of the page's address."""

    text: str | None = None
    """A text that a text column holds, in either case, or the first hex digits of a sample id."""
    decision: str | None = None
    reason: str | None = None
    expectation: str | None = None
    verdict: str | None = None
    depth: int | None = None
    """`depth_max`, generations from real data."""
    column: str | None = None
    """A payload column, such as label."""
    value: str | None = None
    """The value of that column, as text."""
    score: str | None = None
    """A column of numbers that a scorer wrote."""
    least: float | None = None
    """Only rows whose score is not below this."""
    most: float | None = None
    """Only rows whose score is not above this."""
    order: str | None = None
    """`up` or `down`: by the score, rows without one last. None: by row."""
    part: str | None = None
    """`2/3`: the second of three equal parts, by which reviewers share a list: every third row."""
    after: int | None = None
    """Only rows that follow this row in the order."""
    before: int | None = None
    """Only rows that precede this row in the order, of which the last ones are listed."""

    @property
    def query(self) -> str:
        """The filters as the query of an address."""
        return urlencode({name: value for name, value in asdict(self).items() if value is not None})

    @property
    def first_page(self) -> Filters:
        """The same filters from the first page on."""
        return replace(self, after=None, before=None)

    @property
    def any_range(self) -> Filters:
        """The same filters for every value of the score, from the first page on."""
        return replace(self.first_page, least=None, most=None)

    @property
    def any(self) -> bool:
        """Whether any candidate may be filtered out."""
        ranged = self.least is not None or self.most is not None
        rest = replace(self.any_range, score=None, order=None)
        return ranged or bool(rest.query)


def described(wanted: Filters) -> list[tuple[str, str]]:
    """Name the filters that leave candidates out, in the words of the form, with their values."""
    column = (wanted.column or "column").replace("_", " ")
    values: list[tuple[str, object]] = [
        ("text or id", wanted.text),
        ("decision", wanted.decision),
        ("reason", wanted.reason and wanted.reason.replace("_", " ")),
        ("expectation", wanted.expectation and wanted.expectation.replace("_", " ")),
        ("verdict", wanted.verdict),
        ("depth", wanted.depth),
        (column, wanted.value),
        ("part", wanted.part),
    ]
    found = [(name, str(value)) for name, value in values if value is not None]
    ends = [
        f"{word} {limit:g}"
        for word, limit in (("from", wanted.least), ("to", wanted.most))
        if limit is not None
    ]
    if wanted.score is not None and ends:
        found.append((wanted.score.replace("_", " "), " ".join(ends)))
    return found


def parse(query: Mapping[str, str]) -> Filters:
    """Parse filters from the query of an address; empty and unknown ones are ignored.

    A range and an order without a score are ignored too.

    Raises:
        UsageError: a text is not a number where one is needed, or there is no such order.
    """
    texts = {name: query.get(name, "") for name in Filters.__slots__}
    stripped = {name: text if name in FOREIGN else text.strip() for name, text in texts.items()}
    given: dict[str, Any] = {name: text for name, text in stripped.items() if text}
    if "score" not in given:
        given = {name: text for name, text in given.items() if name not in (*LIMITS, "order")}
    for name in NUMBERS:
        if name in given:
            given[name] = whole(name, given[name])
    for name in LIMITS:
        if name in given:
            given[name] = _limit(name, given[name])
    if "part" in given and _part(given["part"]) is None:
        raise UsageError(f"part must be such as 2/3, not {given['part'][:20]!r}")
    if given.get("order", "up") not in ORDERS:
        raise UsageError(f"order must be up or down, not {given['order'][:20]!r}")
    return Filters(**given)


def part_of(wanted: Filters) -> tuple[int, int] | None:
    """Which part of the rows is wanted, and of how many; None: all."""
    return None if wanted.part is None else _part(wanted.part)


def _part(text: str) -> tuple[int, int] | None:
    found = PART.fullmatch(text)
    number, of = (int(found[1]), int(found[2])) if found else (0, 0)
    return (number, of) if 1 <= number <= of else None


def whole(name: str, text: str) -> int:
    """Parse a whole number that is not negative and fits 64 bits.

    Raises:
        UsageError: the text is none.
    """
    if not text.isdecimal() or len(text) > DIGITS:
        raise UsageError(f"{name} must be a whole number, not {text[:20]!r}")
    return int(text)


def _limit(name: str, text: str) -> float:
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not math.isfinite(limit):
        raise UsageError(f"{name} must be a number, not {text[:20]!r}")
    return limit
