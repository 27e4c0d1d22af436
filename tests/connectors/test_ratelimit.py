"""Buckets that never give more than the platform allows, whatever happens to Redis."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from connectors.ratelimit import (
    LOCAL_FRACTION,
    LocalLimiter,
    NoLimiter,
    RedisLimiter,
    Take,
    gcra,
    gcra_at,
    redis_client,
)


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server(redis_url: str) -> Iterator[redis.Redis]:
    with closing(redis_client(redis_url)) as client:
        yield client


def fill(limiter: RedisLimiter, take: Take) -> None:
    """Let the bucket fill up: the first question makes it, the pause fills it, the last one counts it."""
    limiter.take([take])
    time.sleep(take.capacity / take.rate * 1.1)
    limiter.take([replace(take, n=0)])


# ── in Redis ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bucket_nobody_knows_starts_empty(server: redis.Redis) -> None:
    assert RedisLimiter(server).take([Take("b", rate=2, capacity=30)]) == pytest.approx(0.5)


def test_a_bucket_of_rare_calls_starts_with_one(server: redis.Redis) -> None:
    rare = Take("b", rate=1, capacity=5, start=1)

    for limiter in (RedisLimiter(server), LocalLimiter()):
        assert limiter.take([rare]) == 0
        assert limiter.take([rare]) == pytest.approx(1, abs=0.1)


def test_a_full_bucket_gives_its_burst_and_then_its_rate(server: redis.Redis) -> None:
    limiter = RedisLimiter(server)
    take = Take("b", rate=50, capacity=5)
    fill(limiter, take)

    waits = [limiter.take([take]) for _ in range(6)]

    assert waits[:5] == [0.0] * 5
    assert 0 < waits[5] <= 1 / 50


def test_several_buckets_are_taken_from_together_or_not_at_all(server: redis.Redis) -> None:
    limiter = RedisLimiter(server)
    plenty, scarce = Take("plenty", rate=50, capacity=5), Take("scarce", rate=0.5, capacity=5)
    fill(limiter, plenty)

    assert limiter.take([plenty, scarce]) == pytest.approx(2, abs=0.1)

    assert [limiter.take([plenty]) for _ in range(5)] == [0.0] * 5


def test_a_reserve_is_left_for_those_who_may_use_it(server: redis.Redis) -> None:
    limiter = RedisLimiter(server)
    urgent = Take("b", rate=100, capacity=8)
    patient = Take("b", rate=100, capacity=8, reserve=5)
    fill(limiter, urgent)

    taken = 0
    while limiter.take([Take("b", rate=0.001, capacity=8, reserve=5)]) == 0:
        taken += 1

    assert taken == 3
    assert limiter.take([patient]) > 0
    assert limiter.take([Take("b", rate=0.001, capacity=8)]) == 0


def test_a_cost_above_the_capacity_waits_for_a_full_bucket_and_not_for_ever(server: redis.Redis) -> None:
    limiter = RedisLimiter(server)
    take = Take("b", rate=1000, capacity=10, n=25)

    assert limiter.take([take]) == pytest.approx(0.01, abs=0.005)
    time.sleep(0.02)
    assert limiter.take([take]) == 0
    assert limiter.take([take]) == pytest.approx(0.025, abs=0.005)


def test_what_the_platform_teaches_replaces_the_published_rate(server: redis.Redis) -> None:
    limiter, other_worker = RedisLimiter(server), RedisLimiter(server)
    take = Take("b", rate=0.5, capacity=30)
    limiter.take([take])

    limiter.learn("b", rate=200.0)
    time.sleep(0.02)

    assert other_worker.take([take]) == 0
    assert other_worker.learned_rate("b") == 200
    assert other_worker.learned_rate("never heard of") is None


def test_the_level_is_lowered_to_what_the_platform_shows_and_never_raised(server: redis.Redis) -> None:
    limiter = RedisLimiter(server)
    full = Take("points", rate=500, capacity=20, n=1)
    fill(limiter, full)
    slow = Take("points", rate=0.1, capacity=20, n=1)

    limiter.learn("points", rate=0.1, capacity=20, available=2)
    limiter.learn("points", rate=0.1, capacity=20, available=20)

    assert [limiter.take([slow]) > 0 for _ in range(3)] == [False, False, True]


def test_tokens_not_used_are_given_back(server: redis.Redis) -> None:
    limiter = RedisLimiter(server)
    costly = Take("points", rate=1000, capacity=10, n=10)
    fill(limiter, costly)
    assert limiter.take([costly]) == 0
    limiter.learn("points", rate=0.1, capacity=10)

    limiter.learn("points", rate=0.1, capacity=10, refund=7)

    assert limiter.take([Take("points", rate=0.1, capacity=10, n=7)]) == 0
    assert limiter.take([Take("points", rate=0.1, capacity=10, n=7)]) > 10


def test_a_paused_bucket_stays_closed_for_that_long_and_then_is_empty(server: redis.Redis) -> None:
    limiter = RedisLimiter(server)
    take = Take("b", rate=100, capacity=5)
    fill(limiter, take)

    limiter.pause("b", 0.15)

    assert limiter.take([take]) == pytest.approx(0.15, abs=0.05)
    time.sleep(0.2)
    assert limiter.take([take]) == 0


def test_many_workers_together_take_no_more_than_the_bucket_holds(server: redis.Redis) -> None:
    limiter = RedisLimiter(server)
    fill(limiter, Take("b", rate=1000, capacity=20))
    take = Take("b", rate=0.001, capacity=20)
    given_out: list[float] = []

    def work() -> None:
        for _ in range(20):
            if limiter.take([take]) == 0:
                given_out.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(given_out) == 20


def test_a_flushed_redis_means_an_empty_bucket_not_a_new_burst(server: redis.Redis) -> None:
    limiter = RedisLimiter(server)
    take = Take("b", rate=50, capacity=5)
    fill(limiter, take)

    server.flushall()

    assert limiter.take([take]) > 0


def test_an_answer_that_repeats_the_known_rate_costs_no_round_trip(server: redis.Redis) -> None:
    limiter = RedisLimiter(server)
    limiter.learn("b", rate=2.0)
    before = server.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]

    limiter.learn("b", rate=2.0)

    assert server.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"] == before


# ── without Redis ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def nowhere() -> redis.Redis:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    return redis_client(f"redis://127.0.0.1:{port}/0")


def test_without_redis_calls_go_on_at_a_fraction_of_the_rate(nowhere: redis.Redis) -> None:
    clock = Clock()
    limiter = RedisLimiter(nowhere, clock=clock)
    take = Take("b", rate=10, capacity=20)
    limiter.take([take])

    allowed = 0
    for _ in range(1000):
        clock.now += 0.1
        allowed += limiter.take([take]) == 0

    assert allowed == pytest.approx(100 * 10 * LOCAL_FRACTION, abs=2)


def test_without_redis_nothing_raises(nowhere: redis.Redis) -> None:
    limiter = RedisLimiter(nowhere)

    limiter.learn("b", rate=3.0, capacity=9, available=1, refund=1)
    limiter.pause("b", 1)

    assert limiter.learned_rate("b") == 3.0
    assert limiter.take([Take("b", rate=10, capacity=20)]) > 0


def test_a_redis_that_failed_is_left_alone_for_a_moment(nowhere: redis.Redis) -> None:
    limiter = RedisLimiter(nowhere)
    limiter.take([Take("b", rate=10, capacity=20)])
    started = time.monotonic()

    for _ in range(200):
        limiter.take([Take("b", rate=10, capacity=20)])

    assert time.monotonic() - started < 0.2


def test_redis_is_used_again_when_it_is_back(nowhere: redis.Redis, server: redis.Redis) -> None:
    clock = Clock()
    limiter = RedisLimiter(nowhere, clock=clock)
    limiter.take([Take("b", rate=10, capacity=20)])
    nowhere.connection_pool = server.connection_pool
    clock.now += 2

    limiter.take([Take("b", rate=10, capacity=20)])

    assert server.exists("limit:b")


def test_a_reserve_does_not_close_the_small_local_bucket_for_ever() -> None:
    clock = Clock()
    limiter = LocalLimiter(fraction=LOCAL_FRACTION, clock=clock)
    take = Take("b", rate=0.5, capacity=30, reserve=5)
    limiter.take([take])

    clock.now += 60

    assert limiter.take([take]) == 0


def test_no_limiter_never_waits() -> None:
    limiter = NoLimiter()

    limiter.pause("b", 100)

    assert [limiter.take([Take("b", rate=0.001, capacity=1)]) for _ in range(50)] == [0.0] * 50


# ── slow limits ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_never_used_has_its_whole_burst() -> None:
    tat: float | None = None
    allowed = 0
    wait = 0.0
    while wait == 0:
        tat, wait = gcra(tat, 1000.0, rate=0.0056, burst=20)
        allowed += wait == 0

    assert allowed == 20
    assert wait == pytest.approx(1 / 0.0056, rel=0.01)


@given(
    st.floats(0.001, 5),
    st.integers(1, 30),
    st.lists(st.floats(0, 400), min_size=1, max_size=200),
)
def test_no_window_ever_holds_more_than_burst_plus_rate(rate: float, burst: int, pauses: list[float]) -> None:
    tat, now = None, 1_700_000_000.0
    allowed: list[float] = []
    for pause in pauses:
        now += pause
        tat, wait = gcra(tat, now, rate, burst)
        if wait == 0:
            allowed.append(now)
        assert wait >= 0

    for first in range(len(allowed)):
        for last in range(first, len(allowed)):
            assert last - first + 1 <= burst + (allowed[last] - allowed[first]) * rate + 1e-3


@given(st.floats(0.001, 5), st.integers(1, 30), st.integers(0, 40))
def test_who_waits_as_long_as_told_may_go(rate: float, burst: int, before: int) -> None:
    tat, now = None, 1_700_000_000.0
    for _ in range(before):
        tat, _wait = gcra(tat, now, rate, burst)

    tat, wait = gcra(tat, now, rate, burst)
    tat, after = gcra(tat, now + wait, rate, burst)

    assert wait == 0 or after == 0


def test_a_row_written_at_a_slower_rate_does_not_wait_for_the_old_one() -> None:
    tat, _ = gcra(None, 1000.0, rate=0.0056, burst=20)

    tat, wait = gcra(tat, 1000.0, rate=0.56, burst=20)

    assert wait == pytest.approx(1 / 0.56, rel=0.01)


def test_the_row_with_a_datetime_decides_alike() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    first, wait = gcra_at(None, now, rate=0.5, burst=1)
    second, later = gcra_at(first, now, rate=0.5, burst=1)

    assert (first, wait) == (now + timedelta(seconds=2), timedelta(0))
    assert (second, later) == (first, timedelta(seconds=2))
