"""How many requests may be in flight, and when the next one may go: found out from the service.

Additive increase, multiplicative decrease (Chiu and Jain 1989, doi 10.1016/0169-7552(89)90019-6):
one more request at once after as many answers as may be in flight, half as many after a 429. What
was in flight when the first of several 429 came is one event. A time that a service asks to wait
holds for all requests, and so do the limits per minute that it names in the headers
`x-ratelimit-…-requests` and `x-ratelimit-…-tokens`: a bucket that holds `remaining` and is full
again after `reset`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

START: Final = 16
"""Requests at once in the beginning."""
HALF: Final = 0.5
LONGEST: Final = 60.0
"""Seconds that headers can hold requests up; a 429 says by itself how long it wants."""
_DURATION: Final = re.compile(
    r"(?:(?P<h>\d{1,6})h)?(?:(?P<m>\d{1,6})m)?(?:(?P<s>\d{1,6}(?:\.\d{1,9})?)s)?(?:(?P<ms>\d{1,9})ms)?"
)
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass
class Bucket:
    """What a service lets pass: a level that rises with time and falls with each request."""

    level: float
    rate: float
    """By which the level rises, per second."""
    at: float
    """When the level was so high, on the clock."""

    def wait(self, amount: float, now: float) -> float:
        """Return the seconds until an amount may pass."""
        short = amount - self.level - self.rate * (now - self.at)
        return min(LONGEST, short / self.rate) if short > 0 else 0.0


class RateLimiter:
    """Holds requests back; each attempt is made inside of it: `async with limiter`."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with `START` requests at once, or with the bound where it is lower.

        Args:
            most: Requests at once, at most.
            clock: Seconds that only grow.
        """
        self.limit = float(min(START, most))
        self.in_flight = 0
        self.tokens = 0.0
        """Tokens of an answered request, on average."""
        self._most = most
        self._clock = clock
        self._resume = 0.0
        self._halved = float("-inf")
        self._buckets: dict[str, Bucket] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> float:
        """Wait until a request may be sent, count it, and return when that was."""
        while True:
            now = self._clock()
            pause = self._pause(now)
            if pause > 0:
                await asyncio.sleep(pause)
            elif self.in_flight >= int(self.limit):
                await self._turn()
            else:
                self.in_flight += 1
                for kind, bucket in self._buckets.items():
                    bucket.level -= self._amount(kind)
                return now

    def release(self) -> None:
        """Count a request as ended, and let the next ones go."""
        self.in_flight -= 1
        self._wake()

    def answered(self, tokens: int) -> None:
        """Learn from an answer and its tokens: a little more may be in flight."""
        self.limit = min(float(self._most), self.limit + 1 / self.limit)
        self.tokens = tokens if not self.tokens else 0.9 * self.tokens + 0.1 * tokens

    def refused(self, since: float, seconds: float | None) -> None:
        """Learn from a 429: half as much may be in flight, and nothing for a time.

        Args:
            since: When the request was sent, as `acquire` returned it.
            seconds: That the service asks to wait; None: it does not say.
        """
        now = self._clock()
        if since >= self._halved:
            self.limit = max(1.0, self.limit * HALF)
            self._halved = now
        self.pause(seconds or 0.0)

    def pause(self, seconds: float) -> None:
        """Let no request go for a time."""
        self._resume = max(self._resume, self._clock() + seconds)

    def learn(self, headers: Mapping[str, str]) -> None:
        """Learn the limits per minute from the headers of an answer, where it has them."""
        for kind in ("requests", "tokens"):
            remaining = headers.get(f"x-ratelimit-remaining-{kind}")
            if remaining is None:
                continue
            limit = _number(headers.get(f"x-ratelimit-limit-{kind}"))
            left, reset = _number(remaining), seconds(headers.get(f"x-ratelimit-reset-{kind}"))
            if left is None or limit is None or reset is None or limit <= left or reset <= 0:
                self._buckets.pop(kind, None)
                continue
            late = (self.in_flight - 1) * self._amount(kind)  # sent, and perhaps not yet counted
            self._buckets[kind] = Bucket(left - late, (limit - left) / reset, self._clock())

    def _pause(self, now: float) -> float:
        waits = [bucket.wait(self._amount(kind), now) for kind, bucket in self._buckets.items()]
        return max([self._resume - now, *waits])

    def _amount(self, kind: str) -> float:
        return 1.0 if kind == "requests" else self.tokens

    async def _turn(self) -> None:
        """Wait until another request has ended."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake()
            raise

    def _wake(self) -> None:
        """Wake as many waiting requests as may go."""
        room = int(self.limit) - self.in_flight
        while room > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1


def seconds(text: str | None) -> float | None:
    """Return the seconds of a duration such as 6m0s, 250ms or 12.5; None: it is none."""
    if text is None:
        return None
    number = _number(text)
    if number is not None:
        return number
    match = _DURATION.fullmatch(text.strip())
    if match is None or not text.strip():
        return None
    return sum(_SECONDS[unit] * float(value) for unit, value in match.groupdict().items() if value)


def _number(text: str | None) -> float | None:
    """The number that a header holds; None: none, or one that is negative or not finite."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
