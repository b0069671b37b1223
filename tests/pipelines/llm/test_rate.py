"""The limiter finds out how much a service takes, and holds everybody back for one of them."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.llm import rate
from pipelines.llm.rate import RateLimiter
from pipelines.llm.settings import Service


class Clock:
    """Seconds that pass when they are told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_begins_with_sixteen_and_no_more_than_the_bound() -> None:
    assert RateLimiter(128).limit == 16
    assert RateLimiter(4).limit == 4
    assert Service(model="m").resolved_concurrency == 128
    assert Service().resolved_concurrency == 4
    assert Service(model="m", concurrency=7).resolved_concurrency == 7


def test_one_more_after_as_many_answers_and_half_after_a_refusal() -> None:
    clock = Clock()
    limiter = RateLimiter(18, clock)
    for _ in range(17):
        limiter.answered(10)
    assert 17 <= limiter.limit < 17.1
    for _ in range(100):
        limiter.answered(10)
    assert limiter.limit == 18
    clock.now += 1
    for _ in range(5):  # all were in flight when the first was refused: one event
        limiter.refused(clock.now - 0.5, None)
    assert limiter.limit == 9
    clock.now += 1
    for _ in range(6):
        limiter.refused(clock.now, None)
        clock.now += 1
    assert limiter.limit == 1


def test_no_more_than_the_limit_are_in_flight_and_each_gets_its_turn() -> None:
    async def scene() -> tuple[int, int]:
        limiter, most, done = RateLimiter(3), 0, 0

        async def one() -> None:
            nonlocal most, done
            await limiter.acquire()
            most = max(most, limiter.in_flight)
            await asyncio.sleep(0)
            limiter.release()
            done += 1

        tasks = [asyncio.create_task(one()) for _ in range(50)]
        await asyncio.sleep(0)
        tasks[10].cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        return most, done

    assert asyncio.run(scene()) == (3, 49)


def test_one_retry_after_holds_for_all() -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        limiter = RateLimiter(8)
        since = await limiter.acquire()
        began = loop.time()
        limiter.refused(since, 0.2)
        await asyncio.gather(limiter.acquire(), limiter.acquire())
        return loop.time() - began

    assert asyncio.run(scene()) >= 0.2


def test_limits_per_minute_are_read_from_headers() -> None:
    clock = Clock()
    limiter = RateLimiter(8, clock)
    limiter.in_flight = 1
    limiter.learn(
        {
            "x-ratelimit-limit-requests": "600",
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": "1m0s",
        }
    )
    assert limiter._pause(clock.now) == pytest.approx(0.1)  # ten a second come back
    clock.now += 0.1
    assert limiter._pause(clock.now) <= 1e-9
    limiter.answered(300)
    limiter.learn(
        {
            "x-ratelimit-limit-tokens": "6000",
            "x-ratelimit-remaining-tokens": "100",
            "x-ratelimit-reset-tokens": "59s",
        }
    )
    assert limiter._pause(clock.now) == pytest.approx(2.0)  # 200 tokens short, 100 a second
    limiter.learn({"x-ratelimit-remaining-tokens": "many"})
    assert limiter._pause(clock.now) <= 1e-9


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("6m0s", 360.0),
        ("1h2m3.5s", 3723.5),
        ("250ms", 0.25),
        ("12.5", 12.5),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("inf", None),
        ("1s2h", None),
        (None, None),
    ],
)
def test_durations_are_read_in_all_their_forms(text: str | None, value: float | None) -> None:
    assert rate.seconds(text) == value
