"""When to try again. Pure; the jitter can be switched off, so that a test can say the exact second."""

from __future__ import annotations

import random
from collections.abc import Sequence

MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0

RETRY_SCHEDULE: tuple[float, ...] = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)
"""F63: 1, 5, 15, 60 minutes, then every six hours for seven days."""
RETRY_EVERY = 6 * HOUR
RETRY_FOR = 7 * DAY

SYSTEM_RANDOM = random.SystemRandom()


def retry_delay(
    attempt: int, *, age: float, schedule: Sequence[float] = RETRY_SCHEDULE, jitter: float = 0.1
) -> float | None:
    """Return the seconds until the next try after `attempt` failed ones, or None when it is time to give up.

    `age` is how long the row has been trying, in seconds. F63's clock; `jitter` is a share, 0 switches it off.
    """
    if age > RETRY_FOR:
        return None
    base = schedule[attempt - 1] if 1 <= attempt <= len(schedule) else RETRY_EVERY
    if attempt < 1:
        base = schedule[0]
    return base * (1 + jitter * SYSTEM_RANDOM.random()) if jitter else base


def doubling(attempt: int, *, first: float = 1.0, top: float = 900.0, jitter: bool = True) -> float:
    """Return a full-jitter exponential wait in seconds: somewhere in 0..min(top, first × 2^(attempt−1))."""
    cap = min(top, first * 2.0 ** max(attempt - 1, 0))
    return SYSTEM_RANDOM.random() * cap if jitter else cap


def stock_recheck(held_for: float) -> float | None:
    """Return the seconds until a variant short of stock is read again: 10 minutes for a day, hourly for a week, then never."""
    if held_for <= DAY:
        return 10 * MINUTE
    if held_for <= 7 * DAY:
        return HOUR
    return None
