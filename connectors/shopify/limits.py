"""Rates and sizes, as data.

One bucket of points a (app, shop): a Standard plan gets 100 points a second, Advanced 200, Plus 1,000 (shopify.dev, API
rate limits). Every answer tells the bucket in force (`extensions.cost.throttleStatus`), which replaces these figures.
"""

from __future__ import annotations

import math
import threading

RATE_POINTS_PER_SECOND = 100.0
CAPACITY_POINTS = 1000.0
"""What a shop of the smallest plan surely has; the first answer teaches the true size."""

QUERY_MAX_POINTS = 1000
"""A single query above this is refused, whatever is in the bucket."""

QUERY_TARGET_POINTS = 900
"""What we aim at when we choose how many objects to ask for at once."""

MUTATION_POINTS = 10

INPUT_LIST_MAX = 250
"""Most entries an input array may have (shopify.dev, API limits)."""

RESERVE_FOR_ORDERS_POINTS = 100.0
"""Reads of stock leave this much in the bucket, so that an order never waits behind them."""

RESERVE_FOR_STOCK_POINTS = 300.0
"""Reads of the catalog leave this much: orders and stock go first."""

SEARCH_BATCH = 20
"""References asked for in one search."""

DEV_STORE_PAUSE_SECONDS = 60.0
"""Development and trial stores take five new orders a minute; the refusal names no pause of its own."""


def bucket(shop: str) -> str:
    """Return the limiter's name of the shop's bucket."""
    return f"shopify:{shop}"


class CostBook:
    """Learns how Shopify counts, so that batches are as large as they may be.

    Our own estimate is the plain sum (an object is one point, a connection two and its nodes), which is an upper bound.
    Every answer tells what Shopify asked for; the ratio, per document, makes the next batch larger or smaller.
    """

    def __init__(self) -> None:
        self._ratios: dict[str, float] = {}
        self._lock = threading.Lock()

    def points(self, document: str, estimate: float) -> float:
        """Return what a query with this estimate will be asked for."""
        return estimate * self._ratios.get(document, 1.0)

    def learn(self, document: str, estimate: float, requested: float) -> None:
        """Note what Shopify asked for a query of this estimate. Small queries teach nothing: rounding rules them."""
        if estimate < 20 or requested <= 0:
            return
        with self._lock:
            known = self._ratios.get(document)
            seen = requested / estimate
            # A dearer answer counts at once, a cheaper one only half: a batch too large costs a refused call.
            self._ratios[document] = seen if known is None or seen > known else (seen + known) / 2

    def too_dear(self, document: str) -> None:
        """Shopify refused the query for its cost: count it twice as dear from now on."""
        with self._lock:
            self._ratios[document] = max(1.0, self._ratios.get(document, 1.0)) * 2

    def batch(self, document: str, *, each: float, fixed: float = 0.0, most: int = INPUT_LIST_MAX) -> int:
        """Return how many objects of `each` estimated points fit into one query; at least one."""
        ratio = self._ratios.get(document, 1.0)
        return max(1, min(most, math.floor((QUERY_TARGET_POINTS / ratio - fixed) / each)))
