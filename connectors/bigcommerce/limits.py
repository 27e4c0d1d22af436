"""Rates and sizes, as data.

A store has one quota of requests a window, shared by all its apps: 150 in 30 seconds on Standard and Plus, 450 on Pro,
more on Enterprise (BigCommerce's API rate limits). Every answer tells the quota in force in its `X-Rate-Limit-*`
headers, which replaces these figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.ratelimit import Take

WINDOW_SECONDS = 30.0
QUOTA_REQUESTS = 150.0

BURST_REQUESTS = 60.0
"""What may leave at once. The whole quota would be twice too much: what refills meanwhile falls into the same window."""

RESERVE_FOR_ORDERS = 10.0
"""Reads of stock leave this many requests, so that an order never waits behind them."""

RESERVE_FOR_STOCK = 25.0
"""Reads of the catalog leave this many: orders and stock go first."""

LOW_PART = 0.4
"""Below this part of the quota the answer's own count is believed: other apps use the quota too."""

LOADED_PAUSE_SECONDS = 30.0
"""The pause after a 429 that names none: the platform itself is loaded, and one window is the least to wait."""

V2_PAGE = 250
V3_PAGE = 250
"""Most objects a page of orders, products or hooks may hold."""

INVENTORY_PAGE = 1000
"""Most items an answer of the inventory API holds."""

PRODUCTS_A_PAGE = 100
"""Products of one page of our catalog read; their figures come with one more call."""

IDS_A_CALL = 250
"""Most ids in one filter: an address has to stay well below 8 kB."""

NOTES_MOST = 65535
"""Longest text of `staff_notes`."""

KIND_RESERVES: Mapping[str, float] = {"orders": 0.0, "stock": RESERVE_FOR_ORDERS, "catalog": RESERVE_FOR_STOCK}


def bucket(store_hash: str) -> str:
    """Return the limiter's name of the store's quota."""
    return f"bigcommerce:{store_hash}"


def take(store_hash: str, kind: str) -> Take:
    """Return what one request of that kind (orders, stock, catalog) takes from the store's quota."""
    return Take(
        bucket(store_hash),
        rate=QUOTA_REQUESTS / WINDOW_SECONDS,
        capacity=BURST_REQUESTS,
        reserve=KIND_RESERVES[kind],
        # A store nobody called for a week has its whole quota; the first orders shall not wait for ours to fill.
        start=RESERVE_FOR_STOCK + 1,
    )


@dataclass(frozen=True, slots=True)
class Quota:
    """What an answer says of the quota: requests a window, requests left, seconds of the window and until it ends."""

    requests: float
    left: float
    window_seconds: float
    reset_seconds: float

    @property
    def rate(self) -> float:
        """Return the requests a second that the quota allows in the long run."""
        return self.requests / self.window_seconds

    @property
    def burst(self) -> float:
        """Return what may leave at once without overrunning the window."""
        return max(1.0, self.requests * BURST_REQUESTS / QUOTA_REQUESTS)

    @property
    def low(self) -> bool:
        """Say whether so little is left that it must be heeded."""
        return self.left < self.requests * LOW_PART


def quota_of(headers: Mapping[str, str]) -> Quota | None:
    """Return the quota an answer's headers tell, None when they are absent or make no sense."""
    try:
        window = float(headers.get("X-Rate-Limit-Time-Window-Ms", "")) / 1000
        reset = float(headers.get("X-Rate-Limit-Time-Reset-Ms", "")) / 1000
        requests = float(headers.get("X-Rate-Limit-Requests-Quota", ""))
        left = float(headers.get("X-Rate-Limit-Requests-Left", ""))
    except ValueError:
        return None
    if not (0 < window < 86400 and 0 < requests < 1e9 and 0 <= reset < 86400 and left >= 0):
        return None
    return Quota(requests, left, window, reset)


def pause_of(headers: Mapping[str, str]) -> float:
    """Return the pause a 429 asks for, in seconds: until the window ends, or long where it does not say when."""
    try:
        reset = float(headers.get("X-Rate-Limit-Time-Reset-Ms", "")) / 1000
    except ValueError:
        return LOADED_PAUSE_SECONDS
    return min(max(reset, 0.05), 600.0)
