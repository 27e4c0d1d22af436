"""Etsy's limits: calls a second and calls a day of our whole application (its key), all sellers together.

Source: Etsy's page "Rate limits" (essentials/rate-limits). The figures in force come with every answer
(`x-limit-per-second`, `x-limit-per-day`, `x-remaining-today`); those here only stand in until the first one.

Etsy's day is a sliding window of 24 hours, the `BudgetStore`'s is a day of UTC: what Etsy says is left corrects our
count upward, and a 429 with its `retry-after` (up to 86,400 s) pauses the whole application.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from connectors.contract.errors import RateLimited
from connectors.contract.tokens import BudgetStore
from connectors.etsy.config import PLATFORM
from connectors.etsy.reading import count
from connectors.ratelimit import Limiter, Take

DAY_SECONDS = 86400
DAILY = "etsy:day"
"""The name of our application's daily budget."""
BUCKET = "etsy:app"
"""The bucket of calls a second, shared by all sellers."""

DEFAULT_A_SECOND = 10.0
DEFAULT_A_DAY = 10_000
"""What a new application is given, as seen in Etsy's threads."""

URGENT_SHARE = 0.02
"""The part of a day's calls kept back for a person who waits (*Fetch one order now*)."""

LIST_SHARE = 0.5
"""The part of a day's calls ordinary sweeps may use; the rest is for orders read one by one, and for catching up."""

CORRECT_SECONDS = 60.0
"""How often at most one connector tells the store what Etsy says is left."""

THROTTLED_SECONDS = 5.0
THROTTLED_MOST_SECONDS = 300.0
"""The pause after a 429 that names none, doubled at each further one up to the most."""


def takes() -> tuple[Take, ...]:
    """Return what a call takes from the shared bucket."""
    # A bucket nobody knows lets the four calls of the check after connecting through, well below the slowest limit.
    return (Take(BUCKET, DEFAULT_A_SECOND, DEFAULT_A_SECOND, start=4.0),)


class Budget:
    """Our application's daily calls, as one shop's connector spends them. Thread-safe.

    `store` None (tools a person runs once) spends without counting; the limit a day is then what this process was told.
    """

    def __init__(self, store: BudgetStore | None, limiter: Limiter, *, who: str) -> None:
        self._store = store
        self._limiter = limiter
        self._who = who
        self._lock = threading.Lock()
        self._told: int | None = None
        self._corrected_at = float("-inf")
        self._refusals = 0

    @property
    def daily(self) -> int:
        """Return the calls a day in force: what Etsy told, else what new applications get."""
        learned = self._store.learned(DAILY) if self._store else None
        return learned or self._told or DEFAULT_A_DAY

    def spend(self, operation: str, *, urgent: bool = False) -> None:
        """Count one call. Raises `RateLimited` (ours) when the day's calls are used up; a part is kept for urgent ones."""
        if self._store is None:
            return
        daily = self.daily
        limit = daily if urgent else max(1, daily - int(daily * URGENT_SHARE))
        wait = self._store.take(DAILY, limit=limit, who=self._who, kind="orders")
        if wait > 0:
            raise RateLimited(
                f"Today's calls to Etsy are used up for {wait / 3600:.1f} h",
                retry_after=wait,
                platform=PLATFORM,
                operation=operation,
                ours=True,
            )

    def learn(self, headers: Mapping[str, str]) -> None:
        """Believe the headers of an answer."""
        rate = count(headers.get("x-limit-per-second", ""))
        if rate:
            self._limiter.learn(BUCKET, rate=float(rate), capacity=float(rate))
        with self._lock:
            self._refusals = 0
        daily = count(headers.get("x-limit-per-day", ""))
        if not daily:
            return
        left = count(headers.get("x-remaining-today", ""))
        with self._lock:
            new, self._told = daily != self._told, daily
            now = time.monotonic()
            correct = left is not None and (new or now >= self._corrected_at + CORRECT_SECONDS)
            if correct:
                self._corrected_at = now
        if self._store is None:
            return
        if new and self._store.learned(DAILY) != daily:
            self._store.learn(DAILY, limit=daily)
        if correct and left is not None:
            self._store.correct(DAILY, used=max(0, daily - left))

    def refused(self, asked: float) -> float:
        """Return how long to wait after a 429 that asked for `asked` seconds, and pause everybody for it.

        The first short pause is believed. When calls are refused again and again, each pause is longer: a day that is
        used up looks like this if Etsy names no pause.
        """
        with self._lock:
            again = THROTTLED_SECONDS * 2.0 ** (self._refusals - 1) if self._refusals else 0.0
            self._refusals = min(self._refusals + 1, 10)
        wait = min(max(asked, min(again, THROTTLED_MOST_SECONDS)), float(DAY_SECONDS))
        self._limiter.pause(BUCKET, wait)
        return wait


def sweep_seconds(daily: int, shops: int, floor: float) -> float:
    """Return the pause between two list calls of one shop when all shops share the sweeps' part of a day's calls."""
    return max(DAY_SECONDS * shops / max(1.0, daily * LIST_SHARE), floor)
