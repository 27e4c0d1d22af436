"""Amazon's published rates, as data: token buckets per operation, seller and application.

Source: the usage plans in Amazon's Swagger files. The header `x-amzn-RateLimit-Limit` teaches the rate really in force;
it never tells the burst.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.ratelimit import Take

RATE_HEADER = "x-amzn-RateLimit-Limit"

SLOW_RATE = 0.2
"""Below this many a second a limit is kept on the job row, not in Redis (MECHANISMS 10)."""

URGENT_RESERVE = 5
"""getOrder tokens kept for *Fetch one order now* (MECHANISMS 7)."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls a second, and how many at once after a pause."""

    rate: float
    burst: int


RATES: dict[str, Rate] = {
    "searchOrders": Rate(0.0056, 20),
    "getOrder": Rate(0.5, 30),
    "getMarketplaceParticipations": Rate(0.016, 15),
    "getAccount": Rate(0.016, 15),
    "createDestination": Rate(1, 5),
    "getDestinations": Rate(1, 5),
    "createSubscription": Rate(1, 5),
    "getSubscription": Rate(1, 5),
    "deleteSubscriptionById": Rate(1, 5),
}

RARE = frozenset(RATES) - {"searchOrders", "getOrder"}
"""Made once a connection or so: the first call after a long while goes at once."""


def bucket(operation: str, owner: str) -> str:
    """Return the bucket's name; `owner` is the seller, or `app` for calls made in our own name."""
    return f"amazon:{owner}:{operation}"


def takes(operation: str, owner: str, *, reserve: float = 0.0) -> tuple[Take, ...]:
    """Return what a call takes from the limiter: nothing for slow operations, whose limit the job row keeps."""
    known = RATES[operation]
    if known.rate < SLOW_RATE:
        return ()
    # A lost bucket starts empty but for what this code never spends by itself: the calls kept back for a person are
    # still there at Amazon, so the first hint after a Redis flush need not wait 12 s, and no 429 is risked by it.
    start = 1.0 if operation in RARE else URGENT_RESERVE + 1.0
    return (Take(bucket(operation, owner), known.rate, known.burst, reserve=reserve, start=start),)
