"""Facts of a store that orders depend on: its currencies, and when it moves stock. Kept for a minute.

BigCommerce has no switch on an order that says what to do with stock. The store decides: `update_stock_behavior` is
`order_placed` or `order_completed_or_shipped`, for the whole store or, where a channel overrides it, for that channel.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connectors.bigcommerce.client import Client

KEPT_SECONDS = 60.0
"""How long facts are believed. An order that must not take stock is judged by them, so it is short."""

PLACED = "order_placed"
SHIPPED = "order_completed_or_shipped"

FIRST_CHANNEL = 1
"""The channel orders go to when none is named."""


@dataclass(frozen=True, slots=True)
class StockRule:
    """When orders move stock, and whether a cancellation gives it back; "" and None where the store does not tell."""

    behavior: str
    restocks: bool | None


class Facts:
    """Reads and keeps the facts of one store. Thread-safe; two readers at once merely read twice."""

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Any]] = {}

    def store(self) -> dict[str, Any]:
        """Return the store's own facts (V2 `store`)."""
        found: dict[str, Any] = self._get("store", self._client.store)
        return found

    def currency(self) -> str:
        """Return the store's default currency."""
        return str(self.store().get("currency") or "")

    def currencies(self) -> tuple[str, ...]:
        """Return the currencies an order may be made in: the default one and those switched on as transactional."""
        found: tuple[str, ...] = self._get("currencies", self._read_currencies)
        return found

    def stock_rule(self) -> StockRule:
        """Return when orders move stock: what the channel says, else what the store says."""
        rule: StockRule = self._get("stock_rule", self._read_stock_rule)
        return rule

    def forget(self) -> None:
        """Read everything anew at the next question."""
        with self._lock:
            self._kept.clear()

    def _read_currencies(self) -> tuple[str, ...]:
        listed = [
            str(one.get("currency_code") or "")
            for one in self._client.currencies()
            if one.get("is_default") is True or (one.get("is_transactional") is True and one.get("enabled") is True)
        ]
        return tuple(dict.fromkeys([self.currency(), *sorted(filter(None, listed))]))

    def _read_stock_rule(self) -> StockRule:
        channel = self.store().get("default_channel_id")
        own = self._client.inventory_settings(channel if isinstance(channel, int) else FIRST_CHANNEL)
        behavior, restocks = own.get("update_stock_behavior"), own.get("refund_order_stock_adjustment")
        if behavior is None or restocks is None:
            whole = self._client.inventory_settings()
            behavior = whole.get("update_stock_behavior") if behavior is None else behavior
            restocks = whole.get("refund_order_stock_adjustment") if restocks is None else restocks
        return StockRule(str(behavior or ""), restocks if isinstance(restocks, bool) else None)

    def _get(self, name: str, read: Callable[[], Any]) -> Any:
        with self._lock:
            kept = self._kept.get(name)
        if kept is not None and self._clock() - kept[0] < KEPT_SECONDS:
            return kept[1]
        value = read()
        with self._lock:
            self._kept[name] = (self._clock(), value)
        return value
