"""The one limiter: token buckets that all workers share, asked before a call leaves.

Fast limits (refill of 0.2 a second and more) live in Redis: one script call takes from several buckets at once, or from
none. Slower ones are a column on the job row and use the pure function `gcra` (MECHANISMS 10). Times are seconds.

Redis may vanish at any moment. A bucket that was lost starts empty, never full, and while Redis does not answer each
process keeps a bucket of its own at `LOCAL_FRACTION` of the rate: slow, but never faster than the platform allows as
long as no more than 1 / LOCAL_FRACTION processes call for one account.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from redis import Redis

logger = logging.getLogger(__name__)

LOCAL_FRACTION = 0.1
"""The part of a rate one process may use by itself while Redis is away."""

REDIS_PAUSE_SECONDS = 1.0
"""How long Redis is left alone after it failed, so that a hanging Redis does not slow every call."""

BUCKET_LIFE_SECONDS = 7 * 24 * 3600
"""Buckets nobody used for a week are forgotten by Redis; the next call finds an empty one and waits 1 / rate."""


@dataclass(frozen=True, slots=True)
class Take:
    """`n` tokens of one bucket; `reserve` tokens stay untouched for those who ask without a reserve.

    `rate` (tokens a second) and `capacity` are the published ones and hold until the platform's headers teach better.
    """

    bucket: str
    rate: float
    capacity: float
    n: float = 1.0
    reserve: float = 0.0
    start: float = 0.0
    """What a bucket nobody knows holds: nothing, or one for rare calls that a refusal would cost more than a 429."""


class Limiter(Protocol):
    """What `connectors.http.Caller` asks. No method raises because Redis is away."""

    def take(self, takes: Sequence[Take]) -> float:
        """Take from all buckets and return 0.0, or take from none and return the seconds to wait."""

    def learn(
        self,
        bucket: str,
        *,
        rate: float | None = None,
        capacity: float | None = None,
        available: float | None = None,
        refund: float = 0.0,
    ) -> None:
        """Believe the platform: its rate and capacity replace the published ones.

        `refund` gives back tokens taken but not used (a query that cost less than asked for). `available` only ever
        lowers the level: raising it would give away tokens of calls that are still on their way.
        """

    def pause(self, bucket: str, seconds: float) -> None:
        """Empty the bucket and let nobody take from it for that long (the platform answered 429)."""

    def learned_rate(self, bucket: str) -> float | None:
        """Return the rate the platform's headers taught, tokens a second, or None."""


# Fields of a bucket's hash: t tokens, a the time they were counted, r and c the learned rate and capacity, p paused
# until. Numbers travel as strings because Lua numbers lose their fraction on the way back.
_SCRIPT = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local verb = ARGV[1]
local life = tonumber(ARGV[2])

local function level(key, rate, capacity, start)
  local f = redis.call('HMGET', key, 't', 'a', 'r', 'c', 'p')
  rate = tonumber(f[3]) or rate
  capacity = tonumber(f[4]) or capacity
  local tokens, at = tonumber(f[1]), tonumber(f[2])
  if not tokens or not at then
    tokens = start
  else
    tokens = math.min(capacity, tokens + math.max(0, now - at) * rate)
  end
  return tokens, rate, capacity, tonumber(f[5]) or 0
end

local function keep(key, tokens)
  redis.call('HSET', key, 't', string.format('%.6f', tokens), 'a', string.format('%.6f', now))
  redis.call('EXPIRE', key, life)
end

if verb == 'take' then
  local wait, levels = 0, {}
  for i, key in ipairs(KEYS) do
    local base = 2 + (i - 1) * 5
    local n, reserve, start = tonumber(ARGV[base + 3]), tonumber(ARGV[base + 4]), tonumber(ARGV[base + 5])
    local tokens, rate, capacity, paused = level(key, tonumber(ARGV[base + 1]), tonumber(ARGV[base + 2]), start)
    local need = math.min(n + reserve, capacity)
    if paused > now then wait = math.max(wait, paused - now) end
    if tokens + 0.000001 < need then wait = math.max(wait, (need - tokens) / rate) end
    levels[i] = {tokens, n}
  end
  for i, key in ipairs(KEYS) do
    keep(key, wait > 0 and levels[i][1] or levels[i][1] - levels[i][2])
  end
  return string.format('%.6f', wait)
end

local key = KEYS[1]
if verb == 'pause' then
  keep(key, 0)
  redis.call('HSET', key, 'p', string.format('%.6f', now + tonumber(ARGV[3])))
  return '0'
end

local rate, capacity, available, refund = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
if redis.call('HEXISTS', key, 't') == 1 and (available or refund > 0) then
  local tokens, _, full = level(key, rate or 1, capacity or 1e12, 0)
  tokens = math.min(full, tokens + refund)
  if available then tokens = math.min(tokens, available) end
  keep(key, tokens)
end
if rate then redis.call('HSET', key, 'r', string.format('%.6f', rate)) end
if capacity then redis.call('HSET', key, 'c', string.format('%.6f', capacity)) end
redis.call('EXPIRE', key, life)
return '0'
"""


def redis_client(url: str) -> Redis:
    """Return a client fit for the limiter: it gives up within a quarter of a second, as every call waits for it."""
    from redis import Redis

    return Redis.from_url(url, socket_timeout=0.25, socket_connect_timeout=0.25, health_check_interval=30)


class RedisLimiter:
    """Buckets in Redis; thread-safe. The client should give up soon, as one of `redis_client` does; it is told not to
    try again by itself."""

    def __init__(self, redis: Redis, *, prefix: str = "limit:", clock: Callable[[], float] = time.monotonic) -> None:
        # redis-py tries four times by itself with pauses of seconds, and every platform call would wait for that.
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        redis.set_retry(Retry(NoBackoff(), 0))
        self._script = redis.register_script(_SCRIPT)
        self._redis = redis
        self._prefix = prefix
        self._clock = clock
        self._local = LocalLimiter(fraction=LOCAL_FRACTION, clock=clock)
        self._away_until = float("-inf")
        self._taught: dict[str, tuple[float | None, float | None]] = {}

    def take(self, takes: Sequence[Take]) -> float:
        if not takes:
            return 0.0
        arguments: list[str | float] = ["take", BUCKET_LIFE_SECONDS]
        for take in takes:
            arguments += [take.rate, take.capacity, take.n, take.reserve, take.start]
        answer = self._run([self._prefix + take.bucket for take in takes], arguments)
        return self._local.take(takes) if answer is None else float(answer)

    def learn(
        self,
        bucket: str,
        *,
        rate: float | None = None,
        capacity: float | None = None,
        available: float | None = None,
        refund: float = 0.0,
    ) -> None:
        taught = (rate, capacity)
        if available is None and refund <= 0 and self._taught.get(bucket) == taught:
            return  # most answers repeat the rate we know; they cost no round trip
        self._local.learn(bucket, rate=rate, capacity=capacity, available=available, refund=refund)
        blank: list[str | float] = ["" if value is None else value for value in (rate, capacity, available)]
        if self._run([self._prefix + bucket], ["learn", BUCKET_LIFE_SECONDS, *blank, refund]) is not None:
            self._taught[bucket] = taught

    def pause(self, bucket: str, seconds: float) -> None:
        self._local.pause(bucket, seconds)
        self._run([self._prefix + bucket], ["pause", BUCKET_LIFE_SECONDS, seconds])

    def learned_rate(self, bucket: str) -> float | None:
        from redis.exceptions import RedisError

        if self._clock() >= self._away_until:
            try:
                rate: Any = self._redis.hget(self._prefix + bucket, "r")
                return float(rate) if rate is not None else None
            except (RedisError, OSError) as error:
                self._note_away(error)
        return self._local.learned_rate(bucket)

    def _run(self, keys: list[str], arguments: list[str | float]) -> Any:
        """Return the script's answer, or None while Redis is away."""
        from redis.exceptions import RedisError

        if self._clock() < self._away_until:
            return None
        try:
            return self._script(keys=keys, args=arguments)
        except (RedisError, OSError) as error:
            self._note_away(error)
            return None

    def _note_away(self, error: Exception) -> None:
        self._away_until = self._clock() + REDIS_PAUSE_SECONDS
        self._taught.clear()  # Redis may come back empty: teach it again
        logger.warning("limiter falls back to its slow local rate", extra={"cause": type(error).__name__})


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float
    paused_until: float = float("-inf")
    rate: float | None = None
    capacity: float | None = None


class LocalLimiter:
    """The same buckets within one process, at `fraction` of the rate: for tools, and while Redis is away."""

    def __init__(self, *, fraction: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._fraction = fraction
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, takes: Sequence[Take]) -> float:
        with self._lock:
            now = self._clock()
            wait = max((self._wait(take, now) for take in takes), default=0.0)
            if wait <= 0:
                for take in takes:
                    self._buckets[take.bucket].tokens -= take.n
            return wait

    def _wait(self, take: Take, now: float) -> float:
        bucket = self._buckets.setdefault(take.bucket, _Bucket(tokens=take.start, at=now))
        rate = (bucket.rate or take.rate) * self._fraction
        capacity = max(take.n, (bucket.capacity or take.capacity) * self._fraction)
        bucket.tokens = min(capacity, bucket.tokens + max(0.0, now - bucket.at) * rate)
        bucket.at = now
        # A reserve larger than the small local bucket would close it for ever.
        need = min(take.n + take.reserve * self._fraction, capacity)
        short = (need - bucket.tokens) / rate if bucket.tokens + 1e-6 < need else 0.0
        return max(short, bucket.paused_until - now, 0.0)

    def learn(
        self,
        bucket: str,
        *,
        rate: float | None = None,
        capacity: float | None = None,
        available: float | None = None,
        refund: float = 0.0,
    ) -> None:
        with self._lock:
            known = self._buckets.setdefault(bucket, _Bucket(tokens=0.0, at=self._clock()))
            known.rate = rate or known.rate
            known.capacity = capacity or known.capacity
            known.tokens += refund
            if available is not None:
                known.tokens = min(known.tokens, available)

    def pause(self, bucket: str, seconds: float) -> None:
        with self._lock:
            known = self._buckets.setdefault(bucket, _Bucket(tokens=0.0, at=self._clock()))
            known.tokens = 0.0
            known.at = self._clock()
            known.paused_until = self._clock() + seconds

    def learned_rate(self, bucket: str) -> float | None:
        with self._lock:
            known = self._buckets.get(bucket)
            return known.rate if known else None


class NoLimiter:
    """Lets everything through: for tools a person runs once, never for workers."""

    def take(self, takes: Sequence[Take]) -> float:
        return 0.0

    def learn(
        self,
        bucket: str,
        *,
        rate: float | None = None,
        capacity: float | None = None,
        available: float | None = None,
        refund: float = 0.0,
    ) -> None:
        return None

    def pause(self, bucket: str, seconds: float) -> None:
        return None

    def learned_rate(self, bucket: str) -> float | None:
        return None


def gcra(tat: float | None, now: float, rate: float, burst: float, n: float = 1.0) -> tuple[float, float]:
    """Decide a slow limit from one stored number, the theoretical arrival time.

    `tat` is what the row holds (None: never called, the whole burst is free), `now` the same clock in seconds, `rate`
    calls a second. Returns (new tat, 0.0) when the call may go, or (old tat, seconds to wait) when it may not. An idle
    row regains its whole burst; no row ever sends more than `burst` at once nor `rate` in the long run.
    """
    interval = 1.0 / rate
    # No row owes more than its whole burst. One that seems to was written at a slower rate than the one now in force
    # (the platform taught us better meanwhile), or by a clock that went back: it counts as empty, and waits no longer.
    start = now if tat is None else min(max(tat, now), now + burst * interval)
    new_tat = start + n * interval
    wait = new_tat - burst * interval - now
    if wait > 1e-6:
        return (now if tat is None else tat), wait
    return new_tat, 0.0


def gcra_at(
    tat: datetime | None, now: datetime, rate: float, burst: float, n: float = 1.0
) -> tuple[datetime, timedelta]:
    """Decide like `gcra`, for a row that holds an aware datetime."""
    new_tat, wait = gcra(None if tat is None else (tat - now).total_seconds(), 0.0, rate, burst, n)
    return now + timedelta(seconds=new_tat), timedelta(seconds=wait)
