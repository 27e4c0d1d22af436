"""eBay's limits: daily calls of our whole application, per API. As data, with what was learnt put over it.

Sources: eBay's page "API call limits" (Account 25,000, Notification 10,000, Analytics 5,000 a day). For Fulfillment and
Identity that page was not at hand: 100,000 and 20,000 are cautious readings. The truth in force comes from the call
getRateLimits (Developer Analytics), asked at most twice a day and after a refusal, and is kept in the `BudgetStore`.

eBay's day ends at midnight Pacific, the store's at midnight UTC. What eBay says is used up before our own count does is
answered by a pause of the API's bucket until the time eBay names.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.contract.tokens import BudgetStore
from connectors.ratelimit import Limiter, Take
from connectors.reading import count, each, instant, text

DAY_SECONDS = 86400

CALLS_A_SECOND = 20.0
"""What we never exceed together, whatever the day allows; eBay publishes no figure for its REST calls."""

URGENT_SHARE = 0.02
"""The part of a day's calls kept back for a person who waits (*Fetch one order now*)."""

LIST_SHARE = 0.5
"""The part of a day's calls ordinary sweeps may use; the rest is for orders read one by one, and for catching up."""

RELEARN_SECONDS = DAY_SECONDS / 2
RELEARN_AFTER_REFUSAL_SECONDS = 60.0

THROTTLED_SECONDS = 5.0
THROTTLED_MOST_SECONDS = 300.0
"""The pause after a 429 that names none, doubled at each further one up to the most: when a day is used up, eBay
answers so until it ends."""


@dataclass(frozen=True, slots=True)
class Api:
    """One of eBay's APIs: its name in getRateLimits, and how many calls a day an application has by default."""

    context: str
    name: str
    daily: int

    @property
    def budget(self) -> str:
        """Return the name of its budget."""
        return f"ebay.{self.context}.{self.name}"

    @property
    def bucket(self) -> str:
        """Return the name of its bucket in the limiter, shared by all sellers."""
        return f"ebay:app:{self.context}.{self.name}"


FULFILLMENT = Api("sell", "fulfillment", 100_000)
ACCOUNT = Api("sell", "account", 25_000)
IDENTITY = Api("commerce", "identity", 20_000)
NOTIFICATION = Api("commerce", "notification", 10_000)
ANALYTICS = Api("developer", "analytics", 5_000)
APIS = (FULFILLMENT, ACCOUNT, IDENTITY, NOTIFICATION, ANALYTICS)


BY_BUCKET = {api.bucket: api for api in APIS}

RESERVE = 1.0
"""Calls of a second kept back for a person who waits; whoever takes without it is urgent."""


def takes(api: Api, *, urgent: bool = False) -> tuple[Take, ...]:
    """Return what a call takes from the shared bucket; a bucket nobody knows lets one call through."""
    reserve = 0.0 if urgent else RESERVE
    return (Take(api.bucket, CALLS_A_SECOND, CALLS_A_SECOND, reserve=reserve, start=1.0 + RESERVE),)


@dataclass(frozen=True, slots=True)
class Told:
    """What getRateLimits said of one API: calls a day, how many are left, and when they are renewed."""

    api: Api
    limit: int
    remaining: int | None
    reset: datetime | None


def read(answer: Mapping[str, Any]) -> list[Told]:
    """Return the daily limits of the APIs we use.

    An API may have one limit for all its calls or one for each; the lowest is taken, since our count is of the whole API.
    """
    found: dict[Api, Told] = {}
    known = {(api.context, api.name): api for api in APIS}
    for line in each(answer, "rateLimits"):
        name = text(line, "apiName").lower().replace("_", "").replace(" ", "")
        api = known.get((text(line, "apiContext").lower(), name))
        if api is None:
            continue
        for rate in (rate for resource in each(line, "resources") for rate in each(resource, "rates")):
            limit = count(rate.get("limit"))
            if not limit or count(rate.get("timeWindow")) != DAY_SECONDS:
                continue
            told = Told(api, limit, count(rate.get("remaining")), instant(rate.get("reset")))
            if api not in found or (told.remaining or limit, limit) < (found[api].remaining or limit, found[api].limit):
                found[api] = told
    return list(found.values())


class Budget:
    """A `Limiter` that counts our application's daily calls besides, as one seller's connector spends them. Thread-safe.

    `store` None (tools a person runs once) counts nothing.
    """

    def __init__(self, store: BudgetStore | None, limiter: Limiter, *, who: str) -> None:
        self._store = store
        self._limiter = limiter
        self._who = who

    @property
    def counts(self) -> bool:
        """Say whether there is a store to count in."""
        return self._store is not None

    def daily(self, api: Api) -> int:
        """Return the calls a day in force: what eBay told, else the documented ones."""
        return (self._store.learned(api.budget) if self._store else None) or api.daily

    def take(self, takes: Sequence[Take]) -> float:
        """Take from the buckets, then count the call for its day; return 0.0 or the seconds to wait.

        A part of the day is kept for calls that leave no reserve in the bucket either. A call the bucket refuses is not
        counted, for it never leaves.
        """
        wait = self._limiter.take(takes)
        if wait > 0 or self._store is None:
            return wait
        for take in takes:
            api = BY_BUCKET[take.bucket]
            daily = self.daily(api)
            limit = max(1, daily - int(daily * URGENT_SHARE)) if take.reserve else daily
            wait = max(wait, self._store.take(api.budget, limit=limit, who=self._who, kind="orders"))
        return wait

    def learn(
        self,
        bucket: str,
        *,
        rate: float | None = None,
        capacity: float | None = None,
        available: float | None = None,
        refund: float = 0.0,
    ) -> None:
        """Hand on to the limiter."""
        self._limiter.learn(bucket, rate=rate, capacity=capacity, available=available, refund=refund)

    def pause(self, bucket: str, seconds: float) -> None:
        """Hand on to the limiter."""
        self._limiter.pause(bucket, seconds)

    def learned_rate(self, bucket: str) -> float | None:
        """Hand on to the limiter."""
        return self._limiter.learned_rate(bucket)

    def believe(self, told: Sequence[Told]) -> None:
        """Keep what eBay said, and pause what it says is used up."""
        for line in told:
            if self._store is not None and self._store.learned(line.api.budget) != line.limit:
                self._store.learn(line.api.budget, limit=line.limit)
            if line.remaining == 0 and line.reset is not None:
                seconds = (line.reset - datetime.now(UTC)).total_seconds()
                if seconds > 0:
                    self._limiter.pause(line.api.bucket, min(seconds, DAY_SECONDS))


class LearningClock:
    """Says when this process shall ask eBay for its limits again: half-daily, and a while after a refusal. Thread-safe."""

    _all: dict[str, LearningClock] = {}
    _all_lock = threading.Lock()

    def __init__(self) -> None:
        self._due = float("-inf")
        self._lock = threading.Lock()

    @classmethod
    def shared(cls, application: str) -> LearningClock:
        """Return the process's one clock of this application."""
        with cls._all_lock:
            return cls._all.setdefault(application, cls())

    def claim(self) -> bool:
        """Say whether it is time, to one thread only."""
        with self._lock:
            now = time.monotonic()
            if now < self._due:
                return False
            self._due = now + RELEARN_SECONDS
            return True

    def hurry(self) -> None:
        """Ask again soon: eBay refused a call, or did not answer the question."""
        with self._lock:
            self._due = min(self._due, time.monotonic() + RELEARN_AFTER_REFUSAL_SECONDS)
